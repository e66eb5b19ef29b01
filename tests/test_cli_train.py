"""`python -m gan_core train`, as a person types it: in this process where that is the same, else in one of its own."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import GAN, Trainer
from gan_core.cli import main
from gan_core.training.checkpoint import checkpoints
from gan_core.training.folder import RunFolder

SMALL = ["--image-size", "28", "--nc", "1", "--nz", "4", "--ngf", "4", "--ndf", "4", "--batch-size", "8"]
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def drawings(tmp_path_factory):
    """16 pictures in two folders, which are classes."""
    folder, random = tmp_path_factory.mktemp("data") / "drawings", np.random.default_rng(0)
    for kind in ("round", "square"):
        (folder / kind).mkdir(parents=True)
        for i in range(8):
            Image.fromarray(random.integers(256, size=(28, 28), dtype=np.uint8)).save(folder / kind / f"{i}.png")
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch, drawings):
    """An empty folder to stand in, with the pictures beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GAN_CORE_RUNS", raising=False)
    (tmp_path / "drawings").symlink_to(drawings)
    return tmp_path


def train(*options, data="drawings"):
    """The exit code; 2 where argparse leaves by an exception."""
    given = ["train", "--run", "a", *(["--data", data] if data else []), *SMALL, *map(str, options)]
    try:
        return main(given)
    except SystemExit as left:
        return left.code


def refused(capfd, *options, data="drawings"):
    """The one sentence with which the command is refused, after nothing but the remains of a bar."""
    assert train(*options, data=data) == 2
    out, err = capfd.readouterr()
    assert out == ""
    return one_sentence(err)


def one_sentence(err):
    assert "Traceback" not in err
    lines = [line for line in re.split(r"[\r\n]+", err) if line.strip() and "%|" not in line]
    assert len(lines) == 1, err
    assert lines[0].startswith("gan-core: ")
    return lines[0]


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.name.endswith((".part", ".old", ".tmp"))]


# ---- what goes well


def test_a_run_from_beginning_to_end(place, capfd):
    assert train("--steps", "6", "--report-every", "2", "--snapshot-every", "4", "--checkpoint-every", "3") == 0
    out, err = capfd.readouterr()
    assert out == f"Finished at step 6. The weights are in {Path('runs/a')} (snapshot 000006).\n"
    assert re.search(r"100%.*step 6 .*images/s .*loss D .* G .*D\(x\) .*D\(G\(z\)\)", err)
    run = RunFolder(place / "runs" / "a")
    assert [(e["event"], e["step"]) for e in run.history()] == [
        ("sample", 0), ("report", 2), ("checkpoint", 3), ("report", 4), ("snapshot", 4),
        ("report", 6), ("sample", 6), ("snapshot", 6), ("checkpoint", 6),
    ]  # fmt: skip
    assert (run.status.state, run.status.step, run.status.alive) == ("finished", 6, False)
    assert [path.stem for path in checkpoints(run.checkpoints)] == ["000006", "000003"]
    assert run.config["preset"] == "dcgan2015"
    assert run.config["train"]["steps"] == 6
    assert run.config["data"]["pictures"] == 16
    gan = GAN.from_pretrained("runs/a")
    assert (gan.config.image_size, gan.info["step"]) == (28, 6)
    assert gan(gan.sample_z(2, 0)).shape == (2, 1, 28, 28)
    assert not leftovers(place)


def test_a_run_in_two_sittings_is_the_run_in_one(place, capfd):
    assert train("--runs", "one", "--steps", "5") == 0
    assert train("--runs", "two", "--steps", "3") == 0
    assert main(["train", "--run", "a", "--runs", "two", "--resume", "--steps", "5"]) == 0
    whole, parts = (GAN.from_pretrained(f"{runs}/a").state_dict() for runs in ("one", "two"))
    assert all(torch.equal(t, parts[name]) for name, t in whole.items())
    events = [(e["event"], e["step"]) for e in RunFolder(Path("two/a")).history()]
    assert events[-5:] == [("resumed", 3), ("report", 5), ("sample", 5), ("snapshot", 5), ("checkpoint", 5)]
    assert RunFolder(Path("two/a")).config["train"]["steps"] == 5


