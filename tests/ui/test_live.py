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
from gan_core.ui import cards, live, rights, story
from gan_core.ui.formula import mathml
from gan_core.ui.jobs import Jobs
from gan_core.ui.live import Hub
from gan_core.ui.story import COLUMNS, MOST_POINTS, Story, Tail, parse, thin, whole
from gan_core.ui.studio import Studio
from gan_core.ui.timeline import timeline_routes


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return value


def report(step, loss=1.0):
    return Report(step, 1000, step / 10, 100.0, loss, 2.0, 0.7, 0.3, 1.0, 1.0, 0.9)


class Record:
    """What a page makes of what it hears of one run."""

    def __init__(self):
        self.heard, self.status = [], {}
        self.reports, self.samples = [], []

    def take(self, event, data):
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


class Viewer(Record):
    """A browser's EventSource: of one run, or with `records` by name of several, and the list of them."""

    def __init__(self, url, last_id="", records=()):
        super().__init__()
        self.records = {name: Record() for name in records} if not isinstance(records, dict) else records
        self.last_id, self.over, self.cards = last_id, False, []
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
        if event == "runs":
            self.cards.append(data)
        elif self.records:
            self.records[data["run"]].take(event, data["data"])
        else:
            self.take(event, data)


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path / "runs")


@pytest.fixture
def server(jobs):
    hub = Hub(jobs)
    routes = [*hub.routes(), *timeline_routes(Studio(jobs.runs), jobs)]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    server.hub = hub
    server.root = f"http://127.0.0.1:{port}/gradio_api/gan"
    server.url = f"{server.root}/runs"
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
        "started": "2026-01-01T00:00:00+0000",
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
    assert [event for event in told if event[0] != "resumed"][-1] == ["report", 30]
    assert ["resumed", 20] in told
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
    assert viewer.status["can_go_on"] and viewer.status["again"]  # nothing was saved: it would begin again


def test_a_process_on_another_machine_is_dead_when_its_heart_stops(run):
    jobs = Jobs(run.path.parent)
    status = {"state": "running", "pid": os.getpid(), "host": "elsewhere", "heartbeat": time.time(), "step": 3}
    (run.path / "status.json").write_text(json.dumps(status))
    assert live.Look.at(run, jobs).state == "running"
    now = time.monotonic()
    jobs.pulse.clock = lambda: now + 60
    assert live.Look.at(run, jobs).state == "dead"
    (run.path / "status.json").write_text(json.dumps(status | {"heartbeat": time.time() + 1}))
    assert live.Look.at(run, jobs).state == "running"
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
    assert whole([])["reports"] == [[] for _ in range(COLUMNS)]
    old = [[step, 1.0, None] for step in (1.0, 2.0, 3.0, 4.0)] + [[5.0, 1.0, 2.0]]
    assert thin(old, 3) == [[2.0, 1.0, None], [4.0, 1.0, None], [5.0, 1.0, 2.0]]


def test_what_was_done_at_a_step_is_undone_by_going_back_to_it(tmp_path):
    folder = RunFolder(tmp_path / "a")
    folder.path.mkdir()
    change = dict(was={"lr_D": 1.0}, now={"lr_D": 0.5})
    for event in ("changed", "sample", "forked"):
        folder.append({"event": event, "step": 7, "into": "b"} | change)
    folder.append({"event": "resumed", "step": 7})  # after a crash, it still holds
    tail, story = Tail(folder.events), Story()
    story.take(tail.read())
    kinds = [told[0] for told in whole(story.since(0))["told"]]
    assert kinds == ["changed", "sample", "forked", "returned"]
    folder.append({"event": "resumed", "step": 7, "to": 7})
    story.take(tail.read())
    told = whole(story.since(0))["told"]
    assert [t[0] for t in told] == ["sample", "forked", "returned", "returned"] and told[-1] == ["returned", 7, 7]
    assert [event["event"] for event in folder.history()] == ["sample", "forked", "resumed", "resumed"]


def line(kind, step, **values):
    return json.dumps({"event": kind, "step": step, **values}).encode()


