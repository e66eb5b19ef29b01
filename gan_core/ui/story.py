"""What happened in a run, told twice: all of it to whoever arrives, and to those who are there only what is new.

events.jsonl is read once for everybody, and only where it has grown. Its lines are counted, torn ones too, so that a
viewer whose connection broke says which line was the last, and hears the rest. On the wire an event is a short list;
what an older version did not write is null:

    ["report", step, seconds, images/s, loss_D, loss_G, D_x, D_Gz, grad_D, grad_G, sure]
    ["sample", step, version]    ["snapshot", step]    ["checkpoint", step]    ["resumed", step, to]
    ["advice", step, key, english, chinese, settings to change, last sound step]
    ["action", step, english, chinese, did]    ["refused", step, english, chinese]
    ["measure", step, Frechet distance, its floor, samples]
    ["vitals", step, spread, apart, twins, off, missing, classes, knows, passes]
    ["changed", step, was, now]    ["moved", step, {file, z, D_x, ...}]
    ["forked", step, into]    ["parent", step, run]    and in a history ["returned", step, to] for "resumed"
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any
from zlib import crc32

REPORT = ("seconds", "images_per_second", "loss_D", "loss_G", "D_x", "D_Gz")
SINCE = ("grad_D", "grad_G", "sure")  # parts of a report that runs of an older version lack
VITALS = ("spread", "apart", "twins", "off", "missing", "classes", "knows", "passes")
COLUMNS = 1 + len(REPORT) + len(SINCE)  # of a report, with its step
UNDONE = ("changed", "moved", "refused")  # at the step itself, by who goes back to it
MOST_POINTS = 4_000  # of a curve that is told whole; a screen has fewer columns than that
PASSING = ("train", "until", "launcher", "changes")  # parts of config.json that may change while a run lasts

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
    """Reads what was added to an events.jsonl. Blocks on the disk, so call it in a thread, one call at a time.

    `kinds` is for whoever wants to know of few kinds of events: other lines are counted, and not read.
    """

    def __init__(self, path: Path, kinds: Iterable[str] = ()) -> None:
        self.path = path
        self._wanted = [f'"event": "{kind}"'.encode() for kind in kinds]  # as RunFolder.append writes it
        self._forget()

    def read(self) -> News:
        """Whole lines only: the half of a line that is being written waits for its other half. Never raises."""
        try:
            stat = self.path.stat()
            other = stat.st_ino != self._inode or stat.st_size < self._offset
            if not other and stat.st_size == self._offset:
                return News((), self._number, self._mark, False)
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
            if self._wanted and not any(kind in text for kind in self._wanted):
                continue
            if told := parse(text):
                yield Line(self._number, told)

    def _name(self, inode: int, first: bytes) -> str:
        """A file system gives a deleted file's inode to the next, so how the run began is part of the mark."""
        try:
            values = json.loads((self.path.parent / "config.json").read_bytes())
            began = json.dumps({key: value for key, value in values.items() if key not in PASSING}).encode()
        except (OSError, ValueError, AttributeError):
            began = b""
        return f"{inode:x}.{crc32(first + began):08x}"

    def _forget(self, inode: int = 0, mark: str = "") -> None:
        self._inode, self._mark, self._offset, self._number = inode, mark, 0, 0


def parse(text: bytes) -> Told | None:
    """One line as it goes over the wire. None for a torn one, and for events that no page shows."""
    try:
        event = json.loads(text, parse_constant=_no_number)
        kind, step = event["event"], int(event["step"])
        return [kind, step, *TELLERS[kind](event)]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _report(event: Mapping[str, Any]) -> Told:
    return [*(_short(event[name]) for name in REPORT), *(_perhaps(event.get(name)) for name in SINCE)]


def _measure(event: Mapping[str, Any]) -> Told:
    return [*(_short(event[side]["frechet"]) for side in ("scores", "floor")), int(event["n"])]


def _resumed(event: Mapping[str, Any]) -> Told:
    to = event.get("to")
    return [None if to is None else int(to)]


def _moved(event: Mapping[str, Any]) -> Told:
    return [{key: value for key, value in event.items() if key not in ("event", "step")}]


