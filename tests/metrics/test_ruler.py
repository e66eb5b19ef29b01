import pytest
import torch

from gan_core import GAN, Images, ModelConfig
from gan_core.images import to_unit
from gan_core.latent import paint
from gan_core.metrics import Ruler, measurable
from gan_core.metrics.features import by_classes
from gan_core.metrics.scores import class_coverage, score
from tests.training.tiny import TINY, pictures


@pytest.fixture(scope="module")
def images():
    return pictures(90, classes=3)


@pytest.fixture(scope="module")
def net(images):
    return by_classes([images], steps=3)


@pytest.fixture(scope="module")
def gan():
    torch.manual_seed(0)
    gan = GAN(TINY).eval()
    gan.recalibrate()
    return gan


def test_a_measure_is_the_scores_of_the_first_seeds_beside_half_of_the_pictures(images, net, gan):
    ruler = Ruler(images, net, n=60)
    assert (ruler.n, ruler.real) == (60, 45)
    order = torch.randperm(90, generator=torch.Generator().manual_seed(0))
    real, other = to_unit(images.pixels[order[:45]]), to_unit(images.pixels[order[45:]])
    fake = to_unit(paint(gan, gan.sample_z(60, seed=0)))
    told = [net.classify(x).argmax(dim=1) for x in (real, other, fake)]
    for got, x, classes in ((ruler.measure(gan), fake, told[2]), (ruler.floor, other, told[1])):
        wanted = score(net(real), net(x), class_coverage(told[0], classes, 3))
        assert vars(got) == pytest.approx(vars(wanted), rel=1e-4, abs=1e-4)


def test_both_sides_of_the_floor_are_as_many_as_the_samples_where_the_set_is_large(images, net):
    ruler = Ruler(images, net, n=20)
    assert ruler.real == 20
    assert len(ruler._order.unique()) == 40  # no picture on both sides


def test_measuring_twice_says_the_same_and_changes_nothing(images, net, gan):
    weights = {name: t.clone() for name, t in gan.state_dict().items()}
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second = (Ruler(images, net, n=40).measure(gan) for _ in range(2))
    assert first == second
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(t, weights[name]) for name, t in gan.state_dict().items())


def test_with_classes_it_is_the_seed_that_names_them(net, images):
    torch.manual_seed(0)
    gan = GAN(ModelConfig(image_size=32, nc=1, nz=4, ngf=4, ndf=4, num_classes=3)).eval()
    ruler, seen = Ruler(images, net, n=40), []
    gan.G_ema.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1]))
    ruler.measure(gan)
    assert torch.equal(torch.cat(seen), gan.sample_y(40, seed=0))


def test_a_network_without_classes_says_nothing_of_them(gan):
    from gan_core.metrics.features import by_contrast

    images = pictures(40)
    ruler = Ruler(images, by_contrast(images, steps=2), n=20)
    assert ruler.measure(gan).classes is None and ruler.floor.classes is None


def test_too_few_pictures_are_not_measured():
    assert not measurable(pictures(31)) and measurable(pictures(32))
    assert not measurable(Images("eight", torch.zeros(8, 1, 28, 28, dtype=torch.uint8)))