def test_what_goes_over_the_wire():
    full = line(**vars(report(10, loss=0.123456789)), kind="report")
    assert parse(full) == ["report", 10, 1.0, 100.0, 0.12346, 2.0, 0.7, 0.3, 1.0, 1.0, 0.9]
    old = {name: value for name, value in json.loads(full).items() if name not in ("grad_D", "grad_G", "sure")}
    assert parse(json.dumps(old).encode()) == ["report", 10, 1.0, 100.0, 0.12346, 2.0, 0.7, 0.3, None, None, None]
    measure = {"n": 2000, "scores": {"frechet": 1.23456789}, "floor": {"frechet": 0.5}}
    assert parse(line("measure", 9, **measure)) == ["measure", 9, 1.2346, 0.5, 2000]
    assert parse(line("measure", 9, **measure | {"scores": 1.2})) is None  # as an older version wrote it


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (dict(kind="checkpoint"), []),
        (dict(kind="advice", key="k", en="e", zh="z"), ["k", "e", "z", {}, 0]),
        (dict(kind="advice", key="k", en="e", zh="z", cure={"lr_D": 1.0}, sound=5), ["k", "e", "z", {"lr_D": 1.0}, 5]),
        (dict(kind="action", seen=9, key="k", did="back", lr_D=1.0, lr_G=1.0, en="e", zh="z"), ["e", "z", "back"]),
        (dict(kind="refused", en="e", zh="z"), ["e", "z"]),
        (dict(kind="resumed", passed_over=[]), [None]),
        (dict(kind="resumed", passed_over=[], to=7), [7]),
        (dict(kind="changed", was={"lr_D": 1.0}, now={"lr_D": 0.5}), [{"lr_D": 1.0}, {"lr_D": 0.5}]),
        (dict(kind="changed", was=1, now=2), None),
        (dict(kind="moved", n=3, who="D", D_x=[0.5, float("nan")]), [{"n": 3, "who": "D", "D_x": [0.5, None]}]),
        (dict(kind="forked", into="b"), ["b"]),
        (dict(kind="parent", run="a", path="/secret/place/a"), ["a"]),
        (
            dict(kind="vitals", spread=0.5, apart=0.25, twins=0.1, off=2.0, moved=1, missing=None, classes=None,
                 knows=0.5, passes=float("nan"), logits=3.0),
            [0.5, 0.25, 0.1, 2.0, None, None, 0.5, None],
        ),
        (dict(kind="tomorrow's event", what=1), None),
    ],
)  # fmt: skip
def test_every_event_and_strange_ones(written, told):
    assert parse(line(step=3, **written)) == (None if told is None else [written["kind"], 3, *told])


def test_of_moves_only_the_last_is_kept(tmp_path):
    folder = RunFolder(tmp_path)
    tail, story = Tail(folder.events), Story()
    for n in (1, 2, 3):
        folder.append({"event": "moved", "step": 5, "n": n, "who": "D"})
        folder.append(report(5 + n))
        if n != 2:
            story.take(tail.read())
    told = story.since(0)
    assert [t[0] for t in told] == ["report", "report", "moved", "report"]
    assert told[2] == ["moved", 5, {"n": 3, "who": "D"}]
    assert story.since(story.last) == []


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


def measured(folder, step, distance):
    folder.append(
        {"event": "measure", "step": step, "n": 9, "scores": {"frechet": distance}, "floor": {"frechet": 0.5}}
    )


def test_the_list_of_runs(server, run, jobs):
    older = RunFolder(jobs.runs / "older")
    older.path.mkdir()
    older.write_status("finished", 99)
    time.sleep(0.02)
    run.write_status("paused", 5)
    for step, distance in ((10, 9.0), (20, 5.0), (30, 7.0), (40, 1.0)):
        run.append(report(step))
        measured(run, step, distance)
        run.append(Sample(step, Image.new("L", (16, 16))))
    run.append(Resumed(30))  # what came later no longer counts
    rights.write_owner(run, "0123456789ab")
    with httpx.Client() as client:
        card, other = client.get(server.url).json()["runs"]
        sheet = client.get(f"{server.url}/{run.name}/{card['sheet']}")
    assert sheet.headers["content-type"] == "image/webp" and "000030" in card["sheet"]
    assert card | {"sheet": ""} == {
        "name": run.name, "state": "paused", "step": 5, "steps": None, "preset": "wgan-gp", "data": "data.zip",
        "best": 5.0, "best_step": 20, "floor": 0.5, "sheet": "", "size": 28, "owner": "0123456789ab",
        "started": 1767225600.0, "place": None, "slices": False,
    }  # fmt: skip
    assert (other["name"], other["state"], other["step"], other["sheet"], other["best"]) == (
        "older", "finished", 99, None, None,
    )  # fmt: skip