def _changed(event: Mapping[str, Any]) -> Told:
    return [dict(event["was"]), dict(event["now"])]


def _advice(event: Mapping[str, Any]) -> Told:
    """Older lines tell it in words alone."""
    return [*_said("key", "en", "zh")(event), dict(event.get("cure") or {}), int(event.get("sound") or 0)]


def _said(*names: str) -> Callable[[Mapping[str, Any]], Told]:
    return lambda event: [str(event[name]) for name in names]


TELLERS: dict[str, Callable[[Mapping[str, Any]], Told]] = {
    "report": _report,
    "measure": _measure,
    "vitals": lambda event: [_perhaps(event.get(name)) for name in VITALS],
    "resumed": _resumed,
    "moved": _moved,
    "changed": _changed,
    "sample": _said(),
    "snapshot": _said(),
    "checkpoint": _said(),
    "advice": _advice,
    "action": _said("en", "zh", "did"),
    "refused": _said("en", "zh"),
    "forked": _said("into"),
    "parent": _said("run"),
}


def _short(value: object) -> float:
    """As many digits as a curve can show. Raises TypeError or ValueError for what is no number."""
    number = float(f"{value:.5g}")
    if not isfinite(number):
        raise ValueError(number)
    return number


def _perhaps(value: object) -> float | None:
    """The same for a number that may be missing."""
    return _short(value) if isinstance(value, int | float) else None


def _no_number(text: str) -> None:
    """NaN and Infinity are not JSON, and no browser would read them. What needs a number here is not told."""


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
                undone = UNDONE if line.told[2] == line.step else ()
                self.lines = [
                    old for old in self.lines
                    if old.step < line.step or (old.step == line.step and old.told[0] not in undone)
                ]  # fmt: skip
            elif line.told[0] == "moved":  # only the last is ever shown, and they are large
                for at in range(len(self.lines) - 1, -1, -1):
                    if self.lines[at].told[0] == "moved":
                        del self.lines[at]
                        break
            self.lines.append(line)
        self.last, self.mark = news.last, news.mark

    def knows(self, mark: str, number: int) -> bool:
        """Did whoever heard up to line `number` of file `mark` hear a beginning of this story?"""
        return mark == self.mark and number <= self.last

    def since(self, number: int) -> list[Told]:
        """What a viewer who knows `number` lines has to hear. A "resumed" tells it what to forget."""
        return tell(self.lines[bisect_right(self.lines, number, key=lambda line: line.number) :], self.mark)


def tell(lines: Iterable[Line], mark: str) -> list[Told]:
    """A sheet gets a version, so that a browser may keep it, and still sees the one painted anew after going on."""
    return [[*line.told, f"{mark}-{line.number}"] if line.told[0] == "sample" else line.told for line in lines]


def whole(told: Sequence[Told]) -> dict[str, Any]:
    """A history in one compact message: a curve's numbers in columns, thinned where there are more than can be seen."""
    reports = thin([t[1:] for t in told if t[0] == "report"], MOST_POINTS)
    return {
        "reports": [list(column) for column in zip(*reports, strict=True)] or [[] for _ in range(COLUMNS)],
        # what was to be forgotten has been: here a way back is only something that happened
        "told": [["returned", *t[1:]] if t[0] == "resumed" else t for t in told if t[0] != "report"],
    }


def thin(rows: list[list[float | None]], most: int) -> list[list[float | None]]:
    """At most `most` rows: means of as many neighbours as needed; the last row stays itself."""
    if len(rows) <= most:
        return rows
    *others, last = rows
    size = -(-len(others) // (most - 1))
    groups = [others[i : i + size] for i in range(0, len(others), size)]
    means = [[_mean(column) for column in zip(*group, strict=True)] for group in groups]
    for mean, group in zip(means, groups, strict=True):
        mean[0] = group[-1][0]  # a step that was played, at the end of its group
    return [*means, last]


def _mean(column: Iterable[float | None]) -> float | None:
    known = [value for value in column if value is not None]
    return float(f"{sum(known) / len(known):.5g}") if known else None
