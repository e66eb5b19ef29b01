"""What can be recognised so many seconds after the command was typed."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from gan_core.config import preset
from gan_core.data import load_images
from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.images import to_unit
from gan_core.latent import paint
from gan_core.metrics import FeatureNet, features_for
from gan_core.metrics.scores import class_coverage
from gan_core.training.events import Step
from gan_core.training.trainer import Trainer


@dataclass(frozen=True)
class LearnRow:
    """One line of `--learn`: what 1,000 samples look like so many seconds after the command was typed."""

    seconds: int
    steps: int
    confidence: float  # mean certainty of the in-domain classifier
    real_confidence: float  # the same on real pictures
    classes: float  # share of the classes seen often enough, see `metrics.scores.class_coverage`
    real_classes: float  # the same among other real pictures


def bench_learn(
    data: str, device: torch.device, marks: Sequence[int] = (15, 30, 60, 120), n: int = 1000
) -> Iterator[LearnRow]:
    """Train dcgan2015 on `data` from a cold start, and look at it after `marks` seconds. Looking stops the clock.

    Raises UserError for a set without classes.
    """
    started = perf_counter() - _age()
    images = load_images(data)
    if not images.classes:
        raise UserError("no_classes", got=images.name)
    size = {"image_size": images.pixels.shape[2], "nc": images.pixels.shape[1], "ngf": 32, "ndf": 32}
    configs = preset("dcgan2015").configs(size, {"steps": 10**9, "batch_size": 64})  # sooner good than with 128
    torch.manual_seed(0)
    trainer = Trainer(GAN(configs.model).to(device), images, configs.train)
    net, real, ahead = features_for(images), None, list(marks)
    for event in trainer.run():
        now = perf_counter()
        if not isinstance(event, Step) or now - started < ahead[0]:
            continue
        if real is None:
            shuffled = images.pixels[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]
            real, other = _told(net, shuffled[:n]), _told(net, shuffled[n : 2 * n])
        trainer.calibrate()
        fake = _told(net, paint(trainer.gan, trainer.gan.sample_z(n, seed=0), trainer.gan.sample_y(n, seed=0)))
        seen, floor = (class_coverage(real[1], heap[1], len(net.classes)) for heap in (fake, other))
        yield LearnRow(ahead.pop(0), event.step, fake[0], real[0], seen, floor)
        if not ahead:
            return
        started += perf_counter() - now


def _told(net: FeatureNet, pixels: Tensor) -> tuple[float, Tensor]:
    """How sure the classifier is of pictures (N, nc, S, S), on average, and what it takes them for (N,)."""
    with torch.no_grad():
        sure = torch.cat([net.classify(to_unit(part)) for part in pixels.split(250)]).softmax(dim=1).max(dim=1)
    return float(sure.values.mean()), sure.indices


def _age() -> float:
    """Seconds since this process began, so that imports count; 0 where the system does not tell (it is not Linux)."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError):
        return 0.0
