"""Is it copied? The training pictures nearest to a picture, and how near strangers come to them.

A GAN that copies paints pictures nearer to its training set than pictures of the same kind are which it never saw
(Meehan et al., arXiv:2004.05675, section 2: data-copying is told by distances to the training set, of samples against
those of a held-out sample). Two pictures are as far apart as their thumbnails and their features in the data set's own
`FeatureNet`, half and half: pixels alone miss a copy in another light, features alone miss where things stand.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_core.data.store import Progress
from gan_core.images import to_unit
from gan_core.latent.reference import Reference
from gan_core.metrics.features import FeatureNet

THUMB = 16  # pixels a side
BATCH = 256
MOST_NUMBERS = 64_000_000  # of an index, 128 MB as float16: 60,000 grey pictures fit, and 70,000 in colour
ASKED = 500  # strangers whose distances are measured


@dataclass(frozen=True)
class Near:
    """The nearest training pictures of some pictures."""

    rows: Tensor  # (N, k) of the reference's images
    distance: Tensor  # (N, k); 0: the same, 1: as far as two training pictures drawn at random


class Neighbours:
    """An index of what a model learned from. `mirrored`: it also learned from the mirror pictures.

    `progress` hears of every batch. Sets too large for memory are searched in evenly spaced pictures: see `searched`.
    """

    def __init__(
        self, reference: Reference, net: FeatureNet, mirrored: bool = False, progress: Progress | None = None
    ) -> None:
        self.reference, self.net, self.mirrored = reference, net, mirrored
        rows = reference.learned
        numbers = self._seen(reference.images.pixels[rows[:1]]).shape[1]
        every = max(1, -(-len(rows) * numbers // MOST_NUMBERS))
        self.rows = rows[::every]
        self.middle, self.scale = self._spread(reference.images.pixels)
        parts = []
        for at in range(0, len(self.rows), BATCH):
            parts.append(self._placed(reference.images.pixels[self.rows[at : at + BATCH]]).half())
            if progress:
                progress(min(at + BATCH, len(self.rows)), len(self.rows), "index")
        self.index = torch.cat(parts)  # (M, numbers)
        self.squares = torch.cat([part.float().square().sum(dim=1) for part in self.index.split(BATCH)])

    @property
    def searched(self) -> int:
        return len(self.rows)

    def nearest(self, pixels: Tensor, k: int = 8, others: bool = False) -> Near:
        """Of pictures (N, nc, S, S) uint8. `others`: they are training pictures themselves, and do not count."""
        k = min(k, self.searched - others)
        seen = [pixels, pixels.flip(-1)] if self.mirrored else [pixels]
        apart = torch.stack([self._apart(self._placed(one)) for one in seen]).amin(dim=0)  # (N, M)
        found = apart.topk(k + others, largest=False)
        return Near(self.rows[found.indices[:, others:]], found.values[:, others:])

    def usual(self) -> Tensor:
        """(K,) How far strangers are from their nearest training picture, sorted."""
        parts = self.reference.strangers[:ASKED].split(BATCH)
        apart = torch.cat([self.nearest(part, 1, self.reference.kind == "learned").distance[:, 0] for part in parts])
        return apart.sort().values

    @torch.no_grad()
    def _seen(self, pixels: Tensor) -> Tensor:
        """(N, nc, S, S) -> (N, numbers): the thumbnail, then the features."""
        x = to_unit(pixels)
        return torch.cat([F.adaptive_avg_pool2d(x, THUMB).flatten(1), self.net(x)], dim=1)

    def _placed(self, pixels: Tensor) -> Tensor:
        """(N, numbers), about the set's own middle: far from it float16 would lose what tells them apart."""
        return (self._seen(pixels) - self.middle) * self.scale

    def _spread(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The middle, and what brings each half to a mean squared distance of a half between two pictures at random."""
        some = self._seen(pixels[self.rows[:: max(1, len(self.rows) // 1000)]])
        thumb = some.shape[1] - self.net(to_unit(pixels[:1])).shape[1]
        spread = some.var(dim=0, correction=0)
        halves = [spread[:thumb].sum(), spread[thumb:].sum()]
        each = [(4 * half.clamp_min(1e-12)).rsqrt() for half in halves]
        return some.mean(dim=0), torch.cat([each[0].expand(thumb), each[1].expand(len(spread) - thumb)])

    def _apart(self, seen: Tensor) -> Tensor:
        """(N, numbers) -> distances (N, M) from the index."""
        squares = seen.square().sum(dim=1, keepdim=True)
        parts = [
            squares + near - 2 * seen @ part.float().T
            for part, near in zip(self.index.split(8192), self.squares.split(8192), strict=True)
        ]
        return torch.cat(parts, dim=1).clamp_min(0).sqrt()
