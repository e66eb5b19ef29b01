"""Trainings as processes of their own: started, paused, taken up by another app, stopped, killed."""

import os
import signal
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gan_core.config import PRESETS
from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, standing
from gan_core.ui.jobs import Jobs
from gan_core.ui.look import Look
from gan_core.ui.order import Order
from gan_core.ui.remains import log_tail, resumable
from gan_core.ui.uploads import keep_uploads

TINY = dict(
    model=dict(ngf=4, ndf=4, image_size=28),
    train=dict(batch_size=8, report_every=5, snapshot_every=50, checkpoint_every=50),
)


def eventually(condition, seconds=90):
    """Generous: on a busy machine the process alone needs ten seconds to import torch."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return value


@pytest.fixture
def jobs(tmp_path):
    jobs = Jobs(tmp_path / "runs")
    yield jobs
    for child in jobs._children.values():
        child.kill()
        child.wait()


def state(folder, wanted):
    return lambda: (status := folder.status) and status.state == wanted


def gone(pid):
    """Neither running nor a zombie."""
    return lambda: not Path(f"/proc/{pid}").exists() if Path("/proc/self").exists() else True


def test_the_life_of_a_training(jobs):
    folder = jobs.start(Order("fashion-mini", until="1000000", **TINY))
    assert folder.name == "fashion-mini-1"
    assert standing(folder, jobs.alive(folder)) == "preparing"
    with pytest.raises(UserError, match="fashion-mini-1.* still going on"):
        jobs.start(Order("fruits-mini", **TINY))
    eventually(lambda: (s := folder.status) and s.state == "running" and folder.history())

    other = Jobs(jobs.runs)  # the app was closed, and comes back
    assert other.busy().name == folder.name
    other.ask(folder.name, "pause")
    eventually(state(folder, "paused"))
    before = folder.status.step
    time.sleep(0.5)
    assert folder.status.step == before
    assert other.alive(folder)
    other.go_on(folder.name)
    eventually(lambda: folder.status.state == "running" and folder.status.step > before)

    pid = folder.status.pid
    jobs.ask(folder.name, "stop")
    eventually(state(folder, "stopped"))
    stopped_at, child = folder.status.step, jobs._children[folder.name]
    assert resumable(folder)
    with pytest.raises(UserError, match="Nobody is at work"):
        jobs.ask(folder.name, "pause")

    jobs.go_on(folder.name)  # at once, while the process may still be packing up
    assert child.returncode == 0
    assert gone(pid)()
    eventually(lambda: folder.status.state == "running" and folder.status.step > stopped_at)
    assert [e for e in folder.history() if e["event"] == "resumed"]

    pid = folder.status.pid
    os.kill(pid, signal.SIGKILL)
    eventually(gone(pid), 10)
    assert standing(folder, jobs.alive(folder)) == "dead"
    assert jobs.busy() is None
    assert not [line for line in log_tail(folder) if "%|" in line]


def test_what_a_process_finds_wrong_with_the_data_stands_in_its_status(jobs, tmp_path):
    upload = tmp_path / "cache" / "holiday photos.zip"
    upload.parent.mkdir()
    upload.write_text("no zip at all")
    folder = jobs.start(Order(uploads=(upload,), until="10", **TINY))
    upload.unlink()  # Gradio's cache is swept
    assert folder.name == "holiday-photos-1"
    assert (folder.path / "data" / "holiday photos.zip").exists()
    status = eventually(lambda: (s := folder.status) and s.state == "failed" and s)
    assert "neither a folder nor a ZIP" in status.why and "ZIP" in status.why_zh
    assert Look.at(folder, jobs).why.startswith("holiday photos.zip is neither")
    assert not jobs.alive(folder) or eventually(lambda: not jobs.alive(folder))
    eventually(lambda: log_tail(folder))
    assert not resumable(folder)
    with pytest.raises(UserError, match="before its first checkpoint"):
        jobs.go_on(folder.name)


def test_stopped_before_it_began(jobs):
    folder = jobs.start(Order("fashion-mini", until="1000000", **TINY))
    jobs.ask(folder.name, "stop")
    eventually(state(folder, "stopped"))
    eventually(lambda: jobs.busy() is None)


def test_discarded_before_it_began(jobs):
    folder = jobs.start(Order("fashion-mini", until="1000000", **TINY))
    jobs.ask(folder.name, "discard")
    eventually(lambda: not folder.path.exists())
    eventually(lambda: jobs.busy() is None)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (Order("fashion-mini", preset="dcgan2051"), "did you mean 'dcgan2015'"),
        (Order("fashion-mini", preset="wgan-gp", model=dict(norm_D="batch")), "batch norm"),
        (Order("fashion-mini", train=dict(batch_size=1)), "batch_size is 1"),
        (Order("fashion-mini", model=dict(image_size=31)), "image_size"),
        (Order("fashion-mini", until="soon"), "soon"),
        (Order(), "No pictures chosen"),
        (Order(uploads=(Path("a.zip"), Path("b.png"))), "Upload one ZIP"),
        (Order("fashion-mini", name="../../tmp/x"), "cannot name a run"),
        (Order("fashion-mini", name="a/b"), "cannot name a run"),
    ],
)
def test_what_cannot_work_starts_no_process_and_leaves_no_folder(jobs, order, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        jobs.start(order)
    assert error.value.said("zh") != error.value.said("en")
    assert not jobs._children and not list(jobs.runs.glob("[!.]*"))


def test_a_name_is_never_used_twice(jobs):
    for name in ("fashion-mini-2", "fashion-mini-10", "fashion-mini-x", "fashion-mini-extra-77"):
        (jobs.runs / name).mkdir(parents=True)
    assert jobs.propose("fashion-mini") == "fashion-mini-11"
    assert jobs.propose("my photos: été") == "my-photos-été-1"
    assert jobs.propose("...") == "run-1"
    with pytest.raises(UserError, match="already"):
        jobs.start(Order("fashion-mini", name="fashion-mini-2"))


def test_an_unwritable_place_is_said(tmp_path):
    (tmp_path / "runs").write_text("a file stands where the runs should be")
    with pytest.raises(UserError, match="Cannot write"):
        Jobs(tmp_path / "runs").start(Order("fashion-mini"))


def test_where_no_status_can_be_written_no_process_is_left(jobs, monkeypatch):
    def full(*asked, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_status", full)
    with pytest.raises(UserError, match="No space left"):
        jobs.start(Order("fashion-mini", **TINY))
    (child,) = jobs._children.values()
    eventually(gone(child.pid), 10)
    assert not list(jobs.runs.glob("[!.]*"))


def test_pictures_that_share_a_name_are_all_kept(jobs, tmp_path):
    uploads = []
    for n in range(3):
        path = tmp_path / str(n) / "IMG_1.png"
        path.parent.mkdir()
        path.write_bytes(bytes([n]))
        uploads.append(path)
    folder = RunFolder(jobs.runs / "x")
    folder.path.mkdir(parents=True)
    place = Path(keep_uploads(uploads, folder))
    assert place.is_dir()
    assert sorted(path.read_bytes() for path in place.iterdir()) == [b"\0", b"\1", b"\2"]


def test_options_are_what_the_command_line_reads():
    from gan_core.cli import plan

    model = dict(ngf=4, norm_D="none", dropout_D=0.25)
    train = dict(lr_D=1e-3, augment=("color", "cutout"), flip=True, seed=-5, betas=(0.0, 0.9))
    options = Order("x", conditional=True, until="10m", model=model, train=train).options("x")
    read = plan(["train", "--run=r", *options]).request
    assert (read.model, read.train) == (model, train | {"steps": 10**9})  # the clock decides
    assert (read.data, read.until, read.conditional) == ("x", "10m", True)
    assert read.preset in PRESETS


def test_a_log_without_its_bars(tmp_path):
    folder = RunFolder(tmp_path)
    assert log_tail(folder) == []
    folder.log.write_bytes(
        b"one\n\r  0%|     | 0/5\r 20%|#    | 1/5\n\x1b[31mtwo\x1b[0m\n\r 40%|##   | 2/5\r     \r"
        b"gan-core: th\xffree\n\r 60%|###  |"
    )
    assert log_tail(folder) == ["one", "two", "gan-core: th\ufffdree"]


def test_a_zip_bomb_is_refused_by_the_process_not_by_the_page(tmp_path):
    """The page only carries the file: whatever it holds is judged by data.files, in the child."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(30 * 2**20))
    Order(uploads=(path,)).check()


