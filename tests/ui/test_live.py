"""The hub: everybody hears everything, once, and who comes back hears only what was missed."""

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from PIL import Image
from starlette.applications import Starlette

from gan_core.training.events import Report, Resumed, Sample
from gan_core.training.folder import RunFolder
from gan_core.ui import live
from gan_core.ui.formula import mathml
from gan_core.ui.jobs import Jobs
from gan_core.ui.live import Hub
from gan_core.ui.story import MOST_POINTS, Story, Tail, parse, thin, whole


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return value


def report(step, loss=1.0):
    return Report(step, 1000, step / 10, 100.0, loss, 2.0, 0.7, 0.3, 1.0, 1.0, 0.9)


class Viewer:
    """A browser's EventSource, and what train.js makes of what it hears."""

    def __init__(self, url, last_id=""):
        self.heard, self.last_id, self.status = [], last_id, {}
        self.reports, self.samples = [], []
        self.over = False
        self.thread = threading.Thread(target=self._listen, args=(url,), daemon=True)
        self.thread.start()

    def _listen(self, url):
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with httpx.Client(timeout=30) as client, client.stream("GET", url, headers=headers) as answer:
            event, data = "", ""
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    self.last_id = line[4:]
                elif line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    data = line[6:]
                elif not line and data:
                    self._take(event, json.loads(data))
                    event, data = "", ""
                if self.over:
                    return

    def _take(self, event, data):
        self.heard.append((event, data))
        if event == "history":
            self.reports = [list(row) for row in zip(*data["reports"], strict=True)]
            self.samples = []
        if event in ("history", "told"):
            for kind, step, *rest in data["told"] if event == "history" else data:
                if kind == "report":
                    self.reports.append([step, *rest])
                elif kind == "sample":
                    self.samples.append((step, rest[0]))
                elif kind == "resumed":
                    self.reports = [row for row in self.reports if row[0] <= step]
                    self.samples = [sample for sample in self.samples if sample[0] <= step]
        elif event == "status":
            self.status = data

    @property
    def steps(self):
        return [row[0] for row in self.reports]

    def of(self, *events):
        return [data for event, data in self.heard if event in events]


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path / "runs")


