"""Who may steer: whoever started a run, a holder of the teacher's key, or everybody at a machine of their own."""

import os
import re
import subprocess
import sys
import urllib.request
from argparse import Namespace
from hashlib import sha256
from pathlib import Path

import pytest

import app
from gan_core.errors import UserError
from gan_core.training.folder import RunFolder
from gan_core.ui.rights import Rights, Visitor, is_loopback, key_for, owner_of, public_id, write_owner

ROOT = Path(__file__).parents[2]
ANN, BEN = "a" * 32, "b" * 32


def test_a_visitor_is_known_by_a_digest_of_a_token():
    ann = sha256(ANN.encode()).hexdigest()[:12]
    assert public_id({"x-studio-visitor": ANN}) == ann
    assert public_id({"cookie": f'lang=en; strange cookie={{"x"}}; studio-visitor={ANN}; z=1'}) == ann
    assert public_id({"x-studio-visitor": ANN, "cookie": f"studio-visitor={BEN}"}) == ann
    for nobody in ({}, {"cookie": "lang=en"}, {"x-studio-visitor": ""}, {"x-studio-visitor": "me"}):
        assert public_id(nobody) == ""


@pytest.mark.parametrize(
    ("rights", "headers", "may"),
    [
        (Rights(), {}, True),
        (Rights(key="secret"), {}, True),
        (Rights("secret", open=False), {}, False),
        (Rights("secret", open=False), {"x-studio-key": "secret"}, True),
        (Rights("secret", open=False), {"x-studio-key": "Secret"}, False),
        (Rights("secret", open=False), {"x-studio-key": "sécret"}, False),
        (Rights("", open=False), {"x-studio-key": ""}, False),
        (Rights("secret", open=False), {"x-studio-visitor": ANN}, True),
        (Rights("secret", open=False), {"cookie": f"studio-visitor={ANN}"}, True),
        (Rights("secret", open=False), {"x-studio-visitor": BEN}, False),
        (Rights("secret", open=False), {"x-studio-visitor": public_id({"x-studio-visitor": ANN})}, False),
    ],
)
def test_who_may_steer_ann_s_run(tmp_path, rights, headers, may):
    folder = RunFolder(tmp_path)
    write_owner(folder, public_id({"x-studio-visitor": ANN}))
    assert rights.may_steer(rights.visitor(headers), folder) is may


def test_a_run_of_nobody_is_nobody_s(tmp_path):
    """One that a command started, or a page without a token: its owner is not everybody who has none either."""
    folder = RunFolder(tmp_path)
    for written in (None, '{"owner": ""}', '{"owner', "[]", "{}"):
        if written is not None:
            (tmp_path / "owner.json").write_text(written)
        assert owner_of(folder) == ""
        assert not Rights("secret", open=False).may_steer(Visitor("", teacher=False), folder)


@pytest.mark.parametrize(
    ("given", "host", "public", "key", "everybody"),
    [
        ("", "127.0.0.1", False, "", True),
        ("", "localhost", False, "", True),
        ("", "::1", False, "", True),
        ("", "127.0.0.1", True, r"[\w-]{12}", False),
        ("", "0.0.0.0", False, r"[\w-]{12}", False),
        ("", "192.168.1.5", False, r"[\w-]{12}", False),
        ("", "classroom.local", False, r"[\w-]{12}", False),
        ("our-key", "127.0.0.1", False, "our-key", False),
        ("our-key", "0.0.0.0", True, "our-key", False),
    ],
)
def test_where_a_key_is_needed(given, host, public, key, everybody):
    made = key_for(given, host, public)
    assert re.fullmatch(key, made[0]) and made[1] is everybody
    assert is_loopback(host) is (host in ("127.0.0.1", "localhost", "::1"))
    studio = app.studio_of(Namespace(teacher_key=given, runs=Path("runs"), public=public), host)
    assert re.fullmatch(key, studio.key)
    assert (studio.open, studio.public) == (everybody, public)


def test_two_starts_make_two_keys():
    assert key_for("", "0.0.0.0", False) != key_for("", "0.0.0.0", False)


@pytest.mark.parametrize("bad", ["short", "with space", "密钥密钥密钥", "x" * 201])
def test_a_key_that_would_not_do_is_refused(bad):
    with pytest.raises(UserError, match="cannot be the teacher's key") as error:
        key_for(bad, "127.0.0.1", False)
    assert "教师密钥" in error.value.said("zh")


def test_the_command_line_comes_before_the_environment(monkeypatch):
    monkeypatch.setenv("STUDIO_TEACHER_KEY", "from-environment")
    monkeypatch.setattr(sys, "argv", ["app.py"])
    assert app.options().teacher_key == "from-environment"
    assert app.options().public is False
    monkeypatch.setattr(sys, "argv", ["app.py", "--teacher-key", "from-line", "--port", "81", "--host", "::1"])
    given = app.options()
    assert given.teacher_key == "from-line"
    assert app.listen(given.host, given.port) == ("::1", 81)
    monkeypatch.setenv("SPACE_ID", "somebody/something")
    assert app.options().public is True


def test_an_app_for_a_class_shows_its_key_once(tmp_path):
    """The real app, listening to everybody: who has the key is the teacher, and who has not is told who they are."""
    command = [sys.executable, "-u", "app.py", "--host", "0.0.0.0", "--port", str(free_port()), "--runs", str(tmp_path)]
    names = ("STUDIO_TEACHER_KEY", "SPACE_ID")
    environ = {name: value for name, value in os.environ.items() if name not in names} | {"HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        while not lines or "?key=" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "the app ended"
        address, key = re.search(r"(http://\S+/)\?key=(\S+)", lines[-1]).groups()
        assert lines[0].startswith(f"DCGAN Studio is at {address}")

        def me(**headers):
            asked = urllib.request.Request(f"{address}gradio_api/gan/me", headers=headers)
            return urllib.request.urlopen(asked, timeout=30).read().decode()

        assert '"teacher":true,"open":false' in me(**{"x-studio-key": key})
        assert '"teacher":false,"open":false' in me(**{"x-studio-key": "guessed"})
        assert f'"id":"{public_id({"x-studio-visitor": ANN})}"' in me(**{"x-studio-visitor": ANN})
    finally:
        process.terminate()
        rest = process.communicate(timeout=60)[0]
    assert key not in rest


def free_port():
    import socket

    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        return here.getsockname()[1]
