"""Pictures that somebody brought: where a run keeps them."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gan_core.data.pictures import SUFFIXES
from gan_core.training.folder import RunFolder


def keep_uploads(uploads: Iterable[Path], folder: RunFolder, anonymous: bool = False) -> str:
    """Move what was uploaded out of Gradio's cache, which forgets, into the run folder. Returns what to train on.

    `anonymous`: without the names that its owner gave the files.
    """
    place = folder.path / "data"
    place.mkdir()
    for n, path in enumerate(uploads):
        target = place / (f"pictures-{n}{path.suffix.lower()}" if anonymous else path.name)
        target = target if not target.exists() else place / f"{path.stem}-{n}{path.suffix}"
        try:
            os.link(path, target)  # costs nothing, and outlives the other name
        except OSError:
            shutil.copyfile(path, target)
    return uploads_of(folder)


def uploads_of(folder: RunFolder) -> str:
    """What was uploaded for this run: its ZIP, or the folder of its pictures; "" for a run on other data."""
    place = folder.path / "data"
    files = sorted(place.iterdir()) if place.is_dir() else []
    if not files:
        return ""
    return str(place if files[0].suffix.lower() in SUFFIXES else files[0])


def forget_uploads(folder: RunFolder) -> None:
    """Take them away. The empty folder stays: it says that there were some, which remain nobody's business."""
    place = folder.path / "data"
    for path in place.iterdir() if place.is_dir() else ():
        with suppress(OSError):  # at the next sweep
            path.unlink()
