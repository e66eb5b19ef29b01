"""How much of a picture is coarse, how much fine: its power at every frequency.

Upsampling by transposed convolutions leaves too much, or too little, at the fine end, which real pictures do not have
(Durall et al., arXiv:2003.01826, section 3; Frank et al., arXiv:2003.08685).
"""

import torch
from torch import Tensor

DARK = 1e-6  # added to the power, so that an even picture has a logarithm: under a thousandth of 8-bit rounding's own


def spectrum(x: Tensor) -> Tensor:
    """x (N, nc, S, S) in [-1, 1] -> log10 of the mean power in each ring (N, S/2 + 1), of 0, 1 ... S/2 waves a side.

    Of the grey picture. White noise of variance v is flat at log10 v.
    """
    size = x.shape[-1]
    power = torch.fft.fft2(x.float().mean(dim=1), norm="ortho").abs().square()  # (N, S, S)
    waves = torch.fft.fftfreq(size, 1 / size, device=x.device)
    ring = torch.hypot(waves[:, None], waves).round().long().flatten()  # (S * S,)
    inside = ring <= size // 2  # the corners hold diagonals alone
    rings = torch.bincount(ring[inside])
    sums = power.new_zeros(len(x), len(rings)).index_add_(1, ring[inside], power.flatten(1)[:, inside])
    powers: Tensor = (sums / rings + DARK).log10()
    return powers
