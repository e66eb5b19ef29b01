import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image

from gan_core import UserError
from gan_core.training.control import Control, Order
from gan_core.training.events import Checkpoint, Report, Resumed, Sample, Snapshot
from gan_core.training.folder import DEAD_AFTER, RunFolder, Status, _age, list_runs, run_folder, standing


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").mkdir()
    return RunFolder(tmp_path / "a")


def report(step):
    return Report(step, 100, 1.5, 64.0, 1.4, 0.7, 0.6, 0.4, 1.0, 1.0, 0.9)


# ---- names


@pytest.mark.parametrize("name", ["fashion", "a", "Früchte 3", "数字", "a.b_c-d+e", "9", "x" * 80])
def test_a_name_is_a_folder_in_runs(tmp_path, name):
    assert run_folder(tmp_path, name).path == tmp_path / name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc",
        "a/../../b",
        "\\x",
        "C:x",
        ".hidden",
        "-rf",
        " a",
        "a ",
        "a.",
        "a\n",
        "a\0b",
        "~",
        "x" * 81,
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="cannot name a run"):
        run_folder(tmp_path, name)


# ---- history


def test_history_is_what_was_told(folder):
    folder.append(report(5))
    folder.append(Snapshot(5))
    folder.append(Sample(5, Image.new("L", (8, 8), 200)))
    assert folder.history() == [
        {"event": "report"} | vars(report(5)),
        {"event": "snapshot", "step": 5},
        {"event": "sample", "step": 5, "file": "samples/000005.webp"},
    ]
    with Image.open(folder.path / "samples/000005.webp") as sheet:
        assert (sheet.format, sheet.size) == ("WEBP", (8, 8))
    assert all(json.loads(line) for line in folder.events.read_text().splitlines())


def test_a_torn_last_line_spoils_nothing_but_itself(folder):
    folder.append(report(5))
    whole = folder.events.read_bytes()
    for cut in (1, 20, len(whole) - 1):
        folder.events.write_bytes(whole + whole[:cut])
        assert [e["step"] for e in folder.history()] == [5] + [5] * (cut == len(whole) - 1)
        folder.append(Snapshot(7))
        assert folder.history()[-1] == {"event": "snapshot", "step": 7}


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"[]\n", b"3\n", b'{"step"\n', b'{"event": "x"}\n', b"\n", b"null\n"])
def test_lines_that_are_none_are_passed_over(folder, line):
    folder.append(Snapshot(1))
    with folder.events.open("ab") as log:
        log.write(line)
    folder.append(Snapshot(2))
    assert [e["step"] for e in folder.history()] == [1, 2]


def test_what_was_told_after_the_step_of_a_resumption_no_longer_holds(folder):
    for event in (report(5), Checkpoint(5), report(10), Snapshot(10), Resumed(5), report(6), Resumed(6), report(7)):
        folder.append(event)
    assert [(e["event"], e["step"]) for e in folder.history()] == [
        ("report", 5), ("checkpoint", 5), ("resumed", 5), ("report", 6), ("resumed", 6), ("report", 7),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "torn", [b"", b"{", b"[]", b"\xff", b'{"state": "running"', b'{"state": "running", "more": 1}']
)
def test_parts_that_are_missing_or_torn_read_as_nothing(folder, torn):
    for name in ("config.json", "status.json", "control.json", "events.jsonl"):
        (folder.path / name).write_bytes(torn)
    assert folder.status is None
    assert folder.wish == "run"
    assert folder.history() == []
    assert not torn.startswith(b"{") or "model" not in folder.config


# ---- status


@pytest.mark.parametrize(
    "wrong",
    [
        {"heartbeat": "x"}, {"heartbeat": None}, {"heartbeat": True}, {"heartbeat": 10**400},
        {"heartbeat": float("nan")}, {"pid": "1"}, {"pid": 1.5}, {"pid": 0}, {"pid": -1}, {"host": 3}, {"device": []},
        {"state": ["running"]}, {"state": "explode"}, {"step": "7"}, {"step": None}, {"served": 1.5},
        {"memory": "much"}, {"why": None}, {"why_zh": 3},
    ],
    ids=str,
)  # fmt: skip
def test_one_damaged_status_does_not_hide_the_other_runs(tmp_path, wrong):
    for name in ("sound", "damaged"):
        (tmp_path / name).mkdir()
        RunFolder(tmp_path / name).write_status("running", 7)
    damaged = RunFolder(tmp_path / "damaged")
    (damaged.path / "status.json").write_text(json.dumps(asdict(damaged.status) | wrong))
    assert damaged.status is None and standing(damaged) == "empty"
    assert [run.name for run in list_runs(tmp_path)] == ["sound", "damaged"]
    damaged.ask("stop")


