"""What is promised when things are killed, torn, full or asleep, with the real processes."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from gan_core.errors import UserError
from gan_core.training.events import Report
from gan_core.training.folder import RunFolder, standing
from gan_core.training.pulse import process_lives
from gan_core.ui import live
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import Limits
from gan_core.ui.live import Hub
from gan_core.ui.models import Shelf
from gan_core.ui.slices import play
from gan_core.ui.waiting import ticket_of
from tests.ui.apps import ROOT, Browser, drawings, eventually, gone, running, tiny
from tests.ui.conftest import save


def begun(runs, pictures, name="a", steps=60):
    """A run that was stopped after some steps, made in this process: that spares a start of seconds."""
    jobs = Jobs(runs, slices=True)
    run = jobs.start(tiny(pictures))
    stop = iter([0.0] * steps)
    play(str(runs), run.name, ticket_of(run).command, lambda: next(stop, 100.0))
    (run.path / "ticket.json").unlink()
    run.path.rename(runs / name)
    run = RunFolder(runs / name)
    run.write_status("stopped", run.status.step)
    assert run.status.step > 0
    return run


@pytest.mark.slow
def test_the_training_is_killed_then_the_app_and_nothing_is_lost(tmp_path):
    """One story, since starting takes longest: each part begins where the last left off."""
    runs = tmp_path / "runs"
    run = begun(runs, drawings(tmp_path / "drawings"))
    with running(runs) as app:
        browser = Browser(app.url, "a")
        eventually(browser.sees("stopped"))
        assert browser.status["can_go_on"] and app.ask("a", "go_on") == {}
        eventually(lambda: browser.status["state"] == "running" and len(browser.steps) > 20)

        # the training is killed while it is watched
        trainer = run.status.pid
        os.kill(trainer, signal.SIGKILL)
        eventually(browser.sees("dead"), 10)
        eventually(lambda: gone(trainer), 10)
        assert browser.status["can_go_on"]
        eventually(lambda: app.runs() == {"a": "dead"})
        assert "Nobody is at work" in app.ask("a", "pause")["error"]

        # it goes on, and the app is killed
        assert app.ask("a", "go_on") == {}
        eventually(browser.sees("running"))
        trainer = run.status.pid
        app.kill()
        browser.over = True
    step = run.status.step
    eventually(lambda: run.status.step > step + 50)
    assert process_lives(trainer) and run.status.pid == trainer

    # another app finds the training, and steers it
    with running(runs) as app:
        assert app.runs() == {"a": "running"}
        browser = Browser(app.url, "a")
        assert app.ask("a", "pause") == {}
        eventually(browser.sees("paused"))
        assert app.ask("a", "stop") == {}
        eventually(browser.sees("stopped"))
        eventually(lambda: not process_lives(trainer), 30)
        eventually(lambda: browser.steps and max(browser.steps) > run.status.step - 5)
        browser.over = True
        app.end()

    # nothing that was told is told twice, or was left out
    told = [event["step"] for event in run.history() if event["event"] == "report"]
    assert told == list(range(5, told[-1] + 1, 5)) == sorted(set(browser.steps))


# ---- a folder that is not what it should be, while it is watched ----


@pytest.fixture
def server(tmp_path):
    hub = Hub(Jobs(tmp_path / "runs"))
    config = uvicorn.Config(Starlette(routes=hub.routes()), port=0, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    server.hub, server.port = hub, server.servers[0].sockets[0].getsockname()[1]
    server.url = f"http://127.0.0.1:{server.port}/gradio_api/gan"
    yield server
    hub.close()
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def report(step):
    return Report(step, 1000, step / 10, 100.0, 1.0, 2.0, 0.7, 0.3, 1.0, 1.0, 0.9)


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "runs" / "a")
    run.path.mkdir(parents=True)
    config = {"model": {"image_size": 28}, "train": {"loss": "ns", "steps": 1000}, "preset": "dcgan2015"}
    run.write_config(config | {"data": {"name": "fashion-mini"}})
    run.write_status("running", 5)
    run.append(report(5))
    return run


def cards(server):
    return {card["name"]: card["state"] for card in httpx.get(f"{server.url}/runs").json()["runs"]}


TORN = [
    ("config.json", b'{"model": {"image_'),
    ("config.json", b'[1, "not", "an object"]'),
    ("config.json", b'{"model": 3, "train": null, "data": "x", "until": [], "changes": 7, "started": {}, "parent": 1}'),
    ("config.json", b"\xff\xfe\x00"),
    ("config.json", b""),
    ("status.json", b'{"state": "runn'),
    ("status.json", b'{"state": "running", "pid": "x", "host": 3, "heartbeat": "soon"}'),
    ("status.json", b'{"state": "flying", "pid": 1, "host": "h", "heartbeat": 1, "step": null}'),
    ("status.json", b"null"),
    ("control.json", b'{"wish": ["stop"], "orders": 3'),
    ("control.json", b'{"wish": ["stop"], "orders": 3}'),
    ("owner.json", b'{"owner": '),
    ("ticket.json", b'{"number": "x"}'),
]


@pytest.mark.parametrize(("file", "text"), TORN, ids=[f"{file}-{n}" for n, (file, _) in enumerate(TORN)])
def test_a_torn_file_stops_neither_the_page_nor_the_list(server, run, file, text, caplog):
    other = RunFolder(run.path.parent / "other")
    other.path.mkdir()
    other.write_status("finished", 3)
    browser = Browser(server.url, "a")
    eventually(lambda: browser.status and browser.steps == [5])
    (run.path / file).write_bytes(text)
    run.append(report(10))
    eventually(lambda: browser.steps == [5, 10])
    assert cards(server)["other"] == "finished"
    if file in ("config.json", "status.json"):  # and it is mended
        run.write_config({"model": {"image_size": 28}})
        run.write_status("finished", 10)
        eventually(browser.sees("finished"))
        eventually(lambda: cards(server) == {"a": "finished", "other": "finished"})
    browser.over = True
    assert not [record for record in caplog.records if record.exc_info], "somebody stumbled"


def test_half_a_line_spoils_nothing_but_itself(server, run):
    browser = Browser(server.url, "a")
    eventually(lambda: browser.steps == [5])
    with run.events.open("ab") as log:
        log.write(b'{"event": "report", "st')  # killed here
    run.append(report(15))  # by whoever goes on
    eventually(lambda: browser.steps == [5, 15])
    late = Browser(server.url, "a")
    eventually(lambda: late.steps == [5, 15])
    browser.over = late.over = True


def test_a_run_deleted_while_it_is_watched(server, run):
    browser = Browser(server.url, "a")
    eventually(lambda: browser.steps == [5])
    shutil.rmtree(run.path)
    eventually(browser.sees("gone"))
    eventually(lambda: browser.steps == [] and cards(server) == {})
    run.path.mkdir()  # and comes to be once more, piece by piece
    eventually(browser.sees("empty"))
    run.write_status("running", 1)
    run.append(report(7))
    eventually(lambda: browser.steps == [7] and browser.status["state"] == "running")
    browser.over = True


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_snapshot_torn_in_the_middle(tmp_path, run, file):
    for step in (50, 100):
        save(run.snapshots / f"{step:06d}")
    shelf = Shelf(tmp_path / "weights", run.path.parent)
    assert shelf.load("run:a").found.step == 100
    path = run.snapshots / "000100" / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError) as error:
        shelf.load("run:a")
    assert str(tmp_path) not in str(error.value) and error.value.said("zh") != str(error.value)
    assert shelf.load("run:a@000050").found.step == 50  # the one before is whole
    assert isinstance(shelf.models(), list)
    assert standing(run) in ("running", "dead")


# ---- a disk that is full ----


@pytest.fixture
def small_disk(tmp_path):
    """runs/ on a disk of 512 kB, or skipped where one cannot be had."""
    (tmp_path / "runs").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", tmp_path / "runs"]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield tmp_path / "runs"
    subprocess.run(["umount", tmp_path / "runs"], check=True)


@pytest.mark.parametrize("limits", [None, Limits()], ids=["own", "public"])
def test_a_full_disk_is_said_whatever_is_asked_and_costs_nothing_old(small_disk, tmp_path, run, limits):
    jobs = Jobs(small_disk, limits)
    run.write_status("running", 5, pid=os.getppid())  # somebody who is alive
    with pytest.raises(OSError, match="No space"):
        (small_disk / "filler").write_bytes(bytes(600_000))
    before = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    for asking in (lambda: jobs.ask("a", "pause"), lambda: jobs.ask("a", "stop")):
        with pytest.raises(UserError, match="No space left"):
            asking()
    run.path.joinpath("status.json").write_bytes(before["status.json"])  # the same bytes: no more place
    with pytest.raises(UserError, match=r"No space left|still going on"):
        jobs.start(tiny(drawings(tmp_path / "drawings")), "ann")
    jobs.advance()
    left = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    assert {name: left[name] for name in before} == before
    assert [path.name for path in small_disk.glob("[!.]*")] in (["a", "filler"], ["filler", "a"])
    (small_disk / "filler").unlink()
    jobs.ask("a", "pause")
    assert run.wish == "pause"


# ---- two apps on one folder ----

STARTER = """
import sys, time
from pathlib import Path
from gan_core.training.folder import RunFolder
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import Limits

