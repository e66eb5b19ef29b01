"""The smallest experiments that are still whole ones."""

from typing import Any

import torch

from gan_core import GAN, Images, ModelConfig, TrainConfig, Trainer

TINY = ModelConfig(image_size=32, nc=1, nz=4, ngf=4, ndf=4)


def pictures(n: int = 16, size: int = 32, nc: int = 1, classes: int = 0, value: int | None = None) -> Images:
    """n pictures: noise, or all of one value. With classes, they take turns."""
    random = torch.Generator().manual_seed(0)
    shape = (n, nc, size, size)
    pixels = torch.randint(256, shape, generator=random) if value is None else torch.full(shape, value)
    names = tuple("abcdefgh"[:classes])
    labels = torch.arange(n) % classes if classes else None
    return Images("tiny", pixels.to(torch.uint8), labels, names, (), "")


def trainer(model: ModelConfig = TINY, images: Images | None = None, **train: Any) -> Trainer:
    """The same weights and the same random numbers, every time."""
    settings = {"steps": 20, "batch_size": 8, "report_every": 5, "sample_every": 1000, "precision": "float32"} | train
    torch.manual_seed(0)
    images = images or pictures(16, model.image_size, model.nc, model.num_classes)
    return Trainer(GAN(model), images, TrainConfig(**settings))


def dealt(t: Trainer) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The next batch as the players see it: x in [-1, 1], and labels."""
    pixels, y = t.batches.draw()
    return t.real(pixels), y
