"""The spectrum, against pictures whose spectrum can be written down."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from gan_core.metrics.spectrum import spectrum


def waves(size, u, v, nc=1):
    """(1, nc, S, S): a pure cosine of u waves across and v waves down."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.cos(2 * torch.pi * (u * x + v * y) / size).expand(1, nc, size, size)


@pytest.mark.parametrize(("u", "v", "ring"), [(3, 0, 3), (0, 5, 5), (3, 4, 5), (16, 0, 16), (1, 1, 1), (10, 10, 14)])
def test_a_pure_wave_lies_in_its_ring_and_nowhere_else(u, v, ring):
    found = spectrum(waves(32, u, v))[0]
    assert found.shape == (17,)
    assert found.argmax() == ring
    assert (found[torch.arange(17) != ring] < -5).all()


def test_the_power_of_a_wave_is_known():
    """cos has the mean square 1/2, so S^2 / 2 of power in all, spread over the places of its ring."""
    size, u = 32, 3
    places = sum(round(np.hypot(a, b)) == u for a in range(-16, 16) for b in range(-16, 16))
    assert 10 ** spectrum(waves(size, u, 0))[0, u] == pytest.approx(size**2 / 2 / places, rel=1e-3)


def test_white_noise_is_flat_at_its_variance():
    noise = 0.3 * torch.randn(400, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    found = (10 ** spectrum(noise)).mean(dim=0).log10()
    assert_close(found[1:], torch.full((16,), np.log10(0.09), dtype=torch.float32), atol=0.03, rtol=0)


def test_against_numpy_ring_by_ring():
    x = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    power = np.abs(np.fft.fftshift(np.fft.fft2(x.mean(dim=1).numpy()), axes=(1, 2))) ** 2 / 28**2
    far = np.hypot(*np.meshgrid(np.arange(-14, 14), np.arange(-14, 14))).round()
    wanted = np.log10(np.stack([power[:, far == ring].mean(axis=1) for ring in range(15)], axis=1) + 1e-6)
    assert_close(spectrum(x), torch.from_numpy(wanted).float(), atol=1e-4, rtol=1e-4)


def test_an_even_picture_has_a_spectrum_too():
    assert spectrum(torch.zeros(1, 1, 28, 28)).isfinite().all()


def test_blur_takes_the_fine_end_and_leaves_the_coarse():
    x = torch.randn(50, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(x, (1, 1, 1, 1), "circular"), 3, stride=1)
    lost = (spectrum(x) - spectrum(blurred)).mean(dim=0)
    assert lost[1] < 0.1
    assert (lost[-3:] > 0.5).all()
