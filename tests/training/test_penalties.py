from itertools import pairwise

import pytest
import torch

from gan_core import ModelConfig
from gan_core.networks import Discriminator
from gan_core.training.penalties import clip_, one_centred, zero_centred
from tests.training.tiny import TINY, trainer

RANDOM = torch.Generator().manual_seed(0)
SLOPE = torch.randn(3, 4, 4, generator=RANDOM)
X, FAKE = torch.randn(2, 5, 3, 4, 4, generator=RANDOM)
SHARE = torch.rand(5, generator=RANDOM).view(-1, 1, 1, 1)


@pytest.fixture(autouse=True)
def _same_weights_every_time():
    torch.manual_seed(0)


def linear(x):
    return (x * SLOPE).sum(dim=(1, 2, 3)) + 7


def bowl(x):
    """|x|^2 / 2: its slope at x is x."""
    return x.square().sum(dim=(1, 2, 3)) / 2


def test_r1_of_a_linear_critic_is_half_its_squared_slope():
    torch.testing.assert_close(zero_centred(linear, X), SLOPE.square().sum() / 2)


def test_r1_is_the_mean_over_pictures_not_over_pixels():
    torch.testing.assert_close(zero_centred(bowl, X), sum(x.square().sum() for x in X) / 5 / 2)


def test_the_gradient_penalty_of_a_linear_critic():
    torch.testing.assert_close(one_centred(linear, X, FAKE, SHARE), (SLOPE.norm() - 1) ** 2)


def test_the_gradient_penalty_looks_between_the_pairs():
    """Algorithm 1: x_hat = share * x + (1 - share) * fake; the slope of the bowl there is x_hat itself."""
    between = [s * x + (1 - s) * f for s, x, f in zip(SHARE, X, FAKE, strict=True)]
    wanted = sum((m.norm() - 1) ** 2 for m in between) / 5
    torch.testing.assert_close(one_centred(bowl, X, FAKE, SHARE), wanted)


def test_a_flat_critic_has_a_finite_way_out():
    flat = torch.zeros(3, 4, 4, requires_grad=True)
    penalty = one_centred(lambda x: (x * flat).sum(dim=(1, 2, 3)), X, FAKE, SHARE)
    assert penalty.item() == pytest.approx(1, abs=1e-5)
    (slope,) = torch.autograd.grad(penalty, flat)
    assert slope.isfinite().all()


@pytest.mark.parametrize("norm_D", ["none", "spectral"])
def test_the_slope_of_a_network_is_that_of_finite_differences(norm_D):
    D = Discriminator(ModelConfig(image_size=32, nc=1, ndf=4, norm_D=norm_D)).double().eval()
    x, h = torch.randn(1, 1, 32, 32, dtype=torch.float64), 1e-6
    axes = torch.eye(32 * 32, dtype=torch.float64).view(-1, 1, 32, 32) * h
    with torch.no_grad():
        slope = torch.cat([(D(x + a) - D(x - a)) / (2 * h) for a in axes.split(256)])
    torch.testing.assert_close(zero_centred(D, x).detach(), slope.square().sum() / 2, rtol=1e-3, atol=1e-12)


def test_a_penalty_teaches_D_to_be_flat():
    D = Discriminator(ModelConfig(image_size=32, nc=1, ndf=4, norm_D="none"))
    for p in D.parameters():
        p.data *= 3
    x, steps = torch.randn(4, 1, 32, 32), []
    optimizer = torch.optim.SGD(D.parameters(), lr=1e-3)
    for _ in range(5):
        optimizer.zero_grad()
        penalty = zero_centred(D, x)
        penalty.backward()
        optimizer.step()
        steps.append(penalty.item())
    assert all(after < before for before, after in pairwise(steps))


def test_clip_clamps_every_weight_and_leaves_the_rest():
    weights = [torch.tensor([-3.0, -0.01, 0.0, 0.02, 3.0]), torch.tensor([[0.5]], requires_grad=True)]
    clip_(iter(weights), 0.1)
    assert weights[0].tolist() == pytest.approx([-0.1, -0.01, 0.0, 0.02, 0.1])
    assert weights[1].item() == pytest.approx(0.1)


@pytest.mark.parametrize("penalty", ["r1_gamma", "r2_gamma", "gp_weight"])
def test_lazy_penalties_cost_as_much_on_average(penalty):
    """Every 4th step, 4 times as heavy: with nobody moving and one picture, the mean over 8 steps is the same."""
    model = ModelConfig(image_size=32, nc=1, nz=4, ngf=4, ndf=4, norm_D="none")

    def owed(every):
        t = trainer(model, penalty_every=every, **{penalty: 3.0})
        x = fake = torch.full((4, 1, 32, 32), 0.3)
        found = []
        for t.steps_done in range(8):
            penalty_now = t.penalty(x, fake, None)
            found.append(0.0 if penalty_now is None else penalty_now.item())
        return found

    always, lazily = owed(1), owed(4)
    assert sum(lazily) == pytest.approx(sum(always))
    assert [bool(p) for p in lazily] == [True, False, False, False] * 2
    if penalty != "gp_weight":
        D = trainer(model).gan.D
        (slope,) = torch.autograd.grad(D(x := torch.full((1, 1, 32, 32), 0.3, requires_grad=True)).sum(), x)
        assert always[0] == pytest.approx(3.0 * float(slope.square().sum()) / 2, rel=1e-4)


def test_clipping_holds_after_every_move():
    t = trainer(TINY, clip_D=0.005, loss="wgan", lr_D=1e-2)
    t.step()
    assert max(float(p.detach().abs().max()) for p in t.gan.D.parameters()) <= 0.005 * 1.0001
