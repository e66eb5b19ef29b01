"""One ruler for one data set: the same real pictures, the same z and the same features for every measure of a run."""

from functools import cached_property

import torch
from torch import Tensor

from gan_core.data import Images
from gan_core.gan import GAN
from gan_core.images import to_unit
from gan_core.latent import paint
from gan_core.metrics.features import FeatureNet
from gan_core.metrics.scores import Scores, class_coverage, score

FEWEST = 32  # real pictures: below, two halves of them say nothing about each other
SAMPLES = 2_000  # of which a Frechet distance in 128 features is steady to a few per cent
BATCH = 128


class Ruler:
    """Measures a GAN's first n seeds against the real pictures in `images`, seen through `net`.

    There are `real` real pictures on either side of the floor, and as many beside the samples: n where the set holds
    twice as many, else half of it. The scores compare runs on this one data set; they are not the published FID.
    Nothing here draws from the random states of a training.
    """

    def __init__(self, images: Images, net: FeatureNet, n: int = SAMPLES) -> None:
        self.n, self.net, self.images = n, net, images
        self.real = min(n, len(images) // 2)

    @cached_property
    def floor(self) -> Scores:
        """What real pictures reach: the other half, measured as if it were painted."""
        return self.score(self.images.pixels[self._order[self.real :]])

    def measure(self, gan: GAN) -> Scores:
        """Of G_ema's pictures of seeds 0 .. n - 1, on the GAN's device. Calibrate before."""
        self.net.to(gan.device)
        return self.score(paint(gan, gan.sample_z(self.n, seed=0), gan.sample_y(self.n, seed=0)))

    def score(self, pixels: Tensor) -> Scores:
        """Of pictures (N, nc, S, S), uint8."""
        features, classes = self.see(pixels)
        seen = class_coverage(self._heap[1], classes, len(self.net.classes)) if self.net.classes else None
        return score(self._heap[0], features, seen)

    @torch.no_grad()
    def see(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (N, nc, S, S) -> features (N, F) and the likeliest classes (N,), on the CPU."""
        device = next(self.net.parameters()).device
        features = torch.cat([self.net(to_unit(part.to(device))) for part in pixels.split(BATCH)])
        return features.cpu(), self.net.head(features).argmax(dim=1).cpu()

    @cached_property
    def _heap(self) -> tuple[Tensor, Tensor]:
        return self.see(self.images.pixels[self._order[: self.real]])

    @cached_property
    def _order(self) -> Tensor:
        """Two halves of the pictures, at random: files lie sorted by class."""
        return torch.randperm(len(self.images), generator=torch.Generator().manual_seed(0))[: 2 * self.real]


def measurable(images: Images) -> bool:
    """Are there enough pictures to measure against?"""
    return len(images) >= FEWEST
