import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from gan_core.data import Images, load_images
from gan_core.errors import UserError
from gan_core.images import to_uint8, to_unit
from gan_core.metrics import features_for, frechet
from gan_core.metrics.features import (
    FILE,
    NETS,
    NOISE,
    PROJECTION,
    STEPS,
    TEMPERATURE,
    FeatureNet,
    by_classes,
    by_contrast,
    contrast,
    load_net,
)


def stripes(n, classes=True, size=28):
    """Two kinds that a child tells apart: upright and lying stripes, under noise, at any brightness."""
    random = torch.Generator().manual_seed(0)
    kind = torch.arange(n) % 2
    lines = (torch.arange(size) % 4 < 2).float()
    clean = torch.stack([(lines.expand(size, size), lines[:, None].expand(size, size))[k] for k in kind])[:, None]
    light = 60 + 120 * torch.rand(n, 1, 1, 1, generator=random)
    pixels = (clean * light + 40 * torch.rand(n, 1, size, size, generator=random)).to(torch.uint8)
    return Images("stripes", pixels, kind if classes else None, ("lying", "upright") if classes else ())


@pytest.fixture(scope="module")
def own_nets():
    """One network by classes and one by contrast, each with the pictures it was made from."""
    return [(by_classes([stripes(800)], steps=40), stripes(800)), (by_contrast(some_clothes(2000)), some_clothes(2000))]


def some_clothes(n):
    fashion = load_images("fashion-mini")
    return Images("clothes", fashion.pixels[:n])


def test_a_network_by_classes_learns_them():
    net, images = by_classes([stripes(800)], steps=40), stripes(800)
    told = net.classify(to_unit(images.pixels))
    assert told.shape == (800, 2) and (told.argmax(dim=1) == images.labels).float().mean() > 0.98
    assert net(to_unit(images.pixels[:5])).shape == (5, 128)


def test_every_own_network_ranks_spoiled_pictures_behind_clean_ones(own_nets):
    random = torch.Generator().manual_seed(1)
    for net, images in own_nets:
        x = to_unit(images.pixels)
        half = len(x) // 2
        one, other = x[:half], x[half:]
        floor = frechet(net, one, other)
        blurred = F.interpolate(F.avg_pool2d(other, 2), scale_factor=2, mode="bilinear")
        noisy = (other + 0.3 * torch.randn(other.shape, generator=random)).clamp(-1, 1)
        collapsed = other[torch.arange(half) % 5]
        for spoiled in (blurred, noisy, collapsed):
            assert frechet(net, one, spoiled) > 2 * floor


def test_a_network_without_classes_knows_clean_from_blurred_from_noisy(own_nets):
    net, images = own_nets[1]
    x = to_unit(images.pixels[:300])
    blurred = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bilinear")
    noisy = x + NOISE * torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    for kind, heap in enumerate((x, blurred, noisy)):
        assert (net.classify(heap)[:, PROJECTION:].argmax(dim=1) == kind).float().mean() > 0.75


def test_contrast_by_the_formula():
    """l(i, j) = -log(exp(s_ij / t) / sum over k != i of exp(s_ik / t)), mean over both orders of all pairs."""
    views = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = [v / math.sqrt(sum(x * x for x in v)) for v in views.tolist() for v in [torch.tensor(v).double()]]
    s = [[float((a * b).sum()) / TEMPERATURE for b in rows] for a in rows]
    terms = []
    for i in range(6):
        j = (i + 3) % 6
        terms.append(math.log(sum(math.exp(s[i][k]) for k in range(6) if k != i)) - s[i][j])
    assert float(contrast(views)) == pytest.approx(sum(terms) / 6)


@pytest.mark.parametrize(
    "make", [lambda: by_classes([stripes(64)], steps=2), lambda: by_contrast(stripes(64), steps=2)]
)
def test_the_same_pictures_make_the_same_network_and_leave_the_random_state_alone(make):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = make().state_dict()
    torch.manual_seed(4)
    again = make().state_dict()
    assert all(torch.equal(t, again[name]) for name, t in first.items())
    torch.manual_seed(3)
    make()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_is_kept_with_the_run_and_used_again(tmp_path):
    images, told = stripes(64), []
    net = features_for(images, tmp_path, lambda *progress: told.append(progress))
    assert told[-1] == (STEPS, STEPS, "features")
    again = features_for(stripes(64, classes=False), tmp_path)  # whatever would be made now, the kept one counts
    assert again.classes == ("lying", "upright")
    x = to_unit(images.pixels)
    assert_close(again.classify(x), net.classify(x), rtol=0, atol=0)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:1000])
    assert_close(features_for(images, tmp_path)(x), net(x), rtol=0, atol=0)  # damaged: made again, the same
    assert load_net(tmp_path / FILE) is not None


@pytest.mark.parametrize(
    "images", [stripes(8), stripes(8, classes=False), Images("one", stripes(8).pixels, torch.zeros(8).long(), ("a",))]
)
def test_eight_pictures_make_a_network(images, monkeypatch):
    net = by_classes([images], steps=2) if images.labels is not None else by_contrast(images, steps=2)
    assert net(to_unit(images.pixels)).isfinite().all()


def test_a_set_without_classes_has_none_to_learn():
    with pytest.raises(UserError, match="'stripes' has no classes"):
        by_classes([stripes(9, classes=False)])


@pytest.mark.parametrize("size", [28, 32, 64, 128, 256])
def test_any_size_is_seen_and_a_large_one_no_dearer(size):
    net = FeatureNet(3).eval()
    seen = []
    net.body.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape[-1]))
    assert net(torch.zeros(2, 3, size, size)).shape == (2, 128)
    assert seen == [min(size, 64)]


@pytest.mark.parametrize(
    ("name", "sizes", "right"), [("fashion-mini", (28, 32), 0.88), ("fruits-mini", (32, 64), 0.93)]
)
def test_a_shipped_network_knows_its_set_at_both_sizes(name, sizes, right):
    for size in sizes:
        images = load_images(name, size)
        chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:500]
        net = features_for(images)
        told = net.classify(to_unit(images.pixels[chosen])).argmax(dim=1)
        assert (told == images.labels[chosen]).float().mean() > right
        x = to_unit(images.pixels[chosen])
        blurred = F.interpolate(F.avg_pool2d(x[250:], 2), scale_factor=2, mode="bilinear")
        noisy = to_unit(
            to_uint8(x[250:] + 0.3 * torch.randn(x[250:].shape, generator=torch.Generator().manual_seed(0)))
        )
        floor = frechet(net, x[:250], x[250:])
        assert min(frechet(net, x[:250], blurred), frechet(net, x[:250], noisy)) > 1.2 * floor


def test_shipped_networks_are_small_and_only_taken_for_their_own_set():
    assert sorted(path.name for path in NETS.glob("*.safetensors")) == ["colour.safetensors", "grey.safetensors"]
    assert all(path.stat().st_size < 1_000_000 for path in NETS.glob("*.safetensors"))
    grey = load_net(NETS / "grey.safetensors")
    large = Images("elsewhere", torch.zeros(9, 1, 32, 32, dtype=torch.uint8), torch.zeros(9).long(), grey.classes)
    assert_close(features_for(large).head.weight, grey.head.weight)
    assert load_net(NETS / "nothing.safetensors") is None
