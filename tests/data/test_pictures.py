"""Every mode a picture can come in, against values worked out without Pillow's conversions."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from gan_core.config import DATA_LIMITS
from gan_core.data.pictures import TooManyPixels, open_picture, to_square


def saved(image, form, **options):
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def square(image, form="PNG", size=32, nc=None, **options):
    return to_square(open_picture(saved(image, form, **options)), size, nc).astype(int)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(width, height, depth, colour, rows):
    """A PNG written by hand, for what Pillow cannot write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "BMP", "WEBP"])
def test_a_picture_of_the_right_size_is_not_touched(form):
    pixels = noise(32, 32, 3)
    options = {"lossless": True} if form == "WEBP" else {}
    assert np.array_equal(square(Image.fromarray(pixels), form, **options), pixels.transpose(2, 0, 1))


def test_jpeg_is_read_in_colour_and_in_grey():
    ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
    grey = square(Image.fromarray(ramp), "JPEG", quality=100)
    assert grey.shape == (1, 32, 32)
    assert np.abs(grey[0] - ramp).max() <= 2
    red = square(Image.new("RGB", (32, 32), (200, 30, 40)), "JPEG", quality=100)
    assert np.abs(red.reshape(3, -1).T - (200, 30, 40)).max() <= 3


@pytest.mark.parametrize(("width", "height"), [(32, 50), (50, 32), (33, 32), (64, 32)])
def test_centre_crop_is_a_slice(width, height):
    pixels = noise(height, width, 3)
    left, top = (width - 32) // 2, (height - 32) // 2
    wanted = pixels[top : top + 32, left : left + 32].transpose(2, 0, 1)
    assert np.array_equal(square(Image.fromarray(pixels)), wanted)


def test_shrinking_is_antialiased():
    """One-pixel stripes average to grey; a nearest or plain bilinear shrink would leave black or white."""
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(square(Image.fromarray(stripes)) - 127.5).max() < 3


def test_shrinking_keeps_the_middle_square_and_its_proportions():
    """A wide picture: black, a white square in the middle, a red frame that the crop must cut off."""
    pixels = np.zeros((64, 200, 3), np.uint8)
    pixels[:, :60] = pixels[:, -60:] = (255, 0, 0)
    pixels[16:48, 84:116] = 255
    small = square(Image.fromarray(pixels), size=28)
    assert small[0, :, 0].max() < 60
    white = small[1] > 127
    assert white.sum() == 14 * 14
    assert white[7:21, 7:21].all()


def test_a_small_picture_grows():
    assert np.array_equal(square(Image.new("L", (5, 9), 77)), np.full((1, 32, 32), 77))


def test_large_jpegs_keep_their_brightness_through_the_draft():
    ramp = np.tile(np.linspace(0, 255, 1024).astype(np.uint8), (1024, 1))
    small = square(Image.fromarray(ramp), "JPEG", quality=95)
    wanted = ramp.reshape(32, 32, 32, 32).mean(axis=(1, 3))  # the mean of each 32 x 32 block
    assert np.abs(small[0] - wanted)[:, 1:-1].max() < 3


@pytest.mark.parametrize(("width", "height"), [(1504, 1000), (1500, 1000), (1000, 1500)])
def test_the_draft_does_not_move_the_picture(width, height):
    """A JPEG is decoded at an eighth, to 188 x 125; half a pixel there would be four of the original."""
    image = Image.fromarray(noise(20, 30, 3)).resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - 1000) // 2, (height - 1000) // 2
    middle = image.crop((left, top, left + 1000, top + 1000)).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.abs(square(image, "JPEG", quality=95) - np.asarray(middle).transpose(2, 0, 1)).mean() < 1


def test_the_draft_leaves_more_pixels_than_are_wanted():
    """At four times the wanted size an eighth would be too few, and grow back blurred."""
    image = Image.fromarray(noise(32, 32)).resize((128, 128), Image.Resampling.NEAREST)
    assert np.abs(square(image, "JPEG", quality=95) - square(image)).mean() < 4


def test_palette():
    image = Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32) % 4, "P")
    colours = [(10, 20, 30), (200, 100, 0), (0, 255, 0), (255, 255, 255)]
    image.putpalette([value for colour in colours for value in colour])
    wanted = np.array(colours)[np.arange(1024).reshape(32, 32) % 4].transpose(2, 0, 1)
    assert np.array_equal(square(image), wanted)
    assert np.array_equal(square(image, "GIF"), wanted)


