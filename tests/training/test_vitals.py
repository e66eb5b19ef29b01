"""Vital signs against their formulas, and that looking changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gan_core.errors import UserError
from gan_core.images import to_unit
from gan_core.metrics.features import by_classes, by_contrast
from gan_core.training.events import Report, Vitals
from gan_core.training.vitals import Watch, nearest, ranked_above, spread, watch
from tests.training.tiny import TINY, pictures, trainer

GAMES = {
    "batch norm": (TINY, {}),
    "dropout and penalties": (replace(TINY, norm_D="none", dropout_D=0.3), {"r1_gamma": 1.0}),
    "spectral norm": (replace(TINY, norm_D="spectral"), {"loss": "hinge", "flip": True}),
    "classes": (replace(TINY, num_classes=3), {}),
    "fully connected": (replace(TINY, architecture="mlp"), {}),
}


def eyes(images, steps=2):
    return by_classes([images], steps=steps) if images.classes else by_contrast(images, steps=steps)


@pytest.fixture
def heap():
    return torch.randn(40, 7, generator=torch.Generator().manual_seed(3))


def test_spread_is_the_root_mean_square_distance_from_the_mean(heap):
    x = heap.double().numpy()
    assert float(spread(heap)) == pytest.approx(np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean()), rel=1e-5)


def test_nearest_is_the_distance_to_the_nearest_other(heap):
    x = heap.double().numpy()
    apart = np.linalg.norm(x[:, None] - x, axis=2) + np.diag(np.full(len(x), np.inf))
    assert nearest(heap).numpy() == pytest.approx(apart.min(1), rel=1e-5)
    assert nearest(torch.cat([heap, heap])).max() == 0


def test_ranked_above_counts_pairs():
    a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 0.0])
    assert ranked_above(a, b) == pytest.approx((1 + 1 + 1 + 0.5 + 1) / 6)
    assert ranked_above(a + 9, b) == 1.0 and ranked_above(b, a + 9) == 0.0 and ranked_above(a, a) == 0.5


@pytest.mark.parametrize("game", GAMES)
def test_a_watched_game_is_bit_for_bit_the_unwatched_one(game):
    model, train = GAMES[game]
    images = pictures(24, classes=model.num_classes or 2)

    def played(watched):
        t = trainer(model, images, steps=6, report_every=2, held_out=0.3, **train)
        t.gan.D.train()
        events = watch(t.run(), t, lambda: eyes(images), share=float("inf"), begin=0.0) if watched else t.run()
        events = list(events)
        assert sum(isinstance(event, Vitals) for event in events) == (3 if watched else 0)
        tensors, numbers = t.state()
        del numbers["seconds"]
        return tensors, numbers, [m.training for m in t.gan.modules()], torch.rand(3)

    (alone, numbers, modes, after), (seen, numbers_seen, modes_seen, after_seen) = played(False), played(True)
    assert alone.keys() == seen.keys() and numbers == numbers_seen and modes == modes_seen
    assert all(torch.equal(alone[name], seen[name]) for name in alone)
    assert torch.equal(after, after_seen)


class Bright(torch.nn.Module):
    """A D whose logit is the mean of the picture."""

    def forward(self, x, y=None):
        return x.mean(dim=(1, 2, 3))


class Repeat(torch.nn.Module):
    """A G that paints one of the given pictures, by the sign of z."""

    def __init__(self, x):
        super().__init__()
        self.register_buffer("x", x)

    def forward(self, z, y=None):
        return self.x[(z[:, 0] > 0).long()]


def test_signs_of_players_that_are_known():
    """G paints two of the pictures, D takes bright ones for real, and the held-out ones are all black: duplicates."""
    images = pictures(40, classes=4)
    t = trainer(images=images, held_out=0.25)
    images.pixels[t.held_out] = 0
    images.pixels[t.learned] = images.pixels[t.learned] // 2 + 128
    t.gan.D, t.gan.G = Bright(), Repeat(to_unit(images.pixels[t.learned[:2]]))
    net = eyes(images, steps=10)
    w = Watch(t, net)
    first, second = w.look(), w.look()
    assert first.twins == 1.0 and first.apart == pytest.approx(0, abs=1e-3)
    assert first.knows == 1.0 and first.passes == 0.0 and first.strangers == 10
    assert first.moved == second.moved == 0.0
    assert first.logits == pytest.approx(1.0)  # black
    assert first.missing == len(w.classes) - len(w.classes & set(net.head(net(t.gan.G.x)).argmax(1).tolist()))
    painted = net(torch.cat([t.gan.G(z, y) for z, y in w.latents()]))
    real = net(to_unit(images.pixels[torch.arange(40)]))
    assert first.spread == pytest.approx(float(spread(painted) / spread(real)), rel=1e-4)
    assert first.off == pytest.approx(float((painted.mean(0) - real.mean(0)).norm() / spread(real)), rel=1e-3)


def test_real_pictures_as_fakes_look_like_real_pictures():
    images = pictures(64)
    t = trainer(images=images)

    class Copy(torch.nn.Module):
        at = 0

        def forward(self, z, y=None):
            return to_unit(images.pixels[: len(z)])

    t.gan.G = Copy()
    vitals = Watch(t, eyes(images)).look()
    assert vitals.spread == pytest.approx(1, abs=0.05) and vitals.apart == pytest.approx(1, abs=0.05)
    assert vitals.twins <= 0.1 and vitals.off == pytest.approx(0, abs=0.01)


def test_how_far_all_pictures_moved():
    images = pictures(40)
    t = trainer(images=images)
    t.gan.G = Repeat(to_unit(images.pixels[:2]))
    net = eyes(images)
    w = Watch(t, net)
    before = w.look()
    t.gan.G.x.copy_(to_unit(images.pixels[2:4]))
    share = (w.z[:, 0] > 0).float().mean()
    a, b = (net(to_unit(images.pixels[rows])) for rows in ([0, 1], [2, 3]))
    step = (1 - share) * (b[0] - a[0]) + share * (b[1] - a[1])
    assert before.moved == 0
    assert w.look().moved == pytest.approx(float(step.norm() / spread(w.real)), rel=1e-3)


def test_without_strangers_there_is_no_opinion_of_them():
    t = trainer(held_out=0.0)
    vitals = Watch(t, eyes(t.images)).look()
    assert vitals.strangers == 0 and vitals.knows is None and vitals.passes is None


def test_what_is_no_number_is_not_told():
    """JSON has no word for it."""
    t = trainer(steps=1, report_every=1)

    def overflown():
        for event in t.run():
            if isinstance(event, Report):
                next(t.gan.G.parameters()).data.fill_(float("nan"))
            yield event

    told = []
    with pytest.raises(UserError, match="stopped being numbers"):
        told.extend(watch(overflown(), t, lambda: eyes(t.images), share=float("inf"), begin=0.0))
    assert any(isinstance(event, Report) for event in told) and not any(isinstance(event, Vitals) for event in told)


def test_a_set_of_one_picture_many_times_has_signs_too():
    t = trainer(images=pictures(16, value=7))
    vitals = Watch(t, eyes(t.images)).look()
    assert vitals.sane and vitals.spread > 1e6


class Clock:
    """A trainer that only has a clock, and a Watch whose looks take two seconds."""

    def __init__(self, monkeypatch):
        self.seconds, self.looked = 0.0, []
        monkeypatch.setattr("gan_core.training.vitals.Watch", lambda trainer, net: self)

    def run(self, reports):
        for step in range(reports):
            self.seconds += 1.0
            yield Report(step, 0, self.seconds, *[0.0] * 8)

    def look(self):
        self.looked.append(self.seconds)
        return Vitals(0, *[0.0] * 5, None, None, 0, None, None, *[0.0] * 3, seconds=2.0)


def test_looking_never_costs_more_than_its_share(monkeypatch):
    clock = Clock(monkeypatch)
    list(watch(clock.run(1000), clock, lambda: None, share=0.02, begin=5.0))
    assert clock.looked[0] == 5.0  # the first is on credit: its cost is not known before
    assert all(2.0 * (i + 1) <= 0.02 * seconds for i, seconds in enumerate(clock.looked) if i)
    assert len(clock.looked) == 10


def test_nobody_looks_before_there_is_something_to_see(monkeypatch):
    clock = Clock(monkeypatch)
    list(watch(clock.run(4), clock, lambda: pytest.fail("too early"), begin=5.0))
    assert clock.looked == []
