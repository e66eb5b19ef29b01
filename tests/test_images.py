import numpy as np
import pytest
import torch

from gan_core.images import to_pictures, to_sheet, to_uint8, to_unit


def test_every_shade_comes_back():
    shades = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    unit = to_unit(shades)
    assert (float(unit.min()), float(unit.max())) == (-1, 1)
    assert torch.equal(to_uint8(unit), shades)


def test_what_lies_outside_is_clipped_not_wrapped():
    assert to_uint8(torch.tensor([-9.0, -1.001, 1.001, 9.0])).tolist() == [0, 0, 255, 255]


def test_shades_are_rounded_to_the_nearest():
    assert to_uint8(torch.tensor([-1 + 1.49 / 127.5, -1 + 1.51 / 127.5])).tolist() == [1, 2]


def test_what_was_given_is_left_as_it_was():
    x = torch.rand(2, 3, 4, 4)
    before = x.clone()
    to_uint8(x), to_sheet(x), to_pictures(x)
    assert torch.equal(x, before)


def test_half_precision_rounds_like_float():
    x = torch.linspace(-1, 1, 97).view(1, 1, 1, 97).bfloat16()
    assert torch.equal(to_uint8(x), to_uint8(x.float()))


@pytest.mark.parametrize(("nc", "mode"), [(1, "L"), (3, "RGB")])
def test_pictures_hold_the_pixels_in_their_places(nc, mode):
    pixels = torch.randint(256, (2, nc, 5, 5), dtype=torch.uint8)
    made = to_pictures(to_unit(pixels))
    for picture, wanted in zip(made, pixels, strict=True):
        assert picture.mode == mode
        assert np.array_equal(np.atleast_3d(np.asarray(picture)), wanted.permute(1, 2, 0).numpy())


@pytest.mark.parametrize(("nc", "mode"), [(1, "L"), (3, "RGB")])
@pytest.mark.parametrize("n", [1, 2, 5, 64])
def test_a_sheet_holds_its_pictures_row_by_row_and_white_where_there_is_none(n, nc, mode):
    pixels = torch.randint(255, (n, nc, 4, 4), dtype=torch.uint8)
    sheet = to_sheet(to_unit(pixels))
    side = int(np.ceil(np.sqrt(n)))
    assert (sheet.mode, sheet.size) == (mode, (4 * side, 4 * int(np.ceil(n / side))))
    array = np.atleast_3d(np.asarray(sheet))
    for i in range(side * (sheet.height // 4)):
        row, column = 4 * (i // side), 4 * (i % side)
        place = array[row : row + 4, column : column + 4]
        assert np.array_equal(place, pixels[i].permute(1, 2, 0)) if i < n else (place == 255).all()


def test_a_gap_is_white_and_lies_between():
    array = np.asarray(to_sheet(torch.full((4, 1, 4, 4), -1.0), columns=2, gap=2))
    assert array.shape == (14, 14)
    assert (array[6:8] == 255).all()
    assert (array[:, 6:8] == 255).all()
    assert (array == 0).sum() == 4 * 16
