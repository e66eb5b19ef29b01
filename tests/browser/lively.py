"""A run whose G paints pictures that differ, though it never learned, and what the page shows of it."""

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_core.config import ModelConfig
from gan_core.gan import GAN
from gan_core.images import to_uint8

PIXELS = """(selector) => {
  const shown = document.querySelector(selector);
  if (!shown?.width) return [];
  const copy = new OffscreenCanvas(shown.width, shown.height).getContext('2d');
  copy.drawImage(shown, 0, 0);
  return [...copy.getImageData(0, 0, shown.width, shown.height).data].filter((_, i) => i % 4 < 3);
}"""
HAND = "() => { const { z, y } = document.querySelector('gan-lab').hand; return [[...z], y && [...y]]; }"


def lively(runs: Path, name: str = "lively") -> GAN:
    """32 pixels in colour, 8 numbers, three classes, three stages."""
    torch.manual_seed(0)
    gan = GAN(ModelConfig(image_size=32, nc=3, nz=8, ngf=8, ndf=4, num_classes=3))
    with torch.no_grad():
        for p in gan.G_ema.parameters():
            if p.dim() == 4:
                p *= 2 + 10 * (p.shape[1] == 3)
    for seed in range(4):
        gan.G_ema.train()
        gan.G_ema(gan.sample_z(64, 64 * seed), gan.sample_y(64, 64 * seed))
    folder = runs / name / "snapshots" / "000500"
    gan.eval().save(folder, train={"loss": "ns"}, step=500)
    (runs / name / "config.json").write_text("{}")
    return GAN.from_pretrained(folder)


def hand(page) -> tuple[Tensor, Tensor]:
    """The latent in hand: z (1, nz), y (1, classes)."""
    z, y = page.evaluate(HAND)
    return torch.tensor([z], dtype=torch.float32), torch.tensor([y], dtype=torch.float32)


def shows(page, selector: str, image: Tensor, seconds: float = 20) -> None:
    """Waits until a canvas shows that image (3, S, S) in [-1, 1], to within two steps of a pixel."""
    wanted = to_uint8(image).permute(1, 2, 0).flatten().numpy().astype(int)
    deadline = time.monotonic() + seconds
    while True:
        shown = np.array(page.evaluate(PIXELS, selector))
        if shown.shape == wanted.shape and np.abs(shown - wanted).max() <= 2:
            return
        assert time.monotonic() < deadline, f"{selector} shows another picture"
        page.wait_for_timeout(50)