def test_a_run_whose_pictures_lie_in_a_file_is_the_run_in_memory(place, capfd, monkeypatch):
    monkeypatch.setenv("GAN_CORE_DATA", str(place / "cache"))
    options = ["--steps", "5", "--flip", "--conditional"]
    assert train("--runs", "one", *options) == 0
    assert train("--runs", "two", *options, "--memory-limit", "0") == 0
    assert list(place.glob("cache/prepared/*/pixels"))
    held, mapped = (GAN.from_pretrained(f"{runs}/a").state_dict() for runs in ("one", "two"))
    assert all(torch.equal(t, mapped[name]) for name, t in held.items())
    resume = ["train", "--run", "a", "--runs", "one", "--resume", "--steps", "6", "--memory-limit", "0"]
    assert main(resume) == 0  # the same pictures, wherever they lie


def test_classes_are_learned_where_they_are_asked_for(place, capfd):
    assert train("--steps", "1", "--conditional") == 0
    assert GAN.from_pretrained("runs/a").config.num_classes == 2
    assert RunFolder(Path("runs/a")).config["data"]["classes"] == ["round", "square"]


def test_until_is_a_number_of_steps_or_a_time(place, capfd):
    assert train("--until", "3 steps") == 0
    assert RunFolder(Path("runs/a")).status.step == 3
    assert train("--runs", "timed", "--minutes", "0.01", "--checkpoint-every", "1000000") == 0
    timed = RunFolder(Path("timed/a"))
    assert (timed.status.state, timed.config["until"]) == ("finished", "0.01m")
    steps = timed.status.step
    assert steps >= 1
    assert main(["train", "--run", "a", "--runs", "timed", "--resume"]) == 0  # stays on its clock, which has run out
    assert timed.status.step <= steps + 1
    assert main(["train", "--run", "a", "--runs", "timed", "--resume", "--steps", str(steps + 3)]) == 0
    assert timed.status.step == steps + 3


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "control.json"])
def test_a_run_that_is_asked_to_stop_saves_and_says_how_to_go_on(place, capfd, how):
    run = RunFolder(place / "my runs" / "a")

    def ask():
        while not any(e["event"] == "report" for e in run.history()):
            time.sleep(0.01)
        run.ask("stop") if how == "control.json" else os.kill(os.getpid(), getattr(signal, how))

    before = signal.getsignal(signal.SIGINT)
    Thread(target=ask, daemon=True).start()
    assert train("--runs", "my runs", "--steps", "1000000", "--report-every", "1") == 0
    assert signal.getsignal(signal.SIGINT) == before
    step = run.status.step
    assert run.status.state == "stopped"
    assert [path.stem for path in checkpoints(run.checkpoints)] == [f"{step:06d}"]
    assert GAN.from_pretrained(run.path).info["step"] == step
    out = capfd.readouterr().out
    assert out == (
        f"Stopped at step {step:,}; everything is saved in {Path('my runs/a')} (snapshot {step:06d}). "
        "To go on: python -m gan_core train --run a --runs 'my runs' --resume\n"
    )
    assert main(["train", "--run", "a", "--runs", "my runs", "--resume", "--steps", str(step + 2)]) == 0
    assert run.status.step == step + 2