def test_a_status_says_who_plays_and_how_it_stands(folder):
    folder.write_status("failed", 7, "full", "满")
    status = folder.status
    assert (status.state, status.step, status.why, status.why_zh) == ("failed", 7, "full", "满")
    assert (status.pid, status.host) == (os.getpid(), socket.gethostname())
    assert abs(status.heartbeat - time.time()) < 5


@pytest.mark.parametrize(
    ("state", "alive"),
    [
        ("preparing", True),
        ("running", True),
        ("paused", True),
        ("stopped", False),
        ("finished", False),
        ("failed", False),
    ],
)
def test_who_is_at_work_lives(folder, state, alive):
    folder.write_status(state, 1)
    assert folder.status.alive == alive


def test_a_killed_process_is_dead_at_once(folder):
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    status = Status("running", child.pid, socket.gethostname(), time.time())
    assert status.alive
    child.kill()
    child.wait()
    assert not status.alive


def test_on_another_machine_only_the_heartbeat_tells():
    status = Status("running", 2**22 + 1, "elsewhere", time.time())
    assert status.alive
    assert not replace(status, heartbeat=time.time() - DEAD_AFTER - 1).alive


def test_heartbeats_are_spared_and_go_on_by_themselves(folder, monkeypatch):
    monkeypatch.setattr("gan_core.training.folder.HEARTBEAT", 0.2)
    folder.write_status("running", 1)
    first = folder.status
    folder.beat("running", 2)
    assert folder.status == first  # too soon
    with folder.beating():
        deadline = time.monotonic() + 20
        while folder.status.heartbeat == first.heartbeat:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert folder.status.step == 1
    folder.write_status("finished", 9)
    with folder.beating():
        time.sleep(0.6)
    assert folder.status.state == "finished"


@pytest.mark.parametrize("told", [True, False])
def test_only_the_process_that_wrote_the_status_is_signalled(folder, monkeypatch, told):
    """After a power cut the number may be anybody's. `told`: by Linux, when a process began."""
    if not told:
        monkeypatch.setattr("gan_core.training.folder._stat", lambda pid: [])
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as child:
        here = Status("preparing", child.pid, socket.gethostname(), time.time())
        for other in (replace(here, heartbeat=here.heartbeat - 3600), replace(here, host="elsewhere")):
            folder.restore(other)
            assert not other.may_be_signalled
            folder.ask("stop")
        folder.restore(replace(here, state="running"))  # reads its wishes
        folder.ask("discard")
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        folder.restore(here)
        folder.ask("stop")
        assert child.wait(30) == -signal.SIGTERM
    assert not here.may_be_signalled


@pytest.mark.parametrize(("age", "its_own"), [(600.0, True), (61.0, True), (50.0, False), (None, False)])
def test_a_process_that_began_before_its_last_heartbeat_is_the_one(monkeypatch, age, its_own):
    """However late that is: a machine may be so busy that none came for a minute."""
    monkeypatch.setattr("gan_core.training.folder._age", lambda pid: age)
    assert Status("preparing", os.getpid(), socket.gethostname(), time.time() - 60).may_be_signalled == its_own


def test_how_long_ago_a_process_began():
    with subprocess.Popen(["sleep", "60"]) as child:
        if Path("/proc/self/stat").exists():  # else nobody tells
            assert -0.5 < _age(child.pid) < 30 and _age(os.getpid()) > _age(child.pid)
        child.kill()
    assert _age(child.pid) is None


# ---- wishes, the lock, the list


def test_wishes_are_heard(folder):
    assert folder.wish == "run"
    for wish in ("pause", "stop", "run"):
        folder.ask(wish)
        assert RunFolder(folder.path).wish == wish
    (folder.path / "control.json").write_text('{"wish": "explode"}')
    assert folder.wish == "run"


RUBBISH = [
    "", "{", "[]", "3", "null", '"pause"', '{"wish": 3}', '{"wish": ["pause"]}', '{"wish": {"a": 1}}', "[" * 100_000,
    '{"orders": 3, "pace": "x"}', '{"orders": {"n": 1}}',
    '{"orders": [3, null, {}, {"n": 1}, {"n": "1", "do": "set"}]}',
    '{"orders": [{"n": true, "do": "set"}, {"n": 1.5, "do": "set"}, {"n": 1, "do": 3}]}', '{"pace": NaN}',
    '{"pace": true}', '{"pace": 1e999}',
]  # fmt: skip


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_rubbish_in_control_json_asks_for_nothing_and_can_be_written_over(folder, rubbish):
    (folder.path / "control.json").write_text(rubbish)
    assert folder.control == Control()
    (folder.path / "control.json").write_bytes(rubbish.encode() + b"\xff")
    assert folder.control == Control()
    assert folder.order("move", who="D") == 1
    assert folder.control == Control(orders=(Order(1, "move", {"who": "D"}),))


