from itertools import pairwise, product

import pytest
import torch
from torch import nn

from gan_core.config import ModelConfig
from gan_core.networks import Discriminator, Generator


@pytest.fixture(autouse=True)
def _same_weights_every_time():
    torch.manual_seed(0)


def count(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("image_size", [28, 32, 64, 128, 256])
@pytest.mark.parametrize("nc", [1, 3])
@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
def test_shapes_and_range(image_size, nc, architecture):
    config = ModelConfig(architecture, image_size, nc, nz=7, ngf=2, ndf=2)
    G, D = Generator(config), Discriminator(config)
    last = [m for m in G.modules() if isinstance(m, nn.ConvTranspose2d | nn.Linear)][-1]
    last.weight.data *= 1e9  # untrained weights are so small that any output would be in range
    images = G(torch.randn(3, 7))
    assert images.shape == (3, nc, image_size, image_size)
    assert 0.9 < images.abs().max() <= 1
    assert D(images).shape == (3,)


@pytest.mark.parametrize(
    ("norm_D", "dropout_D", "num_classes", "architecture"),
    list(product(["batch", "spectral", "none"], [0.0, 0.5], [0, 3], ["dcgan", "mlp"])),
)
def test_every_kind_of_D_scores_pictures_and_can_learn(norm_D, dropout_D, num_classes, architecture):
    config = ModelConfig(architecture, 28, 1, 4, 4, 4, norm_D, dropout_D, num_classes)
    G, D = Generator(config), Discriminator(config)
    y = torch.tensor([0, 1, 2, 0]) if num_classes else None
    D(G(torch.randn(4, 4), y), y).sum().backward()
    assert all(p.grad is not None for net in (G, D) for p in net.parameters())
    kinds = {type(m) for m in D.modules()}
    assert (nn.BatchNorm2d in kinds) == (norm_D == "batch" and architecture == "dcgan")
    assert (nn.Dropout in kinds) == (dropout_D > 0)
    assert any("parametrizations" in name for name in D.state_dict()) == (norm_D == "spectral")


def test_the_parameter_count_is_that_of_the_paper():
    """Figure 1 at ngf 128 is 100 -> 1024 -> 512 -> 256 -> 128 -> 3; here at 64, layer by layer by hand."""
    G, D = Generator(ModelConfig()), Discriminator(ModelConfig())
    wide = [100, 512, 256, 128, 64]
    in_G = sum(16 * a * b + 2 * b for a, b in pairwise(wide)) + 16 * 64 * 3 + 3
    down = [64, 128, 256, 512]
    in_D = 16 * 3 * 64 + 64 + sum(16 * a * b + 2 * b for a, b in pairwise(down)) + 16 * 512 + 1
    assert (count(G), count(D)) == (in_G, in_D) == (3_576_707, 2_765_633)


def test_28_pixels_start_from_7():
    G, D = Generator(ModelConfig(image_size=28, nc=1)), Discriminator(ModelConfig(image_size=28, nc=1))
    wide = [100, 128, 64]
    assert count(G) == 49 * 100 * 128 + 2 * 128 + 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1
    assert count(D) == 16 * 64 + 64 + 16 * 64 * 128 + 2 * 128 + 49 * 128 + 1
    assert [m.out_channels for m in G.modules() if isinstance(m, nn.ConvTranspose2d)] == [*wide[1:], 1]


@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
def test_the_first_weights_are_those_of_the_paper(architecture):
    """Section 4: all weights from N(0, 0.02). Batch-norm scales from N(1, 0.02), as in its code; biases 0."""
    torch.manual_seed(0)
    config = ModelConfig(architecture, image_size=32)
    layers = [m for net in (Generator(config), Discriminator(config)) for m in net.modules()]
    for m in layers:
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            error = 5 * 0.02 / m.weight.numel() ** 0.5
            assert m.weight.mean().abs() < error
            assert abs(float(m.weight.detach().std()) - 0.02) < error
            assert m.bias is None or not m.bias.any()
        elif isinstance(m, nn.BatchNorm2d):
            assert abs(float(m.weight.detach().mean()) - 1) < 5 * 0.02 / m.num_features**0.5
            assert 0.01 < m.weight.std() < 0.03
            assert not m.bias.any()


def test_D_returns_logits():
    D = Discriminator(ModelConfig(image_size=32, nc=1, ngf=4, ndf=4))
    D.net[-1].bias.data.fill_(-7.0)
    assert D(torch.zeros(2, 1, 32, 32)).tolist() == pytest.approx([-7, -7], abs=0.5)


@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
def test_spectral_norm_bounds_the_largest_singular_value_of_every_layer(architecture):
    config = ModelConfig(architecture, 32, 1, 4, 4, 4, norm_D="spectral")
    D = Discriminator(config)
    for _ in range(100):  # one turn of the power iteration each
        D(torch.zeros(2, 1, 32, 32))
    layers = [m for m in D.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    largest = [float(torch.linalg.matrix_norm(m.weight.detach().flatten(1), 2)) for m in layers]
    assert len(layers) == (4 if architecture == "dcgan" else 3)
    assert largest == pytest.approx([1] * len(layers), abs=0.02)


def test_a_label_chooses_its_output_as_in_the_projection_discriminator():
    """psi(phi(x)) + y^T V phi(x), with phi, V and psi taken out of the network and multiplied by hand."""
    config = ModelConfig(image_size=32, nc=1, nz=4, ngf=4, ndf=4, num_classes=3, norm_D="none")
    D = Discriminator(config)
    x, y = torch.randn(5, 1, 32, 32), torch.tensor([0, 1, 2, 1, 0])
    phi, last = D.net[:-1](x).flatten(1), D.net[-1]
    weight, bias = last.weight.flatten(1), torch.randn(4)
    last.bias.data = bias
    psi = phi @ weight[0] + bias[0]
    embedded = torch.stack([weight[1 + label] for label in y.tolist()])
    by_hand = psi + (embedded * phi).sum(dim=1) + torch.stack([bias[1 + label] for label in y.tolist()])
    torch.testing.assert_close(D(x, y), by_hand)


@pytest.mark.parametrize("architecture", ["dcgan", "mlp"])
def test_a_label_changes_the_picture(architecture):
    config = ModelConfig(architecture, 28, 1, 4, 4, 4, num_classes=3)
    G, z = Generator(config).eval(), torch.randn(1, 4).expand(3, 4)
    a, b, c = G(z, torch.tensor([0, 1, 2]))
    assert min((a - b).abs().max(), (a - c).abs().max(), (b - c).abs().max()) > 1e-5
    torch.testing.assert_close(G(z, torch.tensor([1, 1, 1]))[2], b)


def test_a_model_with_classes_asks_for_labels():
    config = ModelConfig(image_size=28, nc=1, nz=4, ngf=4, ndf=4, num_classes=3)
    for net, given in ((Generator(config), torch.zeros(2, 4)), (Discriminator(config), torch.zeros(2, 1, 28, 28))):
        with pytest.raises(ValueError, match="give labels"):
            net(given)


def test_the_slope_of_D_reaches_every_pixel():
    """Strides that skip a row or a column would leave it unjudged."""
    for image_size in (28, 32, 64):
        D = Discriminator(ModelConfig(image_size=image_size, ndf=4, norm_D="none"))
        x = torch.randn(1, 3, image_size, image_size, requires_grad=True)
        (slope,) = torch.autograd.grad(D(x).sum(), x)
        assert slope.abs().min() > 0