def test_a_real_process_ends_gently(place):
    """Both signals, as the shell and the machine send them."""
    command = [sys.executable, "-m", "gan_core", "train", "--data", "drawings", *SMALL, "--steps", "1000000"]
    children = {
        number: subprocess.Popen(
            [*command, "--threads", "1", "--report-every", "1", "--run", str(int(number))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for number in (signal.SIGINT, signal.SIGTERM)
    }  # fmt: skip
    try:
        for number, child in children.items():
            while not any(e["event"] == "report" for e in RunFolder(place / "runs" / str(int(number))).history()):
                assert child.poll() is None, child.communicate()
                time.sleep(0.05)
            child.send_signal(number)
        for number, child in children.items():
            out, err = child.communicate(timeout=120)
            assert child.returncode == 0, err
            assert f"To go on: python -m gan_core train --run {int(number)} --resume" in out
            assert "Traceback" not in err
            assert RunFolder(place / "runs" / str(int(number))).status.state == "stopped"
    finally:
        for child in children.values():
            child.kill()


def test_pause_holds_the_run_until_it_is_asked_to_go_on(place, capfd):
    run = RunFolder(place / "runs" / "a")
    seen = []

    def wait(condition):
        while not condition():
            time.sleep(0.01)

    def ask():
        wait(lambda: any(e["event"] == "report" for e in run.history()))
        run.ask("pause")
        wait(lambda: run.status.state == "paused")
        seen.append(run.status.step)
        time.sleep(0.4)
        seen.append(run.history()[-1]["step"])
        run.ask("run")
        wait(lambda: run.history()[-1]["step"] > seen[0])
        run.ask("stop")

    Thread(target=ask, daemon=True).start()
    assert train("--steps", "1000000", "--report-every", "1") == 0
    assert seen[1] <= seen[0]
    assert run.status.step > seen[0]


def test_a_damaged_newest_checkpoint_costs_its_steps_and_no_more(place, capfd, caplog):
    assert train("--steps", "4", "--checkpoint-every", "2") == 0
    newest = checkpoints(Path("runs/a/checkpoints"))[0]
    newest.write_bytes(newest.read_bytes()[:1000])
    assert main(["train", "--run", "a", "--resume", "--steps", "6"]) == 0
    assert "is damaged" in caplog.text
    said = {"event": "resumed", "step": 2, "passed_over": ["000004.safetensors"], "to": None}
    assert said in RunFolder(Path("runs/a")).history()


def test_snapshots_of_steps_that_are_no_longer_told_of_are_gone(place, capfd):
    assert train("--steps", "4", "--checkpoint-every", "2", "--snapshot-every", "2") == 0
    checkpoints(Path("runs/a/checkpoints"))[0].unlink()
    assert main(["train", "--run", "a", "--resume", "--steps", "3"]) == 0
    assert GAN.from_pretrained("runs/a").info["step"] == 3
    assert sorted(path.name for path in Path("runs/a/snapshots").glob("0*")) == ["000002", "000003"]


def test_a_run_killed_before_its_first_checkpoint_begins_again(place, capfd):
    options = ["--steps", "3", "--snapshot-every", "2"]
    assert train(*options) == 0
    assert train("--runs", "killed", *options) == 0
    run = RunFolder(Path("killed/a"))
    shutil.rmtree(run.checkpoints)
    lines = run.events.read_text().splitlines(keepends=True)
    run.events.write_text("".join(line for line in lines if '"event": "checkpoint"' not in line))
    assert main(["train", "--run", "a", "--runs", "killed", "--resume"]) == 0
    whole, again = (GAN.from_pretrained(f"{runs}/a").state_dict() for runs in ("runs", "killed"))
    assert all(torch.equal(t, again[name]) for name, t in whole.items())
    assert [e["step"] for e in run.history() if e["event"] == "resumed"] == [0]


def test_a_run_whose_checkpoints_were_deleted_does_not_begin_again(place, capfd):
    assert train("--steps", "1") == 0
    shutil.rmtree("runs/a/checkpoints")
    capfd.readouterr()
    assert main(["train", "--run", "a", "--resume"]) == 2
    assert "No checkpoint in runs/a/checkpoints can be read" in one_sentence(capfd.readouterr().err)
    assert GAN.from_pretrained("runs/a").info["step"] == 1


def test_a_new_learning_rate_holds_from_the_next_step_on(place, capfd):
    assert train("--steps", "2") == 0
    before = GAN.from_pretrained("runs/a").D.state_dict()
    assert main(["train", "--run", "a", "--resume", "--steps", "3", "--lr-d", "0", "--lr-g", "0"]) == 0
    after = GAN.from_pretrained("runs/a").D
    assert all(torch.equal(weights, before[name]) for name, weights in after.named_parameters())
    assert RunFolder(Path("runs/a")).config["train"]["lr_D"] == 0


# ---- what a person can put right


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--preset", "modrn"], "Unknown preset 'modrn'; did you mean 'modern'? Known: goodfellow2014, dcgan2015"),
        (["--loss", "hing"], "Unknown loss 'hing'; did you mean 'hinge'? Known: minimax, ns, lsgan"),
        (["--norm-d", "group"], "Unknown norm_D 'group'"),
        (["--augment", "color", "cutuot"], "did you mean 'cutout'"),
        (["--image-size", "48"], "Unknown image_size '48'"),
        (["--batch-size", "1"], "batch_size is 1, but must lie between 2 and"),
        (["--batch-size", "17"], "16 pictures cannot fill one batch of 17"),
        (["--steps", "-1"], "steps is -1"),
        (["--steps", "many"], "invalid int value: 'many'"),
        (["--lr-d", "nan"], "lr_D is nan"),
        (["--betas", "0.5"], "betas is (0.5,), but must be a list of 2"),
        (["--r1-gamma", "1"], "Choose norm_D none or spectral"),
        (["--preset", "modern", "--label-smoothing", "0.1"], "no meaning for rpgan"),
        (["--num-classes", "5"], "has 2 classes, but the model wants 5"),
        (["--until", "soon"], "Cannot read --until 'soon'"),
        (["--until", "no better for 3"], "needs measured samples"),
        (["--minutes", "-1"], "Cannot read --until '-1.0m'"),
        (["--minutes", "ten"], "invalid float value: 'ten'"),
        (["--threads", "0"], "threads is 0, but must lie between 1 and"),
        (["--threads", "-2"], "threads is -2"),
        (["--memory-limit", "-1"], "memory-limit is -1.0, but must lie between 0 and"),
        (["--memory-limit", "much"], "invalid float value: 'much'"),
        (["--device", "tpu"], "There is no device 'tpu' here. Known: auto, cpu"),
        (["--device", "meta"], "There is no device 'meta'"),
        (["--device", "cuda:99"], "There is no device 'cuda:99'"),
        (["--run", "../x"], "'../x' cannot name a run"),
        (["--run", ""], "'' cannot name a run"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--resume"], "There is no run 'a' in runs to go on with"),
    ],
)
def test_bad_options_are_one_sentence_and_leave_nothing(place, capfd, options, said):
    assert said in refused(capfd, *options)
    assert {path.name for path in place.iterdir()} <= {"drawings", "runs"}
    assert not list(place.glob("runs/*"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
def test_cuda_where_there_is_none(place, capfd):
    assert "There is no device 'cuda' here. Known: auto, cpu." in refused(capfd, "--device", "cuda")
    assert not list(place.glob("runs/*"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "No pictures named. Give --data"),
        ("fashion-mimi", "did you mean 'fashion-mini'"),
        ("no/such/folder/here", "does not exist"),
        ("empty", "empty holds no pictures"),
        ("few", "few holds 3 good pictures, but at least 8 are needed"),
        ("text.zip", "text.zip is neither a folder nor a ZIP"),
    ],
)
def test_bad_data_is_one_sentence_and_leaves_nothing(place, capfd, data, said):
    Path("empty").mkdir()
    Path("few").mkdir()
    for i in range(3):
        shutil.copy(f"drawings/round/{i}.png", f"few/{i}.png")
    Path("text.zip").write_text("no zip")
    assert said in refused(capfd, data=data)
    assert not list(place.glob("runs/*"))


def test_conditional_on_pictures_without_classes(place, capfd):
    assert "has no classes" in refused(capfd, "--conditional", data="drawings/round")


def test_a_run_is_not_written_over(place, capfd):
    assert train("--steps", "1") == 0
    files = [path for path in Path("runs").rglob("*") if path.name != ".lock" and path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    capfd.readouterr()
    assert "There is a run 'a' already. Add --resume" in refused(capfd, "--steps", "1")
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())


def test_a_name_taken_by_a_file(place, capfd):
    Path("runs").mkdir()
    Path("runs/a").write_text("mine")
    assert "Cannot write runs/a" in refused(capfd)
    assert Path("runs/a").read_text() == "mine"


def test_two_trainings_in_one_folder(place, capfd):
    assert train("--steps", "1") == 0
    capfd.readouterr()
    before = RunFolder(Path("runs/a")).status
    with RunFolder(Path("runs/a")).locked():
        for options in (["--resume"], ["--steps", "1"]):
            assert "Another training is writing to run 'a'" in refused(capfd, *options)
    assert RunFolder(Path("runs/a")).status == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ngf", "8"], "ngf 8 cannot be changed while resuming: the run was built with 4"),
        (["--norm-d", "none"], "norm_D none cannot be changed while resuming: the run was built with batch"),
        (["--data", "drawings/round"], "does not hold the pictures that this run learned from"),
        (["--preset", "modern"], "preset modern cannot be changed while resuming: the run was built with dcgan2015"),
        (["--conditional"], "conditional true cannot be changed while resuming"),
        (["--r1-gamma", "1"], "Choose norm_D none or spectral"),
        (["--batch-size", "99"], "cannot fill one batch of 99"),
    ],
)
def test_what_cannot_change_on_the_way_is_refused_and_the_run_is_no_worse_for_it(place, capfd, options, said):
    assert train("--steps", "1") == 0
    run = RunFolder(Path("runs/a"))
    run.restore(before := run.status.__class__(**vars(run.status) | {"pid": 2**22 + 1}))  # of an earlier process
    events, config = run.history(), run.config
    capfd.readouterr()
    assert main(["train", "--run", "a", "--resume", "--steps", "2", *options]) == 2
    assert said in one_sentence(capfd.readouterr().err)
    assert (run.status, run.history(), run.config) == (before, events, config)
    assert main(["train", "--run", "a", "--resume", "--steps", "2"]) == 0


