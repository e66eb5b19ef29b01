"""What a step costs when its pictures do not fit: from memory, gathered ahead in host memory, mapped from a file."""

import mmap
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from tqdm import tqdm

from gan_core.config import ModelConfig, TrainConfig
from gan_core.data import Images
from gan_core.data.batches import Tier
from gan_core.gan import GAN
from gan_core.training.trainer import Trainer

MIB = 2**20
WIDTHS = (64, 16)  # ngf and ndf: the usual model, and one whose step is so quick that waiting for pictures would show


@dataclass(frozen=True)
class DataRow:
    """One line of `bench --data-tiers`: medians over the turns, beside pixels that lie where the step needs them."""

    tier: Tier
    ngf: int
    batch_size: int
    device: str
    set_mib: float
    limit_mib: float
    images_per_second: float
    ratio: float  # 1 = nothing is lost
    ratio_low: float
    ratio_high: float


def bench_data(
    device: torch.device, turns: int, seconds: float, limit: int = 64 * MIB, count: int = 21_846, batch_size: int = 64
) -> Iterator[DataRow]:
    """`count` made pictures of 64 px, four times as many as `limit` bytes hold, in interleaved turns.

    A file that was just written is still in the kernel's memory, which would hide the disk: before every turn its pages
    are given back, so that each is read again. Where the kernel keeps them all the same, the number flatters.
    """
    with TemporaryDirectory(prefix="gan_core-") as place, ExitStack() as stack:
        mapped, pages = _made(Path(place) / "pixels", count)
        held = replace(mapped, pixels=mapped.pixels.clone(), mapped=None)
        for width in WIDTHS:
            shape = ModelConfig(image_size=64, nc=3, ngf=width, ndf=width)
            trainers = {
                trainer.batches.tier: trainer
                for trainer in (
                    Trainer(GAN(shape).to(device), images, TrainConfig(batch_size=batch_size), memory=memory)
                    for images, memory in ((held, None), (held, limit), (mapped, limit))
                )
            }
            for trainer in trainers.values():
                stack.callback(trainer.batches.close)
            rates: dict[Tier, list[float]] = {tier: [] for tier in trainers}
            for turn in tqdm(range(turns + 1), desc=f"ngf {width}", unit="turn", leave=False):
                for tier, trainer in trainers.items():
                    _forget(pages, Path(place) / "pixels")
                    rate = batch_size * _rate(trainer, seconds)
                    if turn:  # the first turn warms up
                        rates[tier].append(rate)
            for tier, own in rates.items():
                ratios = [a / b for a, b in zip(own, rates["device"], strict=True)]
                yield DataRow(
                    tier, width, batch_size, str(device), held.pixels.nbytes / MIB, limit / MIB,
                    median(own), median(ratios), min(ratios), max(ratios),
                )  # fmt: skip


def _made(path: Path, count: int) -> tuple[Images, mmap.mmap]:
    """Noise in a file, as `data.prepared` lays it, and the map to give its pages back through."""
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, count, 1024):
            file.write(random.integers(256, size=(min(1024, count - start), 3, 64, 64), dtype=np.uint8).tobytes())
        file.flush()
        os.fsync(file.fileno())  # a page that is not written yet cannot be given back
    pixels = np.memmap(path, np.uint8, "c", shape=(count, 3, 64, 64))
    return Images("noise", torch.from_numpy(pixels), mapped=path), pixels._mmap  # type: ignore[attr-defined]


def _forget(pages: mmap.mmap, path: Path) -> None:
    """Give the file's pages back: first those of this process, then the kernel's own. Only Linux knows how."""
    if hasattr(mmap, "MADV_DONTNEED") and hasattr(os, "posix_fadvise"):
        pages.madvise(mmap.MADV_DONTNEED)
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _rate(trainer: Trainer, seconds: float) -> float:
    """Steps a second, over at least `seconds`."""
    started, steps = perf_counter(), 0
    while perf_counter() - started < seconds:
        trainer.step()
        trainer.steps_done += 1
        steps += 1
    if trainer.device.type == "cuda":
        torch.cuda.synchronize(trainer.device)
    return steps / (perf_counter() - started)
