"""The one border between tensors in [-1, 1] and pictures of uint8."""

from math import ceil, sqrt

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid


def to_unit(pixels: Tensor) -> Tensor:
    """uint8 (..., S, S) in 0..255 -> float in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)


def to_uint8(images: Tensor) -> Tensor:
    """(..., S, S) in [-1, 1] -> uint8, rounded; what lies outside is clipped."""
    return images.float().add(1).mul(127.5).round_().clamp_(0, 255).to(torch.uint8)


def to_pictures(images: Tensor) -> list[Image.Image]:
    """(N, nc, S, S) in [-1, 1] -> N pictures, grey ("L") or colour ("RGB")."""
    return [to_pil_image(image) for image in to_uint8(images).cpu()]


def to_sheet(images: Tensor, columns: int | None = None, gap: int = 0) -> Image.Image:
    """(N, nc, S, S) in [-1, 1] -> one picture, row by row, as square as can be, white gaps of `gap` pixels."""
    columns = columns or ceil(sqrt(len(images)))
    grid = make_grid(to_uint8(images).cpu(), nrow=columns, padding=gap, pad_value=255)
    return to_pil_image(grid[:1] if images.shape[1] == 1 else grid)
