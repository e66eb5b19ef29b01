"""The recorded round, on a stand-in for CUDA: a "graph" that remembers what was called while it was open, and calls it
again on replay. What only a GPU can show (that the kernels are the same) is in test_cuda.py, which needs one."""

from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
import torch

from gan_core.training.changes import Change
from gan_core.training.graph import WARM_UP, Graphed
from gan_core.training.observe import Eye
from tests.training.tiny import TINY, trainer


class Tape:
    """A graph. As the real one, it reads its inputs from where they were, and writes its result where it was."""

    def __init__(self):
        self.generators = []

    def register_generator_state(self, generator):
        self.generators.append(generator)

    def replay(self):
        self.means.copy_(self.again())


class Cuda:
    """As much of torch.cuda as Graphed touches."""

    CUDAGraph = Tape

    def __init__(self, broken=False):
        self.broken, self.opened, self.aside = broken, 0, 0

    def Stream(self):
        self.aside += 1
        return self

    def wait_stream(self, stream):
        pass

    def current_stream(self):
        return self

    def stream(self, stream):
        return nullcontext()

    @contextmanager
    def graph(self, tape, capture_error_mode):
        assert capture_error_mode == "thread_local"
        if self.broken:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.opened += 1
        self.open = tape
        yield


def graphed(t, broken=False):
    """A trainer whose rounds are recorded on tapes."""
    cuda, play = Cuda(broken), t.play

    def recording(dealt):
        """Capturing runs nothing: the first replay is the first time that it happens."""
        if getattr(cuda, "open", None) is None:
            return play(dealt)
        tape, cuda.open = cuda.open, None
        tape.means, captured_at = torch.full((7,), float("nan")), t.steps_done

        def again():
            """What Python knew when it was captured is all that it will ever know."""
            now, t.steps_done = t.steps_done, captured_at
            try:
                return play(dealt)
            finally:
                t.steps_done = now

        tape.again = again
        return tape.means

    t.recorded = Graphed(recording, t.random, cuda)
    return t, cuda


GAMES = [
    (TINY, {}),
    (replace(TINY, norm_D="none"), {"loss": "rpgan", "r1_gamma": 1.0, "r2_gamma": 1.0, "penalty_every": 4}),
    (replace(TINY, norm_D="none"), {"loss": "wgan", "gp_weight": 10.0, "d_moves": 3}),
    (replace(TINY, num_classes=3, dropout_D=0.2), {"augment": ("color", "translation", "cutout"), "flip": True}),
    (replace(TINY, norm_D="spectral"), {"instance_noise": 0.3, "instance_noise_steps": 9, "loss": "hinge"}),
    (TINY, {"loss": "wgan", "clip_D": 0.01, "d_moves": 2}),
]


@pytest.mark.parametrize(("model", "train"), GAMES)
def test_recorded_rounds_are_the_rounds_of_the_plain_trainer(model, train):
    """The same means at every step and the same weights at the end: nothing that changes is baked into a recording."""
    plain, (recorded, cuda) = trainer(model, **train), graphed(trainer(model, **train))
    torch.manual_seed(5)
    wanted = played(plain)
    torch.manual_seed(5)
    assert torch.equal(played(recorded), wanted)
    for (name, a), b in zip(plain.gan.state_dict().items(), recorded.gan.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    kinds = {False, True} if train.get("penalty_every", 1) > 1 else {bool(train.get("gp_weight"))}
    assert set(recorded.recorded.recordings) == kinds
    assert cuda.opened == len(kinds) and cuda.aside == WARM_UP * len(kinds)
    assert all(tape.graph.generators == [recorded.random] for tape in recorded.recorded.recordings.values())


def played(t, steps=30):
    t.gan.train()
    means = []
    for _ in range(steps):
        means.append(t.step())
        t.steps_done += 1
    return torch.stack(means)


def test_a_run_that_is_steered_is_recorded_anew_where_it_must_be():
    """Other settings mean another recording; a round that is looked at, or a move by hand, is played beside it."""

    def steered(t):
        t.gan.train()
        means = []
        for step in range(40):
            if step == 12:
                t.change(Change(12, {"d_moves": 2, "augment": ("color",), "flip": True, "lr_D": 1e-3}))
            if step in (8, 20):
                t.change(Change(step, move="D"))
                t.change(Change(step, move="G"))
            t.plain = step in (9, 25, 26)
            eye = Eye(t, "both") if t.plain else None
            means.append(t.step())
            t.steps_done += 1
            if eye:
                assert eye.tell().shift_G > 0
        return torch.stack(means)

    plain, (recorded, cuda) = trainer(), graphed(trainer())
    first = recorded.recorded
    recorded._recorder = lambda: graphed(recorded)[0].recorded
    assert torch.equal(steered(recorded), steered(plain))
    assert first.recordings and recorded.recorded.recordings and recorded.recorded is not first
    for (name, a), b in zip(plain.gan.state_dict().items(), recorded.gan.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert cuda.opened == 1


def test_a_refused_recording_is_said_and_goes_on_without(caplog):
    plain, (refused, _) = trainer(), graphed(trainer(), broken=True)
    assert torch.equal(played(refused), played(plain))
    assert caplog.text.count("could not be recorded") == 1


def test_no_round_waits_for_the_device(monkeypatch):
    """Only a report may: whatever turns a tensor into a number of Python's makes the host wait for the GPU."""

    def waits(*_):
        raise AssertionError("a round waited for the device")

    for model, train in GAMES:
        t = trainer(model, **train)
        t.gan.train()
        t.step(), t.step()
        dealt = [t.batches.draw() for _ in range(t.config.d_moves)]
        with monkeypatch.context() as patch:
            for name in ("item", "tolist", "__bool__", "__float__", "__int__", "__index__", "nonzero", "numpy", "cpu"):
                patch.setattr(torch.Tensor, name, waits)
            t.play(dealt)
