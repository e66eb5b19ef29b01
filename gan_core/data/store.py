"""Pictures in memory: decoded once, uint8, the same for every source."""

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gan_core.config import DATA_LIMITS, IMAGE_SIZES
from gan_core.data.pictures import Pixels, to_square
from gan_core.errors import UserError

Progress = Callable[[int, int, str], None]  # done, total, "read" or "download"

THREADS = min(4, os.cpu_count() or 1)  # Pillow decodes outside the GIL; more threads than that wait for the disk
CHUNK = 256  # pictures between two words of progress


@dataclass(frozen=True, eq=False)
class Images:
    """A data set, ready to train on."""

    name: str  # as the user gave it
    pixels: Tensor  # (N, nc, S, S) uint8
    labels: Tensor | None = None  # (N,) int64 of 0 .. len(classes) - 1
    classes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # pictures that could not be read, each with its reason
    licence: str = ""
    mapped: Path | None = None  # the file that holds the pixels, read as they are needed; None: they are in memory

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change with the shape, the pixels or the labels. Reads about a million pixels at most."""
        flat = self.pixels.flatten()
        stride = len(flat) // 2**20 | 1  # odd, so that it does not walk down one column of every picture
        digest = sha256(repr(tuple(self.pixels.shape)).encode())
        digest.update(flat[::stride].numpy().tobytes())
        if self.labels is not None:
            digest.update(self.labels.numpy().tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """Pictures that still lie where they were found."""

    name: str
    files: Sequence[str]  # what each picture is called, in order
    open: Callable[[int], tuple[Image.Image, Any]]  # picture and label; called from several threads at once
    classes: tuple[str, ...] = ()  # none: labels mean nothing
    licence: str = ""


def collect(source: Source, size: int, nc: int | None, progress: Progress | None = None) -> Images:
    """Decode everything once to (N, nc, size, size). nc None: 1 if no picture shows a colour, else 3.

    What cannot be read is left out and named. Raises UserError for too few good pictures, and for more than
    memory should hold.
    """
    total = len(source.files)
    check_memory(source.name, total, nc or 3, size)
    pixels = np.empty((total, nc or 3, size, size), np.uint8)
    labels: list[int] = []
    skipped: list[str] = []
    good, grey = 0, True

    def decode(index: int) -> tuple[Pixels, int] | str:
        try:
            image, label = source.open(index)
            return to_square(image, size, nc), int(label) if source.classes else 0
        except UserError:  # the whole source is at fault
            raise
        except Exception as error:  # a damaged file makes a decoder raise nearly anything
            return why(error)

    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool:
        warnings.filterwarnings("ignore", module="PIL")  # its remarks on single pictures: `skipped` says what matters
        for start in range(0, total, CHUNK):
            chunk = range(start, min(start + CHUNK, total))
            for index, result in zip(chunk, pool.map(decode, chunk), strict=True):
                if isinstance(result, str):
                    skipped.append(f"{source.files[index]}: {result}")
                    continue
                picture, label = result
                pixels[good] = picture  # one channel fills all three
                labels.append(label)
                grey = grey and bool((picture == picture[:1]).all())
                good += 1
            if progress:
                progress(chunk.stop, total, "read")

    check_count(source.name, good, skipped)
    found = torch.from_numpy(pixels[:good])
    return Images(
        source.name,
        found[:, :1].contiguous() if nc is None and grey else found,
        torch.tensor(labels) if source.classes else None,
        source.classes,
        tuple(skipped),
        source.licence,
    )


def why(error: Exception) -> str:
    """The point of a library's error, in one line: the deepest cause, its last line."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    line = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return line.strip("<>.").removeprefix("urlopen error ")


def check_memory(name: str, count: int, nc: int, size: int) -> None:
    """Raises UserError, with the largest size that would fit, if the pictures would not fit in `stored_bytes`."""
    limit = DATA_LIMITS.stored_bytes
    needed = count * nc * size**2
    if needed <= limit:
        return
    fitting = [s for s in IMAGE_SIZES if s < size and count * nc * s**2 <= limit]
    facts = dict(name=name, count=f"{count:,}", size=size, needed=_gib(needed), limit=_gib(limit))
    if fitting:
        raise UserError("data_too_large", **facts, fits=max(fitting))
    raise UserError("data_too_many", **facts, most=f"{limit // (nc * size**2):,}")


def check_count(name: str, good: int, skipped: Sequence[str] = ()) -> None:
    """Raises UserError if there is too little to learn from."""
    if good >= DATA_LIMITS.fewest:
        return
    facts = dict(name=name, good=good, fewest=DATA_LIMITS.fewest)
    if not skipped:
        raise UserError("data_too_few", **facts)
    raise UserError("data_too_few_skipped", **facts, skipped=len(skipped), first="; ".join(skipped[:3]))


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
