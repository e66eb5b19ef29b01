"""What a newcomer types: the environment that `make` builds, the Makefile itself, and what CI runs.

tools/venv.sh meets a fake Python here, which writes down what was asked of it; a real installation takes minutes.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Answers as Python 3.11 would, unless a file of that name in answers/ gives another exit code or text.
FAKE_PYTHON = """#!/bin/sh
answers=$(cd "$(dirname "$0")" && while [ ! -d answers ]; do cd ..; done; pwd)/answers
case "$*" in
    -c*'print('*) cat "$answers/version" ;;
    -c*'< (3, 10)'*) ! grep -q '^3[.][0-9]$' "$answers/version" ;;
    -c*ensurepip*) test ! -e "$answers/no-ensurepip" ;;
    "-m venv .venv") echo venv >>"$answers/asked"; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    "-m pip --version") ;;
    "-m pip install"*)
        echo "$*" >>"$answers/asked"
        echo "Collecting small"
        echo "  Downloading big-1.0.whl (554.6 MB)"
        test ! -e "$answers/pip" || . "$answers/pip"
        ;;
esac
"""


class Machine:
    """A folder with requirements and a fake Python in it."""

    def __init__(self, folder: Path):
        self.folder, self.answers = folder, folder / "answers"
        self.started: list[subprocess.Popen[str]] = []
        for name in ("tools", "answers", "bin"):
            (folder / name).mkdir()
        shutil.copy2(ROOT / "tools" / "venv.sh", folder / "tools")
        self.write("requirements.txt", "small\n")
        self.write("requirements-dev.txt", "-r requirements.txt\npytest\n")
        self.write("answers/version", "3.11\n")
        self.write("bin/python3", FAKE_PYTHON).chmod(0o755)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, wanted="requirements.txt", **environ):
        environ = {"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", **environ}
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.started.append(subprocess.Popen(["tools/venv.sh", wanted], cwd=self.folder, env=environ, **pipes))
        return self.started[-1]

    def run(self, wanted="requirements.txt", **environ):
        """Exit code and what was said."""
        process = self.start(wanted, **environ)
        said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def asked(self):
        """What the fake Python was asked to do since the last look: "venv", or a requirements file for pip."""
        path = self.answers / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.split()[-1] for line in lines]


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    for process in machine.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_the_first_run_installs_and_the_second_does_nothing(machine):
    code, said = machine.run()
    assert (code, machine.asked()) == (0, ["venv", "requirements.txt"])
    assert "big-1.0.whl (554.6 MB)" in said and "Collecting" not in said
    os.utime(machine.folder / "requirements.txt")  # a new date is not a new requirement
    assert machine.run() == (0, "")
    assert machine.asked() == []


def test_a_new_requirement_is_installed_in_the_same_environment(machine):
    machine.run()
    machine.asked()
    machine.write("requirements.txt", "small\nnew\n")
    assert machine.run()[0] == 0
    assert machine.asked() == ["requirements.txt"]


def test_the_developers_file_holds_the_other(machine):
    assert machine.run("requirements-dev.txt")[0] == 0
    assert machine.asked() == ["venv", "requirements-dev.txt"]
    assert machine.run() == (0, "")
    machine.write("requirements.txt", "small\nnew\n")
    assert machine.run("requirements-dev.txt")[0] == 0
    assert machine.asked() == ["requirements-dev.txt"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_installation_cut_short_does_not_count(machine, how):
    slow = (
        "import time; open('.venv/half-copied', 'w').close(); time.sleep(60)"  # one process: a shell can lose a signal
    )
    machine.write("answers/pip", f'exec {sys.executable} -c "{slow}"')
    process = machine.start()
    deadline = time.monotonic() + 30
    while not (machine.folder / ".venv" / "half-copied").exists():
        assert time.monotonic() < deadline, "pip was never started"
        time.sleep(0.01)
    os.killpg(process.pid, how)
    process.communicate(timeout=30)
    assert process.returncode != 0
    machine.asked()

    (machine.answers / "pip").unlink()
    code, said = machine.run()
    assert (code, machine.asked()) == (0, ["venv", "requirements.txt"])
    assert "cut short" in said
    assert not (machine.folder / ".venv" / "half-copied").exists()
    assert machine.run() == (0, "")


def test_pip_alone_being_killed_does_not_count_either(machine):
    machine.write("answers/pip", "kill -KILL $$")
    assert machine.run()[0] == 1
    machine.asked()
    assert machine.run()[0] == 1
    assert machine.asked()[0] == "venv"


def test_a_failed_installation_says_why_and_leaves_what_worked(machine):
    machine.run()
    machine.asked()
    machine.write("answers/pip", "echo 'WARNING: noise'; echo 'ERROR: No matching distribution'; exit 1")
    code, said = machine.run("requirements-dev.txt")
    assert code == 1
    assert "ERROR: No matching distribution" in said and "noise" not in said and "Is there a network" in said
    assert machine.asked() == ["requirements-dev.txt"]
    assert machine.run() == (0, "")  # the app still starts
    assert machine.run("requirements-dev.txt")[0] == 1  # and the tests still do not


def test_an_environment_whose_python_is_gone_is_made_again(machine):
    machine.run()
    machine.asked()
    (machine.folder / ".venv" / "bin" / "python").unlink()
    assert machine.run()[0] == 0
    assert machine.asked() == ["venv", "requirements.txt"]


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (
            lambda m: m.write("bin/python3", "#!/bin/sh\nexit 1\n"),
            r"no python3 here\..*apt install python3 python3-venv",
        ),
        (lambda m: m.write("answers/version", "3.9\n"), r"Python 3\.9, and 3\.10 or later.*make PYTHON="),
        (lambda m: m.write("answers/no-ensurepip", ""), r"apt install python3\.11-venv"),
    ],
    ids=["no Python", "too old", "no venv"],
)
def test_a_python_that_will_not_do_is_said_in_one_sentence(machine, prepare, sentence):
    prepare(machine)
    code, said = machine.run()
    assert code == 1
    assert re.fullmatch(f".*{sentence}.*\n", said), said
    assert not (machine.folder / ".venv").exists()


def test_another_python_can_be_chosen(machine):
    (machine.folder / "bin" / "python3").rename(machine.folder / "bin" / "python3.12")
    assert machine.run(PYTHON="python3.12")[0] == 0
    assert machine.asked() == ["venv", "requirements.txt"]


# --- the Makefile and what CI runs ------------------------------------------------------------------------------------


def make(*arguments):
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_help_tells_every_target():
    targets = re.search(r"\.PHONY: help (.*)", (ROOT / "Makefile").read_text()).group(1).split()
    told = re.findall(r"^make (\w+)", make("help").stdout, re.MULTILINE)
    assert told == targets == ["run", "test", "lint", "bench", "clean"]
    assert make().stdout == make("help").stdout


def test_clean_spares_the_runs_and_the_weights():
    done = make("--dry-run", "clean")
    assert ".venv" in done.stdout
    assert not re.search(r"\b(runs|weights|gan_core|tests)\b", done.stdout)


@pytest.mark.parametrize("script", ["tools/venv.sh", ".ci/run"])
def test_scripts_can_be_run(script):
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash" if script == ".ci/run" else "sh", "-n", path]).returncode == 0


@pytest.mark.parametrize("failing", [set(), {"lint"}, {"test"}, {"lint", "test"}], ids=sorted)
def test_ci_fails_when_either_fails_and_runs_both(tmp_path, failing):
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy2(ROOT / ".ci" / "run", tmp_path / ".ci")
    for name in ("chromium", "ffmpeg", "python3"):
        fake(tmp_path / "bin" / name, "exit 0")
    fake(tmp_path / "bin" / "make", f'echo "$1" >>made; case "{" ".join(failing)}" in *"$1"*) exit 1 ;; esac')
    environ = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    done = subprocess.run([tmp_path / ".ci" / "run"], env=environ, capture_output=True, text=True)
    assert (tmp_path / "made").read_text().split() == ["lint", "test"], done.stderr
    assert done.returncode == bool(failing)


def fake(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
