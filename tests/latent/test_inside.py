"""G changed inside: nothing changed is G, everything taken from B is B, a channel off is one with weights 0."""

from copy import deepcopy

import pytest
import torch

from gan_core.config import IMAGE_SIZES, ModelConfig
from gan_core.gan import GAN
from gan_core.latent.inside import inside, stage_ends, stages, untouched

KINDS = [{"image_size": 32}, {"image_size": 28, "num_classes": 3}, {"architecture": "mlp"}]


def toy(**config):
    torch.manual_seed(0)
    gan = GAN(ModelConfig(**{"image_size": 28, "nc": 1, "nz": 8, "ngf": 4, "ndf": 4} | config))
    for p in gan.G_ema.parameters():
        if p.dim() > 1:
            p.data *= 5  # so that pictures differ
    return gan.eval()


def pair(gan):
    z, y = gan.sample_z(2, 0), gan.sample_y(2, 0)
    return z, None if y is None else torch.nn.functional.one_hot(y, gan.config.num_classes).float()


@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
@pytest.mark.parametrize("image_size", IMAGE_SIZES)
def test_stages_are_as_g_has_them(architecture, image_size):
    gan = toy(architecture=architecture, image_size=image_size)
    x, found = gan.sample_z(1, 0), []
    for i, module in enumerate(gan.G_ema.net):
        x = module(x)
        if i in stage_ends(gan.G_ema):
            found.append((x.shape[1], x.shape[-1] if x.dim() == 4 else 1))
    assert [(stage.channels, stage.side) for stage in stages(gan.config)] == found


@pytest.mark.parametrize("config", KINDS, ids=str)
def test_untouched_it_is_g(config):
    gan = toy(**config)
    z, y = pair(gan)
    images, strengths = inside(gan, z, y, *untouched(gan))
    assert torch.equal(images, gan(z, y))
    assert [tuple(s.shape) for s in strengths] == [(2, stage.channels) for stage in stages(gan.config)]


@pytest.mark.parametrize("config", KINDS, ids=str)
def test_a_stage_taken_whole_from_b_paints_b(config):
    gan = toy(**config)
    z, y = pair(gan)
    plain = gan(z, y)
    assert (plain[0] - plain[1]).abs().max() > 0.01
    for i in range(len(stages(gan.config))):
        gates, masks = untouched(gan)
        masks[i] += 1
        images, _ = inside(gan, z, y, gates, masks)
        assert torch.equal(images, plain[1:].expand(2, -1, -1, -1)), i


@pytest.mark.parametrize("config", KINDS, ids=str)
def test_a_channel_off_is_one_that_no_later_weight_hears(config):
    gan = toy(**config)
    z, y = pair(gan)
    ends = stage_ends(gan.G_ema)
    for i in range(len(stages(gan.config))):
        gates, masks = untouched(gan)
        off = int(inside(gan, z, y, gates, masks)[1][i][0].argmax())  # one that paints something
        gates[i][off] = 0
        images, _ = inside(gan, z, y, gates, masks)
        deaf = deepcopy(gan)
        after = deaf.G_ema.net[ends[i] + 1]
        after = after[0] if isinstance(after, torch.nn.Sequential) else after
        part = after.weight.data[off] if after.weight.dim() == 4 else after.weight.data[:, off]
        part.zero_()
        assert torch.allclose(images[0], deaf(z, y)[0], atol=1e-6), i
        assert torch.equal(images[1], gan(z, y)[1])  # B is as it was
        assert not torch.equal(images[0], gan(z, y)[0]), i


def test_features_change_the_places_they_were_put_in():
    """The left half of the last stage from B: B's left edge, A's right edge, exactly."""
    gan = toy(image_size=32)
    z, y = pair(gan)
    gates, masks = untouched(gan)
    masks[-1][:, :8] = 1
    images, _ = inside(gan, z, y, gates, masks)
    plain = gan(z, y)
    assert torch.allclose(images[0, :, :, :15], plain[1, :, :, :15], atol=1e-6)
    assert torch.allclose(images[0, :, :, 17:], plain[0, :, :, 17:], atol=1e-6)


def test_strength_is_the_mean_activation_before_the_gate():
    gan = toy(image_size=32)
    z, y = pair(gan)
    gates, masks = untouched(gan)
    gates[0] *= 0
    _, strengths = inside(gan, z, y, gates, masks)
    stem = gan.G_ema.net[:2](z).mean(dim=(2, 3))
    assert torch.allclose(strengths[0], stem, atol=1e-6)
