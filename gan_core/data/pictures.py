"""One picture file -> a square of uint8, whatever mode it came in."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gan_core.config import DATA_LIMITS

Pixels = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # and no other: some decoders (EPS) start programs
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif")


class TooManyPixels(ValueError):
    """A picture is larger than `DATA_LIMITS.pixels`. Raised from its header, before any pixel is decoded."""

    def __init__(self) -> None:
        super().__init__(f"more than {DATA_LIMITS.pixels:,} pixels")


def open_picture(data: bytes) -> Image.Image:
    """The first frame, not decoded yet. Raises TooManyPixels, or ValueError for what is no picture we know."""
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise TooManyPixels from None
    except UnidentifiedImageError:  # its own message names an object in memory
        raise ValueError("not a PNG, JPEG, WebP, BMP or GIF picture") from None
    if image.width * image.height > DATA_LIMITS.pixels:
        raise TooManyPixels
    return image


def read_picture(path: Path) -> Image.Image:
    """The same from a file. Raises ValueError for one that is too large to be a picture, or that never ends."""
    limit = DATA_LIMITS.member_bytes
    if not path.is_file() or path.stat().st_size > limit:
        raise ValueError(f"not a file of at most {limit / 2**20:,.0f} MiB")
    return open_picture(path.read_bytes())


def to_square(image: Image.Image, size: int, nc: int | None = None) -> Pixels:
    """Turned upright, flattened on white, its middle square shrunk (or grown) to (nc, size, size).

    nc None: 1 channel for a picture in a grey mode, else 3. A picture of the right size is not resampled.
    Cutting the square out of the original and resizing only that equals resizing first and cropping then,
    and costs less. Raises whatever Pillow raises for a damaged file.
    """
    image = _flat(_upright(_draft(image, size)))
    if nc is not None:
        image = image.convert("L" if nc == 1 else "RGB")
    short = min(image.size)
    if short == size:
        left, top = (image.width - size) // 2, (image.height - size) // 2
        image = image.crop((left, top, left + size, top + size))
    else:  # the true middle, half a pixel included
        x, y = image.width / 2, image.height / 2
        box = (x - short / 2, y - short / 2, x + short / 2, y + short / 2)
        image = image.resize((size, size), Image.Resampling.LANCZOS, box, reducing_gap=3.0)
    pixels = np.asarray(image, np.uint8)  # (S, S) or (S, S, 3)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _draft(image: Image.Image, size: int) -> Image.Image:
    """Let JPEG decode at 1/2, 1/4 or 1/8 where three times the wanted size is left: a photo loads 5x faster.

    Only where 8 divides both sides, as in most photos: else the last pixel is a part of one, and the middle moves.
    """
    short = min(image.size)
    if short > 3 * size and image.width % 8 == image.height % 8 == 0:
        image.draft(None, (3 * size * image.width // short, 3 * size * image.height // short))
    return image


def _upright(image: Image.Image) -> Image.Image:
    image.load()  # a damaged picture must raise here, not inside the suppress
    with suppress(Exception):  # a camera's broken EXIF block says nothing about its pixels
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _flat(image: Image.Image) -> Image.Image:
    """Any mode -> "L" or "RGB", 8 bits, no alpha."""
    if image.mode.startswith("I"):  # 16 bits: 65535 is white, and convert("L") would clip at 255
        wide: NDArray[Any] = np.asarray(image).clip(0, 65535)
        return Image.fromarray(((wide + 128.0) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
