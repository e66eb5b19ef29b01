import pytest
import torch
from torch.testing import assert_close

from gan_core.data import Images
from gan_core.errors import UserError
from gan_core.images import to_unit
from gan_core.metrics import frechet, frechet_between, train_features


def stripes(n):
    """Two classes that a child tells apart: upright and lying stripes, under noise."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    lines = (torch.arange(28) % 4 < 2).float()
    upright, lying = lines.expand(28, 28), lines[:, None].expand(28, 28)
    clean = torch.stack([upright if label else lying for label in labels])[:, None] * 160
    pixels = (clean + 60 * torch.rand(n, 1, 28, 28, generator=random)).to(torch.uint8)
    return Images("stripes", pixels, labels, ("lying", "upright"))


def test_frechet_of_two_gaussians_with_a_common_basis():
    """|m_a - m_b|^2 + sum (s_a - s_b)^2 where the covariances commute; made exact by whitening the draws."""
    draws = torch.randn(500, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    draws = draws - draws.mean(dim=0)
    white = draws @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(draws.T)).T)
    s_a, s_b = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 2.0, 0.5]).double()
    m_a, m_b = torch.tensor([0.0, 0.0, 1.0]).double(), torch.tensor([0.0, 4.0, 1.0]).double()
    got = frechet_between(white * s_a + m_a, white * s_b + m_b)
    assert got == pytest.approx(16 + 1 + 6.25)


def test_frechet_of_a_heap_and_itself_is_nothing():
    heap = torch.randn(300, 8, generator=torch.Generator().manual_seed(1))
    assert frechet_between(heap, heap) == pytest.approx(0, abs=1e-6)


def test_features_know_the_classes_and_the_measure_sees_a_missing_one():
    images = stripes(800)
    features = train_features(images, steps=40)
    x = to_unit(images.pixels)
    half, other, one_class = x[:400], x[400:], x[images.labels == 0]
    floor, collapsed = frechet(features, half, other), frechet(features, half, one_class)
    assert collapsed > 20 * floor
    assert features(x[:5]).shape == (5, 128)


def test_the_same_seed_makes_the_same_features_and_leaves_the_random_state_alone():
    images, x = stripes(64), torch.zeros(2, 1, 28, 28)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = train_features(images, steps=2)(x)
    assert torch.equal(torch.get_rng_state(), before)
    assert_close(train_features(images, steps=2)(x), first, rtol=0, atol=0)


def test_a_set_without_classes_is_refused():
    with pytest.raises(UserError, match="'noise' has no classes"):
        train_features(Images("noise", torch.zeros(9, 1, 28, 28, dtype=torch.uint8)))
