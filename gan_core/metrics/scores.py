"""Distances between two heaps of features."""

import torch
from torch import Tensor

from gan_core.metrics.features import Features


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
