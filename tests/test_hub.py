"""Pushing, against a Hub that runs here."""

import json
import re
import socket
import time

import pytest
from huggingface_hub import constants

from gan_core.config import ModelConfig
from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.hub import push
from tests.fake_hub import TOKEN, WRITERS, FakeHub


@pytest.fixture
def hub(monkeypatch):
    with FakeHub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


@pytest.fixture
def files(tmp_path):
    made = {
        "README.md": b"---\ntitle: x\n---\n# Card\n",
        "a/deep/script.js": b"export const x = 1;\n",
        "G.onnx": bytes(range(256)) * 400,
        "empty.css": b"",
    }
    for name, data in made.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in made}


def held(hub, kind, repo="ada/toy"):
    return {path: data for path, data in hub.repos[kind, repo].items() if path != ".gitattributes"}


@pytest.mark.parametrize(("kind", "sdk"), [("space", "static"), ("model", None)])
def test_every_file_arrives_byte_for_byte_in_one_commit(hub, files, kind, sdk):
    address = push(files, "ada/toy", kind, "A toy")
    assert address == f"{hub.url}/{'spaces/' if kind == 'space' else ''}ada/toy"
    assert held(hub, f"{kind}s") == {name: path.read_bytes() for name, path in files.items()}
    assert hub.sdk == {"ada/toy": sdk}
    assert len(hub.commits) == 1
    assert [line["key"] for line in hub.commits[0] if line["value"].get("path") == "G.onnx"] == ["lfsFile"]


def test_a_second_push_updates_takes_away_what_is_ours_and_leaves_what_is_not(hub, files):
    push(files, "ada/toy", "space", "A toy")
    hub.repos["spaces", "ada/toy"]["a/of-a-person.txt"] = hub.repos["spaces", "ada/toy"]["mine.js"] = b"hers"
    files["G.onnx"].write_bytes(b"other weights")
    push({"G.onnx": files["G.onnx"]}, "ada/toy", "space", "Again", ours=["a/*.js", "*.css"])
    assert held(hub, "spaces") == {
        "README.md": files["README.md"].read_bytes(), "G.onnx": b"other weights",
        "a/of-a-person.txt": b"hers", "mine.js": b"hers",
    }  # fmt: skip
    assert len(hub.commits) == 2


def test_pushing_the_same_again_is_no_error(hub, files):
    del files["G.onnx"]  # the Hub compares what it holds as plain files
    for _ in range(2):
        push(files, "ada/toy", "model", "A toy")
    assert len(hub.commits) == 1


def test_the_token_goes_into_one_header_and_nowhere_else(hub, files, tmp_path, caplog, capfd):
    caplog.set_level(0)
    push(files, "ada/toy", "space", "A toy")
    with_token = [asked for asked in hub.asked if TOKEN in json.dumps([asked["path"], asked["headers"]])]
    assert with_token
    for asked in hub.asked:
        kept = {name: value for name, value in asked["headers"].items() if name.lower() != "authorization"}
        assert TOKEN not in asked["path"] + str(kept)
        assert TOKEN.encode() not in asked["body"]
        assert asked["method"] != "PUT" or asked not in with_token, "storage is a stranger"
    assert TOKEN not in caplog.text + "".join(capfd.readouterr())
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_a_gan_pushes_itself(hub):
    address = GAN(ModelConfig(image_size=28, nc=1, ngf=4, ndf=4, nz=8)).push_to_hub("ada/toy", step=5)
    assert address.endswith("/ada/toy")
    files = held(hub, "models")
    assert set(files) == {"config.json", "model.safetensors"}
    assert json.loads(files["config.json"])["step"] == 5


def refused(files, name="ada/toy", kind="space"):
    began = time.monotonic()
    with pytest.raises(UserError) as caught:
        push(files, name, kind, "A toy")
    assert time.monotonic() - began < 8
    for lang in ("en", "zh"):
        assert TOKEN not in caught.value.said(lang)
    return caught.value


@pytest.mark.parametrize("name", ["a/b/c", "", "ada/", "ada/a b", "../x", "ada/x.git", "ada/" + "x" * 200])
def test_a_name_that_cannot_be(hub, files, name):
    assert refused(files, name).key == "push_name"
    assert not hub.asked


def test_without_a_login(hub, files, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    said = refused(files)
    assert said.key == "push_nobody"
    assert "hf auth login" in str(said) and "HF_TOKEN" in str(said)
    assert not hub.asked


def test_offline(hub, files, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refused(files).key == "push_offline"
    assert not hub.asked


def test_a_token_that_nobody_gave(hub, files, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 30)
    assert refused(files).key == "push_token"


def test_another_persons_place(hub, files):
    said = refused(files, "eve/toy")
    assert said.key == "push_forbidden"
    assert "ada" in str(said), "it says who is logged in"


def test_a_token_that_may_only_read(hub, files, monkeypatch):
    hub.repos["spaces", "ada/toy"] = {}
    monkeypatch.setenv("HF_TOKEN", next(token for token, who in WRITERS.items() if who == "eve"))
    assert refused(files).key == "push_forbidden"
    assert hub.repos["spaces", "ada/toy"] == {}


def test_no_network(files, monkeypatch, hub):
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{here.getsockname()[1]}")
        assert refused(files).key == "push_network"


def test_a_network_that_swallows(files, monkeypatch, hub):
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()  # takes the call and says nothing
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{here.getsockname()[1]}")
        monkeypatch.setattr("gan_core.hub.FIRST_ANSWER", 0.3)
        assert refused(files).key == "push_network"


def test_a_hub_that_breaks_says_why_and_changes_nothing(hub, files):
    hub.broken = 507
    said = refused(files)
    assert said.key == "push_failed"
    assert re.search("disk of the Hub is full", str(said))
    assert held(hub, "spaces") == {}
