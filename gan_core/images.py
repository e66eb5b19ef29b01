"""The one border between tensors in [-1, 1] and pictures of uint8."""

from math import ceil, sqrt

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid

from gan_core.errors import UserError

MOST_PIXELS = 400_000_000  # in one picture or film held in memory: 1.2 GB in colour


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 (..., S, S) in 0..255 -> float in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)


def to_uint8(images: Tensor) -> Tensor:
    """(..., S, S) in [-1, 1] -> uint8, rounded; what lies outside is clipped."""
    return images.float().add(1).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_pictures(images: Tensor) -> list[Image.Image]:
    """(N, nc, S, S) in [-1, 1], or uint8 -> N pictures, grey ("L") or colour ("RGB")."""
    return [to_pil_image(image) for image in _pixels(images)]


def to_sheet(images: Tensor, columns: int | None = None, gap: int = 0) -> Image.Image:
    """(N, nc, S, S) in [-1, 1] -> one picture, row by row, as square as can be, white gaps of `gap` pixels."""
    columns = columns or ceil(sqrt(len(images)))
    grid = make_grid(_pixels(images), nrow=columns, padding=gap, pad_value=255)
    sheet: Image.Image = to_pil_image(grid[:1] if images.shape[1] == 1 else grid)
    return sheet


def enlarge(picture: Image.Image, scale: int, smooth: bool = False) -> Image.Image:
    """`scale` times as wide and as high: crisp squares, or smooth."""
    if scale == 1:
        return picture
    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return picture.resize((picture.width * scale, picture.height * scale), how)


def check_pixels(width: int, height: int, count: int = 1) -> None:
    """Raises UserError if `count` pictures of that size are more than fits into a small machine's memory."""
    if width * height * count > MOST_PIXELS:
        raise UserError("too_many_pixels", width=width, height=height, count=count, limit=f"{MOST_PIXELS:,}")


def _pixels(images: Tensor) -> Tensor:
    return (images if images.dtype == torch.uint8 else to_uint8(images)).cpu()
