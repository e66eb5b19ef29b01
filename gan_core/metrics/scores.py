"""How far one heap of features is from another. All of these compare runs on ONE data set: see `features`."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_core.metrics.features import Features

NEAREST_PR = 3  # neighbours that make a ball (Kynkaanniemi et al., arXiv:1904.06991, section 3)
NEAREST_DC = 5  # (Naeem et al., arXiv:2002.09797, section 4)
SEEN_SHARE = 0.25  # of its share among real pictures, from which a class counts as seen


@dataclass(frozen=True)
class Scores:
    """How good samples are beside real pictures, in the features of their own data set: not the published FID."""

    frechet: float  # distance of the two heaps; less is better
    precision: float  # share of samples that lie where real pictures lie: are they good?
    recall: float  # share of real pictures that lie where samples lie: is everything there?
    density: float  # as precision, but stray real pictures count little; around 1 for real ones, and may exceed it
    coverage: float  # share of real pictures that have a sample near them
    classes: float | None  # share of the classes that are seen often enough; None without classes


def score(real: Tensor, fake: Tensor, classes: float | None = None) -> Scores:
    """All scores of features `fake` (N, F) beside `real` (M, F), with the class coverage found elsewhere."""
    apart = torch.cdist(fake, real)
    precision, recall = precision_recall(real, fake, apart)
    density, coverage = density_coverage(real, apart)
    return Scores(frechet_between(real, fake), precision, recall, density, coverage, classes)


def frechet_between(a: Tensor, b: Tensor) -> float:
    """|mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of features (N, F) and (M, F).

    The Frechet distance of Heusel et al., arXiv:1706.08500, equation 6. It falls with the number of samples alone:
    compare only values taken from equally many, and beside their floor, real against real.
    """
    a, b = a.double(), b.double()
    mean = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    # C_a C_b has the eigenvalues of the symmetric root_a C_b root_a, which eigvalsh finds safely
    values, vectors = torch.linalg.eigh(cov_a)
    root_a = vectors * values.clamp_min(0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp_min(0).sqrt().sum()
    return float(mean + cov_a.trace() + cov_b.trace() - 2 * cross)


def frechet(features: Features, real: Tensor, fake: Tensor) -> float:
    """The same between pictures (N, nc, S, S) and (M, nc, S, S) in [-1, 1], seen through `features`."""
    return frechet_between(features(real), features(fake))


def precision_recall(real: Tensor, fake: Tensor, apart: Tensor, nearest: int = NEAREST_PR) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al., arXiv:1904.06991, equations 1 and 2).

    A ball around each of a heap's pictures, as wide as the way to its k-th neighbour, is where the heap lies.
    `apart` (N, M) are the distances from fake to real.
    """
    precision = (apart <= _reach(real, nearest)).any(dim=1)
    recall = (apart <= _reach(fake, nearest)[:, None]).any(dim=0)
    return float(precision.double().mean()), float(recall.double().mean())


def density_coverage(real: Tensor, apart: Tensor, nearest: int = NEAREST_DC) -> tuple[float, float]:
    """Density and coverage (Naeem et al., arXiv:2002.09797, equations 5 and 6): only real pictures have balls."""
    within = apart < _reach(real, nearest)
    return float(within.double().sum(dim=1).mean() / _at_most(nearest, real)), float(within.any(dim=0).double().mean())


def class_coverage(real: Tensor, fake: Tensor, classes: int) -> float:
    """Share of the classes present in `real` (M,) that `fake` (N,) names at least a quarter as often.

    Both are what the same classifier says, so that its own mistakes weigh the same on both sides.
    """
    shares = torch.bincount(real, minlength=classes) / len(real), torch.bincount(fake, minlength=classes) / len(fake)
    present = shares[0] > 0
    return float((shares[1] >= SEEN_SHARE * shares[0])[present].double().mean())


def _reach(heap: Tensor, nearest: int) -> Tensor:
    """(N,) How far each is from its k-th nearest neighbour, itself not counted."""
    return torch.cdist(heap, heap).kthvalue(_at_most(nearest, heap) + 1, dim=1).values


def _at_most(nearest: int, heap: Tensor) -> int:
    return min(nearest, len(heap) - 1)
