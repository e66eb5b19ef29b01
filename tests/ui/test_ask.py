"""What is asked of a run over HTTP: by whom, of whom, and what becomes of it."""

import json
import os
import time

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.config import ModelConfig, TrainConfig
from gan_core.training.folder import RunFolder
from gan_core.ui.ask import MOST_BYTES, ask_routes
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import Limits
from gan_core.ui.look import Look
from gan_core.ui.move import TRASH
from gan_core.ui.order import Order
from gan_core.ui.rights import public_id, write_owner
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.waiting import ticket_of

ANN, BEN, KEY = "a" * 32, "b" * 32, "the-teacher-s-key"


@pytest.fixture
def studio(tmp_path):
    return Studio(tmp_path / "runs")


@pytest.fixture
def jobs(studio, monkeypatch):
    """No process is started: what would be run is written down."""
    jobs = Jobs(studio.runs)
    jobs.commands = []
    monkeypatch.setattr(jobs, "_spawn", lambda folder, command: jobs.commands.append((folder.name, list(command))))
    return jobs


@pytest.fixture
def client(studio, jobs):
    with TestClient(Starlette(routes=ask_routes(studio, jobs))) as client:
        yield client


@pytest.fixture
def ask(client):
    def ask(run, what, /, visitor="", key="", lang="en", **more):
        headers = {"x-studio-visitor": visitor, "x-studio-key": key, "accept-language": lang}
        return client.post(f"{ROUTES}/runs/{run}/ask", json={"what": what, **more}, headers=headers).json()

    return ask


@pytest.fixture
def run(jobs):
    """A run of Ann's, at step 500, played by this very process."""
    folder = RunFolder(jobs.runs / "mine")
    folder.path.mkdir(parents=True)
    model, train = ModelConfig(image_size=28, nc=1, ngf=8), TrainConfig(batch_size=8, steps=900, augment=("color",))
    config = {"model": vars(model), "train": vars(train), "preset": "dcgan2015", "data": {"name": "fashion-mini"}}
    folder.write_config(config)
    folder.checkpoints.mkdir()
    for step in (100, 300, 500):
        (folder.checkpoints / f"{step:06d}.safetensors").write_bytes(b"")
    write_owner(folder, public_id({"x-studio-visitor": ANN}))
    folder.write_status("running", 500)
    return folder


def control(folder):
    return json.loads((folder.path / "control.json").read_text())


def ended(folder, state="stopped"):
    folder.write_status(state, 500)


# ---- by whom ----


@pytest.mark.parametrize(
    "what", ["pause", "go_on", "slow", "stop", "discard", "move", "set", "back", "fork", "rename", "delete"]
)
def test_a_stranger_may_ask_nothing(ask, run, studio, jobs, what):
    studio.open, studio.key = False, KEY
    for stranger in ({}, {"visitor": BEN}, {"visitor": BEN, "key": "guessed"}):
        assert "belongs to whoever started it" in ask("mine", what, **stranger)["error"]
    assert "教师密钥" in ask("mine", what, visitor=BEN, lang="zh")["error"]
    assert not (run.path / "control.json").exists() and not jobs.commands and run.path.exists()


def test_the_owner_the_teacher_and_where_it_is_open_everybody(ask, run, studio):
    studio.open, studio.key = False, KEY
    for asker, wish in (({"visitor": ANN}, "pause"), ({"visitor": BEN, "key": KEY}, "stop")):
        assert ask("mine", wish, **asker) == {}
        assert control(run)["wish"] == wish
    studio.open = True
    assert ask("mine", "pause", visitor=BEN) == {}
    assert control(run)["wish"] == "pause"


def test_who_am_i(client, studio):
    me = client.get(f"{ROUTES}/me").json()
    assert me == {"id": "", "teacher": False, "open": True, "address": "", "public": None, "zero": False}
    studio.open, studio.key = False, KEY
    me = client.get(f"{ROUTES}/me", headers={"cookie": f"studio-visitor={ANN}", "x-studio-key": KEY}).json()
    assert (me["id"], me["teacher"], me["open"]) == (public_id({"x-studio-visitor": ANN}), True, False)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"what": "delete"}', "text/plain"),  # what a page of another site may send without asking
        (b"what=delete", "application/x-www-form-urlencoded"),
        (b"[]", "application/json"),
        (b'{"what"', "application/json"),
        (b"\xff", "application/json"),
        (b"[" * MOST_BYTES, "application/json"),
        (b'{"what": "pause", "x": "' + b"x" * MOST_BYTES + b'"}', "application/json"),
    ],
)
def test_what_is_no_question_of_ours_does_nothing(client, run, content, kind):
    answer = client.post(f"{ROUTES}/runs/mine/ask", content=content, headers={"content-type": kind})
    assert answer.status_code == 200 and "cannot be read" in answer.json()["error"]
    assert run.path.exists() and not (run.path / "control.json").exists()


