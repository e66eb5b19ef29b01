"""Pictures ready to train on: decoded once, uint8, the same for every source."""

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from gan_core.config import DATA_LIMITS
from gan_core.data.pictures import Pixels, to_square
from gan_core.errors import UserError

Progress = Callable[[int, int, str], None]  # done, total; "download", "read", "prepare" or "wait" (for another process)

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
    taken: str = ""  # the fingerprint, if it was taken when the file was written

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that change with the shape, the pixels or the labels. Reads about a million pixels at most."""
        if self.taken:
            return self.taken
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
    stamp: Callable[[], str] = str  # changes with the files' contents, as far as their sizes and times tell


@dataclass
class Read:
    """What was found while the pixels went where they belong."""

    labels: list[int] = field(default_factory=list)  # one for each good picture
    skipped: list[str] = field(default_factory=list)  # see Images
    grey: bool = True  # no picture shows a colour


def decode_all(
    source: Source,
    size: int,
    nc: int | None,
    keep: Callable[[int, Pixels], None],
    progress: Progress | None = None,
    what: str = "read",
) -> Read:
    """Hand every good picture to `keep`, in order, with its number: (nc, size, size).

    nc None: each has as many channels as it needs. `what` is the word of progress.
    """
    total, read = len(source.files), Read()
    if progress:
        progress(0, total, what)

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
                    read.skipped.append(f"{source.files[index]}: {result}")
                    continue
                picture, label = result
                keep(len(read.labels), picture)
                read.labels.append(label)
                read.grey = read.grey and bool((picture == picture[:1]).all())
            if progress:
                progress(chunk.stop, total, what)
    return read


def stamp_of(paths: Iterable[Path]) -> str:
    """Sizes and times of files, as a `Source.stamp`."""
    digest = sha256()
    for path in paths:
        with suppress(OSError):  # a broken link: that it is unreadable will be said elsewhere
            stat = path.stat()
            digest.update(f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def why(error: Exception) -> str:
    """The point of a library's error, in one line: the deepest cause, its last line."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    line = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return line.strip("<>.").removeprefix("urlopen error ")


def check_count(name: str, good: int, skipped: Sequence[str] = ()) -> None:
    """Raises UserError if there is too little to learn from."""
    if good >= DATA_LIMITS.fewest:
        return
    facts = dict(name=name, good=good, fewest=DATA_LIMITS.fewest)
    if not skipped:
        raise UserError("data_too_few", **facts)
    raise UserError("data_too_few_skipped", **facts, skipped=len(skipped), first="; ".join(skipped[:3]))
