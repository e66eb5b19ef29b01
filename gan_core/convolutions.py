"""The halving and doubling convolutions of DCGAN, quick on a CPU in bfloat16. Same weights, same function.

A 4x4 convolution of stride 2 is one matrix product, once each patch of 4 x 4 x a numbers lies in a row of its own
(im2col); its weight gradient is the product of the same rows. Where channels are many and pixels few, copying the
patches costs next to nothing and the products run at the machine's full speed, while oneDNN's own weight gradient
reaches a third of it (bench, 64 px, 2 cores: the whole step gains a tenth). Elsewhere these are torch's own layers.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

MANY = 256  # channels on both sides from which the matrix products win


class Down(nn.Conv2d):
    """(N, a, S, S) -> (N, b, S/2, S/2)."""

    def __init__(self, a: int, b: int, bias: bool = True) -> None:
        super().__init__(a, b, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if not _wins(self.weight, x):
            return super().forward(x)
        y: Tensor = _Down.apply(x.bfloat16(), self.weight.bfloat16())
        return y if self.bias is None else y + self.bias.bfloat16().view(-1, 1, 1)


class Up(nn.ConvTranspose2d):
    """(N, b, S/2, S/2) -> (N, a, S, S): the transpose of Down."""

    def __init__(self, b: int, a: int, bias: bool = True) -> None:
        super().__init__(b, a, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if not _wins(self.weight, x):
            return super().forward(x, output_size)
        y: Tensor = _Up.apply(x.bfloat16(), self.weight.bfloat16())
        return y if self.bias is None else y + self.bias.bfloat16().view(-1, 1, 1)


def _wins(weight: Tensor, x: Tensor) -> bool:
    """On a CPU in bfloat16, with many channels, while learning; penalties, derived twice, are played in float32."""
    rounded = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return rounded and x.device.type == "cpu" and torch.is_grad_enabled() and min(weight.shape[:2]) >= MANY


class _Down(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        rows = _patches(x)
        ctx.save_for_backward(rows, w)
        return _image(rows @ _flat(w).T, x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        rows, w = ctx.saved_tensors
        return (
            F.conv_transpose2d(g, w, stride=2, padding=1) if ctx.needs_input_grad[0] else None,
            _weight(_pixels(g).T @ rows, w) if ctx.needs_input_grad[1] else None,
        )


class _Up(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return F.conv_transpose2d(x, w, stride=2, padding=1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, w = ctx.saved_tensors
        rows = _patches(g)
        return (
            _image(rows @ _flat(w).T, g) if ctx.needs_input_grad[0] else None,
            _weight(_pixels(x).T @ rows, w) if ctx.needs_input_grad[1] else None,
        )


def _patches(x: Tensor) -> Tensor:
    """(N, a, S, S) -> (N * S/2 * S/2, 4 * 4 * a): the patch that each pixel of the smaller picture sees."""
    n, a, size, _ = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))  # (N, S + 2, S + 2, a)
    patches = padded.unfold(1, 4, 2).unfold(2, 4, 2)  # (N, S/2, S/2, a, 4, 4)
    return patches.permute(0, 1, 2, 4, 5, 3).reshape(n * (size // 2) ** 2, 16 * a)


def _flat(w: Tensor) -> Tensor:
    """(b, a, 4, 4) -> (b, 4 * 4 * a), in the order of `_patches`."""
    return w.permute(0, 2, 3, 1).flatten(1)


def _weight(flat: Tensor, w: Tensor) -> Tensor:
    """The reverse of `_flat`, in the shape of w."""
    b, a, _, _ = w.shape
    return flat.view(b, 4, 4, a).permute(0, 3, 1, 2)


def _pixels(x: Tensor) -> Tensor:
    """(N, b, S, S) -> (N * S * S, b)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _image(pixels: Tensor, larger: Tensor) -> Tensor:
    """The reverse of `_pixels`, half the size of `larger`."""
    n, size = len(larger), larger.shape[2] // 2
    return pixels.view(n, size, size, -1).permute(0, 3, 1, 2)