def test_a_look_at_the_list_reads_only_what_is_new(run, monkeypatch):
    """An event file of an hour is not read again every second."""
    parsed = []
    monkeypatch.setattr(story, "parse", lambda text: parsed.append(text) or parse(text))
    monkeypatch.setattr(cards, "LIST_FOR", 0.0)
    for step in range(50):
        run.append(report(step))
    measured(run, 40, 5.0)
    listed = cards.Cards(Jobs(run.path.parent))
    assert [listed.all()[0]["best"] for _ in range(3)] == [5.0] * 3
    assert len(parsed) == 1  # of curves the list says nothing
    measured(run, 50, 4.0)
    assert listed.all()[0]["best"] == 4.0
    assert len(parsed) == 2


def test_a_watch_ends_with_its_last_viewer(server, run):
    viewers = [Viewer(f"{server.url}/{run.name}/events") for _ in range(3)]
    eventually(lambda: all(viewer.status for viewer in viewers))
    (watch,) = server.hub._posts.values()
    assert watch.guests == 3
    for viewer in viewers:
        viewer.over = True
    run.append(report(1))  # makes them look up
    eventually(lambda: not server.hub._posts)
    eventually(watch.task.done)


def test_a_slow_viewer_is_let_go(run):
    """It hears nothing more but the end of the line, and comes back with its last id."""
    import asyncio

    async def scene():
        watch, viewer = live.Watch(run, Jobs(run.path.parent)), live.Viewer([run.name], alone=True)
        watch.viewers.add(viewer)
        lines = viewer.listen()
        assert (await anext(lines)).startswith("retry:")
        for n in range(live.BACKLOG + 2):
            watch.tell([live.Note(run.name, "told", [n], str(n))])
        assert viewer.over and viewer not in watch.viewers
        assert [text async for text in lines] == []

    with ThreadPoolExecutor(1) as another:  # the browser tests leave a loop running in this thread
        another.submit(lambda: asyncio.run(scene())).result()


# ---- several runs over one line ----


def page_of(server, *names, records=None, **query):
    address = httpx.URL(f"{server.root}/live", params=[("run", name) for name in names] + list(query.items()))
    return Viewer(str(address), records=names if records is None else records)


@pytest.fixture
def others(jobs):
    """Two more runs."""
    folders = [RunFolder(jobs.runs / name) for name in ("b", "c-2")]
    for folder in folders:
        folder.path.mkdir(parents=True)
        folder.write_config({"model": {"image_size": 28}, "train": {"loss": "ns", "steps": 500}})
        folder.write_status("running", 0)
    return folders


def test_one_line_for_a_whole_page(server, run, others):
    folders = [run, *others]
    for folder in folders:
        folder.append(report(10))
    viewer = page_of(server, *(folder.name for folder in folders))
    eventually(lambda: all(record.status for record in viewer.records.values()) and viewer.cards)
    for n, folder in enumerate(folders):
        folder.append(report(20, loss=float(n)))
    eventually(lambda: all(record.steps == [10, 20] for record in viewer.records.values()))
    for n, folder in enumerate(folders):
        record = viewer.records[folder.name]
        assert record.reports[-1][3] == n and len(record.of("history")) == 1
        assert record.of("run")[0]["name"] == folder.name
    assert {card["name"] for card in viewer.cards[0]} == {folder.name for folder in folders}


def test_without_a_run_there_is_the_list_alone(server, run):
    viewer = page_of(server, records={"": Record()})
    eventually(lambda: viewer.cards)
    run.write_status("finished", 9)
    eventually(lambda: viewer.cards[-1][0]["state"] == "finished")
    assert viewer.records[""].heard == []