def test_two_apps_on_one_folder_start_one_training(jobs, monkeypatch):
    """The other one may be about to begin: then it holds the lock beside the runs, in class as on a public host."""
    monkeypatch.setattr(jobs, "_spawn", lambda *_: pytest.fail("started beside another"))
    monkeypatch.setattr("gan_core.ui.waiting.PATIENCE", 0.1)
    waiting = RunFolder(jobs.runs / "waiting")
    waiting.path.mkdir(parents=True)
    waiting.write_status("queued", 0)
    with ThreadPoolExecutor(1) as pool, Jobs(jobs.runs).alone():
        for deed in (
            lambda: jobs.start(Order("fashion-mini", **TINY)),
            lambda: jobs.ask("waiting", "stop"),
        ):
            error = pool.submit(deed).exception(20)
            assert isinstance(error, UserError)
            assert "Try again in a moment" in str(error)
    assert [path.name for path in jobs.runs.glob("[!.]*")] == ["waiting"]


def test_a_run_that_nobody_plays_goes_back_to_a_step(jobs, monkeypatch):
    from gan_core.cli import plan

    folder = RunFolder(jobs.runs / "a")
    folder.path.mkdir(parents=True)
    folder.write_config({"model": {}, "until": "10m"})
    folder.write_status("stopped", 9)
    spoken = []
    monkeypatch.setattr(jobs, "_spawn", lambda folder, command: spoken.append([*command, f"--run={folder.name}"]))
    jobs.go_on("a", at=5)
    asked = plan(spoken[0])
    assert (asked.resume, asked.request.at, asked.request.until, asked.folder.name) == (True, 5, "10m", "a")
