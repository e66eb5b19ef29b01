"""What G does inside, and what becomes of a picture when it is changed there.

A stage is a layer with its ReLU; its channels are what it has learned to paint with, laid out over s x s places (one
place in an mlp). Two things can be done at each stage: channels are turned down or off, and places are filled with
what another picture has there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from gan_core.config import ModelConfig
from gan_core.gan import GAN
from gan_core.networks import Generator


@dataclass(frozen=True)
class Stage:
    """A layer inside G: how many channels, and how many places a side."""

    channels: int
    side: int


def stages(config: ModelConfig) -> list[Stage]:
    """G's stages in order. Builds no weights."""
    with torch.device("meta"):
        net = Generator(config).net
    found, side = [], 1
    for module in net:
        if not isinstance(module, nn.Sequential):
            continue
        layer = module[0]
        if isinstance(layer, nn.ConvTranspose2d):
            side = (side - 1) * layer.stride[0] - 2 * int(layer.padding[0]) + layer.kernel_size[0]
            found.append(Stage(layer.out_channels, side))
        else:
            found.append(Stage(cast(nn.Linear, layer).out_features, 1))
    return found


def stage_ends(G: Generator) -> list[int]:
    """The places of the stages in `G.net`."""
    return [i for i, module in enumerate(G.net) if isinstance(module, nn.Sequential)]


@torch.no_grad()
def inside(
    gan: GAN, z: Tensor, y: Tensor | None, gates: Sequence[Tensor], masks: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Paint A changed inside, with B beside it as it is: z (2, nz), y (2, num_classes) or None.

    At stage i: where masks[i] (s, s) is 1, A takes B's features, a collage as in Suzuki et al., arXiv:1811.10153; then
    gates[i] (C,) scale A's channels, and 0 turns one off, as in Bau et al., arXiv:1811.10597, section 3.2.
    Returns images (2, nc, S, S), and of each stage the mean activation of every channel (2, C), before the gates.
    """
    G, strengths = gan.G_ema, []
    x, stage = G.heard(z, y), 0
    for module in G.net:
        x = module(x)
        if isinstance(module, nn.Sequential):
            flat = x.dim() == 2
            x = x.view(2, -1, 1, 1) if flat else x
            a, b = x[:1], x[1:]
            a = (1 - masks[stage]) * a + masks[stage] * b
            strengths.append(torch.cat([a, b]).mean(dim=(2, 3)))
            x = torch.cat([a * gates[stage].view(1, -1, 1, 1), b])
            x = x.flatten(1) if flat else x
            stage += 1
    return x, strengths


def untouched(gan: GAN) -> tuple[list[Tensor], list[Tensor]]:
    """Gates and masks that change nothing."""
    found = stages(gan.config)
    ones = [torch.ones(stage.channels, device=gan.device) for stage in found]
    return ones, [torch.zeros(stage.side, stage.side, device=gan.device) for stage in found]
