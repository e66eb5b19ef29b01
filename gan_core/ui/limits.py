"""What one visitor of a public page may ask of a machine that all of them share: every bound, with its reason."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from gan_core.config import TrainConfig, preset
from gan_core.data import known_sets
from gan_core.training.until import NoBetter, Seconds, Steps, parse
from gan_core.ui.order import Order
from gan_core.ui.text import PageError

GB = 10**9


@dataclass(frozen=True)
class Limits:
    """Of a public host. The defaults fit a free Space: two cores, 16 GB of memory, 50 GB of disk."""

    minutes: float = 10.0  # of training: fashion-mini can be recognised after one, fruits-mini after five
    sitting_minutes: float = 20.0  # on the clock, reading, measuring and every pause included: others wait
    image_size: int = 64  # pixels; twice the side is four times the work, and ten minutes show nothing of it
    width: int = 64  # ngf and ndf, as DCGAN has them; work grows with their square
    nz: int = 512  # G's first layer grows with it
    batch_size: int = 128  # DCGAN's own; memory grows with it
    d_moves: int = 5  # WGAN's
    keep: int = 4  # checkpoints beside the newest: each is three times a model
    measure: int = 2_000  # samples at every snapshot
    every: int = 200  # steps between snapshots, and between checkpoints, at least: each is megabytes
    pictures: int = 20_000  # in an upload; decoding them takes a minute or two
    upload_bytes: int = 200 * 10**6  # of one visitor: 20,000 pictures of 10 kB
    run_bytes: int = 2 * GB  # of one run; one that grows beyond is stopped and kept
    runs_bytes: int = 20 * GB  # of all together; beyond it the oldest go
    film_scale: int = 2  # of the sheets, in a film: work and memory grow with its square
    waiting: int = 20  # runs in the queue: with ten minutes each, the last begins after three hours
    uploads_hours: float = 1.0  # after a run's end, in which its owner may go on with it
    runs_hours: float = 24.0  # after a run's end: time to show it to somebody, and to take the weights home
    prepared_hours: float = 1.0  # after its last use, for a data set prepared in the cache: it may be of an upload
    sets: tuple[str, ...] = ("mnist", "fashion-mnist", "kmnist", "cifar10")  # may be downloaded: 170 MB at most

    @property
    def told(self) -> dict[str, float]:
        """What the page says of them."""
        return {
            "minutes": self.minutes,
            "size": self.image_size,
            "gigabytes": self.upload_bytes / GB,
            "uploads_hours": self.uploads_hours,
            "runs_hours": self.runs_hours,
        }

    def fit(self, order: Order) -> Order:
        """The order, with a bound on its time. Raises PageError that names the bound where it asks for too much."""
        self._check_data(order)
        configs = preset(order.preset).configs(dict(order.model), dict(order.train))
        self._check_sizes(asdict(configs.model) | asdict(configs.train))
        until, train = self._timed(order.until, self._spared(order.train), TrainConfig().steps)
        return replace(order, until=until, train=train)

    def fit_changes(self, train: Mapping[str, Any]) -> dict[str, Any]:
        """What is changed of a run, which was within the bounds. Raises as fit()."""
        self._check_sizes(train)
        return self._spared(train)

    def fit_fork(self, until: str, train: Mapping[str, Any], begun: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """When a fork ends, which is when its parent does where nobody says, and what it changes. Raises as fit().

        `begun` is the parent's config.
        """
        steps = begun.get("train", {}).get("steps", TrainConfig().steps)
        return self._timed(until or begun.get("until") or "", self.fit_changes(train), steps)

    def _check_data(self, order: Order) -> None:
        if order.uploads:
            size = sum(path.stat().st_size for path in order.uploads)
            if size > self.upload_bytes:
                raise PageError("public_upload", got=round(size / 1e6), most=round(self.upload_bytes / 1e6))
            if (n := count(order.uploads)) > self.pictures:
                raise PageError("public_pictures", got=f"{n:,}", most=f"{self.pictures:,}")
        elif order.data:
            info = known_sets().get(order.data)
            if info is None or not (info.offline or info.name in self.sets):
                raise PageError("public_data", got=order.data)

    def _check_sizes(self, values: Mapping[str, Any]) -> None:
        bounds = dict(ngf=self.width, ndf=self.width)
        bounds |= {
            name: getattr(self, name) for name in ("image_size", "nz", "batch_size", "d_moves", "keep", "measure")
        }
        for name, most in bounds.items():
            if values.get(name, 0) > most:
                raise PageError("public_bound", field=name, got=values[name], most=most)

    def _spared(self, train: Mapping[str, Any]) -> dict[str, Any]:
        """Rarer files where they were asked for so often that they would fill the disk."""
        rare = {name: max(train[name], self.every) for name in ("snapshot_every", "checkpoint_every") if name in train}
        return {**train, **rare}

    def _timed(self, until: str, train: Mapping[str, Any], steps: int) -> tuple[str, dict[str, Any]]:
        """On the clock, whatever else ends it; "no better for N" is left to the bound on a sitting."""
        target = parse(until) if until else None
        if isinstance(target, Seconds) and target.seconds > 60 * self.minutes:
            raise PageError("public_minutes", got=f"{target.seconds / 60:g}", most=f"{self.minutes:g}")
        if isinstance(target, (Seconds, NoBetter)):
            return until, dict(train)
        most = target.steps if isinstance(target, Steps) else train.get("steps", steps)
        return f"{self.minutes:g}m", {**train, "steps": most}


def count(uploads: Sequence[Path]) -> int:
    """How many files that may be pictures; a ZIP's table is read, nothing is unpacked."""
    if len(uploads) > 1 or uploads[0].suffix.lower() != ".zip":
        return len(uploads)
    try:
        with ZipFile(uploads[0]) as archive:
            return sum(not name.endswith("/") for name in archive.namelist())
    except (OSError, BadZipFile, ValueError, NotImplementedError):
        return 0  # whoever reads it says what is wrong with it


def on_space() -> bool:
    """Is this a Space of the Hugging Face Hub, which is everyone's?"""
    return bool(os.environ.get("SPACE_ID"))
