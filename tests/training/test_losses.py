"""Each form of the game against its formula, written out with plain probabilities and logarithms in float64."""

import pytest
import torch
import torch.nn.functional as F

from gan_core.training.losses import GAMES

REAL = torch.linspace(-3, 4, 50, dtype=torch.float64)
FAKE = torch.linspace(2, -5, 50, dtype=torch.float64).roll(17)  # the pairs matter to rpgan


def D(logits):
    return 1 / (1 + torch.exp(-logits))


FORMULAS = {
    "minimax": (
        lambda: -torch.log(D(REAL)).mean() - torch.log(1 - D(FAKE)).mean(),
        lambda: torch.log(1 - D(FAKE)).mean(),
    ),
    "ns": (
        lambda: -torch.log(D(REAL)).mean() - torch.log(1 - D(FAKE)).mean(),
        lambda: -torch.log(D(FAKE)).mean(),
    ),
    "lsgan": (
        lambda: sum((r - 1) ** 2 / 2 + f**2 / 2 for r, f in zip(REAL, FAKE, strict=True)) / 50,
        lambda: sum((f - 1) ** 2 / 2 for f in FAKE) / 50,
    ),
    "hinge": (
        lambda: -sum(min(0, -1 + r) + min(0, -1 - f) for r, f in zip(REAL, FAKE, strict=True)) / 50,
        lambda: -sum(FAKE) / 50,
    ),
    "wgan": (
        lambda: -(sum(REAL) / 50 - sum(FAKE) / 50),
        lambda: -sum(FAKE) / 50,
    ),
    "rpgan": (  # f(t) = -log(1 + e^-t), of D(fake) - D(real) for G and of the reverse for D: both want f large
        lambda: sum(torch.log(1 + torch.exp(-(r - f))) for r, f in zip(REAL, FAKE, strict=True)) / 50,
        lambda: sum(torch.log(1 + torch.exp(-(f - r))) for r, f in zip(REAL, FAKE, strict=True)) / 50,
    ),
}


def test_no_game_is_without_its_formula():
    assert FORMULAS.keys() == GAMES.keys()


@pytest.mark.parametrize("name", GAMES)
def test_the_losses_are_the_formulas(name):
    game, (d_loss, g_loss) = GAMES[name], FORMULAS[name]
    torch.testing.assert_close(game.d_loss(REAL, FAKE, 0.0), d_loss())
    torch.testing.assert_close(game.g_loss(REAL, FAKE), g_loss())


@pytest.mark.parametrize("name", ["minimax", "ns"])
@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_smoothing_is_one_sided_bce_with_soft_targets(name, smoothing):
    bce = F.binary_cross_entropy
    wanted = bce(D(REAL), torch.full_like(REAL, 1 - smoothing)) + bce(D(FAKE), torch.zeros_like(FAKE))
    torch.testing.assert_close(GAMES[name].d_loss(REAL, FAKE, smoothing), wanted)


def test_smoothing_lowers_the_target_of_real_pictures_where_there_is_one():
    best = torch.full((4,), 0.9, dtype=torch.float64, requires_grad=True)
    for name in ("lsgan", "hinge"):
        (slope,) = torch.autograd.grad(GAMES[name].d_loss(best + 1e-9, torch.full((4,), -1.0), 0.1), best)
        torch.testing.assert_close(slope, torch.zeros(4, dtype=torch.float64), atol=1e-8, rtol=0)


@pytest.mark.parametrize(("name", "slope"), [("minimax", -2.061153618190204e-09), ("ns", -1.0)])
def test_only_the_saturating_game_leaves_a_beaten_G_without_a_slope(name, slope):
    """At logit -20: -D(G(z)) = -1 / (1 + e^20) and -(1 - D(G(z)))."""
    fake = torch.tensor([-20.0], dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(GAMES[name].g_loss(fake, fake), fake)
    assert float(found) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_have_finite_losses_and_slopes(name, logit):
    real, fake = torch.full((4,), logit, requires_grad=True), torch.full((4,), -logit, requires_grad=True)
    smoothing = 0.0 if name in ("wgan", "rpgan") else 0.1
    for loss in (GAMES[name].d_loss(real, fake, smoothing), GAMES[name].g_loss(real, fake)):
        slopes = torch.autograd.grad(loss, (real, fake), allow_unused=True)
        assert loss.isfinite()
        assert all(slope.isfinite().all() for slope in slopes if slope is not None)


@pytest.mark.parametrize("name", GAMES)
def test_each_player_wants_what_its_name_says(name):
    """D gains by raising real and lowering fake, G by raising fake."""
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    up, down = torch.autograd.grad(GAMES[name].d_loss(real, fake, 0.0), (real, fake))
    assert (up <= 0).all()
    assert (down >= 0).all()
    assert (up - down < 0).all()
    (raised,) = torch.autograd.grad(GAMES[name].g_loss(real, fake), fake)
    assert (raised < 0).all()


@pytest.mark.parametrize("name", sorted(set(GAMES) - {"rpgan"}))
def test_only_the_pairing_game_asks_what_real_pictures_score(name):
    game = GAMES[name]
    assert not game.needs_real_in_G
    assert torch.equal(game.g_loss(REAL, FAKE), game.g_loss(REAL + 5, FAKE))
