"""Side by side in one process, in turns: the loop that everyone copies against ours, one preset against another.

Ratios hold on a machine that other work disturbs, since both sides are disturbed alike; seconds do not.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor
from tqdm import tqdm

from gan_core.bench_speed import SpeedRow, endless, turn
from gan_core.config import preset
from gan_core.data import Images, load_images
from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.images import to_unit
from gan_core.latent import paint
from gan_core.metrics import FeatureNet, Ruler, features_for
from gan_core.metrics.scores import class_coverage
from gan_core.training.events import Step
from gan_core.training.trainer import Trainer


@dataclass(frozen=True)
class PresetRow:
    """One line of the preset table: what a preset reached in the same training time as the others."""

    preset: str
    data: str
    seconds: float
    steps: int
    frechet: float  # in-domain features; less is better
    floor: float  # real against real, equally many


@dataclass(frozen=True)
class LearnRow:
    """One line of `--learn`: what 1,000 samples look like so many seconds after the command was typed."""

    seconds: int
    steps: int
    confidence: float  # mean certainty of the in-domain classifier
    real_confidence: float  # the same on real pictures
    classes: float  # share of the classes seen often enough, see `metrics.scores.class_coverage`
    real_classes: float  # the same among other real pictures


@dataclass(frozen=True)
class ScoreRow:
    """One line of `score`: a model and what its n samples reach in in-domain features, see `metrics.Scores`."""

    weights: str
    step: int
    n: int
    real: int  # pictures beside them, and on either side of the floor
    frechet: float
    precision: float
    recall: float
    density: float
    coverage: float
    classes: float | None
    floor: float  # of the Frechet distance, real against real


def bench_presets(names: list[str], data: str, seconds: float, device: torch.device) -> list[PresetRow]:
    """Train each preset for `seconds` of its own, in turns of two seconds, then measure G_ema's samples."""
    chosen = {name: preset(name) for name in names}  # a wrong name is told before the work begins
    images = load_images(data)
    ruler = Ruler(images, features_for(images))
    size = {"image_size": images.pixels.shape[2], "nc": images.pixels.shape[1], "ngf": 32, "ndf": 32}
    trainers: dict[str, Trainer] = {}
    for name, choice in chosen.items():
        configs = choice.configs(size, {"batch_size": 64})
        torch.manual_seed(0)
        trainers[name] = Trainer(GAN(configs.model).to(device), images, configs.train)
        trainers[name].gan.train()
    spent = dict.fromkeys(names, 0.0)
    with tqdm(total=round(seconds * len(names)), unit="s", leave=False) as bar:
        while min(spent.values()) < seconds:
            for name, trainer in trainers.items():
                spent[name] += turn(endless(trainer), 2.0, device)[1]
            bar.update(round(sum(spent.values())) - bar.n)
    rows = []
    for name, trainer in trainers.items():
        trainer.gan.recalibrate()
        distance, floor = ruler.measure(trainer.gan).frechet, ruler.floor.frechet
        rows.append(PresetRow(name, images.name, spent[name], trainer.steps_done, distance, floor))
    return rows


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


def score_weights(folders: list[Path], images: Images, n: int) -> list[ScoreRow]:
    """How near each model's first n seeds are to `images`."""
    ruler = Ruler(images, features_for(images), n)
    rows = []
    for folder in tqdm(folders, unit="model", leave=False):
        gan = GAN.from_pretrained(folder)
        scores = ruler.measure(gan)
        rows.append(
            ScoreRow(folder.name, gan.info.get("step", 0), n, ruler.real, **asdict(scores), floor=ruler.floor.frechet)
        )
    return rows


def print_rows(rows: Sequence[SpeedRow | PresetRow | LearnRow | ScoreRow]) -> None:
    """A Markdown table, as README shows it."""
    names = [field.name for field in fields(rows[0])]
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for row in rows:
        values = (getattr(row, name) for name in names)
        print("| " + " | ".join(f"{v:,.2f}" if isinstance(v, float) else f"{v}" for v in values) + " |")
