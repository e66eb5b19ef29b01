import pytest
import torch

from gan_core.training.augment import augment, mirror
from gan_core.training.draws import Draws

KINDS = ["color", "translation", "cutout"]


def seeded(seed=0):
    return Draws(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nc", [1, 3])
def test_shape_and_type_are_kept_and_the_generator_makes_it_repeatable(kind, nc):
    x = torch.rand(6, nc, 28, 28).to(torch.bfloat16)
    a, b, c = (augment(x, [kind], seeded(seed)) for seed in (1, 1, 2))
    assert (a.shape, a.dtype) == (x.shape, torch.bfloat16)
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize("kind", KINDS)
def test_each_picture_gets_its_own_draw_and_the_original_stays(kind):
    x = torch.rand(1, 3, 32, 32).expand(8, 3, 32, 32).clone()
    before = x.clone()
    made = augment(x, [kind], seeded())
    assert torch.equal(x, before)
    assert len({tuple(picture.flatten().tolist()) for picture in made}) > 4


@pytest.mark.parametrize("kind", KINDS)
def test_the_slope_goes_through(kind):
    """Checked against finite differences: G must feel D's slope through whatever was done to its picture."""
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: augment(x, [kind], seeded()), x)


def test_nothing_named_changes_nothing():
    x = torch.rand(2, 3, 8, 8)
    assert augment(x, ()) is x


@pytest.mark.parametrize("size", [28, 32, 64])
def test_translation_moves_a_marked_pixel_by_an_eighth_at_most(size):
    """Against a slow version: each picture is some shift of the original, with grey moved in; all shifts occur."""
    n, middle, reach = 400, size // 2, size // 8
    x = torch.rand(1, 1, size, size).add(1).expand(n, 1, size, size).clone()
    x[:, :, middle, middle] = 9.0
    shifts = set()
    for before, after in zip(x, augment(x, ["translation"], seeded()), strict=True):
        ((_, row, column),) = (after == 9.0).nonzero().tolist()
        dy, dx = row - middle, column - middle
        shifts.add((dy, dx))
        slow = torch.zeros_like(before)
        for r in range(max(0, dy), min(size, size + dy)):
            left, right = max(0, dx), min(size, size + dx)
            slow[0, r, left:right] = before[0, r - dy, left - dx : right - dx]
        assert torch.equal(after, slow)
    for axis in zip(*shifts, strict=True):
        assert (min(axis), max(axis), len(set(axis))) == (-reach, reach, 2 * reach + 1)


@pytest.mark.parametrize("size", [28, 32, 64])
def test_cutout_greys_a_square_of_half_the_width_that_may_hang_over_the_border(size):
    cut = augment(torch.ones(300, 3, size, size), ["cutout"], seeded()) == 0
    assert torch.equal(cut[:, 0], cut[:, 1])
    areas = []
    for hole in cut[:, 0]:
        rows, columns = hole.any(dim=1).nonzero().flatten(), hole.any(dim=0).nonzero().flatten()
        assert hole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()  # a filled rectangle
        assert int(hole.sum()) == len(rows) * len(columns)
        areas.append((len(rows), len(columns)))
    half = size // 2
    assert max(areas) == (half, half)
    assert min(min(area) for area in areas) < half * 3 // 4  # hangs over
    assert all(half // 2 <= side <= half for area in areas for side in area)  # never more than half of it
    assert cut[:, 0].any(dim=0).all()  # every place is hidden now and then


def test_color_is_brightness_then_saturation_then_contrast():
    """Every picture against a slow version whose three numbers are read back from what was made of it."""
    x = torch.rand(40, 3, 8, 8, dtype=torch.float64) * 2 - 1
    seen = []
    for before, after in zip(x, augment(x, ["color"], seeded()), strict=True):
        brightness = float(after.mean() - before.mean())  # the two others keep the mean
        grey, made_grey = before.mean(dim=0), after.mean(dim=0)
        contrast = float((made_grey - made_grey.mean()).norm() / (grey - grey.mean()).norm())  # saturation keeps grey
        saturation = float((after - made_grey).norm() / (before - grey).norm()) / contrast
        seen.append((brightness, saturation, contrast))
        slow = before + brightness
        slow = slow.mean(dim=0) + (slow - slow.mean(dim=0)) * saturation
        slow = slow.mean() + (slow - slow.mean()) * contrast
        torch.testing.assert_close(after, slow)
    for drawn, (low, high) in zip(zip(*seen, strict=True), ((-0.5, 0.5), (0, 2), (0.5, 1.5)), strict=True):
        assert low <= min(drawn) < low + 0.2 * (high - low)
        assert high - 0.2 * (high - low) < max(drawn) <= high


def test_half_of_the_pictures_are_mirrored():
    x = torch.rand(400, 1, 4, 6)
    made = mirror(x, seeded())
    flipped = [torch.equal(after, before.flip(2)) for before, after in zip(x, made, strict=True)]
    kept = [torch.equal(after, before) for before, after in zip(x, made, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 150 < sum(flipped) < 250
