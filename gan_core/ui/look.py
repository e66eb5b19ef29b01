"""How one run stands, as a page hears of it: what lasts (facts), and what changes (Look)."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from gan_core.config import LIVE
from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, standing
from gan_core.training.losses import GAMES
from gan_core.training.until import NoBetter, Seconds, Until, parse
from gan_core.ui.formula import mathml
from gan_core.ui.jobs import Jobs
from gan_core.ui.remains import log_tail, resumable
from gan_core.ui.rights import owner_of
from gan_core.ui.text import PageError


@dataclass(frozen=True)
class Look:
    """How a run stands. Sent whenever it differs from the last."""

    state: str  # folder.standing()
    wish: str
    pace: float  # seconds that a round takes in slow motion
    step: int
    why: str
    why_zh: str
    log: tuple[str, ...]  # of one that ended badly
    can_go_on: bool
    again: bool  # going on would begin it again, since it ended before its first checkpoint
    can_open: bool
    device: str
    memory: int  # bytes
    served: int  # the last order that was done or refused
    checkpoints: tuple[int, ...]  # steps to go back to
    bytes: int  # on disk
    owner: str  # who started it, by rights.public_id
    place: int | None  # in the queue of a public host
    minutes_left: int | None  # until it must make room for others there

    @classmethod
    def at(cls, folder: RunFolder, jobs: Jobs, size: int = 0) -> "Look":
        """Blocks on the disk. `size` is what weigh() found lately."""
        state = standing(folder, jobs.alive(folder))
        status = folder.status
        bad, private = state in ("failed", "dead"), jobs.private(folder)
        # of a stranger's pictures, what went wrong may tell the names, and so may a log
        why = PageError("public_why") if bad and private else None
        kept = kept_steps(folder)
        can_go_on = state in ("stopped", "failed", "dead") and resumable(folder)
        return cls(
            state=state,
            wish=folder.control.wish,
            pace=folder.control.pace,
            step=status.step if status else 0,
            why=why.said("en") if why else _without_places(status.why, folder) if status else "",
            why_zh=why.said("zh") if why else _without_places(status.why_zh, folder) if status else "",
            log=tuple(_without_places(line, folder) for line in log_tail(folder)) if bad and not private else (),
            can_go_on=can_go_on,
            again=can_go_on and not kept,
            can_open=any(folder.snapshots.glob("[0-9]*")),
            device=str(getattr(status, "device", "")),
            memory=int(getattr(status, "memory", 0)),
            served=int(getattr(status, "served", 0)),
            checkpoints=kept,
            bytes=size,
            owner=owner_of(folder),
            place=jobs.place(folder),
            minutes_left=None if (left := jobs.minutes_left(folder)) is None else ceil(left),
        )


def kept_steps(folder: RunFolder) -> tuple[int, ...]:
    """The steps of the checkpoints that a run keeps, the oldest first."""
    stems = (path.stem for path in folder.checkpoints.glob("[0-9]*.safetensors"))
    return tuple(sorted(int(stem) for stem in stems if stem.isdigit()))


def weigh(folder: RunFolder) -> int:
    """Bytes on disk. Files come and go while they are counted."""
    total = 0
    for place, _, names in os.walk(folder.path):
        for name in names:
            with suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def facts(folder: RunFolder) -> dict[str, Any]:
    """What a page wants to know of a run that does not change while it lasts. Empty parts are missing parts."""
    config = folder.config
    model, train, data = (_dict(config.get(key)) for key in ("model", "train", "data"))
    now = dict(train)
    changes = config.get("changes")
    for change in changes if isinstance(changes, list) else ():
        now |= _dict(_dict(change).get("train"))
    game, target = GAMES.get(str(train.get("loss"))), _target(config.get("until"))
    return {
        "name": folder.name,
        "preset": config.get("preset"),
        "data": _data_name(str(data.get("name") or "")),
        "pictures": data.get("pictures"),
        "unreadable": data.get("unreadable"),
        "machine": config.get("machine"),
        "started": config.get("started"),
        "image_size": model.get("image_size"),
        "batch_size": train.get("batch_size"),
        "loss": train.get("loss"),
        "steps": None if isinstance(target, NoBetter) else train.get("steps"),
        "seconds": target.seconds if isinstance(target, Seconds) else None,
        "probabilistic": game.probabilistic if game else True,
        "formula_D": mathml(game.formula_D) if game else "",
        "formula_G": mathml(game.formula_G) if game else "",
        "train": {key: now[key] for key in LIVE if key in now},  # what may be changed while it runs, as it is now
        "classes": model.get("num_classes") or 0,
        "penalty": any(train.get(name) for name in ("r1_gamma", "r2_gamma", "gp_weight")),  # beside D's loss
        "seed": train.get("seed") or 0,  # of the first latent on the sheets
        "parent": _parent(config.get("parent")),
    }


class Facts:
    """The facts of a run, worked out anew only where config.json is another file than before."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._mark: tuple[int, int, int] | None = None
        self._facts: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        try:
            stat = (self.folder.path / "config.json").stat()
            mark = stat.st_ino, stat.st_mtime_ns, stat.st_size
        except OSError:
            mark = 0, 0, 0
        if mark != self._mark:
            self._mark, self._facts = mark, facts(self.folder)
        return self._facts


class Scale:
    """The weight of a run on disk, looked up now and then: a thousand files are not counted at every look."""

    EVERY = 20.0  # seconds

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._size, self._due = 0, 0.0

    def read(self) -> int:
        if time.monotonic() >= self._due:
            self._size, self._due = weigh(self.folder), time.monotonic() + self.EVERY
        return self._size


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _parent(value: object) -> dict[str, Any] | None:
    """Which run this one began as a copy of, and at which step; not where that lies."""
    known = _dict(value)
    return {"run": known.get("run"), "step": known.get("step")} if known else None


def _data_name(name: str) -> str:
    """A set's name or Hub id as it is; of a file its own name: where it lies is not every visitor's business."""
    return Path(name).name if Path(name).is_absolute() else name


def _without_places(text: str, folder: RunFolder) -> str:
    """A sentence without the machine's folders, which mean nothing to a visitor."""
    for place in (folder.path / "data", folder.path.parent):
        text = text.replace(f"{place}{os.sep}", "")
    return text


def _target(until: object) -> Until | None:
    """What ends a run that is not to last a number of steps."""
    try:
        return parse(str(until)) if until else None
    except UserError:
        return None