def test_palette_with_a_transparent_entry_is_white_there():
    image = Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32) % 2, "P")
    image.putpalette([10, 20, 30, 200, 100, 0])
    wanted = np.array([(255, 255, 255), (200, 100, 0)])[np.arange(1024).reshape(32, 32) % 2].transpose(2, 0, 1)
    assert np.array_equal(square(image, transparency=0), wanted)


def test_alpha_is_flattened_on_white():
    pixels = noise(32, 32, 4)
    colour, alpha = pixels[..., :3].astype(float), pixels[..., 3:] / 255
    wanted = (alpha * colour + (1 - alpha) * 255).transpose(2, 0, 1)
    assert np.abs(square(Image.fromarray(pixels)) - wanted).max() <= 1


def test_alpha_is_flattened_before_the_picture_is_shrunk():
    """Black hidden under full transparency must not bleed into what is seen."""
    pixels = np.zeros((64, 64, 4), np.uint8)
    assert square(Image.fromarray(pixels)).min() == 255


def test_grey_with_alpha():
    pixels = noise(32, 32, 2)
    grey, alpha = pixels[..., 0].astype(float), pixels[..., 1] / 255
    flat = square(Image.fromarray(pixels, "LA"), nc=1)
    assert np.abs(flat[0] - (alpha * grey + (1 - alpha) * 255)).max() <= 1


def test_a_colour_named_transparent_is_white():
    image = Image.new("RGB", (32, 32), (1, 2, 3))
    assert square(image, transparency=(1, 2, 3)).min() == 255


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(32, 32)
    small = square(Image.fromarray(values))
    assert small.shape == (1, 32, 32)
    assert np.abs(small[0] - values / 65535 * 255).max() <= 0.51
    assert small.max() == 255


def test_sixteen_bits_of_colour():
    values = np.linspace(0, 65535, 32 * 32 * 3).astype(np.uint16).reshape(32, 32, 3)
    small = to_square(open_picture(png(32, 32, 16, 2, [row.astype(">u2").tobytes() for row in values])), 32)
    assert np.abs(small.transpose(1, 2, 0) - values / 65535 * 255).max() <= 1


def test_one_bit():
    bits = noise(32, 32) > 127
    assert np.array_equal(square(Image.fromarray(bits))[0], bits * 255)


def test_cmyk():
    """R = (255 - C)(255 - K) / 255, and so on; even fields, because JPEG blurs edges."""
    ink = (40, 200, 0, 60)
    flat = square(Image.new("CMYK", (32, 32), ink), "JPEG", quality=100)
    wanted = [(255 - c) * (255 - ink[3]) / 255 for c in ink[:3]]
    assert np.abs(flat.reshape(3, -1).T - wanted).max() <= 3


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
        (8, np.rot90),
    ],
)
def test_exif_rotation(orientation, turn):
    pixels, exif = noise(32, 32, 3), Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(square(Image.fromarray(pixels), exif=exif), turn(pixels).transpose(2, 0, 1))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_cost_the_picture():
    assert square(Image.new("RGB", (32, 32), (9, 9, 9)), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff").shape == (
        3,
        32,
        32,
    )


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_many(form):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ((0, 0, 255), (255, 0, 0))]
    flat = square(
        frames[0], form, save_all=True, append_images=frames[1:], **({"lossless": True} if form == "WEBP" else {})
    )
    assert flat.reshape(3, -1).T.tolist() == [[0, 0, 255]] * 1024


def test_colour_to_grey_is_luma_and_grey_to_colour_is_three_times_the_same():
    pixels = noise(32, 32, 3)
    luma = pixels @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    assert np.abs(square(Image.fromarray(pixels), nc=1)[0] - luma).max() <= 0.51
    grey = noise(32, 32)
    assert np.array_equal(square(Image.fromarray(grey), nc=3), np.stack([grey] * 3))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (30_000, 30_000)])
def test_too_many_pixels_are_refused_from_the_header_alone(width, height):
    with pytest.raises(TooManyPixels, match=f"{DATA_LIMITS.pixels:,}"):
        open_picture(png(width, height, 8, 0, []))


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture(data):
    with pytest.raises(ValueError, match="not a PNG"):
        open_picture(data)


def test_a_cut_picture_is_refused():
    data = saved(Image.fromarray(noise(64, 64, 3)), "JPEG")
    with pytest.raises(OSError, match="truncated"):
        to_square(open_picture(data[: len(data) // 2]), 32)
