"""Life is told by the heart's beat, whatever the clocks say: ours, and that of the machine that plays."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from gan_core.training.folder import DEAD_AFTER, RunFolder, process_lives
from gan_core.training.pulse import LISTEN, Pulse, alive_among, alive_now

HOUR = 3600.0


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


@pytest.fixture
def pulse():
    """One whose clock stands still unless it is set."""
    pulse = Pulse(lambda: pulse.now)
    pulse.now = 0.0
    return pulse


def beat(folder, heartbeat, host="elsewhere", pid=1, state="running"):
    about = {"state": state, "pid": pid, "host": host, "heartbeat": heartbeat, "step": 3}
    (folder.path / "status.json").write_text(json.dumps(about))


def alive(pulse, folder, later=0.0):
    pulse.now += later
    return pulse.alive(folder, folder.status)


@pytest.mark.parametrize("behind", [0.0, 300.0, -300.0, HOUR, -HOUR])
def test_a_machine_whose_clock_differs_is_alive_while_its_heart_beats(pulse, folder, behind):
    alive(pulse, folder)
    for second in range(0, 60, 4):
        beat(folder, time.time() - behind + second)
        heard = alive(pulse, folder, later=4)
        assert heard or (second == 0 and abs(behind) == HOUR)  # one look cannot know
    assert alive(pulse, folder, later=DEAD_AFTER - 1)
    assert not alive(pulse, folder, later=2)


@pytest.mark.parametrize("ahead", [0.0, HOUR])
def test_a_dead_one_does_not_live_for_ever_however_late_its_last_beat_was(pulse, folder, ahead):
    beat(folder, time.time() + ahead)
    alive(pulse, folder)
    assert not alive(pulse, folder, later=DEAD_AFTER + 1)


def test_a_clock_that_jumps_kills_nobody(pulse, folder):
    wall = time.time()
    for jump in (0, HOUR, -HOUR, 0):
        beat(folder, wall + jump, socket.gethostname(), os.getpid())
        for _ in range(3):
            assert alive(pulse, folder, later=4)
    beat(folder, wall - 9 * HOUR, socket.gethostname(), os.getpid())  # a new app, just after the jump
    assert Pulse().alive(folder, folder.status)


def test_who_runs_here_needs_a_process_too(pulse, folder):
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        beat(folder, time.time(), socket.gethostname(), child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie: ended, and nobody has asked how
        assert not process_lives(child.pid) and not alive(pulse, folder) and not folder.status.alive
    assert not process_lives(child.pid)
    assert process_lives(os.getpid())


@pytest.mark.parametrize("state", ["finished", "queued", "failed"])
def test_one_that_said_its_last_word_is_not_alive(pulse, folder, state):
    beat(folder, time.time(), state=state)
    assert not alive(pulse, folder)


def test_a_command_that_looks_once_listens_where_the_clock_says_nothing(folder):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 5 and beats:
            beat(folder, 42.0)

    for beats in (True, False):
        slept.clear()
        beat(folder, time.time() - HOUR)
        assert alive_now(folder, sleep) is beats
    assert sum(slept) == LISTEN
    slept.clear()
    beat(folder, time.time())
    assert alive_now(folder, sleep) and not slept
    beat(folder, time.time() - HOUR, socket.gethostname(), 2**22 + 1)
    assert not alive_now(folder, sleep) and not slept


def test_all_doubtful_runs_are_listened_to_at_once(tmp_path):
    """Clocks an hour apart: those that beat are alive, those that end or fall silent are not."""
    names, slept = ("early", "late", "silent", "ending", "fresh", "over"), []
    runs = {name: RunFolder(tmp_path / name) for name in names}
    for name, run in runs.items():
        run.path.mkdir()
        beat(run, time.time() - (HOUR if name != "fresh" else 0), state="finished" if name == "over" else "running")

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            beat(runs["early"], 42.0)
            beat(runs["ending"], 42.0, state="stopped")
        elif len(slept) == 9:
            beat(runs["late"], 42.0)

    assert {path.name for path in alive_among(runs.values(), sleep)} == {"early", "late", "fresh"}
    assert sum(slept) == LISTEN
    slept.clear()
    assert alive_among([runs["fresh"], runs["over"], RunFolder(tmp_path / "none")], sleep) == {runs["fresh"].path}
    assert not slept