def test_a_run_whose_config_was_spoiled(place, capfd):
    assert train("--steps", "1") == 0
    config = json.loads(Path("runs/a/config.json").read_text())
    capfd.readouterr()
    for spoiled in (config | {"model": 3}, {"model": config["model"]}, config | {"train": {"loos": "ns"}}):
        Path("runs/a/config.json").write_text(json.dumps(spoiled))
        assert main(["train", "--run", "a", "--resume"]) == 2
        one_sentence(capfd.readouterr().err)


# ---- a machine that is too small


@pytest.fixture
def small_disk(place):
    """runs/ on a disk of 2 MB, or skipped where one cannot be had."""
    (place / "runs").mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place / "runs"], capture_output=True)
    if done.returncode:
        pytest.skip("needs the right to mount")
    yield place / "runs"
    subprocess.run(["umount", place / "runs"], check=True)


def test_a_disk_that_fills_up_costs_nothing_that_was_saved(small_disk, capfd):
    options = ["--steps", "10000", "--snapshot-every", "1", "--checkpoint-every", "2"]
    said = refused(capfd, *options)
    assert re.search(r"Cannot write .*No space left on device\..*what was saved before is untouched", said)
    run = RunFolder(small_disk / "a")
    assert not leftovers(small_disk)
    GAN.from_pretrained(run.path)  # the last snapshot is whole
    kept = int(checkpoints(run.checkpoints)[0].stem)
    shutil.rmtree(run.snapshots)  # some space is freed
    assert main(["train", "--run", "a", "--resume", "--steps", str(kept + 2)]) == 0
    assert run.status.step == kept + 2