def test_a_wish_keeps_the_orders_that_were_not_served_yet(folder):
    assert [folder.order("move", who=who) for who in ("D", "G")] == [1, 2]
    folder.ask("slow", 2.5)
    assert (folder.wish, folder.control.pace) == ("slow", 2.5)
    assert [order.n for order in folder.control.orders] == [1, 2]
    folder.served = 1
    folder.write_status("paused", 5)
    folder.ask("pause")
    assert (folder.wish, folder.control.pace) == ("pause", 2.5)  # the pace stays, for the next slow motion
    assert [order.n for order in folder.control.orders] == [2]
    folder.served = 2
    folder.write_status("paused", 5)
    assert folder.order("back", step=3) == 3  # numbers are never used again
    assert folder.control.orders == (Order(3, "back", {"step": 3}),)
    folder.clear()
    assert folder.control == Control()
    assert RunFolder(folder.path).order("back", step=3) == 3


@pytest.mark.parametrize(("pace", "held"), [(4, 4.0), (0.1, 0.5), (-1, 0.5), (99, 30.0)])
def test_slow_motion_is_neither_a_flicker_nor_a_standstill(folder, pace, held):
    folder.ask("slow", pace)
    assert folder.control.pace == held


def test_two_apps_and_a_command_may_order_at_once(folder):
    """Eight threads as eight processes, each with its own view of the folder: no order is lost, none has a twin."""

    def order(i):
        other = RunFolder(folder.path)
        other.ask("pause" if i % 2 else "run")
        return [other.order("set", train={"lr_D": i + k}) for k in range(5)]

    with ThreadPoolExecutor(8) as threads:
        numbers = sorted(n for some in threads.map(order, range(8)) for n in some)
    assert numbers == list(range(1, 41))
    assert sorted(order.n for order in folder.control.orders) == numbers
    values = [order.values["train"]["lr_D"] for order in folder.control.orders]
    assert sorted(values) == sorted(i + k for i in range(8) for k in range(5))


def test_a_status_of_an_older_run_says_nothing_of_what_it_did_not_know(folder):
    old = {"state": "running", "pid": 1, "host": "x", "heartbeat": 5.0, "step": 3, "why": "", "why_zh": ""}
    (folder.path / "status.json").write_text(json.dumps(old))
    assert (folder.status.served, folder.status.device, folder.status.memory) == (0, "", 0)
    folder.served, folder.device, folder.gauge = 7, "CPU", lambda: 99
    folder.write_status("running", 4)
    assert (folder.status.served, folder.status.device, folder.status.memory) == (7, "CPU", 99)
    folder.write_status("preparing", 4, pid=1)  # for a process that has just been started, and has not spoken yet
    assert (folder.status.device, folder.status.memory) == ("", 0)


def test_to_discard_a_run_takes_its_lock_along(folder):
    with folder.locked():
        folder.append(report(5))
        folder.ask("pause")
        folder.discard()
        assert not folder.path.exists()
    assert not folder.path.exists()


def test_only_one_may_write(folder):
    with folder.locked():
        with pytest.raises(UserError, match="Another training is writing to run 'a'"), RunFolder(folder.path).locked():
            pass
        code = (
            "from pathlib import Path; from filelock import FileLock, Timeout\n"
            f"try: FileLock({str(folder.path / '.lock')!r}).acquire(timeout=0)\n"
            "except Timeout: raise SystemExit(7)"
        )
        assert subprocess.run([sys.executable, "-c", code]).returncode == 7
    with RunFolder(folder.path).locked():
        pass


def test_the_list_begins_with_the_run_that_moved_last(tmp_path):
    for name, heartbeat in (("old", 5.0), ("new", 9.0), ("middle", 7.0)):
        (tmp_path / name).mkdir()
        RunFolder(tmp_path / name).restore(Status("stopped", 1, "x", heartbeat))
    (tmp_path / "no run").mkdir()
    (tmp_path / "file").touch()
    assert [run.name for run in list_runs(tmp_path)] == ["new", "middle", "old"]
    assert list_runs(tmp_path / "nowhere") == []


def test_what_a_killed_process_left_half_written_is_swept(tmp_path):
    folder = RunFolder(tmp_path)
    half = [tmp_path / "checkpoints/.1.safetensors.7.8.part", tmp_path / "snapshots/.000001.7.8.part/config.json"]
    whole = tmp_path / "checkpoints/000001.safetensors"
    for path in (*half, whole):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folder.sweep()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [whole]
