"""A public host: one run at a time for all, one for each, bounds on everything, and nothing kept for ever."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from gan_core.data import prepared
from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, Status, standing
from gan_core.ui.host import GRACE, Host
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import Limits
from gan_core.ui.look import Look
from gan_core.ui.move import rename
from gan_core.ui.order import Order
from gan_core.ui.remains import uploads_gone
from gan_core.ui.rights import owner_of, write_owner
from gan_core.ui.sweep import sweep
from gan_core.ui.uploads import keep_uploads
from gan_core.ui.waiting import FILE, Ticket, ticket_of
from tests.ui.apps import BUSY, drawings, eventually, gone, tiny

HOUR = 3600.0
FASHION = Order("fashion-mini", until="5m")


class Clock:
    """Both clocks of a machine; only the one on the wall may jump."""

    def __init__(self):
        self.now, self.jumped = 1000.0, time.time() - 1000.0

    def mono(self):
        return self.now

    def wall(self):
        return self.now + self.jumped


class Played(Jobs):
    """Jobs whose trainings are processes that do nothing."""

    def __init__(self, runs, limits=None, clock=None):
        super().__init__(runs, limits or Limits())
        self.started = []
        if clock:
            self.queue.clock, self.queue.wall = clock.mono, clock.wall

    def _spawn(self, folder, command):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.started.append((folder.name, *command))
        self._children[folder.name] = child
        folder.write_config({"model": {}, "train": {"lr_D": 0.1, "lr_G": 0.2}, "data": {}})
        folder.write_status("running", 7, pid=child.pid)

    def end(self, name, state="finished"):
        RunFolder(self.runs / name).write_status(state, 9)
        child = self._children[name]
        child.kill(), child.wait()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def jobs(tmp_path, clock):
    jobs = Played(tmp_path / "runs", clock=clock)
    yield jobs
    for child in jobs._children.values():
        child.kill(), child.wait()


def states(jobs):
    return {run.name: standing(run, jobs.alive(run)) for run in map(RunFolder, sorted(jobs.runs.glob("[!.]*")))}


def test_one_after_another_each_with_its_place(jobs):
    first, second, third = (jobs.start(FASHION, owner) for owner in ("ann", "ben", "cai"))
    assert list(states(jobs).values()) == ["running", "queued", "queued"]
    assert [jobs.place(run) for run in (first, second, third)] == [None, 1, 2]
    assert jobs.minutes_left(second) is None
    jobs.advance()
    assert len(jobs.started) == 1
    jobs.end(first.name)
    jobs.advance()
    assert list(states(jobs).values()) == ["finished", "running", "queued"]
    assert [jobs.place(run) for run in (first, second, third)] == [None, None, 1]
    assert [name for name, *_ in jobs.started] == [first.name, second.name]
    assert "--until=5m" in jobs.started[0] and owner_of(first) == "ann"


def test_the_queue_outlives_the_app_and_two_apps_start_nothing_twice(jobs, clock):
    runs = [jobs.start(FASHION, owner) for owner in "abcd"]
    other = Played(jobs.runs, clock=clock)
    other.advance()  # sees that one plays
    jobs.end(runs[0].name)
    other.advance()
    jobs.advance()
    assert [name for name, *_ in jobs.started + other.started] == [runs[0].name, runs[1].name]
    assert [other.place(run) for run in runs] == [None, None, 1, 2]
    other.end(runs[1].name)
    late = other.start(FASHION, "e")  # behind those that the other app has let in
    assert other.place(late) == 2
    other.end(runs[2].name)
    for child in other._children.values():
        child.kill(), child.wait()


def test_one_run_for_each_visitor(jobs):
    mine = jobs.start(FASHION, "ann")
    with pytest.raises(UserError, match=f"{mine.name}.*everybody has one"):
        jobs.start(FASHION, "ann")
    waiting = jobs.start(FASHION, "ben")
    with pytest.raises(UserError, match=f"{waiting.name}.*everybody has one"):
        jobs.start(FASHION, "ben")
    jobs.end(mine.name)
    jobs.limits = Limits(waiting=1)
    with pytest.raises(UserError, match="1 runs are waiting, and the queue"):
        jobs.start(FASHION, "ann")


def test_stop_takes_a_run_out_of_the_queue(jobs):
    jobs.start(FASHION, "ann")
    new, other = jobs.start(FASHION, "ben"), jobs.start(FASHION, "cai")
    with pytest.raises(UserError, match="waiting for its turn"):
        jobs.ask(new.name, "pause")
    jobs.ask(new.name, "stop")
    assert not new.path.exists() and jobs.place(other) == 1
    other.write_config({"model": {}})  # one that has played before only stands as it stood
    jobs.ask(other.name, "stop")
    assert states(jobs)[other.name] == "stopped"
    assert jobs.go_on(other.name) and states(jobs)[other.name] == "queued"
    assert ticket_of(other).command[:2] == ("train", "--resume")
    assert jobs.go_on(other.name) and jobs.place(other) == 1  # twice is once


def test_going_on_waits_for_its_turn_too(jobs):
    mine = jobs.start(FASHION, "ann")
    jobs.end(mine.name, "stopped")
    jobs.start(FASHION, "ben")
    jobs.go_on(mine.name)
    assert states(jobs)[mine.name] == "queued" and mine.status.step == 9


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (Order("fashion-mini", until="11m"), "11 minutes; .* may train for 10"),
        (Order("fashion-mini", until="2h"), "120 minutes"),
        (Order("fashion-mini", model=dict(ngf=128)), "ngf is 128, .* at most 64"),
        (Order("fashion-mini", model=dict(ndf=65)), "ndf is 65"),
        (Order("fashion-mini", model=dict(image_size=128)), "image_size is 128"),
        (Order("fashion-mini", model=dict(nz=4096)), "nz is 4096"),
        (Order("fashion-mini", train=dict(batch_size=256)), "batch_size is 256"),
        (Order("fashion-mini", train=dict(d_moves=6)), "d_moves is 6"),
        (Order("fashion-mini", train=dict(measure=50_000)), "measure is 50000"),
        (Order("celeba"), "'celeba' is too large"),
        (Order("somebody/something"), "'somebody/something' is too large"),
    ],
)
def test_what_asks_for_too_much_is_refused_with_the_bound(jobs, order, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        jobs.start(order, "ann")
    assert error.value.said("zh") != error.value.said("en")
    assert not states(jobs) and not jobs.started


@pytest.mark.parametrize(
    ("until", "given"),
    [
        ("10m", ("--until=10m",)),
        ("500", ("--until=10m", "--steps=500")),  # whichever comes first
        ("", ("--until=10m", "--steps=20000")),
        ("no better for 3", ("--until=no better for 3",)),  # a sitting ends, whatever it waits for
    ],
)
def test_every_run_is_on_the_clock(jobs, until, given):
    jobs.start(Order("fashion-mini", until=until), "ann")
    assert [word for word in jobs.started[0] if word.startswith(("--until", "--steps"))] == list(given)


def test_files_that_come_too_often_are_made_rarer(jobs):
    often = dict(snapshot_every=1, checkpoint_every=1, report_every=10)
    assert Limits().fit_changes(often) == dict(snapshot_every=200, checkpoint_every=200, report_every=10)
    for field in ("d_moves", "keep"):
        with pytest.raises(UserError, match=f"{field} is 50"):
            Limits().fit_changes({field: 50})


def test_uploads_are_weighed_counted_and_lose_their_names(jobs, tmp_path):
    path = tmp_path / "my secret holiday.ZIP"
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(30):
            archive.writestr(f"{n}.png", os.urandom(1000))
    for limits, sentence in ((Limits(upload_bytes=10_000), "takes 0 MB"), (Limits(pictures=29), "30 pictures")):
        jobs.limits = limits
        with pytest.raises(UserError, match=sentence):
            jobs.start(Order(uploads=(path,)), "ann")
    jobs.limits = Limits()
    run = jobs.start(Order(uploads=(path,)), "ann")
    assert run.name == "pictures-1" and [file.name for file in (run.path / "data").iterdir()] == ["pictures-0.zip"]
    assert jobs.private(run) and "secret" not in json.dumps(jobs.started)
    assert not Jobs(jobs.runs).private(run)  # on a machine of one's own, nothing is


def test_what_went_wrong_with_somebody_s_pictures_names_none_of_them(jobs, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    run = jobs.start(Order(uploads=(picture,) * 9), "ann")
    jobs.end(run.name, "failed")
    run.write_status(
        "failed", 0, "3 could not be read (Anna Schmidt 7b/0.png)", "3 张无法读取（Anna Schmidt 7b/0.png）"
    )
    look = Look.at(run, jobs)
    assert "Anna" not in look.why + look.why_zh and not look.log
    assert "cannot be read" in look.why and "无法读取" in look.why_zh
    at_home = Look.at(run, Jobs(jobs.runs))
    assert "Anna" in at_home.why and "Anna" in at_home.why_zh
    public_set = jobs.start(FASHION, "ben")
    jobs.end(public_set.name, "failed")
    public_set.write_status("failed", 0, "The disk is full", "磁盘已满")
    assert Look.at(public_set, jobs).why == "The disk is full"


# ---- what the host does by itself ----


@pytest.fixture
def host(jobs, clock):
    return Host(jobs, jobs.limits, clock.mono)


def test_a_sitting_ends_however_long_it_pauses_and_whatever_the_clocks_say(jobs, host, clock):
    run = jobs.start(FASHION, "ann")
    host.look()
    clock.now += 60 * 19
    clock.jumped += 10 * HOUR  # somebody sets the clock
    host.look()
    assert run.wish == "run" and 0.9 < jobs.minutes_left(run) < 1.1
    clock.now += 61
    host.look()
    assert run.wish == "stop" and jobs.minutes_left(run) == 0
    (told,) = [event for event in run.history() if event["event"] == "action"]
    assert "20 minutes" in told["en"] and "20 分钟" in told["zh"] and (told["did"], told["step"]) == ("stop", 7)
    clock.now += GRACE - 1
    host.look()
    assert jobs._children[run.name].poll() is None
    clock.now += 2
    host.look()
    assert jobs._children[run.name].wait(10) == -9  # it did not listen
    assert len(run.history()) == 1


def test_an_app_that_was_away_counts_on(jobs, clock):
    run = jobs.start(FASHION, "ann")
    clock.now += 60 * 15
    other = Played(jobs.runs, clock=clock)
    assert 4.9 < other.minutes_left(run) < 5.1


def test_a_run_that_fills_the_disk_is_stopped(jobs, host, clock):
    run = jobs.start(FASHION, "ann")
    host.limits = Limits(run_bytes=100_000)
    host.look()
    assert run.wish == "run"
    (run.path / "large").write_bytes(bytes(200_000))
    clock.now += 30
    host.look()
    assert run.wish == "stop" and "0.0001 GB" in run.history()[0]["en"]


def test_a_run_that_cannot_be_told_is_ended_all_the_same(jobs, host, clock, monkeypatch):
    run = jobs.start(FASHION, "ann")

    def full(*asked):
        raise OSError(28, "No space left on device")

    clock.now += 60 * 21
    monkeypatch.setattr(RunFolder, "append", full)
    monkeypatch.setattr(RunFolder, "ask", full)
    host.look()
    clock.now += GRACE + 1
    host.look()
    assert jobs._children[run.name].wait(10) == -9


def test_only_the_process_that_wrote_the_status_is_killed(jobs):
    """After a power cut its number may be anybody's, and for all that the app knows the clock has jumped."""
    run = RunFolder(jobs.runs / "left")
    run.path.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as child:
        status = Status("running", child.pid, socket.gethostname(), time.time())
        run.restore(replace(status, heartbeat=time.time() - HOUR))
        jobs.kill(run)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        run.restore(status)
        jobs.kill(run)
        assert child.wait(10) == -9


