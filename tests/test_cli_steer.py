"""runs, pause, resume, stop and fork, on a real training in another process."""

import json
import os
import subprocess
import sys
import time

import pytest

from gan_core.cli import main
from gan_core.training.folder import RunFolder

SMALL = ["--data=fashion-mini", "--ngf=4", "--ndf=4", "--batch-size=8", "--measure=0", "--doctor=off", "--threads=1"]


def until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def state(folder):
    return folder.status.state if folder.status else ""


@pytest.fixture
def playing(tmp_path):
    command = [sys.executable, "-m", "gan_core", "train", "--run=first", f"--runs={tmp_path}", *SMALL]
    process = subprocess.Popen([*command, "--until=1000000"], env=os.environ | {"OMP_NUM_THREADS": "1"})
    folder = RunFolder(tmp_path / "first")
    try:
        until(lambda: state(folder) == "running" and folder.status.step > 0)
        yield folder, process
    finally:
        process.kill()
        process.wait()


def test_a_run_is_steered_from_the_command_line(playing, tmp_path, capsys):
    folder, process = playing

    def command(*words):
        assert main([*words, f"--runs={tmp_path}"]) == 0
        return capsys.readouterr().out

    assert "Asked first to pause" in command("pause", "first")
    until(lambda: state(folder) == "paused")
    (row,) = json.loads(command("runs", "--json"))
    assert (row["name"], row["state"], row["data"], row["preset"]) == ("first", "paused", "fashion-mini", "dcgan2015")
    assert "plays on" in command("resume", "first")
    until(lambda: state(folder) == "running")
    command("stop", "first")
    assert process.wait(30) == 0
    assert state(folder) == "stopped"

    ended = folder.status.step
    assert f"Finished at step {ended + 4:,}" in command("resume", "first", f"--steps={ended + 4}")
    assert f"Finished at step {ended + 6:,}" in command("fork", "first", "--run=second", f"--steps={ended + 6}")
    listed = command("runs")
    assert "first" in listed and "second" in listed and "finished" in listed


def test_what_cannot_be_steered_is_said(tmp_path, capsys):
    said = {
        ("pause", "nowhere"): "There is no run 'nowhere'",
        ("stop", "../x"): "cannot name a run",
        ("resume", "nowhere"): "There is no run 'nowhere'",
        ("fork", "nowhere", "--run=x"): "There is no run 'nowhere'",
    }
    for words, sentence in said.items():
        assert main([*words, f"--runs={tmp_path}"]) == 2
        assert sentence in capsys.readouterr().err
    RunFolder(tmp_path / "old").path.mkdir()
    RunFolder(tmp_path / "old").write_status("finished", 7)
    assert main(["pause", "old", f"--runs={tmp_path}"]) == 2
    assert "Nobody plays run 'old': it is finished at step 7" in capsys.readouterr().err
    assert main(["runs", f"--runs={tmp_path / 'empty'}"]) == 0
    assert "Start one: python -m gan_core train" in capsys.readouterr().out
