"""The two players.

z (N, nz)  -- G -->  image (N, nc, S, S) in [-1, 1]  -- D -->  logit (N,)

`dcgan` is Radford et al., arXiv:1511.06434; `mlp` the fully connected game of Goodfellow et al., arXiv:1406.2661.
With classes, G and D also take labels y: whole numbers (N,) of 0 .. num_classes - 1, or weights (N, num_classes) for a
picture between classes.
"""

from itertools import pairwise
from math import log2, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_core.config import ModelConfig
from gan_core.convolutions import Down, Up


class Generator(nn.Module):
    """Paints an image from a latent: a 4x4 (or 7x7) stem, then doublings up to S."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.net = (_dcgan_G if config.architecture == "dcgan" else _mlp_G)(config)
        self.apply(_init)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z (N, nz), with classes also y (N,) or (N, num_classes) -> (N, nc, S, S) in [-1, 1]."""
        images: Tensor = self.net(self.heard(z, y))
        return images

    def heard(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """What the first layer is given: z (N, nz), with classes also y -> (N, nz + num_classes)."""
        if not self.config.num_classes:
            return z
        # as long as a typical z, so that the label is heard as loudly as the latent
        return torch.cat([z, _weights(y, self.config) * sqrt(self.config.nz)], dim=1)


class Discriminator(nn.Module):
    """Scores how real an image looks. Above zero means 'real'; there is no sigmoid inside.

    With classes the last layer has one output for the picture and one for each class, and the score is
    the first plus that of the label: the projection discriminator (Miyato & Koyama, arXiv:1802.05637, equation 3).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.net = (_dcgan_D if config.architecture == "dcgan" else _mlp_D)(config)
        self.apply(_init)
        if config.norm_D == "spectral":
            self.apply(_spectral)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """x (N, nc, S, S) in [-1, 1], with classes also y (N,) or (N, num_classes) -> logits (N,)."""
        scores: Tensor = self.net(x).flatten(1)  # (N, 1 + num_classes)
        if not self.config.num_classes:
            return scores[:, 0]
        return scores[:, 0] + (scores[:, 1:] * _weights(y, self.config)).sum(dim=1)


def _dcgan_G(config: ModelConfig) -> nn.Sequential:
    start, factors = _plan(config.image_size)
    widths = [config.ngf * f for f in factors]
    return nn.Sequential(
        nn.Unflatten(1, (config.nz + config.num_classes, 1, 1)),
        nn.Sequential(  # (N, widths[0], 4, 4)
            nn.ConvTranspose2d(config.nz + config.num_classes, widths[0], start, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        ),
        *(_up(a, b) for a, b in pairwise(widths)),  # ... (N, ngf, S/2, S/2)
        Up(widths[-1], config.nc),
        nn.Tanh(),
    )


def _dcgan_D(config: ModelConfig) -> nn.Sequential:
    start, factors = _plan(config.image_size)
    widths = [config.ndf * f for f in reversed(factors)]
    return nn.Sequential(
        Down(config.nc, widths[0]),  # (N, ndf, S/2, S/2)
        nn.LeakyReLU(0.2),  # no norm here: D must see the raw colours
        *(_down(a, b, config) for a, b in pairwise(widths)),  # ... (N, widths[-1], 4, 4)
        nn.Conv2d(widths[-1], 1 + config.num_classes, start),  # (N, 1 + num_classes, 1, 1)
    )


def _mlp_G(config: ModelConfig) -> nn.Sequential:
    """Three hidden layers of ReLU, no norm, as in the paper's code; ngf 64 gives 256, 512, 1024."""
    widths = [config.nz + config.num_classes, 4 * config.ngf, 8 * config.ngf, 16 * config.ngf]
    shape = (config.nc, config.image_size, config.image_size)
    return nn.Sequential(
        *(nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(widths)),
        nn.Linear(widths[-1], config.nc * config.image_size**2),
        nn.Tanh(),
        nn.Unflatten(1, shape),
    )


def _mlp_D(config: ModelConfig) -> nn.Sequential:
    """Two hidden layers; ndf 64 gives 512 and 256. Has no batch norm, whatever `norm_D` says of it."""
    widths = [config.nc * config.image_size**2, 8 * config.ndf, 4 * config.ndf]
    return nn.Sequential(
        nn.Flatten(),
        *(nn.Sequential(nn.Linear(a, b), nn.LeakyReLU(0.2), *_dropout(config)) for a, b in pairwise(widths)),
        nn.Linear(widths[-1], 1 + config.num_classes),
    )


def _plan(image_size: int) -> tuple[int, list[int]]:
    """Pixels at the stem, and how wide each stage is: 4 and [8, 4, 2, 1] for 64 pixels, 7 and [2, 1] for 28.

    Eight times is the widest: a sixteenfold stem of 128 pixels would hold most of the weights and paint no better.
    """
    start = 7 if image_size == 28 else 4
    stages = int(log2(image_size // start))
    return start, [min(2**i, 8) for i in reversed(range(stages))]


def _up(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(Up(a, b, bias=False), nn.BatchNorm2d(b), nn.ReLU())


def _down(a: int, b: int, config: ModelConfig) -> nn.Sequential:
    batch = config.norm_D == "batch"
    norm = [nn.BatchNorm2d(b)] if batch else []
    return nn.Sequential(Down(a, b, bias=not batch), *norm, nn.LeakyReLU(0.2), *_dropout(config))


def _dropout(config: ModelConfig) -> list[nn.Module]:
    return [nn.Dropout(config.dropout_D)] if config.dropout_D else []


def _weights(y: Tensor | None, config: ModelConfig) -> Tensor:
    """Labels (N,) -> (N, num_classes), one 1 in each row; weights stay as they are."""
    if y is None:
        raise ValueError("this model has classes: give labels y (N,) beside z or x")
    return y if y.is_floating_point() else F.one_hot(y, config.num_classes).float()


def _init(module: nn.Module) -> None:
    """Weights ~ N(0, 0.02), batch-norm scales ~ N(1, 0.02), biases 0, as in DCGAN, section 4."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def _spectral(module: nn.Module) -> None:
    """Divides the weight by its largest singular value (Miyato et al., arXiv:1802.05957)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        spectral_norm(module)