def test_a_run_that_was_started_by_a_command_is_the_operator_s(jobs, host, clock):
    run = jobs.start(FASHION, "ann")
    (run.path / FILE).unlink()
    host.limits = Limits(run_bytes=10)
    host.look()
    clock.now += 2 * HOUR
    host.look()
    assert run.wish == "run" and jobs.minutes_left(run) is None


def aged(run, hours):
    run.write_status("finished", 9)
    status = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps(status | {"heartbeat": time.time() - hours * HOUR}))


def test_uploads_go_after_an_hour_and_runs_after_a_day(jobs, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    playing = jobs.start(Order(uploads=(picture,) * 9), "ann")
    waiting = jobs.start(Order(uploads=(picture,) * 9), "ben")
    by_command = RunFolder(jobs.runs / "operator")
    for name, hours in (("fresh", 0.9), ("hour", 1.1), ("day", 24.1), ("operator", 100)):
        run = RunFolder(jobs.runs / name)
        (run.path / "data").mkdir(parents=True)
        (run.path / "data" / "0.png").write_bytes(b"x")
        (run.path / "moves").mkdir()
        write_owner(run, name)
        if run.name != by_command.name:
            jobs.queue._write(run, ticket_of(waiting))
        run.write_config({"model": {}, "data": {"source": str(run.path / "data")}})
        (run.checkpoints).mkdir()
        (run.checkpoints / "000009.safetensors").write_bytes(b"")
        aged(run, hours)
    stray = RunFolder(jobs.runs / "stray")  # the app was killed while it took the pictures in
    write_owner(stray, "dan")
    os.utime(stray.path, (0, 0))
    for run in (playing, waiting):
        status = json.loads((run.path / "status.json").read_text())
        (run.path / "status.json").write_text(json.dumps(status | {"heartbeat": 0.0}))  # the clock was set
    sweep(jobs, jobs.limits)
    kept = {run.name: any((run.path / "data").iterdir()) for run in map(RunFolder, jobs.runs.glob("[!.]*"))}
    assert kept == {playing.name: True, waiting.name: True, "fresh": True, "hour": False, "operator": True}
    hour = RunFolder(jobs.runs / "hour")
    assert not (hour.path / "moves").exists() and jobs.private(hour)
    with pytest.raises(UserError, match="were deleted, as promised"):
        jobs.go_on("hour")
    with pytest.raises(UserError, match="were deleted, as promised"):
        jobs.fork(hour, 9, "", "", {}, "hour")
    assert not list(jobs.runs.glob("*fork*"))


def brought(jobs, name, picture):
    """A run of a visitor that ended some hours ago, and learned from that picture."""
    run = RunFolder(jobs.runs / name)
    run.path.mkdir(parents=True)
    write_owner(run, "ann")
    jobs.queue._write(run, Ticket(1, ("train",)))
    source = keep_uploads([picture], run)
    run.write_config({"model": {}, "data": {"source": source, "name": source}})
    aged(run, 2)
    return run


def test_swept_pictures_are_known_by_whatever_name_the_run_goes(jobs, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    renamed = rename(brought(jobs, "mine", picture), "other")
    assert renamed.config["data"]["source"] == str(renamed.path / "data")
    assert jobs.private(renamed) and not uploads_gone(renamed)
    again = brought(jobs, "mine", picture)  # in the place of the first
    early = brought(jobs, "early", picture)  # failed before it had a config
    (early.path / "config.json").unlink()
    sweep(jobs, jobs.limits)
    for run in (again, rename(renamed, "third"), rename(early, "fourth")):
        assert not list(run.path.rglob("*.png"))
        assert uploads_gone(run) and jobs.private(run)
    with pytest.raises(UserError, match="were deleted, as promised"):
        jobs.go_on("third")


def test_a_run_renamed_or_swept_by_an_earlier_studio_stays_private(jobs, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    old = brought(jobs, "mine", picture)
    run = RunFolder(old.path.rename(jobs.runs / "other"))
    assert jobs.private(run) and not uploads_gone(run)
    shutil.rmtree(run.path / "data")
    assert jobs.private(run) and uploads_gone(run)
    run.write_config({"data": {"source": "fashion-mini"}})
    assert not jobs.private(run)


def test_where_a_run_cannot_be_renamed_it_is_as_it_was(jobs, tmp_path, monkeypatch):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    run = brought(jobs, "mine", picture)
    before = run.config

    def refuses(*_):
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(OSError, match="Permission"):
        rename(run, "other")
    assert run.config == before


def test_where_the_disk_is_full_the_oldest_run_goes_first_and_never_a_live_one(jobs):
    playing = jobs.start(FASHION, "ann")
    for name, hours in (("old", 3), ("older", 4), ("new", 2)):
        run = RunFolder(jobs.runs / name)
        run.path.mkdir()
        (run.path / "weights").write_bytes(bytes(100_000))
        jobs.queue._write(run, ticket_of(playing))
        aged(run, hours)
    (playing.path / "weights").write_bytes(bytes(100_000))
    sweep(jobs, Limits(runs_bytes=250_000))
    assert set(states(jobs)) == {playing.name, "new"}
    sweep(jobs, Limits(runs_bytes=10))
    assert set(states(jobs)) == {playing.name}


def test_prepared_sets_go_an_hour_after_they_were_last_used(tmp_path, monkeypatch):
    from PIL import Image

    from gan_core.data.files import folder_source

    monkeypatch.setenv("GAN_CORE_DATA", str(tmp_path / "cache"))
    places = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for n in range(9):
            Image.new("L", (28, 28), n).save(folder / f"{n}.png")
        source = folder_source(str(folder), folder)
        places.append(prepared.prepared(source, 28, None, 0, None).mapped.parent)
        os.utime(places[-1] / "facts.json", (1, 1))
    again = prepared.prepared(source, 28, None, 0, None)  # "two" is used
    prepared.forget_unused(HOUR, time.time())
    assert [place.exists() for place in places] == [False, True]
    prepared.forget_unused(HOUR, time.time() + 2 * HOUR)
    assert not any(Path(place).exists() for place in places)
    assert again.pixels[3].max() == 3  # whoever has it keeps it


@pytest.mark.slow
def test_the_queue_with_real_trainings_goes_on_in_another_app(tmp_path):
    runs, pictures = tmp_path / "runs", drawings(tmp_path / "drawings")
    one = Jobs(runs, Limits())
    first, second = one.start(tiny(pictures, "20"), "ann"), one.start(tiny(pictures, "20"), "ben")
    eventually(lambda: first.status.state == "finished", BUSY)
    assert (first.status.step, standing(second), one.place(second)) == (20, "queued", 1)  # this app looks no more
    two = Jobs(runs, Limits())
    host = Host(two, Limits())
    host.start()
    eventually(lambda: second.status.state == "finished", BUSY)
    host.close()
    assert second.status.step == 20 and second.config["until"] == "10m"
    for jobs, run in ((one, first), (two, second)):
        eventually(lambda pid=jobs._children[run.name].pid: gone(pid))
