"""runs, pause, resume, stop and fork, on a real training in another process."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from gan_core.cli import main
from gan_core.training.events import Changed, Refused
from gan_core.training.folder import RunFolder, Status

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


def test_the_hand_on_the_wheel_from_the_command_line(playing, tmp_path, capsys):
    folder, process = playing

    def command(*words, ok=0):
        assert main([*map(str, words), f"--runs={tmp_path}"]) == ok
        said = capsys.readouterr()
        return said.err if ok else said.out

    said = command("set", "first", "--lr-d", "1e-5", "--augment", "color", "cutout", "--flip")
    assert "lr_D 0.0002 -> 1e-05" in said and "flip False -> True" in said and "['color', 'cutout']" in said
    assert "set so already" in command("set", "first", "--flip")
    assert "lr_D is 7.0, but must lie between" in command("set", "first", "--lr-d", "7", ok=2)
    assert "--d-moves" in command("set", "first", ok=2)
    said = command("step", "first", "D")
    assert "D moved at step" in said and "those of G by 0.\n" in said
    assert state(folder) == "paused"
    assert "the weights of D moved by 0, those of G by 0.0" in command("step", "first", "G")
    step = folder.status.step
    assert f"played at step {step + 1:,}" in command("step", "first", "both")
    assert "Unknown player 'E'" in command("step", "first", "E", ok=2)
    assert "every 0.5 seconds" in command("slow", "first", "--pace", "0.5")
    until(lambda: folder.status.step > step + 2)
    assert "pace is 99.0" in command("slow", "first", "--pace", "99", ok=2)
    assert "waits there" in command("back", "first", 3)
    until(lambda: state(folder) == "paused" and folder.status.step == 3)
    assert not folder.config["changes"]
    assert "must lie between 0 and 3" in command("back", "first", 400, ok=2)
    command("resume", "first")
    until(lambda: folder.status.step > 9)
    assert "waits there" in command("resume", "first", "--at", 5)
    until(lambda: state(folder) == "paused" and folder.status.step == 5)
    command("stop", "first")
    assert process.wait(30) == 0
    assert "`resume first --at 3` goes on" in command("back", "first", 3, ok=2)
    assert "Nobody plays run 'first'" in command("step", "first", "D", ok=2)


def test_a_run_nobody_plays_goes_back_and_waits(playing, tmp_path, capsys):
    folder, process = playing
    main(["stop", "first", f"--runs={tmp_path}"])
    assert process.wait(30) == 0
    command = [sys.executable, "-m", "gan_core", "resume", "first", "--at=4", "--threads=1", f"--runs={tmp_path}"]
    again = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        until(lambda: state(folder) == "paused" and folder.status.step == 4)
        assert [(e["step"], e["to"]) for e in folder.history() if e["event"] == "resumed"] == [(0, 4)]
        main(["stop", "first", f"--runs={tmp_path}"])
        assert again.wait(30) == 0
        assert state(folder) == "stopped" and folder.status.step == 4
    finally:
        again.kill()
        again.wait()


def test_a_run_that_is_discarded_leaves_nothing(playing, tmp_path, capsys):
    _, process = playing
    assert main(["stop", "first", "--discard", f"--runs={tmp_path}"]) == 0
    assert "to discard" in capsys.readouterr().out
    assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_folder_is_taken_away_ends_and_makes_no_other(tmp_path):
    command = [sys.executable, "-m", "gan_core", "train", "--run=first", f"--runs={tmp_path}", *SMALL]
    process = subprocess.Popen(
        [*command, "--until=1000000", "--checkpoint-every=3", "--snapshot-every=2", "--report-every=1"],
        env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    folder = RunFolder(tmp_path / "first")
    try:
        until(lambda: state(folder) == "running" and folder.status.step > 0)
        folder.path.rename(tmp_path / "elsewhere")
        _, err = process.communicate(timeout=30)
        assert process.returncode == 2
        assert "The folder of run 'first' was taken away while it was at work" in err and "Traceback" not in err
        assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("changes", [True, False])
def test_an_order_is_answered_by_its_own_answer(tmp_path, capsys, changes):
    """A page had ordered nonsense, and something else, before a long step was over: all are served at once."""
    folder = RunFolder(tmp_path / "first")
    folder.path.mkdir()
    folder.write_status("running", 5)
    folder.order("set", train={"lr_D": 7.0})
    folder.order("set", train={"lr_D": 1e-3})

    def play():
        until(lambda: len(folder.control.orders) == 3)
        folder.append(Refused(5, "lr_D is 7.0", "", order=1))
        folder.append(Changed(5, {"lr_D": 2e-4}, {"lr_D": 1e-3}, order=2))
        if changes:
            folder.append(Changed(5, {"lr_G": 2e-4}, {"lr_G": 1e-4}, order=3))
        folder.served = 3
        folder.write_status("running", 5)

    player = threading.Thread(target=play)
    player.start()
    assert main(["set", "first", "--lr-g=1e-4", f"--runs={tmp_path}"]) == 0
    player.join()
    said = "From step 6 of first on: lr_G 0.0002 -> 0.0001.\n" if changes else "first has been set so already.\n"
    assert capsys.readouterr().out == said


def test_a_list_tells_runs_under_other_clocks_by_their_heartbeats(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gan_core.training.pulse.LISTEN", 1.0)
    runs, over = {name: RunFolder(tmp_path / name) for name in ("far", "dead")}, threading.Event()
    for run in runs.values():
        run.path.mkdir()
        run.restore(Status("running", 1, "elsewhere", time.time() - 60))

    def beat():
        while not over.wait(0.1):
            runs["far"].restore(Status("running", 1, "elsewhere", time.time() - 60))

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        assert main(["runs", "--json", f"--runs={tmp_path}"]) == 0
    finally:
        over.set()
        heart.join()
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["state"] for row in rows} == {"far": "running", "dead": "dead"}


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