@pytest.fixture
def server(jobs):
    hub = Hub(jobs)
    config = uvicorn.Config(Starlette(routes=hub.routes()), port=0, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    server.hub = hub
    server.url = f"http://127.0.0.1:{port}/gradio_api/gan/runs"
    yield server
    hub.close()
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive(), "viewers kept the server from ending"


@pytest.fixture
def run(jobs):
    folder = RunFolder(jobs.runs / "a run 中")
    folder.path.mkdir(parents=True)
    config = {
        "model": {"image_size": 28},
        "train": {"loss": "wgan", "steps": 1000, "batch_size": 8},
        "preset": "wgan-gp",
    }
    folder.write_config(config | {"until": "10m", "data": {"name": "/secret/place/data.zip"}})
    folder.write_status("running", 0)
    return folder


def test_two_viewers_hear_everything_and_the_folder_is_read_once(server, run, monkeypatch):
    reads = []
    monkeypatch.setattr(live, "Tail", lambda path: reads.append(path) or Tail(path))
    run.append(report(10))
    viewers = [Viewer(f"{server.url}/{run.name}/events") for _ in range(2)]
    eventually(lambda: all(viewer.status for viewer in viewers))
    for step in range(20, 60, 10):
        run.append(report(step))
    run.append(Sample(50, Image.new("L", (16, 16))))
    eventually(lambda: all(viewer.steps == [10, 20, 30, 40, 50] and viewer.samples for viewer in viewers))
    assert len(reads) == 1
    for viewer in viewers:
        assert len(viewer.of("history")) == 1
        assert len(viewer.of("status")) == 1  # a heartbeat is no news
        (facts,) = viewer.of("run")
        assert (facts["seconds"], facts["probabilistic"], facts["data"]) == (600, False, "data.zip")
        assert facts["formula_D"].startswith("<math>")
        viewer.over = True


def test_whoever_comes_back_hears_only_what_it_missed(server, run):
    for step in (10, 20, 30):
        run.append(report(step))
    first = Viewer(f"{server.url}/{run.name}/events")
    eventually(lambda: first.steps == [10, 20, 30] and first.status)
    first.over = True
    run.append(report(40))
    run.append(Resumed(20))
    run.append(report(30, loss=9.0))
    again = Viewer(f"{server.url}/{run.name}/events", first.last_id)
    told = eventually(lambda: (t := [e[:2] for events in again.of("told") for e in events]) and t[-1][1] == 30 and t)
    assert told in ([["resumed", 20], ["report", 30]], [["report", 40], ["resumed", 20], ["report", 30]])
    assert again.of("history") == []
    stranger = Viewer(f"{server.url}/{run.name}/events", "another-run-77")
    eventually(lambda: stranger.status)
    assert stranger.steps == [10, 20, 30]
    assert stranger.reports[-1][3] == 9.0


def test_a_run_deleted_and_started_again_under_its_name_is_told_afresh(server, run):
    run.append(report(10))
    viewer = Viewer(f"{server.url}/{run.name}/events")
    eventually(lambda: viewer.steps == [10] and viewer.status)
    before = viewer.last_id
    for path in sorted(run.path.rglob("*"), reverse=True):
        path.unlink()
    run.path.rmdir()
    eventually(lambda: viewer.status["state"] == "gone" and viewer.steps == [])
    run.path.mkdir()
    (run.path / "in the way of the old inode").write_text("")
    run.append(report(5))
    run.append(report(6))
    run.write_status("running", 6)
    eventually(lambda: viewer.steps == [5, 6] and viewer.status["state"] == "running")
    late = Viewer(f"{server.url}/{run.name}/events", before)
    eventually(lambda: late.status)
    assert late.steps == [5, 6]


def test_a_dead_process_is_told_with_the_end_of_its_log(server, run):
    viewer = Viewer(f"{server.url}/{run.name}/events")
    eventually(lambda: viewer.status and viewer.status["state"] == "running")
    run.log.write_text("\r 3%|# | 1/30\nMemoryError: too much\n")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    run.write_status("running", 7, pid=child.pid)
    eventually(lambda: viewer.status["state"] == "dead")
    assert viewer.status["step"] == 7
    assert viewer.status["log"] == ["MemoryError: too much"]
    assert not viewer.status["can_go_on"]


def test_a_process_on_another_machine_is_dead_when_its_heart_stops(run):
    jobs = Jobs(run.path.parent)
    status = {"state": "running", "pid": os.getpid(), "host": "elsewhere", "heartbeat": time.time(), "step": 3}
    (run.path / "status.json").write_text(json.dumps(status))
    assert live.Look.at(run, jobs).state == "running"
    (run.path / "status.json").write_text(json.dumps(status | {"heartbeat": time.time() - 60}))
    assert live.Look.at(run, jobs).state == "dead"
    assert socket.gethostname() != "elsewhere"


def test_a_torn_line_spoils_nothing_but_itself(tmp_path):
    folder = RunFolder(tmp_path)
    folder.append(report(10))
    tail, story = Tail(folder.events), Story()
    with folder.events.open("ab") as log:
        log.write(b'{"event": "report", "st')  # the power fails here
    story.take(tail.read())
    assert [line.step for line in story.lines] == [10]
    folder.append(report(20))
    with folder.events.open("ab") as log:
        log.write(b'\xff\xfe{"event"\n[1]\nnull\n{"event": "report", "step": "x"}\n')
        log.write(json.dumps({"event": "report", **vars(report(25)), "D_x": float("nan")}).encode() + b"\n")
        log.write(json.dumps({"event": "report", **vars(report(30))}).encode()[:-3])
    story.take(tail.read())
    assert [line.step for line in story.lines] == [10, 20]
    with folder.events.open("ab") as log:
        log.write(json.dumps({"event": "report", **vars(report(30))}).encode()[-3:] + b"\n")
    story.take(tail.read())
    assert [line.step for line in story.lines] == [10, 20, 30]
    assert story.last == len(folder.events.read_bytes().splitlines())


def test_the_story_is_the_folder_s_history_however_it_is_heard(tmp_path):
    """Against RunFolder.history() after every line, for viewers that come, miss some, and come back."""
    for seed in range(20):
        dice = random.Random(seed)
        folder = RunFolder(tmp_path / str(seed))
        folder.path.mkdir()
        tail, story, step = Tail(folder.events), Story(), 0
        known: dict[int, list[int]] = {0: []}  # what a viewer who left after so many lines had drawn
        for _ in range(30):
            if dice.random() < 0.2:
                step = dice.randint(0, step)
                folder.append(Resumed(step))
            else:
                step += dice.randint(1, 5)
                folder.append(report(step))
            if dice.random() < 0.5:
                story.take(tail.read())
            else:
                continue
            wanted = [event["step"] for event in folder.history() if event["event"] == "report"]
            for line, drawn in known.items():
                for kind, at, *_ in story.since(line):
                    drawn = [*drawn, at] if kind == "report" else [s for s in drawn if s <= at]
                assert drawn == wanted, (seed, line)
            assert whole(story.since(0))["reports"][0] == wanted
            known[story.last] = wanted


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    rows = [[float(step), step / 7] for step in range(1, 20_001)]
    thinned = thin(rows, MOST_POINTS)
    assert 1000 < len(thinned) <= MOST_POINTS
    assert thinned[-1] == rows[-1]
    steps = [row[0] for row in thinned]
    assert steps == sorted(set(steps)) and set(steps) <= {row[0] for row in rows}
    assert all(abs(value - step / 7) < 2 for step, value in thinned)
    assert thin(rows[:10], MOST_POINTS) == rows[:10]
    assert whole([])["reports"] == [[] for _ in range(7)]


def test_what_goes_over_the_wire():
    line = json.dumps({"event": "report", **vars(report(10, loss=0.123456789))}).encode()
    assert parse(line) == ["report", 10, 1.0, 100.0, 0.12346, 2.0, 0.7, 0.3]
    assert parse(b'{"event": "checkpoint", "step": 3}') is None
    measure = {"event": "measure", "step": 9, "n": 2000, "scores": {"frechet": 1.23456789}, "floor": {"frechet": 0.5}}
    assert parse(json.dumps(measure).encode()) == ["measure", 9, 1.2346, 0.5, 2000]
    assert parse(json.dumps(measure | {"scores": 1.2}).encode()) is None  # as an older version wrote it
    assert parse(b'{"event": "advice", "step": 3, "key": "k", "en": "e", "zh": "z"}') == ["advice", 3, "k", "e", "z"]


def test_sheets_and_names(server, run):
    run.append(Sample(10, Image.new("L", (16, 16))))
    (run.path / "samples" / "secret.txt").write_text("no")
    with httpx.Client() as client:
        answer = client.get(f"{server.url}/{run.name}/samples/000010.webp?v=1")
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == "image/webp"
        assert client.get(f"{server.url}/{run.name}/samples/000010.webp").headers["cache-control"] == "no-cache"
        for bad in ("samples/000011.webp", "samples/secret.txt", "samples/..%2Fconfig.json", "samples/../config.json"):
            assert client.get(f"{server.url}/{run.name}/{bad}").status_code == 404, bad
        for bad in ("..", "..%2Fx", ".hidden", "a%00b", "%2Fetc"):
            assert client.get(f"{server.url}/{bad}/events").status_code == 404, bad
            assert client.get(f"{server.url}/{bad}/samples/000010.webp").status_code == 404, bad


def test_the_list_of_runs(server, run, jobs):
    older = RunFolder(jobs.runs / "older")
    older.path.mkdir()
    older.write_status("finished", 99)
    time.sleep(0.02)
    run.write_status("paused", 5)
    with httpx.Client() as client:
        runs = client.get(server.url).json()["runs"]
    assert [(r["name"], r["state"], r["step"]) for r in runs] == [(run.name, "paused", 5), ("older", "finished", 99)]


def test_a_watch_ends_with_its_last_viewer(server, run):
    viewers = [Viewer(f"{server.url}/{run.name}/events") for _ in range(3)]
    eventually(lambda: all(viewer.status for viewer in viewers))
    (watch,) = server.hub._watches.values()
    assert watch.guests == 3
    for viewer in viewers:
        viewer.over = True
    run.append(report(1))  # makes them look up
    eventually(lambda: not server.hub._watches)
    eventually(watch.task.done)


def test_a_slow_viewer_is_let_go(run, monkeypatch):
    """Its queue is full: it hears nothing more but the end of the line, and comes back with its last id."""
    import asyncio

    async def scene():
        watch = live.Watch(run, Jobs(run.path.parent))
        queue = asyncio.Queue(3)
        watch.queues.add(queue)
        for _ in range(5):
            watch._tell("news")
        assert queue not in watch.queues
        assert [queue.get_nowait() for _ in range(3)] == ["news", "news", None]

    with ThreadPoolExecutor(1) as another:  # the browser tests leave a loop running in this thread
        another.submit(lambda: asyncio.run(scene())).result()


def test_a_power_takes_the_bracket_before_it():
    assert mathml("D(x)^2").endswith("</msup></math>")
    text = mathml(r"\tfrac12 (D(x) - 1)^2")
    assert text.count("<msup><mrow><mo") == 1 and "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in text
    assert mathml(r"e^{a - b}").count("<mi>") == 3
    assert "&lt;" in mathml("a < b")
