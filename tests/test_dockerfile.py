"""The Dockerfile, held without a container engine: what it promises is read from it, and its commands are run here."""

import json
import re
import shlex
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def read_instructions() -> list[tuple[str, str]]:
    """(name, argument) of each, comments left out and continued lines joined."""
    lines = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    lines = re.sub(r"\s*\\\n\s*", " ", lines)
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines.splitlines()) if name]


INSTRUCTIONS = read_instructions()


def those(name: str) -> list[str]:
    return [argument for other, argument in INSTRUCTIONS if other == name]


def position(name: str, part: str) -> int:
    return next(i for i, (other, argument) in enumerate(INSTRUCTIONS) if other == name and part in argument)


def environ() -> dict[str, str]:
    return dict(word.split("=", 1) for argument in those("ENV") for word in shlex.split(argument))


def sources() -> list[str]:
    """What is copied from the repository, in order."""
    words = [[w for w in shlex.split(argument) if not w.startswith("--")] for argument in those("COPY")]
    return [source for *copied, _ in words for source in copied]


def test_the_base_is_slim_and_of_a_python_that_we_support():
    (base,) = those("FROM")
    minor = re.fullmatch(r"python:3\.(\d+)-slim", base).group(1)
    assert 10 <= int(minor) <= 13


def test_no_host_is_named():
    assert re.findall(r"\w+://[^/:\s]+", TEXT) == ["http://127.0.0.1"]


def test_it_runs_as_user_1000_from_a_home_of_its_own():
    assert any("useradd" in run and "--uid 1000" in run for run in those("RUN"))
    assert those("USER") == ["user"]
    assert environ()["HOME"] == "/home/user"
    assert those("WORKDIR") == ["/home/user/app"]
    as_root = [run for name, run in INSTRUCTIONS[: position("USER", "user")] if name == "RUN"]
    assert not any("pip" in run for run in as_root)


def test_the_work_folder_belongs_to_the_user():
    """Some builders make WORKDIR as root; then the app cannot write runs/."""
    made = position("RUN", "install -d -o user -g user /home/user/app /home/user/app/runs")
    assert made < position("WORKDIR", "/home/user/app")


def test_it_listens_outside_on_7860():
    assert environ()["HOST"] == "0.0.0.0"
    assert environ()["PORT"] == "7860"
    assert those("EXPOSE") == ["7860"]


def test_ffmpeg_is_in_it_and_the_lists_of_apt_are_not():
    (run,) = [run for run in those("RUN") if "apt-get" in run]
    assert re.search(r"apt-get update && .*apt-get install -y --no-install-recommends ffmpeg", run)
    assert "rm -rf /var/lib/apt/lists/*" in run


def test_the_app_is_process_one():
    """A shell in between would keep SIGTERM to itself, and `docker stop` would cut a training short."""
    assert [json.loads(command) for command in those("CMD")] == [["python", "app.py"]]


# --- what is copied, and what may not be ------------------------------------------------------------------------------


def test_nothing_is_stored_twice():
    assert all(argument.startswith("--chown=user:user ") for argument in those("COPY"))
    assert not any("chown -R" in run for run in those("RUN"))
    copied = sources()
    assert len(copied) == len(set(copied))
    assert "." not in copied  # it would hold the rest again


def test_what_changes_seldom_comes_first():
    copied = sources()
    assert copied.index("requirements.txt") < copied.index("weights") < copied.index("gan_core")
    assert position("COPY", "requirements.txt") < position("RUN", "pip install") < position("COPY", "weights")


@pytest.mark.parametrize("source", sources())
def test_what_is_copied_is_here_and_not_ignored(source):
    assert (ROOT / source).exists()
    assert not ignored(source)


@pytest.mark.parametrize(
    "path", [".git", ".venv", "runs", "tests", "node_modules", "gan_core/ui/__pycache__", "README.md"]
)
def test_what_is_not_needed_is_not_sent(path):
    assert ignored(path)


def ignored(path: str) -> bool:
    """As a builder reads .dockerignore: the last line that matches the path, or a folder it lies in, decides."""
    verdict = False
    folders = [path, *map(str, Path(path).parents)][:-1]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = re.escape(line.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if not line.startswith("#") and any(re.fullmatch(pattern, folder) for folder in folders):
            verdict = not line.startswith("!")
    return verdict


# --- its commands, run ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", ["", "https://index.example/cpu"])
def test_torch_and_torchvision_come_from_one_index(tmp_path, index):
    """The step itself, with a pip that writes down what it was asked and what was in the file it was given."""
    (run,) = [run for run in those("RUN") if "pip install" in run]
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\necho "$@"\nfor file; do :; done\ngrep -oE "^[a-z-]+" "$file"\n')
    pip.chmod(0o755)
    (tmp_path / "requirements.txt").write_bytes((ROOT / "requirements.txt").read_bytes())
    run = run.replace("/tmp/torch.txt", "torch.txt")
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TORCH_INDEX": index}
    done = subprocess.run(["sh", "-c", run], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    first, second = done.stdout.split("install --user ")[1:]
    assert first.split() == [*(["--index-url", index] if index else []), "-r", "torch.txt", "torch", "torchvision"]
    assert second.split()[:4] == ["-r", "requirements.txt", "torch", "torchvision"]
    assert those("ARG") == ['TORCH_INDEX=""']


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize(("answer", "healthy"), [(200, True), (500, False), (None, False)])
def test_the_health_check_tells_a_page_that_answers_from_one_that_does_not(answer, healthy):
    (check,) = those("HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[0] == "python"
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        server.answer = answer
        environ = {"PORT": str(server.server_port)}
        if answer is None:
            server.server_close()  # nobody listens
        else:
            Thread(target=server.handle_request, daemon=True).start()
        done = subprocess.run([sys.executable, *command[1:]], env=environ, capture_output=True)
    assert (done.returncode == 0) == healthy
