"""The hand on the wheel: every order does exactly what it says, and whoever resumes repeats it to the last bit."""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import GAN, Trainer, UserError
from gan_core.config import LIVE, PRESETS
from gan_core.training import steering
from gan_core.training.changes import Change, live, read_changes, settings, without, written
from gan_core.training.checkpoint import load_checkpoint, steps_kept
from gan_core.training.events import Changed, Moved, Refused, Resumed, Sample, Step
from gan_core.training.folder import RunFolder
from gan_core.training.listeners import record
from gan_core.training.observe import Eye, layers
from gan_core.training.steering import Steering
from tests.training.tiny import TINY, pictures, trainer

PLAIN = replace(TINY, norm_D="none")


@pytest.fixture
def folder(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    return run


class Sitting:
    """One sitting at a run, steered by a script: what to do at which step, and what to do in each idle moment."""

    def __init__(self, folder, monkeypatch, t=None, goal=None, **train):
        settings = {"steps": 12, "checkpoint_every": 2, "report_every": 3, "snapshot_every": 100} | train
        self.folder, self.t = folder, t or trainer(**settings)
        if not folder.config:
            folder.write_config({"train": asdict(self.t.began), "model": asdict(self.t.gan.config)})
        self.steering, self.idle, self.told = Steering(self.t, folder, lambda: False, goal), [], []
        monkeypatch.setattr(steering, "LOOK", 0.0)
        monkeypatch.setattr(steering.time, "sleep", self._sleep)

    def _sleep(self, seconds):
        assert self.idle, "it waits, and nobody comes"
        self.idle.pop(0)()

    def play(self, at=None):
        """`at`: {step: what to do there}. Returns the trainer where the run was left."""
        at, going = {} if at is None else at, True
        while going:
            going = False
            run = self.t.run()
            for event in record(self.steering.obey(run), self.t, self.folder, {}):
                if not isinstance(event, Step):
                    self.told.append(event)
                elif event.step in at:
                    at.pop(event.step)()
                if isinstance(event, Resumed):
                    going = True
                    break
            run.close()
        return self.t

    def of(self, kind):
        return [event for event in self.told if isinstance(event, kind)]

    def set(self, **train):
        return lambda: self.folder.order("set", train=train)

    def order(self, do, **values):
        return lambda: self.folder.order(do, **values)

    def wish(self, wish, pace=None):
        return lambda: self.folder.ask(wish, pace)


def same(a, b, but=("seconds", "best")):
    """Weights, statistics, moments, random numbers: everything that the next step depends on."""
    (tensors, numbers), (others, theirs) = a.state(), b.state()
    assert tensors.keys() == others.keys()
    assert [name for name in tensors if not torch.equal(tensors[name], others[name])] == []
    assert {k: v for k, v in numbers.items() if k not in but} == {k: v for k, v in theirs.items() if k not in but}


def state_of(player, optimizer=None):
    tensors = {name: t.clone() for name, t in player.state_dict().items()}
    if optimizer:
        for i, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{i}.{key}": t.clone() for key, t in moments.items()}
    return tensors


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# ---- changes on the way


CHANGED = {"lr_D": 1e-3, "d_moves": 2, "augment": ["color", "cutout"], "flip": True, "label_smoothing": 0.1,
           "instance_noise": 0.2, "instance_noise_steps": 20, "lr_G": 5e-4}  # fmt: skip


def test_a_change_holds_from_the_next_step_on_and_is_written_down(folder, monkeypatch):
    s = Sitting(folder, monkeypatch)
    t = s.play({5: s.set(**CHANGED)})
    (said,) = s.of(Changed)
    assert said.step == 5 and set(said.now) == set(CHANGED) == set(LIVE)
    assert said.was["lr_D"] == 2e-4 and said.now["augment"] == ("color", "cutout")
    assert folder.config["changes"] == [{"step": 5, "train": CHANGED}]
    assert folder.config["train"]["lr_D"] == 2e-4  # what it began with
    assert t.batches.drawn == 5 + 7 * 2
    assert [e for e in folder.history() if e["event"] == "changed"] == [
        {"event": "changed", "step": 5, "was": json.loads(json.dumps(dict(said.was))), "now": CHANGED, "order": 1}
    ]
    by_hand = trainer(steps=12)  # the same, by whoever writes his own loop
    for event in by_hand.run():
        if event == Step(5):
            by_hand.change(Change(5, {k: tuple(v) if isinstance(v, list) else v for k, v in CHANGED.items()}))
    same(t, by_hand)


@pytest.mark.parametrize("left_at", [2, 4, 6, 8])
def test_a_changed_run_that_was_killed_goes_on_bit_for_bit(folder, monkeypatch, left_at):
    """From a checkpoint before the changes, between them, at the very step of one, and after them."""
    s = Sitting(folder, monkeypatch, keep=9)
    s.idle = [s.wish("run")]
    one = s.play({4: s.set(lr_D=1e-3, d_moves=2), 5: s.order("move", who="G"), 6: s.set(augment=["color"])})
    again = trainer(**asdict(s.t.began))
    again.changes = read_changes(folder.config)
    load_checkpoint(again, folder.checkpoints, left_at)
    told = [event for event in again.run() if isinstance(event, Changed)]
    same(again, one)
    assert [event.step for event in told] == [step for step in (4, 6) if step > left_at]
    assert again.config == one.config


def test_nonsense_is_refused_with_the_sentence_of_the_settings_and_changes_nothing(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=4)
    wrong = {
        "must lie between": {"lr_D": -1.0},
        "Known: color, translation, cutout": {"augment": ["colour"]},
        "must be a whole number": {"d_moves": 1.5},
        "d_moves is 1000000, but must lie between 1 and 100": {"d_moves": 10**6},
        "Unknown live setting 'batch_size'": {"batch_size": 3},
        "lr_G is nan": {"lr_G": float("nan")},
        "must be true or false": {"flip": "yes"},
    }
    at = lambda: [s.folder.order("set", train=values) for values in wrong.values()] and [  # noqa: E731
        s.folder.order("set", train=3), s.folder.order("fly"), s.folder.order("set"), s.folder.order("move", who="E"),
        s.folder.order("back", step="x"), s.folder.order("back", step=3), s.folder.order("back", step=True),
    ]  # fmt: skip
    t = s.play({2: at})
    refused = s.of(Refused)
    assert [event.order for event in refused] == list(range(1, len(wrong) + 8))
    for event, sentence in zip(refused, wrong, strict=False):
        assert sentence in event.en and event.zh != event.en and event.step == 2
    assert not s.of(Changed) and "changes" not in folder.config
    assert folder.served == len(wrong) + 7
    plain = trainer(steps=4)
    list(plain.run())
    same(t, plain)


def test_setting_what_is_set_already_is_no_change(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=3)
    s.play({2: s.set(lr_D=2e-4)})
    assert not s.of(Changed) and "changes" not in folder.config and folder.served == 1


def test_changes_are_read_as_they_are_written():
    changes = [Change(3, {"augment": ("color",), "lr_D": 0.1}), Change(3, move="D"), Change(7, {"lr_D": 0.2})]
    assert read_changes(json.loads(json.dumps({"changes": written(changes)}))) == changes
    assert without(changes, ["lr_D"]) == [Change(3, {"augment": ("color",)}), Change(3, move="D"), Change(7)]
    began = trainer().config
    assert settings(began, changes).lr_D == 0.2
    assert live(began, {"lr_D": began.lr_D, "flip": True}) == {"flip": True}
    for bad in ([3], [{}], [{"step": "x"}], [{"step": 1, "move": "both"}], 3):
        with pytest.raises((TypeError, ValueError, KeyError, AttributeError)):
            read_changes({"changes": bad})


# ---- moves by hand

GAMES = {
    "dcgan": (TINY, {}),
    "spectral": (replace(TINY, norm_D="spectral"), {"loss": "hinge"}),
    "modern": (PLAIN, PRESETS["modern"].train),
    "wgan-gp": (PLAIN, PRESETS["wgan-gp"].train),
    "classes": (replace(TINY, num_classes=3, dropout_D=0.3), {"augment": ("color",), "flip": True}),
    "mlp": (replace(TINY, architecture="mlp", dropout_D=0.5), {"instance_noise": 0.1}),
    "bfloat16": (TINY, {"precision": "bfloat16"}),
}


def begun(name, steps=6):
    model, train = GAMES[name]
    t = trainer(model, pictures(16, classes=model.num_classes), **train | {"batch_size": 8, "steps": steps})
    t.gan.train()
    for _ in range(3):
        t.step()
        t.steps_done += 1
    return t


@pytest.mark.parametrize("who", ["D", "G"])
@pytest.mark.parametrize("name", GAMES)
def test_only_who_moves_changes(name, who):
    """To the last bit: weights, statistics and optimiser of the other are what they were."""
    t = begun(name)
    D, G, ema = state_of(t.gan.D, t.opt_D), state_of(t.gan.G, t.opt_G), state_of(t.gan.G_ema)
    eye = Eye(t, who)
    t.change(Change(3, move=who))
    seen = eye.tell()
    assert equal(D, state_of(t.gan.D, t.opt_D)) == (who == "G")
    assert equal(G, state_of(t.gan.G, t.opt_G)) == (who == "D")
    assert equal(ema, state_of(t.gan.G_ema)) == (who == "D")
    assert (seen.shift_D, seen.shift_G)[who == "D"] == 0.0
    assert (seen.shift_D, seen.shift_G)[who == "G"] > 0.0
    assert t.steps_done == 3
    json.dumps({key: value for key, value in vars(seen).items() if key != "sprite"}, allow_nan=False)
    assert seen.sprite.size == (8 * 32, 3 * 32) and len(seen.z) == len(seen.D_x) == len(seen.logits_Gz) == 8
    assert min(seen.grad_D, seen.grad_G) > 0
    assert len(seen.layers_D) == len(
        [m for m in t.gan.D.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    )
    t.step()  # and the game goes on


@pytest.mark.parametrize("name", GAMES)
def test_a_game_that_is_looked_at_is_the_game_that_is_not(name):
    looked, plain = begun(name, 12), begun(name, 12)
    for t in (looked, plain):
        torch.manual_seed(5)  # what dropout draws from
        for who in ("D", "G", "both", "D"):
            eye = Eye(t, who) if t is looked else None
            if who == "both":
                t.plain = True
                t.step()
                t.steps_done += 1
            else:
                t.change(Change(t.steps_done, move=who))
            if eye:
                eye.tell()
    same(looked, plain)


def test_what_is_told_of_a_move_is_true():
    """A D that scores everything 3: beliefs, losses and slopes are known beforehand."""
    t = begun("dcgan")
    t.gan.D.net[-1].weight.data.zero_()
    t.gan.D.net[-1].bias.data.fill_(3.0)
    before = [p.detach().clone() for p in t.gan.D.parameters()]
    eye = Eye(t, "D")
    t.change(Change(3, move="D"))
    seen = eye.tell()
    assert seen.logits_x == seen.logits_Gz == [3.0] * 8
    assert seen.D_x == pytest.approx([0.95257] * 8, abs=1e-4)
    assert seen.loss_D == pytest.approx(3.0486 + 0.0486, abs=1e-3) and seen.loss_G == pytest.approx(0.0486, abs=1e-3)
    shift = torch.cat([(p.detach() - b).flatten() for p, b in zip(t.gan.D.parameters(), before, strict=True)]).norm()
    assert seen.shift_D == pytest.approx(float(shift), rel=1e-5)
    grad = torch.cat([p.grad.flatten() for p in t.gan.D.parameters()]).norm()
    assert seen.grad_D == pytest.approx(float(grad), rel=1e-5)
    x, z, _ = t.dealt
    assert seen.z[0] == pytest.approx(z[0, :12].tolist(), abs=1e-4)
    sprite = torch.from_numpy(np.asarray(seen.sprite).copy())
    assert set(sprite[64:].flatten().tolist()) <= {127, 128}  # D's slope is nought: mid-grey
    assert torch.equal(sprite[:32, :32], ((x[0, 0] + 1) * 127.5).round().to(torch.uint8))


def test_after_a_move_of_G_its_sheet_is_painted_with_statistics_of_the_weights_that_it_has_now():
    t = begun("dcgan")
    t.calibrate()
    before = t.paint().tobytes()
    t.change(Change(3, move="D"))
    assert t.paint().tobytes() == before
    t.change(Change(3, move="G"))
    assert t.paint().tobytes() != before
    painted = state_of(t.gan.G_ema)
    t.gan.recalibrate()
    assert equal(state_of(t.gan.G_ema), painted)


def test_the_slope_points_to_where_D_would_believe():
    t = begun("classes")
    D = Eye(t, "both").D.eval()
    x, y = torch.randn(8, 1, 32, 32), torch.arange(8) % 3
    from gan_core.training.observe import slope

    drawn = slope(D, x, y)
    assert drawn.abs().max() == 1.0
    with torch.no_grad():
        assert (D(x + 1e-3 * drawn, y) > D(x, y)).all()


def test_layers_have_readable_names():
    t = begun("dcgan")
    assert [name for name, _ in layers(t.gan.D)] == ["conv 1", "conv 2", "conv 3", "conv 4"]
    assert [name for name, _ in layers(begun("mlp").gan.G)] == ["linear 1", "linear 2", "linear 3", "linear 4"]


def test_a_move_pauses_a_run_and_is_told_with_a_new_sheet(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=8)
    s.idle = [
        s.order("move", who="G"),
        s.order("move", who="both"),
        lambda: states.append(folder.status),
        s.wish("run"),
    ]
    states = []
    t = s.play({3: s.order("move", who="D")})
    moved = s.of(Moved)
    assert [(m.step, m.who, m.slow) for m in moved] == [(3, "D", False), (3, "G", False), (4, "both", False)]
    assert [m.order for m in moved] == [1, 2, 3]
    assert (states[0].state, states[0].step, states[0].served) == ("paused", 4, 3)
    sheets = [event.step for event in s.of(Sample)]
    assert sheets == [0, 3, 3, 4, 8]
    assert folder.config["changes"] == [{"step": 3, "move": "D"}, {"step": 3, "move": "G"}]
    lines = [e for e in folder.history() if e["event"] == "moved"]
    assert [(e["n"], e["file"]) for e in lines] == [
        (1, "moves/000003-0001.webp"), (2, "moves/000003-0002.webp"), (3, "moves/000004-0003.webp"),
    ]  # fmt: skip
    with Image.open(folder.path / lines[0]["file"]) as sprite:
        assert sprite.size == (256, 96)
    assert "sprite" not in lines[0]
    again = trainer(steps=8)
    again.changes = read_changes(folder.config)
    list(again.run())
    same(t, again)


def test_of_what_was_seen_the_newest_are_kept(folder, monkeypatch):
    monkeypatch.setattr("gan_core.training.folder.MOVES", 2)
    s = Sitting(folder, monkeypatch, steps=3)
    s.idle = [s.order("move", who="D")] * 4 + [s.wish("run")]
    s.play({2: s.order("move", who="G")})
    assert sorted(path.name for path in folder.moves.iterdir()) == ["000002-0004.webp", "000002-0005.webp"]


def test_after_the_last_step_there_is_no_round_to_play(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=3)
    s.idle = [s.wish("run")]
    s.play({3: s.order("move", who="both")})
    s.folder.ask("run")
    (refused,) = s.of(Refused)
    assert "has played all of its 3 steps" in refused.en


# ---- slow motion


def test_a_run_in_slow_motion_is_the_run(folder, monkeypatch):
    """Each round is told; the wait between two ends when it is over, or with another wish."""
    clock = [0.0]
    s = Sitting(folder, monkeypatch)
    monkeypatch.setattr(steering.time, "monotonic", lambda: clock[0])
    s.idle = [lambda: clock.__setitem__(0, clock[0] + 1.5)] * 4 + [s.wish("run")]
    t = s.play({4: s.wish("slow", 3.0)})
    moved = s.of(Moved)
    assert [(m.step, m.who, m.slow) for m in moved] == [(5, "both", True), (6, "both", True), (7, "both", True)]
    assert all(m.shift_D > 0 and m.shift_G > 0 and m.order == 0 for m in moved)
    assert [event.step for event in s.of(Sample)] == [0, 10, 12]  # no extra ones
    assert "changes" not in folder.config
    plain = trainer(steps=12)
    list(plain.run())
    same(t, plain)


def test_orders_are_heard_in_slow_motion(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=9)
    s.idle = [s.set(lr_D=1e-3), s.order("move", who="D"), s.wish("stop")]
    t = s.play({2: s.wish("slow")})
    assert t.steps_done == 3
    assert [event.step for event in s.of(Changed)] == [3]
    assert [(m.who, m.slow) for m in s.of(Moved)] == [("both", True), ("D", False)]


# ---- back to a step


def test_back_to_a_step_and_on_is_the_run_without_the_detour(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, keep=9)
    s.idle = [s.wish("run")]
    seen = []
    at = {3: s.set(lr_D=1e-3), 6: s.set(lr_D=1e-2), 7: s.order("back", step=5)}
    s.idle = [lambda: seen.append((folder.status.state, s.t.steps_done, steps_kept(folder.checkpoints))), s.wish("run")]
    t = s.play(at)
    assert seen == [("paused", 5, [2, 4])]
    (resumed,) = s.of(Resumed)
    assert (resumed.step, resumed.to) == (4, 5)
    assert folder.config["changes"] == [{"step": 3, "train": {"lr_D": 1e-3}}]
    assert t.config.lr_D == 1e-3
    plain = trainer(steps=12)
    for event in plain.run():
        if event == Step(3):
            plain.change(Change(3, {"lr_D": 1e-3}))
    same(t, plain)
    told = [(e["event"], e["step"]) for e in folder.history()]
    assert ("changed", 3) in told and ("changed", 6) not in told
    assert told.index(("resumed", 4)) < told.index(("sample", 5))
    assert [step for kind, step in told if kind == "report"] == [3, 6, 9, 12]


def test_what_is_changed_on_the_way_back_to_a_step_takes_its_place_among_the_others(folder, monkeypatch):
    """Gone back to 9 from 10, other settings are set at 6, while it is played again: before those of 8."""
    s = Sitting(folder, monkeypatch, checkpoint_every=5, keep=9)
    s.idle = [s.wish("run")]
    again = {10: lambda: (s.order("back", step=9)(), at.update({6: s.set(flip=True, lr_G=1e-3)}))}
    at = {3: s.set(lr_D=1e-3), 8: s.set(lr_G=1e-2)} | again
    t = s.play(at)
    assert [change["step"] for change in folder.config["changes"]] == [3, 6, 8]
    assert (t.config.lr_G, t.config.flip) == (1e-2, True)
    told = [(e["step"], list(e["now"])) for e in folder.history() if e["event"] == "changed"]
    assert told == [(3, ["lr_D"]), (6, ["flip", "lr_G"]), (8, ["lr_G"])]
    plain = trainer(**asdict(s.t.began))
    plain.changes = read_changes(folder.config)
    list(plain.run())
    same(t, plain)


def test_back_to_before_the_first_checkpoint_is_played_from_the_beginning(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, checkpoint_every=100)
    s.idle = [s.wish("run")]
    t = s.play({6: s.order("back", step=2)})
    (resumed,) = s.of(Resumed)
    assert (resumed.step, resumed.to) == (0, 2)
    plain = trainer(steps=12)
    list(plain.run())
    same(t, plain)


def test_back_to_where_it_was_changed_forgets_the_change_and_the_moves_there(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, keep=9)
    s.idle = [s.set(lr_D=1e-3), s.order("back", step=4), s.wish("run")]
    t = s.play({4: s.order("move", who="D")})
    (resumed,) = s.of(Resumed)
    assert (resumed.step, resumed.to) == (4, 4)
    assert not folder.config["changes"]
    plain = trainer(steps=12)
    list(plain.run())
    same(t, plain)
    assert not [e for e in folder.history() if e["event"] in ("changed", "moved")]
    assert not list(folder.moves.glob("*5-*"))


def test_gone_back_to_a_checkpoint_it_can_be_steered_as_anywhere(folder, monkeypatch):
    s = Sitting(folder, monkeypatch)
    s.idle = [s.set(lr_D=1e-3), s.order("move", who="D"), s.order("move", who="both"), s.wish("run")]
    t = s.play({7: s.order("back", step=4)})
    assert [(m.who, m.step) for m in s.of(Moved)] == [("D", 4), ("both", 5)] and t.steps_done == 12
    assert [change["step"] for change in folder.config["changes"]] == [4, 4]
    plain = trainer(**asdict(s.t.began))
    plain.changes = read_changes(folder.config)
    list(plain.run())
    same(t, plain)


@pytest.mark.parametrize("end", ["stop", "discard"])
def test_who_ends_a_run_that_is_about_to_pause_is_heard(folder, monkeypatch, end):
    """Asked for while the order is being done, or while the run arrives where it went back to."""
    s = Sitting(folder, monkeypatch)
    sheet = s.steering._sheet
    s.steering._sheet = lambda: (folder.ask(end), sheet())[1]
    assert (s.play({5: s.order("move", who="D")}).steps_done, folder.wish) == (5, end)
    folder.clear()
    arrive, s.steering._sheet = s.steering._arrive, sheet
    s.steering._arrive = lambda: (folder.ask(end), arrive())[1]
    assert (s.play({8: s.order("back", step=7)}).steps_done, folder.wish) == (7, end)


def test_back_to_where_it_stands_only_pauses(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=5)
    s.idle = [s.wish("run")]
    s.play({3: s.order("back", step=3)})
    assert not s.of(Resumed) and not s.of(Refused) and folder.served == 1


def test_a_fork_cannot_go_back_to_before_it_was(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=5, checkpoint_every=3)
    folder.write_config(folder.config | {"parent": {"run": "x"}})
    t = s.play({4: s.order("back", step=2), 5: lambda: None})
    (refused,) = s.of(Refused)
    assert "It can go back to: 3" in refused.en
    plain = trainer(steps=5)
    list(plain.run())
    same(t, plain)


def test_a_checkpoint_that_was_saved_after_moves_is_not_the_step_before_them(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, keep=9)
    from gan_core.training.checkpoint import save_checkpoint

    s.idle = [lambda: save_checkpoint(s.t, folder.checkpoints), s.order("back", step=5), s.wish("run")]
    t = s.play({5: s.order("move", who="D")})
    (resumed,) = s.of(Resumed)
    assert (resumed.step, resumed.to) == (4, 5)
    plain = trainer(steps=12)
    list(plain.run())
    same(t, plain)


def test_the_whole_model_is_begun_again_as_session_begins_it():
    """`back` to the beginning relies on it: nothing but the seed decides where a run starts."""
    from gan_core.training.rewind import begin_again

    model, train = GAMES["classes"]
    t = trainer(model, pictures(16, classes=3), **train | {"steps": 4, "seed": 7})
    list(t.run())
    begin_again(t)
    torch.manual_seed(7)
    fresh = Trainer(GAN(model), t.images, t.began)
    same(t, fresh)
    list(t.run())
    state = t.state()
    torch.manual_seed(7)
    other = Trainer(GAN(model), t.images, t.began)
    list(other.run())
    assert all(torch.equal(a, b) for a, b in zip(state[0].values(), other.state()[0].values(), strict=True))


# ---- killed, full, gone


class Killed(BaseException):
    """As SIGKILL: nothing that was about to happen happens."""


def killed_at(patch, n):
    """Die before the n-th thing that is done to the disk. Returns how many there have been."""
    done = []

    def dying(what):
        def once(*args, **kwargs):
            done.append(what)
            if len(done) == n:
                raise Killed
            return what(*args, **kwargs)

        return once

    for owner, name in ((Path, "unlink"), (Path, "replace"), (shutil, "rmtree"), (RunFolder, "append")):
        patch.setattr(owner, name, dying(getattr(owner, name)))
    return done


def gone_on(folder):
    """What a resume makes of it."""
    t = trainer(**folder.config["train"] | {"betas": (0.5, 0.999), "augment": ()})
    t.changes = read_changes(folder.config)
    load_checkpoint(t, folder.checkpoints)
    folder.append(Resumed(t.steps_done))
    list(t.run())
    return t


def changed_run(*changes):
    t = trainer(steps=8, checkpoint_every=2, report_every=3, snapshot_every=100, keep=9)
    t.changes = list(changes)
    list(t.run())
    return t


def test_killed_at_any_moment_of_a_change_or_a_way_back_it_can_be_gone_on_with(tmp_path, monkeypatch):
    """At each of them the run that is gone on with is one of those that a person had asked for, to the last bit.

    From the first change on, until it is back: what comes after is an ordinary run again, see test_killed.
    """
    early, late = Change(3, {"lr_D": 1e-3}), Change(5, {"lr_D": 1e-2})
    wanted = [changed_run(), changed_run(early), changed_run(early, late)]
    found, back = [], []

    def arrived(n):
        back.append(n)
        raise Killed

    for n in range(1, 100):
        folder = RunFolder(tmp_path / str(n))
        folder.path.mkdir()
        s = Sitting(folder, monkeypatch, keep=9, steps=8)
        s.idle = [lambda n=n: arrived(n)]
        with monkeypatch.context() as patch, suppress(Killed):
            at = {5: s.set(lr_D=1e-2), 7: s.order("back", step=5)}
            s.play(at | {3: lambda n=n, s=s, patch=patch: (s.set(lr_D=1e-3)(), killed_at(patch, n))})
        if back:
            break
        left = RunFolder(folder.path)
        left.sweep()
        again = state_of((t := gone_on(left)).gan, t.opt_D)
        ends = [which for which, one in enumerate(wanted) if equal(again, state_of(one.gan, one.opt_D))]
        assert ends, f"killed at {n}, it became another run"
        found += ends
    assert len(found) > 20 and set(found) == {0, 1, 2}


def test_a_full_disk_at_a_move_ends_the_run_and_costs_nothing_that_was_kept(folder, monkeypatch):
    s = Sitting(folder, monkeypatch)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:

        def fill():
            patch.setattr(Image.Image, "save", full)
            folder.order("move", who="D")

        with pytest.raises(OSError, match="No space"):
            s.play({5: fill})
    assert not [e for e in folder.history() if e["event"] == "moved"] and not list(folder.path.rglob("*.part"))
    assert gone_on(folder).steps_done == 12


def test_a_clock_that_jumps_moves_nothing(folder, monkeypatch):
    """Hours ahead, and back to long before: heartbeats go on with the wall clock, waits with the steady one."""
    now, beats = [1e9], []
    monkeypatch.setattr("gan_core.training.folder.time.time", lambda: now[0])
    monkeypatch.setattr("gan_core.training.folder.HEARTBEAT", 0.0)

    def jump(to):
        def there():
            now[0] = to

        return there

    s = Sitting(folder, monkeypatch, steps=9)
    s.idle = [jump(1e9 + 9e4), lambda: beats.append(folder.status.heartbeat), jump(1e9 - 9e4),
              lambda: beats.append(folder.status.heartbeat), s.wish("run")]  # fmt: skip
    assert s.play({3: s.wish("pause")}).steps_done == 9
    assert beats == [1e9 + 9e4, 1e9 - 9e4]


def test_a_run_whose_folder_is_gone_ends_and_makes_no_other(folder, monkeypatch):
    for gone in (lambda: shutil.rmtree(folder.path), lambda: folder.path.rename(folder.path.with_name("b"))):
        folder.path.mkdir(exist_ok=True)
        s = Sitting(folder, monkeypatch)
        with pytest.raises(UserError, match="was taken away"):
            s.play({3: gone})
        assert not folder.path.exists()
        with pytest.raises(UserError, match="was taken away"):
            folder.write_status("failed", 3)
        with pytest.raises(UserError, match="was taken away"):
            folder.ask("run")
        assert not folder.path.exists()


def test_another_folder_in_its_place_is_not_written_to(folder, monkeypatch):
    with folder.locked():
        assert not folder.gone
        folder.path.rename(folder.path.with_name("b"))
        folder.path.mkdir()
        with RunFolder(folder.path).locked():
            assert folder.gone
            with pytest.raises(UserError, match="was taken away"):
                folder.append(Step(3))
        assert {path.name for path in folder.path.iterdir()} == {".lock"}


def test_what_stops_being_numbers_by_hand_ends_the_run(folder, monkeypatch):
    s = Sitting(folder, monkeypatch, steps=9, lr_D=0.5)

    def spoil():
        next(s.t.gan.D.parameters()).data.fill_(float("nan"))
        folder.order("move", who="G")

    with pytest.raises(UserError, match="stopped being numbers"):
        s.play({2: spoil})
