"""Files that were made for somebody, until they are fetched."""

import os
import shutil
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe
from tempfile import TemporaryDirectory, gettempdir
from threading import Lock

from gan_core.training.folder import process_lives
from gan_core.ui.text import PageError

KEPT_FILMS = 32  # files that wait to be fetched
PREFIX = "dcgan-films-"  # of the folder's name, which goes on with the process that it belongs to


@dataclass
class Kept:
    """Films on their way to somebody: in a folder that goes with the app, the oldest dropped first."""

    folder: TemporaryDirectory[str] = field(
        default_factory=lambda: TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")
    )
    films: OrderedDict[str, tuple[Path, str]] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Take away what apps that were killed have left."""
        for left in Path(gettempdir()).glob(f"{PREFIX}*-*"):
            pid = left.name[len(PREFIX) :].partition("-")[0]
            if pid.isdigit() and not process_lives(int(pid)):
                shutil.rmtree(left, ignore_errors=True)

    def place(self, suffix: str) -> tuple[str, Path]:
        token = token_urlsafe(12)
        return token, Path(self.folder.name) / f"{token}.{suffix}"

    def add(self, token: str, path: Path, name: str) -> None:
        with self.lock:
            self.films[token] = path, name
            while len(self.films) > KEPT_FILMS:
                self.films.popitem(last=False)[1][0].unlink(missing_ok=True)

    def find(self, token: str) -> tuple[Path, str]:
        with self.lock:
            if token not in self.films:
                raise PageError("film_gone")
            return self.films[token]

    def close(self) -> None:
        self.folder.cleanup()