def test_a_disk_that_is_full_from_the_start(small_disk, capfd):
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(b"x" * 3_000_000)
    assert "No space left on device" in refused(capfd)
    assert not leftovers(small_disk)


def test_a_file_too_large_for_the_disk(place, capfd):
    """What a full disk is, too, for whoever may not mount one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        assert "File too large. Free some space" in refused(capfd, "--steps", "2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not leftovers(place)
    assert "File too large" in RunFolder(Path("runs/a")).status.why


@contextmanager
def nobody():
    """Root may write everywhere, so for a moment it is somebody else."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_that_may_not_be_written(place, capfd):
    refused(capfd, data="nowhere.zip")  # imports everything while it may be read
    Path("runs").mkdir(mode=0o500, exist_ok=True)
    with nobody():
        assert "Cannot write runs/a: Permission denied" in refused(capfd)


def test_runs_where_no_folder_can_be(place, capfd):
    assert "Cannot write /proc/runs" in refused(capfd, "--runs", "/proc/runs")
    assert "Cannot write" in refused(capfd, "--runs", "/dev/null/runs")


def test_a_model_too_large_for_the_memory(place):
    """In a process of its own, which may have 300 MB more than after its imports."""
    code = (
        "import re, resource, sys; from pathlib import Path; import torch; torch.set_num_threads(1)\n"
        "from gan_core.cli import main; import gan_core.training.session\n"
        "has = int(re.search(r'VmSize:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) * 1024\n"
        "resource.setrlimit(resource.RLIMIT_AS, (has + 300 * 2**20,) * 2)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    large = ["--image-size", "64", "--nc", "1", "--ngf", "128", "--ndf", "128", "--batch-size", "16", "--steps", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "--data", "drawings", "--run", "a", *large],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    said = one_sentence(done.stderr)
    assert "Batch size 16 at 64 pixels with ngf 128 and ndf 128 does not fit into the memory of this machine" in said
    assert not leftovers(place)


def test_pictures_too_large_for_the_memory_of_the_machine(place, capfd, monkeypatch):
    def full(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("gan_core.training.session.load_images", full)
    assert "The pictures do not fit into the memory" in refused(capfd)
    assert not list(place.glob("runs/*"))


def test_a_run_that_stops_being_numbers_keeps_what_was_sound(place, capfd, monkeypatch):
    step = Trainer.step

    def poisoned(t):
        made = step(t)
        if t.steps_done == 4:
            next(t.gan.D.parameters()).data.fill_(float("nan"))
        return made

    with monkeypatch.context() as broken:
        broken.setattr(Trainer, "step", poisoned)
        options = ["--steps", "9", "--checkpoint-every", "2", "--report-every", "3"]
        assert "The losses stopped being numbers by step 6" in refused(capfd, *options)
    run = RunFolder(Path("runs/a"))
    assert (run.status.state, [path.stem for path in checkpoints(run.checkpoints)]) == ("failed", ["000004", "000002"])
    assert main(["train", "--run", "a", "--resume", "--steps", "6", "--lr-d", "1e-5"]) == 0
