"""What happened in a run, told twice: all of it to whoever arrives, and to those who are there only what is new.

events.jsonl is read once for everybody, and only where it has grown. Its lines are counted, torn ones too, so that a
viewer whose connection broke says which line was the last, and hears the rest. On the wire an event is a short list:

    ["report", step, seconds, images/s, loss_D, loss_G, D_x, D_Gz]      ["sample", step, version]
    ["advice", step, key, english, chinese]      ["snapshot", step]      ["resumed", step]
    ["measure", step, Frechet distance, its floor, samples]
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from zlib import crc32

REPORT = ("seconds", "images_per_second", "loss_D", "loss_G", "D_x", "D_Gz")
MOST_POINTS = 4_000  # of a curve that is told whole; a screen has fewer columns than that

Told = list[Any]


@dataclass(frozen=True)
class Line:
    """One line of events.jsonl that a page wants to know of."""

    number: int  # counted from 1
    told: Told

    @property
    def step(self) -> int:
        return int(self.told[1])


@dataclass(frozen=True)
class News:
    """What a look at the file brought."""

    lines: tuple[Line, ...]
    last: int  # the number of the last whole line
    mark: str  # which file this is: a run that was deleted and started again has another
    afresh: bool  # the file is not the one that was read before


class Tail:
    """Reads what was added to an events.jsonl. Blocks on the disk, so call it in a thread, one call at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def read(self) -> News:
        """Whole lines only: the half of a line that is being written waits for its other half. Never raises."""
        try:
            stat = self.path.stat()
            other = stat.st_ino != self._inode or stat.st_size < self._offset
            afresh = bool(self._mark) and other
            with self.path.open("rb") as file:
                if other:
                    self._forget(stat.st_ino, self._name(stat.st_ino, file.readline()))
                file.seek(self._offset)
                whole, newline, _ = file.read().rpartition(b"\n")
        except OSError:  # not there yet, or deleted
            afresh = bool(self._mark)
            self._forget()
            return News((), 0, "", afresh)
        self._offset += len(whole) + len(newline)
        return News(tuple(self._parse(whole, newline)), self._number, self._mark, afresh)

    def _parse(self, whole: bytes, newline: bytes) -> Iterable[Line]:
        for text in whole.split(b"\n") if newline else ():
            self._number += 1
            if told := parse(text):
                yield Line(self._number, told)

    def _name(self, inode: int, first: bytes) -> str:
        """A file system gives a deleted file's inode to the next, so the run's beginning is part of the mark."""
        try:
            began = (self.path.parent / "config.json").read_bytes()
        except OSError:
            began = b""
        return f"{inode:x}.{crc32(first + began):08x}"

    def _forget(self, inode: int = 0, mark: str = "") -> None:
        self._inode, self._mark, self._offset, self._number = inode, mark, 0, 0


def parse(text: bytes) -> Told | None:
    """One line as it goes over the wire. None for a torn one, and for events that no page shows."""
    try:
        event = json.loads(text, parse_constant=_no_number)
        kind, step = event["event"], int(event["step"])
        if kind == "report":
            return [kind, step, *(float(f"{event[name]:.5g}") for name in REPORT)]
        if kind == "measure":
            distances = (float(f"{event[side]['frechet']:.5g}") for side in ("scores", "floor"))
            return [kind, step, *distances, int(event["n"])]
        if kind == "advice":
            return [kind, step, str(event["key"]), str(event["en"]), str(event["zh"])]
        return [kind, step] if kind in ("sample", "snapshot", "resumed") else None
    except (ValueError, KeyError, TypeError):
        return None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON, and no browser would read it")


@dataclass
class Story:
    """All that still holds, in order."""

    lines: list[Line] = field(default_factory=list)
    last: int = 0
    mark: str = ""

    def take(self, news: News) -> None:
        if news.afresh:
            self.lines = []
        for line in news.lines:
            if line.told[0] == "resumed":  # as in RunFolder.history()
                self.lines = [old for old in self.lines if old.step <= line.step]
            self.lines.append(line)
        self.last, self.mark = news.last, news.mark

    def knows(self, mark: str, number: int) -> bool:
        """Did whoever heard up to line `number` of file `mark` hear a beginning of this story?"""
        return mark == self.mark and number <= self.last

    def since(self, number: int) -> list[Told]:
        """What a viewer who knows `number` lines has to hear. A "resumed" tells it what to forget."""
        return tell((line for line in self.lines if line.number > number), self.mark)


def tell(lines: Iterable[Line], mark: str) -> list[Told]:
    """A sheet gets a version, so that a browser may keep it, and still sees the one painted anew after going on."""
    return [[*line.told, f"{mark}-{line.number}"] if line.told[0] == "sample" else line.told for line in lines]


def whole(told: Sequence[Told]) -> dict[str, Any]:
    """A history in one compact message: a curve's numbers in columns, thinned where there are more than can be seen."""
    reports = thin([t[1:] for t in told if t[0] == "report"], MOST_POINTS)
    return {
        "reports": [list(column) for column in zip(*reports, strict=True)] or [[] for _ in range(len(REPORT) + 1)],
        "told": [t for t in told if t[0] not in ("report", "resumed")],
    }


def thin(rows: list[list[float]], most: int) -> list[list[float]]:
    """At most `most` rows: means of as many neighbours as needed; the last row stays itself."""
    if len(rows) <= most:
        return rows
    *others, last = rows
    size = -(-len(others) // (most - 1))
    groups = [others[i : i + size] for i in range(0, len(others), size)]
    means = [[float(f"{sum(column) / len(group):.5g}") for column in zip(*group, strict=True)] for group in groups]
    for mean, group in zip(means, groups, strict=True):
        mean[0] = group[-1][0]  # a step that was played, at the end of its group
    return [*means, last]
