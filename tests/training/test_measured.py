"""A run that is measured: the events, the best, the target, and that the training does not notice."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import GAN, UserError
from gan_core.cli import main
from gan_core.gan import Best, best_snapshot, find_weights, mark_best
from gan_core.metrics import Ruler, Scores
from gan_core.metrics.features import by_classes
from gan_core.training.checkpoint import checkpoints, kept_step, load_checkpoint, save_checkpoint
from gan_core.training.events import Measure, Snapshot
from gan_core.training.folder import RunFolder
from gan_core.training.listeners import measured, record
from tests.training.tiny import pictures, trainer

REAL = Scores(0.5, 0.9, 0.9, 1.0, 0.95, None)


class Told:
    """A ruler that says what it is told to, slowly."""

    n, floor = 9, REAL

    def __init__(self, *frechets, seconds=0.0):
        self.frechets, self.seconds = list(frechets), seconds

    def measure(self, gan):
        time.sleep(self.seconds)
        return replace(REAL, frechet=self.frechets.pop(0))


def real_ruler(images):
    return Ruler(images, by_classes([images], steps=2), n=16)


def test_a_measure_comes_right_after_each_snapshot_and_says_which_is_the_best():
    ruler, asked = Told(3.0, 4.0, 3.0, 2.0), []
    t = trainer(steps=8, snapshot_every=2)
    events = list(measured(t.run(), t, lambda: asked.append(1) or ruler))
    at = [i for i, event in enumerate(events) if isinstance(event, Snapshot)]
    told = [events[i + 1] for i in at]
    assert [(m.step, m.n, m.scores.frechet, m.best) for m in told] == [
        (2, 9, 3.0, True), (4, 9, 4.0, False), (6, 9, 3.0, False), (8, 9, 2.0, True),
    ]  # fmt: skip
    assert all(m.floor == REAL for m in told)
    assert t.best == Best(8, 2.0)


def test_a_distance_that_is_no_number_is_never_the_best():
    ruler, t = Told(math.nan, 5.0, math.inf, 4.0, math.nan), trainer(steps=10, snapshot_every=2)
    told = [event for event in measured(t.run(), t, lambda: ruler) if isinstance(event, Measure)]
    assert [m.best for m in told] == [False, True, False, True, False] and t.best == Best(8, 4.0)
    spoiled = trainer(steps=2, snapshot_every=2)
    spoiled.best = Best(1, math.nan)  # as runs of before may have it in their checkpoints
    list(measured(spoiled.run(), spoiled, lambda: Told(9.0)))
    assert spoiled.best == Best(2, 9.0)


def test_the_ruler_is_not_made_before_it_is_wanted():
    t = trainer(steps=2, snapshot_every=2)
    for event in measured(t.run(), t, lambda: pytest.fail("made too early")):
        if isinstance(event, Snapshot):
            break


def test_the_training_clock_stands_still_while_it_is_measured():
    t = trainer(steps=2, snapshot_every=1)
    ruler = Told(1.0, 1.0, seconds=1.0)
    list(measured(t.run(), t, lambda: ruler))
    assert 0 < t.seconds < 1


def test_a_measured_run_ends_with_the_weights_of_one_that_is_not():
    images = pictures(40, classes=2)
    runs = [trainer(images=images, steps=6, snapshot_every=2) for _ in range(2)]
    list(runs[0].run())
    ruler = real_ruler(images)
    made = list(measured(runs[1].run(), runs[1], lambda: ruler))
    assert sum(isinstance(event, Measure) for event in made) == 3
    plain, watched = (t.state()[0] for t in runs)
    assert all(torch.equal(x, watched[name]) for name, x in plain.items())


def test_the_best_is_kept_beside_the_two_newest_even_when_none_was_due(tmp_path):
    folder, t = RunFolder(tmp_path / "a"), trainer(steps=12, snapshot_every=2, checkpoint_every=4, keep=0)
    folder.path.mkdir()
    ruler = Told(3.0, 2.0, 1.0, 4.0, 4.0, 4.0)
    for event in record(measured(t.run(), t, lambda: ruler), t, folder, {}):
        if isinstance(event, Measure) and event.step == 6:
            assert checkpoints(folder.checkpoints)[0].stem == "000006"  # before anybody hears of it
    assert [int(path.stem) for path in checkpoints(folder.checkpoints)] == [12, 8, 6]
    assert best_snapshot(folder.path) == folder.snapshots / "000006"
    assert kept_step(folder, "best") == 6
    again = trainer(steps=12)
    load_checkpoint(again, folder.checkpoints, 8)
    assert again.best == Best(6, 1.0)
    load_checkpoint(again, folder.checkpoints, 6)
    assert (again.steps_done, again.best) == (6, Best(6, 1.0))  # it knows that it is the best itself
    (_, *_, line) = [event for event in folder.history() if event["event"] == "measure"]
    scores = {"scores": vars(REAL) | {"frechet": 4.0}, "floor": vars(REAL)}
    assert line == {"event": "measure", "step": 12, "n": 9, "best": False} | scores


def test_a_best_that_is_also_due_is_written_once(tmp_path, monkeypatch):
    folder, t, saved = RunFolder(tmp_path / "a"), trainer(steps=4, snapshot_every=2, checkpoint_every=2), []
    folder.path.mkdir()
    monkeypatch.setattr("gan_core.training.listeners.save_checkpoint", lambda t, where: saved.append(t.steps_done))
    ruler = Told(3.0, 2.0)
    list(record(measured(t.run(), t, lambda: ruler), t, folder, {}))
    assert saved == [2, 4]


def test_a_checkpoint_from_before_there_were_measures_loads(tmp_path):
    t = trainer()
    next(t.run())
    tensors, numbers = t.state()
    del numbers["best"]
    t.best = Best(1, 1.0)
    t.load_state(tensors, numbers)
    assert t.best is None
    save_checkpoint(t, tmp_path)


# ---- which snapshot a name opens


@pytest.fixture
def run(tmp_path):
    for step in (10, 2000):
        torch.manual_seed(step)
        trainer().gan.save(tmp_path / f"runs/x/snapshots/{step:06d}", step=step)
    return tmp_path / "runs/x"


def test_a_run_opens_at_its_newest_a_step_or_its_best(run, monkeypatch):
    mark_best(run, Best(10, 1.5))
    assert find_weights(f"{run}") == run / "snapshots/002000"
    assert find_weights(f"{run}@2000") == run / "snapshots/002000"
    assert find_weights(f"{run}@10") == find_weights(f"{run}@best") == run / "snapshots/000010"
    monkeypatch.setenv("HOME", str(run.parents[1]))
    assert find_weights("~/runs/x@best") == run / "snapshots/000010"
    monkeypatch.chdir(run.parents[1])
    assert GAN.from_pretrained("runs/x@best").info["step"] == 10


@pytest.mark.parametrize("at", ["best", "11"])
def test_a_snapshot_that_is_not_there_is_told_with_those_that_are(run, at):
    with pytest.raises(UserError, match=f"has no snapshot '{at}'. There are: 2000, 10. "):
        find_weights(f"{run}@{at}")


def test_a_mark_that_is_torn_stale_or_taken_away_marks_nothing(run):
    for text in ("", "{", "[]", '{"step": 999}', '{"frechet": 1}'):
        (run / "snapshots/best.json").write_text(text)
        assert best_snapshot(run) is None
    mark_best(run, Best(10, 1.5))
    mark_best(run, None)
    mark_best(run, None)
    assert best_snapshot(run) is None


def test_a_folder_whose_name_has_an_at_in_it_is_a_folder(run):
    odd = run.rename(run.with_name("x@2000"))
    assert find_weights(f"{odd}") == odd / "snapshots/002000"


# ---- from the command line

SMALL = ["--image-size", "28", "--nc", "1", "--nz", "4", "--ngf", "4", "--ndf", "4", "--batch-size", "8"]
EVERY = ["--snapshot-every", "1", "--checkpoint-every", "100", "--report-every", "100"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with 40 pictures of two classes, and 8 of one."""
    random = np.random.default_rng(0)
    for kind, n in (("many/round", 20), ("many/square", 20), ("few", 8)):
        (tmp_path / kind).mkdir(parents=True)
        for i in range(n):
            Image.fromarray(random.integers(256, size=(28, 28), dtype=np.uint8)).save(tmp_path / kind / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GAN_CORE_RUNS", raising=False)
    monkeypatch.setattr("gan_core.training.session.features_for", lambda images, *rest: by_classes([images], 2))
    return tmp_path


def told(monkeypatch, *frechets):
    """Have the rulers of the coming run say these, one after the other."""
    left = list(frechets)
    monkeypatch.setattr(Ruler, "measure", lambda self, gan: replace(REAL, frechet=left.pop(0)))


def train(*options, data="many"):
    return main(["train", "--run", "a", *(["--data", data] if data else []), *map(str, options)])


def measures():
    return [(e["step"], e["best"]) for e in RunFolder(Path("runs/a")).history() if e["event"] == "measure"]


def test_a_run_is_measured_and_says_so_in_numbers_alone(place, capfd):
    assert train(*SMALL, *EVERY, "--steps", "2", "--measure", "20") == 0
    lines = [json.loads(line) for line in Path("runs/a/events.jsonl").read_text().splitlines()]
    (first, second) = [line for line in lines if line["event"] == "measure"]
    assert (first["n"], first["best"]) == (20, True)
    for line in (first, second):
        for side in ("scores", "floor"):
            assert set(line[side]) == {"frechet", "precision", "recall", "density", "coverage", "classes"}
    kinds = [line["event"] for line in lines]
    assert kinds[kinds.index("snapshot") + 1] == "measure"
    assert f"distance {first['scores']['frechet']:.2f} (real {first['floor']['frechet']:.2f})" in capfd.readouterr().err
    best = json.loads(Path("runs/a/snapshots/best.json").read_text())
    assert best["frechet"] == min(line["scores"]["frechet"] for line in (first, second))


def test_eight_pictures_are_trained_on_and_not_measured(place, capfd):
    assert train(*SMALL, *EVERY, "--batch-size", "4", "--steps", "2", data="few") == 0
    assert measures() == []
    assert not Path("runs/a/snapshots/best.json").exists()


def test_no_better_ends_a_run(place, capfd, monkeypatch):
    told(monkeypatch, 5.0, 4.0, 4.5, 3.0, 3.1, 3.2, 1.0)
    assert train(*SMALL, *EVERY, "--until", "no better for 2") == 0
    assert measures() == [(1, True), (2, True), (3, False), (4, True), (5, False), (6, False)]
    out, err = capfd.readouterr()
    assert "Finished at step 6" in out
    assert "left" not in err and "gone" in err  # nobody knows how long
    assert find_weights("runs/a@best").name == "000004"
    assert main(["sample", "--weights", "runs/a@best", "--n", "1", "--out", "one.png"]) == 0


def test_a_run_on_the_clock_is_measured_where_it_ends(place, monkeypatch):
    told(monkeypatch, *[3.0] * 99)
    assert train(*SMALL, "--snapshot-every", "1000", "--until", "1s") == 0
    run = RunFolder(Path("runs/a"))
    assert [step for step, _ in measures()][-1] == run.status.step
    kinds = [event["event"] for event in run.history() if event["step"] == run.status.step]
    assert kinds[-4:] == ["sample", "snapshot", "measure", "checkpoint"]


def test_a_doctor_that_acts_is_as_patient_as_it_was_told_to_be(place, monkeypatch):
    told(monkeypatch, 1.0, *[2.0] * 99)
    assert train(*SMALL, *EVERY, "--doctor", "act", "--until", "no better for 8") == 0
    assert len(measures()) == 9


def test_a_resumed_run_goes_on_counting(place, capfd, monkeypatch):
    told(monkeypatch, 5.0, 4.0, 4.5, 4.6, 4.7, 4.8)
    assert train(*SMALL, *EVERY, "--steps", "4") == 0
    assert train("--resume", "--until", "no better for 3", data=None) == 0
    assert measures()[-2:] == [(4, False), (5, False)]  # two before, one now
    assert RunFolder(Path("runs/a")).status.step == 5


@pytest.mark.parametrize(("data", "options"), [("many", ["--measure", "0"]), ("few", ["--batch-size", "4"])])
def test_no_better_needs_measures(place, capfd, data, options):
    assert train(*SMALL, *EVERY, *options, "--until", "no better for 2", data=data) == 2
    assert "'no better for N' needs measured samples" in capfd.readouterr().err
    assert not Path("runs/a").exists()
