"""Down and Up against torch's own layers: the same function of the same weights."""

import pytest
import torch
from torch import nn

from gan_core import convolutions
from gan_core.convolutions import Down, Up

PAIRS = [(Down, nn.Conv2d, (5, 7), (2, 5, 8, 8)), (Up, nn.ConvTranspose2d, (7, 5), (2, 7, 4, 4))]


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(convolutions, "MANY", 1)


@pytest.mark.parametrize(("ours", "torchs", "channels", "shape"), PAIRS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_matrix_products_are_the_convolution(ours, torchs, channels, shape, bias, layout):
    """Output and all gradients, against torch's layer in float64 on the same rounded numbers."""
    torch.manual_seed(0)
    layer, exact = ours(*channels, bias=bias), torchs(*channels, 4, stride=2, padding=1, bias=bias).double()
    exact.load_state_dict({name: t.bfloat16().double() for name, t in layer.state_dict().items()})
    x = torch.randn(shape).bfloat16().contiguous(memory_format=layout).requires_grad_(True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    wanted_x = x.detach().double().requires_grad_(True)
    wanted = exact(wanted_x)
    slope = torch.randn_like(y)
    y.backward(slope)
    wanted.backward(slope.double())
    assert y.dtype == torch.bfloat16 and layer.weight.grad.dtype == torch.float32
    made = [y, x.grad, *(p.grad for p in layer.parameters())]
    for a, b in zip(made, [wanted, wanted_x.grad, *(p.grad for p in exact.parameters())], strict=True):
        torch.testing.assert_close(a.double(), b, rtol=0.02, atol=0.02 * float(b.detach().abs().max()))


@pytest.mark.parametrize(("ours", "torchs", "channels", "shape"), PAIRS)
def test_only_learning_in_bfloat16_on_a_cpu_takes_them(ours, torchs, channels, shape, monkeypatch):
    layer, x = ours(*channels), torch.randn(shape)
    taken, function = [], getattr(convolutions, f"_{ours.__name__}")
    apply = function.apply
    monkeypatch.setattr(function, "apply", lambda *a: (taken.append(1), apply(*a))[1])
    layer(x)
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        layer(x)
    with torch.autocast("cpu", dtype=torch.float16):
        layer(x)
    assert not taken
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x)
    assert taken
    monkeypatch.setattr(convolutions, "MANY", 6)
    taken.clear()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x)
    assert not taken


def test_no_gradient_is_made_that_nobody_wants():
    layer, x = Down(5, 7), torch.randn(2, 5, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x).sum().backward()
    assert x.grad is None
    layer.requires_grad_(False)
    x.requires_grad_(True)
    layer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x).sum().backward()
    assert x.grad is not None and layer.weight.grad is None
