"""What D feels of two pictures, against the formula written out in numpy."""

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gan_core import GAN, ModelConfig
from gan_core.latent.perception import distance, features, perceived

WEIGHTS = Path(__file__).parents[2] / "weights"
SHAPES = [
    dict(image_size=32, nc=3, norm_D="batch"),
    dict(image_size=28, nc=1, num_classes=3, norm_D="none"),
    dict(image_size=32, nc=1, norm_D="spectral", dropout_D=0.5),
    dict(image_size=28, nc=1, architecture="mlp", dropout_D=0.5),
]


def toy(**config):
    torch.manual_seed(0)
    return GAN(ModelConfig(**{"ngf": 4, "ndf": 4, "nz": 8} | config)).eval()


def pictures(gan, n=4):
    random = torch.Generator().manual_seed(1)
    return 2 * torch.rand(n, gan.config.nc, gan.config.image_size, gan.config.image_size, generator=random) - 1


def activations(gan, x):
    """What comes out of every LeakyReLU, caught on the way."""
    caught = []
    relus = [module for module in gan.D.modules() if isinstance(module, nn.LeakyReLU)]
    hooks = [relu.register_forward_hook(lambda _, __, out: caught.append(out.detach().numpy())) for relu in relus]
    gan.D.net(x)
    for hook in hooks:
        hook.remove()
    return caught


@pytest.mark.parametrize("shape", SHAPES)
@torch.no_grad()
def test_the_distance_is_the_papers(shape):
    """Zhang et al.: unit length over channels at each place, squared differences, means over places and layers."""
    gan = toy(**shape)
    x = pictures(gan)
    wanted = np.zeros(2)
    layers = activations(gan, x)
    for h in layers:
        h = h.reshape(*h.shape[:2], -1)  # (N, C, places)
        unit = h / np.sqrt((h**2).sum(axis=1, keepdims=True) + 1e-10)
        wanted += ((unit[:2] - unit[2:]) ** 2).sum(axis=1).mean(axis=1) / len(layers)
    found = features(gan.D, x)
    assert_close(distance(found[:2], found[2:]), torch.from_numpy(wanted).float(), rtol=1e-4, atol=1e-6)
    assert (wanted > 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_picture_has_length_one(shape):
    """So that the largest distance there can be is 4, whatever the network."""
    gan = toy(**shape)
    assert_close(features(gan.D, pictures(gan)).norm(dim=1), torch.ones(4), rtol=1e-3, atol=1e-3)
    assert distance(features(gan.D, pictures(gan))[0], features(gan.D, pictures(gan))[0]) == 0


def test_channels_weigh_by_their_share_not_by_their_size():
    """Ten times the activations everywhere are the same picture: a layer with large numbers drowns no other."""
    gan = toy(image_size=28, nc=1, architecture="mlp")
    x = pictures(gan)
    before = features(gan.D, x)
    last = [m for m in gan.D.modules() if isinstance(m, nn.Linear)][-2]
    with torch.no_grad():
        last.weight.mul_(10)
        last.bias.mul_(10)
    assert_close(features(gan.D, x), before, rtol=1e-3, atol=1e-4)


def test_the_slope_reaches_the_picture():
    gan = toy(image_size=32, nc=3)
    x = pictures(gan).requires_grad_()
    features(gan.D, x)[0].mul(torch.arange(features(gan.D, x).shape[1]) % 2).sum().backward()
    assert x.grad[0].abs().sum() > 0
    assert not x.grad[1:].any(), "pictures are felt one by one"


def test_many_pictures_in_batches_are_felt_as_alone():
    gan = toy(image_size=28, nc=1)
    x = pictures(gan, 7)
    assert_close(perceived(gan, x, batch=3), torch.cat([features(gan.D, row[None]) for row in x]), rtol=1e-4, atol=1e-5)


def test_shades_of_a_picture_are_nearer_than_another_picture():
    """The measure is of use: with a trained D, a slightly lighter shoe is nearer to the shoe than a shirt is."""
    gan = GAN.from_pretrained(WEIGHTS / "fashion")
    with torch.no_grad():
        shoe, shirt = gan(gan.sample_z(2, 5), torch.tensor([9, 6]))
        lighter = (shoe * 0.95 + 0.02).clamp(-1, 1)
        felt = features(gan.D, torch.stack([shoe, lighter, shirt]))
    assert distance(felt[0], felt[1]) < distance(felt[0], felt[2]) / sqrt(10)
