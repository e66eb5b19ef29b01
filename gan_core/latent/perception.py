"""How unlike two pictures look, to the GAN's own D.

D has learned what matters in pictures of its domain, and needs no second network: the difference of its activations is
the learned similarity of Larsen et al., arXiv:1512.09300, section 2.2; each place's channels are brought to length one
first, and places and layers averaged, as in Zhang et al., arXiv:1801.03924, section 3. The page's D.onnx computes the
same (`feel`).
"""

from math import sqrt

import torch
from torch import Tensor, nn

from gan_core.gan import GAN
from gan_core.networks import Discriminator

TINY = 1e-10  # so that a place where nothing is active stays a number


def features(D: Discriminator, x: Tensor) -> Tensor:
    """x (N, nc, S, S) in [-1, 1] -> (N, F): the squared distance of two rows is that of the two pictures, in [0, 4].

    With classes too: D hears of y in its last layer, after all of these. Give D in evaluation mode.
    """
    layers = list(_active(D, x))
    return torch.cat([_flat(h) / sqrt(len(layers)) for h in layers], dim=1)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Features (..., F) of two pictures -> (...)."""
    return (a - b).square().sum(dim=-1)


@torch.no_grad()
def perceived(gan: GAN, x: Tensor, batch: int = 64) -> Tensor:
    """The features (N, F) of many pictures, in batches."""
    return torch.cat([features(gan.D, part) for part in x.split(batch)])


def _active(D: Discriminator, x: Tensor) -> list[Tensor]:
    """What comes out of every LeakyReLU, in order."""
    found, h = [], x
    for layer in _leaves(D.net):
        h = layer(h)
        if isinstance(layer, nn.LeakyReLU):
            found.append(h.float())
    return found


def _leaves(net: nn.Module) -> list[nn.Module]:
    """The layers in the order in which they run; a convolution with a parametrisation is one of them."""
    if not isinstance(net, nn.Sequential):
        return [net]
    return [leaf for part in net for leaf in _leaves(part)]


def _flat(h: Tensor) -> Tensor:
    """(N, C, H, W), or (N, C) for one place -> (N, C * places), its squared length 1."""
    places = h[0, 0].numel()
    return (h * (h.square().sum(dim=1, keepdim=True) + TINY).rsqrt()).flatten(1) / sqrt(places)