# ---- of one that plays ----


def test_wishes_and_orders_stand_in_the_control_file(ask, run):
    assert ask("mine", "slow", pace=2.5) == {}
    assert (control(run)["wish"], control(run)["pace"]) == ("slow", 2.5)
    assert ask("mine", "move", who="D") == {"n": 1}
    assert ask("mine", "set", train={"lr_D": 0.0001, "augment": ["color", "cutout"]}) == {"n": 2}
    assert ask("mine", "back", step=420) == {"n": 3, "step": 300}
    assert ask("mine", "go_on") == {}
    written = control(run)
    assert written["wish"] == "run"
    assert written["orders"] == [
        {"n": 1, "do": "move", "who": "D"},
        {"n": 2, "do": "set", "train": {"lr_D": 0.0001, "augment": ["color", "cutout"]}},
        {"n": 3, "do": "back", "step": 420},
    ]


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        ("slow", {"pace": 0.1}, "pace is 0.1"),
        ("slow", {"pace": "soon"}, "pace is 'soon'"),
        ("move", {"who": "E"}, "Unknown player 'E'"),
        ("set", {}, "Nothing was changed"),
        ("set", {"train": [1]}, "train is"),
        ("set", {"train": {"loss": "wgan"}}, "Unknown setting 'loss'"),
        ("set", {"train": {"lr_D": "fast"}}, "lr_D is 'fast'"),
        ("set", {"train": {"lr_D": 2}}, "lr_D is 2"),
        ("set", {"train": {"augment": ["paint"]}}, "augment"),
        ("back", {"step": -1}, "step is -1"),
        ("fork", {"step": 20}, "before the first checkpoint"),
        ("rename", {"to": "other"}, "Stop it first"),
        ("delete", {}, "Stop it first"),
        ("dance", {}, "Unknown wish 'dance'"),
        (None, {}, "Unknown wish"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_leaves_no_trace(ask, run, jobs, what, more, said):
    assert said in ask("mine", what, **more)["error"]
    assert not (run.path / "control.json").exists() and not jobs.commands


@pytest.mark.parametrize("what", ["pause", "stop", "slow", "move", "set"])
def test_of_a_run_that_nobody_plays(ask, run, what):
    ended(run)
    assert "Nobody is at work" in ask("mine", what, train={"lr_D": 0.1})["error"]
    assert "no run 'other'" in ask("other", what)["error"]
    assert "cannot name a run" in ask(".mine", what)["error"]


# ---- of one that nobody plays ----


def test_going_on_and_going_back_start_a_process(ask, run, jobs):
    ended(run)
    assert ask("mine", "go_on") == {}
    assert ask("mine", "back", step=420) == {"step": 300}
    assert [name for name, _ in jobs.commands] == ["mine", "mine"]
    first, second = (command for _, command in jobs.commands)
    assert "--resume" in first and not any(option.startswith("--at") for option in first)
    assert "--resume" in second and "--at=420" in second
    assert "has not been played yet" in ask("mine", "back", step=501)["error"]


def test_a_run_goes_back_before_its_first_checkpoint_unless_it_is_a_fork(ask, run, jobs):
    assert ask("mine", "back", step=99) == {"n": 1, "step": 0}
    ended(run)
    assert ask("mine", "back", step=0) == {"step": 0}
    assert "--at=0" in jobs.commands[0][1]
    run.write_config(run.config | {"parent": {"run": "other", "step": 100}})
    assert "before the first checkpoint" in ask("mine", "back", step=99)["error"]
    assert len(jobs.commands) == 1


def test_a_run_killed_before_its_first_checkpoint_begins_again(ask, run, jobs):
    for path in run.checkpoints.iterdir():
        path.unlink()
    ended(run, "failed")
    look = Look.at(run, jobs)
    assert look.can_go_on and look.again
    assert ask("mine", "go_on") == {}
    assert "--resume" in jobs.commands[0][1]
    assert "no checkpoint yet" in ask("mine", "fork", step=500)["error"]
    run.append({"event": "checkpoint", "step": 100})  # it had one, and lost it: that is another matter
    assert not Look.at(run, jobs).can_go_on


def test_a_fork_begins_at_the_newest_checkpoint_that_is_no_later(ask, run, jobs):
    ended(run)
    (run.path / "data").mkdir()
    (run.path / "data" / "photos.zip").write_bytes(b"zip")
    asked = {"step": 420, "name": "mine too", "until": "2000", "train": {"lr_D": 1e-5, "augment": ["flip"]}}
    assert "augment" in ask("mine", "fork", **asked)["error"]
    asked["train"]["augment"] = ["color", "cutout"]
    assert "until 300 is over already" in ask("mine", "fork", **asked | {"until": "300"})["error"]
    assert ask("mine", "fork", visitor=BEN, **asked) == {"name": "mine too", "step": 300}
    ((name, command),) = jobs.commands
    assert name == "mine too" and command[:2] == ["fork", "mine@300"]
    assert {"--until=2000", "--lr-d=1e-05", "--augment", "cutout"} <= set(command)
    new = RunFolder(jobs.runs / "mine too")
    assert Look.at(new, jobs).owner == public_id({"x-studio-visitor": BEN})
    assert (new.path / "data" / "photos.zip").read_bytes() == b"zip"  # its own, whatever becomes of the other
    assert "already" in ask("mine", "fork", name="mine too")["error"]
    assert ask("mine", "fork", step=300, name="exactly")["step"] == 300


def test_on_a_public_host_a_fork_is_on_the_clock(ask, run, jobs, monkeypatch):
    from gan_core.cli import plan

    ended(run)
    jobs.limits = Limits()
    monkeypatch.setattr(jobs, "advance", lambda: None)
    assert "300 minutes" in ask("mine", "fork", until="5h")["error"]
    assert "d_moves is 6" in ask("mine", "fork", train={"d_moves": 6})["error"]
    assert not list(jobs.runs.glob("*fork*"))

    def fork(number, **asked):
        new = RunFolder(jobs.runs / ask("mine", "fork", visitor=str(number) * 32, **asked)["name"])
        asked = plan([*ticket_of(new).command, f"--run={new.name}", f"--runs={jobs.runs}"])
        return asked.request.until, asked.request.train.get("steps")

    assert fork(1, until="2000") == ("10m", 2000)
    assert fork(2) == ("10m", 900)  # its parent's
    assert fork(3, train={"steps": 10**9}) == ("10m", 10**9)
    assert fork(4, until="5m") == ("5m", 10**9)
    run.write_config(run.config | {"until": "4m"})
    assert fork(5) == ("4m", None)
    run.write_config(run.config | {"until": "4h"})  # the operator's
    assert "240 minutes" in ask("mine", "fork", visitor=BEN)["error"]


def test_on_a_public_host_settings_have_bounds_too(ask, run, jobs):
    jobs.limits = Limits()
    assert "d_moves is 6, and on this public page at most 5" in ask("mine", "set", train={"d_moves": 6})["error"]
    assert not (run.path / "control.json").exists()
    assert ask("mine", "set", train={"d_moves": 5}) == {"n": 1}


def test_a_fork_that_is_given_nothing_is_named_and_begins_at_the_newest(ask, run, jobs):
    ended(run)
    assert ask("mine", "fork") == {"name": "mine-fork-1", "step": 500}
    assert ask("mine", "fork", until="soon", name="x").get("error")
    assert "cannot name a run" in ask("mine", "fork", name="../x")["error"]


def test_a_fork_waits_its_turn_beside_another_training(ask, run, jobs):
    assert "one at a time" in ask("mine", "fork", step=500)["error"]
    assert not (jobs.runs / "mine-fork-1").exists()


def test_a_run_gets_another_name(ask, run, jobs):
    ended(run)
    (jobs.runs / "taken").mkdir()
    for to, said in (
        ("taken", "already"),
        ("../out", "cannot name a run"),
        ("", "cannot name a run"),
        (".x", "cannot"),
    ):
        assert said in ask("mine", "rename", to=to)["error"]
    assert ask("mine", "rename", to=" other 中 ") == {"name": "other 中"}
    assert not run.path.exists()
    assert RunFolder(jobs.runs / "other 中").config["preset"] == "dcgan2015"


def test_a_run_is_deleted_whole(ask, run, jobs):
    ended(run)
    (jobs.runs / TRASH / "left by an app that was killed").mkdir(parents=True)
    assert ask("mine", "delete") == {}
    assert not list(jobs.runs.iterdir())
    assert "no run 'mine'" in ask("mine", "delete")["error"]


def test_discarding_a_run_that_nobody_plays_deletes_it(ask, run, jobs):
    ended(run)
    assert ask("mine", "discard") == {}
    assert not run.path.exists()


def test_a_run_that_waits_for_its_turn_leaves_the_queue_before_it_is_touched(ask, run):
    run.write_status("queued", 0)
    for what in ("delete", "rename"):
        assert "Stop it first" in ask("mine", what, to="other")["error"]
    assert ask("mine", "stop") == {}
    assert run.status.state == "stopped"
    assert ask("mine", "delete") == {}


def test_a_run_that_a_command_holds_is_neither_moved_nor_deleted(ask, run):
    """It may not have said so yet: the lock knows."""
    ended(run)
    with run.locked():
        assert "Another training is writing" in ask("mine", "delete")["error"]
        assert "Another training is writing" in ask("mine", "rename", to="other")["error"]
    assert run.path.exists()


# ---- the same again ----


def test_settings_are_what_the_recipe_does_not_settle(client, run, jobs):
    again = client.get(f"{ROUTES}/runs/mine/settings").json()
    assert again == {
        "data": "fashion-mini", "preset": "dcgan2015", "image_size": 28, "until": "900", "conditional": False,
        "model": {"ngf": 8}, "train": {"batch_size": 8, "augment": ["color"]},
    }  # fmt: skip
    order = Order("fashion-mini", preset=again["preset"], model=again["model"])
    order.check()
    for elsewhere in (
        {"name": "/secret/photos.zip", "source": "/secret/photos.zip"},
        {"name": "photos/mine", "source": "/secret/photos/mine"},
        {"name": "/secret/photos.zip"},
        {},
    ):
        run.write_config(run.config | {"data": elsewhere})
        assert client.get(f"{ROUTES}/runs/mine/settings").json()["data"] == ""
    (run.path / "config.json").write_text("{}")
    assert "no run 'mine'" in client.get(f"{ROUTES}/runs/mine/settings").json()["error"]


def test_what_a_full_disk_says(ask, run, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("gan_core.training.control.write_text", full)
    assert "No space left" in ask("mine", "move", who="D")["error"]
    assert "No space left" in ask("mine", "pause")["error"]


# ---- for real ----


def eventually(condition, seconds=90):
    """Generous: on a busy machine a process alone needs ten seconds to import torch."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return value


@pytest.fixture
def real(studio):
    """Jobs that start processes, and a client who asks."""
    jobs = Jobs(studio.runs)
    with TestClient(Starlette(routes=ask_routes(studio, jobs))) as client:
        yield (
            jobs,
            lambda run, what, **more: client.post(f"{ROUTES}/runs/{run}/ask", json={"what": what, **more}).json(),
        )
    for child in jobs._children.values():
        child.kill()
        child.wait()


def test_a_lesson(real):
    """A run is started, moved by hand, changed, sent back, stopped, forked, renamed and deleted, all over HTTP."""
    jobs, ask = real
    train = dict(batch_size=8, report_every=5, snapshot_every=20, checkpoint_every=20, measure=0, keep=1000)
    a = jobs.start(
        Order("fashion-mini", name="a", until="1000000", model=dict(ngf=4, ndf=4, image_size=28), train=train)
    )

    def served(answer):
        eventually(lambda: a.status.served >= answer["n"])
        return a.history()

    def of(kind, events):
        return [event for event in events if event["event"] == kind]

    eventually(lambda: (status := a.status) and status.state == "running" and status.step > 45)
    moved = of("moved", served(ask("a", "move", who="D")))[-1]
    assert moved["shift_G"] == 0.0 < moved["shift_D"]
    assert a.status.state == "paused"
    assert of("changed", served(ask("a", "set", train={"lr_D": 1e-5})))[-1]["now"] == {"lr_D": 1e-5}
    back = ask("a", "back", step=33)
    assert back["step"] == 20
    served(back)
    eventually(lambda: (status := a.status).state == "paused" and status.step == 33)
    assert not of("changed", a.history()) and not of("moved", a.history())

    assert ask("a", "delete")["error"]
    ask("a", "stop")
    eventually(lambda: a.status.state == "stopped")
    new = ask("a", "fork", step=30, name="b", until="60", train={"lr_D": 5e-5})
    assert new == {"name": "b", "step": 20}
    b = RunFolder(jobs.runs / "b")
    eventually(lambda: (status := b.status) and status.state == "finished")
    assert b.config["parent"]["step"] == 20 and b.config["train"]["lr_D"] == 5e-5 and b.status.step == 60
    assert of("forked", a.history())[-1]["into"] == "b"

    assert ask("a", "back", step=25) == {"step": 20}  # nobody plays it: a process is started
    eventually(lambda: (status := a.status).state == "paused" and status.step == 25)
    ask("a", "discard")
    eventually(lambda: not a.path.exists())
    assert ask("b", "rename", to="c") == {"name": "c"}  # at once, while its process may still be packing up
    assert ask("c", "delete") == {}
    assert not [path for path in jobs.runs.iterdir() if not path.name.startswith(".")]
