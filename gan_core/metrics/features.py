"""A small feature network for one data set, taught its classes in seconds on a CPU.

It knows this data set and no other: distances between its features compare runs on one set. They are not the
published FID, whose Inception network saw a million photographs and no digit.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_core.data import Images
from gan_core.errors import UserError
from gan_core.images import to_unit

WIDTHS = (32, 64, 128)  # the last is the length of a feature
BATCH = 128

Features = Callable[[Tensor], Tensor]  # (N, nc, S, S) in [-1, 1] -> (N, 128)


class FeatureNet(nn.Module):
    """Three strided convolutions, an average over places, a linear head of classes."""

    def __init__(self, nc: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2))
                for a, b in pairwise((nc, *WIDTHS))
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, nc, S, S) in [-1, 1] -> features (N, 128)."""
        features: Tensor = self.body(x)
        return features


def train_features(images: Images, steps: int = 400, seed: int = 0) -> Features:
    """Teach a FeatureNet the classes of `images`. The same pictures and seed give the same network.

    Raises UserError for a set without classes.
    """
    if images.labels is None:
        raise UserError("no_classes", got=images.name)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = FeatureNet(images.pixels.shape[1], len(images.classes))
        optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        for _ in range(steps):
            chosen = torch.randint(len(images), (BATCH,))
            loss = F.cross_entropy(net.head(net(to_unit(images.pixels[chosen]))), images.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval().requires_grad_(False)
    return lambda x: torch.cat([net(part) for part in x.float().cpu().split(BATCH)])
