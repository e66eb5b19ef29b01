"""Random numbers for a batch that may be shared out between processes."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draws:
    """Draws for one rank's rows of a batch. Every rank draws for the whole batch and keeps its own rows.

    So N ranks see together exactly the numbers that one process would see alone. `generator` None is torch's own.
    """

    generator: torch.Generator | None = None
    rank: int = 0
    world: int = 1

    def normal(self, like: Tensor) -> Tensor:
        """From N(0, 1), in the shape, type and place of `like` (n, ...)."""
        shape = (self._all(len(like)), *like.shape[1:])
        return self._own(torch.randn(shape, dtype=like.dtype, device=like.device, generator=self.generator))

    def latents(self, n: int, nz: int, device: torch.device) -> Tensor:
        """n latents z (n, nz) from N(0, I)."""
        return self._own(torch.randn(self._all(n), nz, device=device, generator=self.generator))

    def uniform(self, like: Tensor) -> Tensor:
        """In 0..1, one number for each picture of `like` (n, nc, S, S): (n, 1, 1, 1), in its type and place."""
        shape = (self._all(len(like)), 1, 1, 1)
        return self._own(torch.rand(shape, dtype=like.dtype, device=like.device, generator=self.generator))

    def integers(self, low: int, high: int, like: Tensor) -> Tensor:
        """Of low .. high - 1, one for each picture of `like`: (n,)."""
        n = self._all(len(like))
        return self._own(torch.randint(low, high, (n,), generator=self.generator, device=like.device))

    def _all(self, n: int) -> int:
        return n * self.world

    def _own(self, drawn: Tensor) -> Tensor:
        return drawn.chunk(self.world)[self.rank]
