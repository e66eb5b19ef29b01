"""Pictures that memory should not hold: decoded once into a file, which is mapped, and found ready at the next start.

<cache>/prepared/<key>/pixels        uint8 (N, nc, S, S), and nothing else
<cache>/prepared/<key>/facts.json    whatever else Images says
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from gan_core.config import IMAGE_SIZES
from gan_core.data.pictures import Pixels
from gan_core.data.store import Images, Progress, Source, check_count, decode_all
from gan_core.errors import UserError
from gan_core.files import replace_folder

VERSION = 1  # of the files, and of how pictures become squares: a new one prepares anew
DISK_SHARE = 0.9  # of the free disk space, since the run itself will write too
CHUNK = 4096  # pictures that are moved at once


def cache_folder() -> Path:
    """Where downloads and prepared sets are kept: $GAN_CORE_DATA, else ~/.cache/gan_core."""
    return Path(os.environ.get("GAN_CORE_DATA") or Path.home() / ".cache" / "gan_core")


def prepared(source: Source, size: int, nc: int | None, room: int, progress: Progress | None) -> Images:
    """The pictures of `source` as a mapped file. `room`: bytes that memory should hold, to be named when refusing.

    Processes that want the same set at once prepare it once. Raises UserError if it does not fit on the disk either.
    """
    place = cache_folder() / "prepared" / _key(source, size, nc)
    if nc:  # a first start leaves it to the pictures whether they are grey; who goes on knows what came of it
        found = _open(cache_folder() / "prepared" / _key(source, size, None), source)
        if found and found.pixels.shape[1] == nc:
            return found
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place, len(source.files), progress):
            _sweep(place.parent)
            if found := _open(place, source):
                return found
            check_disk(source.name, len(source.files), nc or 3, size, room, place.parent)
            shutil.rmtree(place, ignore_errors=True)  # what is there cannot be read
            with replace_folder(place) as part:
                _write(part, source, size, nc, progress)
            if found := _open(place, source):
                return found
    except OSError as error:
        raise UserError("cannot_prepare", name=source.name, where=place.parent, why=error.strerror or error) from error
    raise UserError("cannot_prepare", name=source.name, where=place.parent, why="it cannot be read back")


def check_disk(name: str, count: int, nc: int, size: int, room: int, folder: Path) -> None:
    """Raises UserError, with the largest size that would fit, if `folder` has no place for the pictures."""
    free = int(shutil.disk_usage(folder).free * DISK_SHARE)
    needed = count * nc * size**2
    if needed <= free:
        return
    fitting = [s for s in IMAGE_SIZES if s < size and count * nc * s**2 <= max(free, room)]
    facts: dict[str, object] = dict(name=name, count=f"{count:,}", size=size, where=folder)
    facts |= dict(needed=_gib(needed), limit=_gib(room), free=_gib(free))
    if fitting:
        raise UserError("data_too_large", **facts, fits=max(fitting))
    raise UserError("data_too_many", **facts, most=f"{max(free, room) // (nc * size**2):,}")


def forget_unused(seconds: float, now: float) -> None:
    """Delete what nobody has begun to use for so long. Whoever still maps the pixels keeps them until it ends."""
    for facts in (cache_folder() / "prepared").glob("*/facts.json"):
        place = facts.parent
        with suppress(Timeout, OSError), FileLock(_lock(place.parent, place.name), timeout=0):
            if now - facts.stat().st_mtime > seconds:
                shutil.rmtree(place, ignore_errors=True)


def _write(part: Path, source: Source, size: int, nc: int | None, progress: Progress | None) -> None:
    """One after the other into a plain file: a full disk is an error there, and the end of the process in a map."""
    shape = (nc or 3, size, size)
    with (part / "pixels").open("wb") as file:

        def keep(index: int, picture: Pixels) -> None:
            file.write(np.broadcast_to(picture, shape).tobytes())

        read = decode_all(source, size, nc, keep, progress, "prepare")
    check_count(source.name, len(read.labels), read.skipped)
    if nc is None and read.grey:
        _narrow(part / "pixels", len(read.labels), shape)
        shape = (1, size, size)
    whole = (len(read.labels), *shape)
    images = Images(source.name, _map(part / "pixels", whole), torch.tensor(read.labels) if source.classes else None)
    facts = {
        "shape": whole,
        "labels": read.labels if source.classes else None,
        "classes": source.classes,
        "skipped": read.skipped,
        "fingerprint": images.fingerprint,
    }
    (part / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _narrow(path: Path, count: int, shape: tuple[int, int, int]) -> None:
    """Keep the first of three equal channels, in place."""
    pixels = np.memmap(path, np.uint8, "r+")
    wide, one = int(np.prod(shape)), shape[1] * shape[2]
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        pixels[start * one : stop * one] = pixels[start * wide : stop * wide].reshape(-1, wide)[:, :one].ravel()
    pixels.flush()
    del pixels
    os.truncate(path, count * one)


def _open(place: Path, source: Source) -> Images | None:
    """None if it is not there, or not whole."""
    try:
        facts: dict[str, Any] = json.loads((place / "facts.json").read_text(encoding="utf-8"))
        labels = None if facts["labels"] is None else torch.tensor(facts["labels"])
        with suppress(OSError):  # of another user, perhaps
            os.utime(place / "facts.json")  # when it was last used, see forget_unused
        return Images(
            source.name,
            _map(place / "pixels", tuple(facts["shape"])),
            labels,
            tuple(facts["classes"]),
            tuple(facts["skipped"]),
            source.licence,
            mapped=place / "pixels",
            taken=facts["fingerprint"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _map(path: Path, shape: tuple[int, ...]) -> torch.Tensor:
    """The pixels in the file, read as they are touched. Raises ValueError if there are too few, or OSError."""
    # "c" would let the map be written to without changing the file, which nobody does; torch warns of all others
    return torch.from_numpy(np.memmap(path, np.uint8, "c", shape=shape))


def _key(source: Source, size: int, nc: int | None) -> str:
    """20 hex digits that change with the files and with what is wanted of them."""
    path = Path(source.name).expanduser()
    name = str(path.resolve()) if path.exists() else source.name  # the same from any working directory
    wanted = (VERSION, name, size, nc, source.classes, tuple(source.files), source.stamp())
    return sha256(repr(wanted).encode(errors="surrogateescape")).hexdigest()[:20]


@contextmanager
def _alone(place: Path, total: int, progress: Progress | None) -> Iterator[None]:
    lock = FileLock(_lock(place.parent, place.name))
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:  # somebody else prepares it
            if progress:
                progress(0, total, "wait")
    try:
        yield
    finally:
        lock.release()


def _sweep(folder: Path) -> None:
    """Take away what killed processes had half written: what nobody holds the lock of."""
    for part in folder.glob(".*.part"):
        lock = FileLock(_lock(folder, part.name.split(".")[1]))
        try:
            with lock.acquire(timeout=0):
                shutil.rmtree(part, ignore_errors=True)
        except Timeout:
            continue


def _lock(folder: Path, key: str) -> Path:
    return folder / f".{key}.lock"


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