@pytest.mark.parametrize("how", ["by itself", "by the page"])
def test_a_page_that_comes_back_misses_nothing_of_any_run(server, run, others, how):
    folders = [run, *others]
    names = [folder.name for folder in folders]
    for folder in folders:
        folder.append(report(10))
    first = page_of(server, *names)
    eventually(lambda: all(record.steps == [10] and record.status for record in first.records.values()))
    others[0].append(report(20))  # one has moved on when the line breaks
    eventually(lambda: first.records["b"].steps == [10, 20])
    first.over = True
    for folder in folders:
        folder.append(report(30))
    if how == "by itself":  # EventSource repeats its address; the header is newer
        address = httpx.URL(f"{server.root}/live", params=[("run", name) for name in names] + [("last", "b-0-0")])
        again = Viewer(str(address), first.last_id, first.records)
    else:
        again = page_of(server, *names, records=first.records, last=first.last_id)
    eventually(lambda: all(record.steps[-1] == 30 for record in again.records.values()))
    assert [record.steps for record in again.records.values()] == [[10, 30], [10, 20, 30], [10, 30]]
    assert all(len(record.of("history")) == 1 for record in again.records.values())


def test_a_restart_of_the_app_doubles_nothing_and_loses_nothing(run, jobs):
    """What was heard of one hub is resumed at another, though config.json was written anew in between."""
    import asyncio

    async def hear(last, wanted):
        viewer, text = live.Viewer([run.name], last), ""
        async for part in Hub(jobs).stream(viewer):
            text += part
            if wanted in text and "event: status" in text:
                break
        return text, ",".join(viewer.lines.values())

    def scene():
        run.append(report(10))
        first, last = asyncio.run(hear("", "history"))
        assert '"reports":[[10]' in first
        run.append(report(20))
        run.write_config(run.config | {"changes": [{"step": 10, "train": {"lr_D": 0.5}}]})
        second, _ = asyncio.run(asyncio.wait_for(hear(last, '["report",20,'), 20))
        assert "history" not in second
        assert second.count('["report",20,') == 1 and '["report",10,' not in second

    with ThreadPoolExecutor(1) as another:  # the browser tests leave a loop running in this thread
        another.submit(scene).result()


def test_a_deleted_run_is_gone_and_the_others_go_on(server, run, others):
    viewer = page_of(server, run.name, "b", "nobody", "../etc")
    eventually(lambda: all(record.status for record in viewer.records.values()))
    assert viewer.records["nobody"].status["state"] == viewer.records["../etc"].status["state"] == "gone"
    for path in others[0].path.iterdir():
        path.unlink()
    others[0].path.rmdir()
    eventually(lambda: viewer.records["b"].status["state"] == "gone")
    run.append(report(50))
    eventually(lambda: viewer.records[run.name].steps == [50])
    late = RunFolder(run.path.parent / "nobody")
    late.path.mkdir()
    late.append(report(1))
    late.write_status("running", 1)
    eventually(lambda: viewer.records["nobody"].steps == [1] and viewer.records["nobody"].status["state"] == "running")


def test_mere_steps_are_no_reason_to_send_the_list_at_every_look(server, run, monkeypatch):
    monkeypatch.setattr(live.Board, "every", 0.02)
    monkeypatch.setattr(cards, "LIST_FOR", 0.0)
    monkeypatch.setattr(live, "STEPS_EVERY", 0.5)
    viewer = page_of(server, records={"": Record()})
    eventually(lambda: viewer.cards)
    started = time.monotonic()
    for step in range(1, 60):
        run.write_status("running", step)
        time.sleep(0.01)
    eventually(lambda: viewer.cards[-1][0]["step"] == 59)
    assert 1 < len(viewer.cards) <= 2 + (time.monotonic() - started) / 0.5


def test_a_power_takes_the_bracket_before_it():
    assert mathml("D(x)^2").endswith("</msup></math>")
    text = mathml(r"\tfrac12 (D(x) - 1)^2")
    assert text.count("<msup><mrow><mo") == 1 and "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in text
    assert mathml(r"e^{a - b}").count("<mi>") == 3
    assert "&lt;" in mathml("a < b")


def test_names_that_somebody_invents_cost_little(server, run, monkeypatch):
    monkeypatch.setattr(live, "MOST_WATCHED", 4)
    names = ["x1", "x2", "x3", "x4", "x5", run.name]
    viewer = Viewer(f"{server.root}/live?" + "&".join(f"run={name}" for name in names), records=names)
    eventually(lambda: all(record.status for record in viewer.records.values()))
    assert [viewer.records[name].status["state"] for name in names] == ["gone"] * 5 + ["running"]
    posts = server.hub._posts
    assert set(posts) == {"", "x1", "x2", "x3", run.name}  # whatever is there is always watched
    assert [posts[name].every for name in ("x1", run.name)] == [3.0, 0.3]
