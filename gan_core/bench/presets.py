"""One preset against another: the same training time, then the same ruler."""

from dataclasses import dataclass

import torch
from tqdm import tqdm

from gan_core.bench.speed import endless, turn
from gan_core.config import preset
from gan_core.data import load_images
from gan_core.gan import GAN
from gan_core.metrics import Ruler, features_for
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
