"""Sittings as the command holds them: what was changed by hand is resumed, forked, overridden and gone back over."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from gan_core.errors import UserError
from gan_core.gan import WEIGHTS, best_snapshot
from gan_core.metrics.scores import Scores
from gan_core.training import session, steering
from gan_core.training.checkpoint import checkpoints, steps_kept, thinned
from gan_core.training.events import Advice
from gan_core.training.folder import RunFolder
from gan_core.training.session import Request, fork, opened, play, resume, start
from gan_core.training.trainer import Trainer
from gan_core.training.treatment import treat

MODEL = {"image_size": 28, "nc": 1, "nz": 4, "ngf": 4, "ndf": 4}
TRAIN = {"steps": 12, "batch_size": 8, "measure": 0, "precision": "float32", "checkpoint_every": 2, "keep": 9,
         "report_every": 3, "snapshot_every": 4}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    for i in range(16):
        pixels = np.random.default_rng(i).integers(256, size=(28, 28), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def sit(tmp_path, drawn, monkeypatch):
    """sit(name, {step: what}, how): one sitting. A step's `what` is a list of things to ask for when it is played; the
    run goes on by itself from every pause."""
    monkeypatch.setattr(steering, "LOOK", 0.0)

    def sitting(name="a", plan=None, how=start, train=TRAIN, model=MODEL, at=None, until_idle=None, **more):
        folder, plan, pauses = RunFolder(tmp_path / name), dict(plan or {}), []
        monkeypatch.setattr(
            steering.time, "sleep", lambda s: (pauses.append(t.steps_done), (until_idle or folder.ask)("run"))
        )

        def stopping():
            for do, values in plan.pop(t.steps_done, []):
                folder.ask(do) if values is None else folder.order(do, **values)
            return False

        request = Request(str(drawn) if how is start else None, "dcgan2015", model, train, device="cpu", at=at)
        with opened(folder, new=how is not resume):
            t = how(folder, request, **more)
            ended = play(t, folder, None, stopping, "off", at)
        return folder, t, ended, pauses

    return sitting


def weights(folder):
    return load_file(checkpoints(folder.checkpoints)[0])


def same(a, b):
    one, other = weights(a), weights(b)
    return [name for name in one if not torch.equal(one[name], other[name])] == []


SET, MOVE = ("set", {"train": {"lr_D": 1e-3, "flip": True}}), ("move", {"who": "G"})


def test_a_sitting_that_goes_back_ends_as_one_that_did_not(sit):
    whole, *_ = sit("whole", {3: [SET]})
    back, _, ended, pauses = sit(
        "back", {3: [SET], 6: [MOVE], 9: [("set", {"train": {"d_moves": 3}})], 11: [("back", {"step": 5})]}
    )
    assert (ended, pauses) == ("finished", [6, 5]) and same(whole, back)
    assert back.config["changes"] == [{"step": 3, "train": SET[1]["train"]}]
    assert (back.status.state, back.status.step, back.status.served) == ("finished", 12, 4)
    assert back.status.memory > 1e6 and back.status.device == "CPU"
    told = [(e["event"], e["step"]) for e in back.history()]
    assert [step for kind, step in told if kind == "snapshot"] == [4, 8, 12]
    assert sorted(path.name for path in back.snapshots.iterdir()) == ["000004", "000008", "000012"]
    assert not list(back.moves.iterdir())


def test_a_run_nobody_plays_goes_back_and_waits(sit):
    whole, *_ = sit("whole", {3: [SET], 6: [MOVE]})
    asked = []

    def stop(wish):
        asked.append(wish)
        run.ask("stop")

    run, *_ = sit("a", {3: [SET], 6: [MOVE], 7: [("stop", None)]})
    run, t, ended, pauses = sit("a", how=resume, at=5, train={}, model={}, until_idle=stop)
    assert (ended, pauses, t.steps_done) == ("stopped", [5], 5)
    assert [(e["step"], e["to"]) for e in run.history() if e["event"] == "resumed"] == [(4, 5)]
    assert run.config["changes"] == [{"step": 3, "train": SET[1]["train"]}]
    run, *_ = sit("a", {6: [MOVE]}, how=resume, train={}, model={})
    assert same(whole, run)
    with pytest.raises(UserError, match="at is 99"):
        sit("a", how=resume, at=99, train={}, model={})


def test_what_was_moved_before_it_was_saved_is_not_moved_again(sit):
    """Stopped at a step where no checkpoint was due, two moves after it was played."""
    plan = {3: [SET], 7: [MOVE, ("set", {"train": {"lr_G": 1e-3}}), MOVE]}
    whole, *_ = sit("whole", plan)
    run, *_ = sit("a", plan, until_idle=lambda wish: RunFolder(whole.path.with_name("a")).ask("stop"))
    assert steps_kept(run.checkpoints)[-1] == 7
    run, *_ = sit("a", how=resume, train={}, model={})
    assert same(whole, run)


@pytest.mark.parametrize(("step", "then"), [(4, "stop"), (12, "stop"), (12, "run")])
def test_moves_at_a_step_that_was_snapshotted_are_in_what_is_kept_of_it(sit, tmp_path, step, then):
    """Snapshots and checkpoints are made before anybody can move by hand."""
    run, t, *_ = sit("a", {step: [MOVE, MOVE]}, until_idle=lambda wish: RunFolder(tmp_path / "a").ask(then))
    assert t.steps_done == step
    snapshot, checkpoint = load_file(run.snapshots / f"{step:06d}" / WEIGHTS), weights(run)
    for name, tensor in t.gan.state_dict().items():
        assert torch.equal(checkpoint[f"gan.{name}"], tensor), name
        assert name not in snapshot or torch.equal(snapshot[name], tensor.to(snapshot[name].dtype)), name
    assert any(name.startswith("G_ema") for name in snapshot)
    sit("a", how=resume, train={}, model={})


def test_whoever_resumes_with_other_settings_wants_them_to_hold(sit):
    run, *_ = sit("a", {3: [SET], 7: [("set", {"train": {"lr_D": 0.1, "lr_G": 1e-5}})]})
    for path in checkpoints(run.checkpoints)[:4]:
        path.unlink()
    run, t, *_ = sit("a", how=resume, train={"lr_D": 2e-5}, model={})
    assert (t.config.lr_D, t.config.lr_G, t.config.flip) == (2e-5, 1e-5, True)
    config = run.config
    assert config["train"]["lr_D"] == 2e-5 and config["train"]["flip"] is False
    assert config["changes"] == [{"step": 3, "train": {"flip": True}}, {"step": 7, "train": {"lr_G": 1e-5}}]


def test_a_fork_begins_with_what_had_been_changed_until_then(sit):
    run, *_ = sit("a", {3: [SET], 6: [MOVE], 7: [("set", {"train": {"lr_G": 0.1}})]})
    folder = RunFolder(run.path.with_name("b"))
    with opened(folder, new=True):
        t = fork(folder, Request(None, "dcgan2015", {}, {"lr_G": 3e-4}, device="cpu"), run, "6")
        play(t, folder, None, lambda: False, "off")
    train = folder.config["train"]
    assert (train["lr_D"], train["flip"], train["lr_G"]) == (1e-3, True, 3e-4)
    assert "changes" not in folder.config and t.config.flip
    with opened(folder, new=False):
        again = resume(folder, Request(None, "dcgan2015", {}, {}, device="cpu"))
    assert again.config == t.config


def test_the_doctor_goes_back_over_changes_and_his_rates_hold(sit):
    run, t, *_ = sit("a", {3: [SET], 5: [("set", {"train": {"lr_G": 0.5}})], 9: [("set", {"train": {"lr_D": 0.5}})]})
    action = treat(Advice(12, "collapse", "", ""), 7, t, run)
    assert (action.step, t.steps_done) == (6, 6)
    assert (t.config.lr_D, t.config.lr_G, t.config.flip) == (0.125, 0.125, True)
    assert run.config["changes"] == [{"step": 3, "train": {"flip": True}}, {"step": 5, "train": {}}]
    with opened(run, new=False):
        again = resume(run, Request(None, "dcgan2015", {}, {}, device="cpu"))
    assert again.config == t.config


def test_the_best_is_that_of_the_step_gone_back_to(sit, tmp_path, monkeypatch):
    """Measured at 4, 8 and 12; the best at 8 is forgotten, and found again."""
    distances = iter([5.0, 3.0, 3.0, 9.0])

    class Ruler:
        n, floor = 9, Scores(0.5, 0.9, 0.9, 1.0, 0.95, None)

        def measure(self, gan):
            return Scores(next(distances), 0.9, 0.9, 1.0, 0.95, None)

    monkeypatch.setattr(session, "_ruler", lambda trainer, folder: Ruler)
    seen, folder = [], RunFolder(tmp_path / "a")

    def go_on(wish):
        seen.append(best_snapshot(folder.path).name)
        folder.ask(wish)

    _, t, _, _ = sit("a", {9: [("back", {"step": 6})]}, until_idle=go_on)
    assert seen == ["000004"]
    assert t.best.step == 8 and best_snapshot(folder.path).name == "000008"
    assert [(e["step"], e["best"]) for e in folder.history() if e["event"] == "measure"] == [
        (4, True),
        (8, True),
        (12, False),
    ]


@pytest.mark.parametrize("then", ["run", "pause"])
@pytest.mark.parametrize(("first", "ended"), [("stop", "stopped"), ("discard", "discarded")])
def test_who_wishes_else_while_a_run_leaves_is_too_late(sit, tmp_path, monkeypatch, first, ended, then):
    """The second person asks when the last round has been left, and everything is about to be saved."""
    folder, calibrate = RunFolder(tmp_path / "a"), Trainer.calibrate

    def late(trainer):
        if folder.wish == first:
            folder.ask(then)
        calibrate(trainer)

    monkeypatch.setattr(Trainer, "calibrate", late)
    _, t, how, _ = sit("a", {5: [(first, None)]})
    assert (how, t.steps_done) == (ended, 5)
    assert folder.path.exists() == (first == "stop")
    assert first == "discard" or (folder.status.state, steps_kept(folder.checkpoints)[-1]) == ("stopped", 5)


def test_a_run_that_stops_can_still_be_discarded(sit, tmp_path, monkeypatch):
    folder, save = RunFolder(tmp_path / "a"), session._still_owed
    monkeypatch.setattr(session, "_still_owed", lambda *left: (folder.ask("discard"), save(*left))[1])
    sit("a", {5: [("stop", None)]})
    assert not folder.path.exists()


def test_what_was_asked_of_an_earlier_sitting_costs_no_run_on_a_full_disk(sit, monkeypatch):
    """Killed while it was to be discarded, and taken up where nothing can be written."""
    run, *_ = sit("a", {5: [("stop", None)]})
    run.ask("discard")

    def full(path, text):
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("gan_core.training.control.write_text", full)
        with pytest.raises(UserError, match="No space left"):
            sit("a", how=resume, train={}, model={})
    assert run.path.exists() and steps_kept(run.checkpoints)[-1] == 5
    assert sit("a", how=resume, train={}, model={})[2] == "finished"


def test_a_config_that_tells_of_no_change_that_anybody_knows_is_a_sentence(sit):
    run, *_ = sit("a")
    for bad in (
        3,
        [3],
        [{"step": 1, "move": "X"}],
        [{"step": 1, "train": {"lr_D": "fast"}}],
        [{"step": 1, "train": 3}],
    ):
        run.write_config(run.config | {"changes": bad})
        with pytest.raises(UserError):
            sit("a", how=resume, train={}, model={})


# ---- which checkpoints are kept


def test_older_checkpoints_are_spread_over_the_run():
    steps = []
    for step in range(1, 101):
        steps.append(step)
        for old in thinned(steps, steps[-2:], 4):
            steps.remove(old)
        assert len(steps) == min(step, 6) and steps[-2:] == [step - 1, step][-len(steps) :]
    gaps = np.diff([0, *steps[:-1]])
    assert max(gaps) <= 45, steps  # none lies farther from its neighbour than half of the run
    assert thinned([1, 2, 3, 4], {2, 4}, 0) == [1, 3]
    assert thinned([20, 50, 51, 100], {100}, 2) == [50]


def test_a_run_keeps_as_many_as_it_is_told(sit):
    run, *_ = sit("a", train=TRAIN | {"steps": 30, "keep": 2})
    assert len(steps_kept(run.checkpoints)) == 4 and steps_kept(run.checkpoints)[-2:] == [28, 30]
    config = json.loads((run.path / "config.json").read_text())
    assert config["train"]["keep"] == 2
