"""The scores against the formulas of their papers, worked out by brute force in float64."""

import math

import numpy as np
import pytest
import torch

from gan_core.metrics import frechet, frechet_between
from gan_core.metrics.scores import Scores, class_coverage, density_coverage, precision_recall, score


def heap(n, dims, seed, shift=0.0, scale=1.0):
    return shift + scale * torch.randn(n, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def reach(points, i, k):
    """From point i to its k-th nearest neighbour among the others."""
    return sorted(distance(points[i], other) for j, other in enumerate(points) if j != i)[k - 1]


REAL, FAKE = heap(40, 3, 0), heap(30, 3, 1, shift=0.7, scale=0.6)


def test_frechet_of_two_gaussians_with_a_common_basis():
    """|m_a - m_b|^2 + sum (s_a - s_b)^2 where the covariances commute; made exact by whitening the draws."""
    draws = heap(500, 3, 0)
    draws = draws - draws.mean(dim=0)
    white = draws @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(draws.T)).T)
    s_a, s_b = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 2.0, 0.5]).double()
    m_a, m_b = torch.tensor([0.0, 0.0, 1.0]).double(), torch.tensor([0.0, 4.0, 1.0]).double()
    got = frechet_between(white * s_a + m_a, white * s_b + m_b)
    assert got == pytest.approx(16 + 1 + 6.25)


def test_frechet_where_the_covariances_do_not_commute():
    """The trace of the root of C_a C_b is the sum of the roots of its eigenvalues, found here without symmetry."""
    a, b = heap(200, 4, 2) @ heap(4, 4, 3), heap(150, 4, 4) @ heap(4, 4, 5) + 1
    cov_a, cov_b = np.cov(a.numpy().T), np.cov(b.numpy().T)
    root = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).astype(complex)).real.sum()
    apart = ((a.numpy().mean(0) - b.numpy().mean(0)) ** 2).sum()
    assert frechet_between(a, b) == pytest.approx(apart + np.trace(cov_a) + np.trace(cov_b) - 2 * root)
    assert frechet_between(a, b) == pytest.approx(frechet_between(b, a))


def test_frechet_of_a_heap_and_itself_is_nothing_even_with_fewer_pictures_than_features():
    for n in (300, 5):
        assert frechet_between(heap(n, 8, 1), heap(n, 8, 1)) == pytest.approx(0, abs=1e-6)


def test_a_metric_takes_any_feature_function():
    def flat(x):
        return x.flatten(1)

    x, y = heap(60, 4, 6).view(60, 1, 2, 2), heap(60, 4, 7).view(60, 1, 2, 2)
    assert frechet(flat, x, y) == frechet_between(flat(x), flat(y))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_by_the_definition(k):
    real, fake = REAL.tolist(), FAKE.tolist()
    balls_real = [reach(real, i, k) for i in range(len(real))]
    balls_fake = [reach(fake, i, k) for i in range(len(fake))]
    precision = np.mean([any(distance(f, r) <= ball for r, ball in zip(real, balls_real, strict=True)) for f in fake])
    recall = np.mean([any(distance(r, f) <= ball for f, ball in zip(fake, balls_fake, strict=True)) for r in real])
    assert 0 < recall < 1
    got = precision_recall(REAL, FAKE, torch.cdist(FAKE, REAL), nearest=k)
    assert got == pytest.approx((precision, recall))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_density_and_coverage_by_the_definition(k):
    real, fake = REAL.tolist(), FAKE.tolist()
    balls = [reach(real, i, k) for i in range(len(real))]
    inside = [[distance(f, r) < ball for r, ball in zip(real, balls, strict=True)] for f in fake]
    density = sum(map(sum, inside)) / (k * len(fake))
    coverage = sum(any(column) for column in zip(*inside, strict=True)) / len(real)
    assert 0 < coverage < 1
    assert density_coverage(REAL, torch.cdist(FAKE, REAL), nearest=k) == pytest.approx((density, coverage))


def test_a_model_that_paints_one_good_picture_is_precise_and_covers_nothing():
    real = heap(200, 4, 8)
    alone = score(real, real[:1].repeat(100, 1) + 1e-3 * heap(100, 4, 9))
    assert alone.precision == 1 and alone.recall < 0.02 and alone.coverage < 0.1
    far = score(real, heap(100, 4, 10, shift=50))
    assert (far.precision, far.recall, far.density, far.coverage) == (0, 0, 0, 0)


def test_real_against_real_scores_near_one():
    got = score(heap(600, 4, 11), heap(600, 4, 12))
    assert got.frechet < 0.1
    assert got.density == pytest.approx(1, abs=0.1)
    assert min(got.precision, got.recall, got.coverage) > 0.85


def test_a_class_is_covered_from_a_quarter_of_its_share():
    real = torch.tensor([0] * 40 + [1] * 40 + [2] * 20)  # class 3 is absent, and so is not missed
    just, under = [0] * 85 + [1] * 10 + [2] * 5, [0] * 86 + [1] * 9 + [2] * 5
    assert class_coverage(real, torch.tensor(just), 4) == 1
    assert class_coverage(real, torch.tensor(under), 4) == pytest.approx(2 / 3)
    assert class_coverage(real, torch.tensor([3] * 10), 4) == 0


def test_fewer_pictures_than_neighbours_still_have_scores():
    got = score(heap(2, 3, 13), heap(2, 3, 14), classes=None)
    assert isinstance(got, Scores) and all(math.isfinite(v) for v in vars(got).values() if v is not None)
