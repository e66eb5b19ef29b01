"""Many pictures from many latents, in little memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from gan_core.gan import GAN
from gan_core.images import to_uint8

Progress = Callable[[int, int, str], None]  # done, total, "paint"

BATCH = 64  # large enough to keep a device busy, small enough for 256 pixels on a laptop


def paint(gan: GAN, z: Tensor, y: Tensor | None = None, progress: Progress | None = None) -> Tensor:
    """z (N, nz), with classes also y (N,) -> pictures (N, nc, S, S) of uint8 on the CPU, in batches, by G_ema."""
    parts = []
    for start in range(0, len(z), BATCH):
        part = slice(start, start + BATCH)
        with torch.no_grad():
            parts.append(to_uint8(gan(z[part], None if y is None else y[part])).cpu())
        if progress:
            progress(min(start + BATCH, len(z)), len(z), "paint")
    return torch.cat(parts)
