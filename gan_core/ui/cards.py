"""The list of runs, a card each: one look serves everybody, and only what was added to a run's events is read."""

import time
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from gan_core.training.folder import RunFolder, list_runs, standing
from gan_core.ui.jobs import Jobs
from gan_core.ui.look import Facts
from gan_core.ui.rights import owner_of
from gan_core.ui.story import Story, Tail

LIST_FOR = 1.0  # seconds for which one list serves everybody


@dataclass(frozen=True)
class Card:
    """One run in the list."""

    name: str
    state: str
    step: int
    steps: int | None  # None where a clock, or the measures, decide
    preset: str
    data: str
    best: float | None
    best_step: int | None
    floor: float | None
    sheet: str | None  # the newest
    size: int | None  # pixels of a picture
    owner: str
    started: float | None  # seconds since 1970
    place: int | None  # in the queue of a public host
    slices: bool  # does it go on a GPU that comes in slices?


class Cards:
    """Every run in a folder of runs, the one that moved last first. Blocks on the disk; safe in any thread."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self._known: dict[str, Known] = {}
        self._cards: list[dict[str, Any]] = []
        self._until = 0.0
        self._lock = Lock()

    def all(self) -> list[dict[str, Any]]:
        with self._lock:  # many ask, one looks
            if time.monotonic() >= self._until:
                folders = list_runs(self.jobs.runs)
                self._known = {folder.name: self._known.get(folder.name) or Known(folder) for folder in folders}
                self._cards = [dict(vars(self._known[folder.name].card(self.jobs))) for folder in folders]
                self._until = time.monotonic() + LIST_FOR
            return self._cards


class Known:
    """What is remembered of one run from look to look."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._facts, self._story = Facts(folder), Story()
        self._tail = Tail(folder.events, ("sample", "measure", "resumed"))
        self._owner: tuple[str, str] | None = None  # with the mark of the file that it holds for

    def card(self, jobs: Jobs) -> Card:
        self._story.take(self._tail.read())
        folder, facts, lines = self.folder, self._facts.read(), self._story.lines
        measures = (line.told[1:] for line in lines if line.told[0] == "measure")
        step, best, floor, _ = min(measures, key=lambda measure: measure[1], default=[None] * 4)
        last = next((line for line in reversed(lines) if line.told[0] == "sample"), None)
        status = folder.status
        if self._owner is None or self._owner[0] != self._story.mark:
            self._owner = self._story.mark, owner_of(folder)
        return Card(
            name=folder.name,
            state=standing(folder, jobs.alive(folder)),
            step=status.step if status else 0,
            steps=None if facts["seconds"] else facts["steps"],
            preset=facts["preset"] or "",
            data=facts["data"],
            best=best,
            best_step=step,
            floor=floor,
            sheet=f"samples/{last.step:06d}.webp?v={self._story.mark}-{last.number}" if last else None,
            size=facts["image_size"],
            owner=self._owner[1],
            started=_seconds(facts["started"]),
            place=jobs.place(folder),
            slices=jobs.slices,
        )


def _seconds(text: object) -> float | None:
    """Seconds since 1970 from what stands in config.json."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except ValueError:
        return None