class Noting(Jobs):
    def _spawn(self, folder, command):
        with open(sys.argv[2], "a") as log:
            log.write(folder.name + "\\n")
        folder.write_status("running", 1)
        time.sleep(0.01)  # the other one looks
        folder.write_status("finished", 1)

jobs = Noting(Path(sys.argv[1]), Limits())
print("ready", flush=True)
sys.stdin.readline()
while jobs.queue.line():
    jobs.advance()
"""


@pytest.mark.slow
def test_of_two_apps_one_starts_the_next_run(tmp_path):
    runs, log = tmp_path / "runs", tmp_path / "log"
    for n in range(20):
        run = RunFolder(runs / f"run-{n:02d}")
        run.path.mkdir(parents=True)
        Jobs(runs, Limits()).queue.enter(run, ["train"])
    apps = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, runs, log], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for app in apps:
        assert app.stdout.readline() == b"ready\n"
    for app in apps:
        app.stdin.write(b"go\n"), app.stdin.flush()
    for app in apps:
        app.communicate(timeout=60)
        assert app.returncode == 0
    assert log.read_text().split() == [f"run-{n:02d}" for n in range(20)]


def test_two_apps_list_the_same_and_both_steer(tmp_path, run):
    player = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run.write_status("running", 5, pid=player.pid)
    one, two = Jobs(run.path.parent), Jobs(run.path.parent)
    assert one.busy().name == two.busy().name == "a"
    one.ask("a", "pause")
    assert run.wish == "pause"
    two.go_on("a")
    assert run.wish == "run"
    player.stdin.close()
    player.kill(), player.wait()
    assert not one.alive(run) and not two.alive(run)


# ---- a browser that sleeps ----


def test_a_browser_asleep_is_let_go_and_comes_back_without_loss(server, run, monkeypatch):
    """It reads nothing while more is told than is kept for it; then its lid is opened."""
    monkeypatch.setattr(live, "BACKLOG", 10)
    monkeypatch.setattr(live.Post, "every", 0.02)
    awake, asleep = Browser(server.url, "a"), Browser(server.url, "a")
    eventually(lambda: awake.steps == asleep.steps == [5])
    asleep.awake.clear()
    step, words = 5, "x" * 500_000  # the operating system keeps some megabytes for whoever sleeps
    while not any(viewer.over for viewer in list(server.hub._viewers)):
        step += 5
        run.append({"event": "advice", "step": step, "key": "k", "en": words, "zh": words})
        run.append(report(step))
        eventually(lambda step=step: awake.steps[-1] == step)
        assert step < 1_000, "it was never let go"
    assert asleep.steps[-1] < step and asleep.connections == 1
    run.append(report(step + 5))
    asleep.awake.set()
    eventually(lambda: asleep.steps[-1] == awake.steps[-1] == step + 5)
    assert asleep.steps == awake.steps == list(range(5, step + 6, 5))
    assert asleep.connections == 2 and awake.connections == 1
    awake.over = asleep.over = True
