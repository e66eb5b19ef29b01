"""When to stop: a number of steps, a time, or "no better for N evaluations". Read from one short phrase."""

import re
from dataclasses import dataclass, field
from typing import Protocol

from gan_core.errors import UserError
from gan_core.training.events import Event, Measure


class Until(Protocol):
    """A target. `reached` is asked after every event, with the training clock's seconds."""

    def reached(self, event: Event, seconds: float) -> bool: ...


@dataclass(frozen=True)
class Steps:
    steps: int

    def reached(self, event: Event, seconds: float) -> bool:
        return event.step >= self.steps


@dataclass(frozen=True)
class Seconds:
    seconds: float

    def reached(self, event: Event, seconds: float) -> bool:
        return seconds >= self.seconds


@dataclass
class NoBetter:
    """`evaluations` Measures in a row that did not beat the best. The run must yield Measures."""

    evaluations: int
    since: int = field(default=0, init=False)  # the best so far

    def reached(self, event: Event, seconds: float) -> bool:
        if isinstance(event, Measure):
            self.count(event.best)
        return self.since >= self.evaluations

    def count(self, best: bool) -> None:
        """Take in one Measure: of this sitting, or of those before it."""
        self.since = 0 if best else self.since + 1


def parse(phrase: str) -> Until:
    """ "5000" or "5000 steps"; "90s", "10m", "1h30m"; "no better for 5". Raises UserError for anything else."""
    text = phrase.strip().lower()
    if match := re.fullmatch(r"([\d_,]*\d)( steps?)?", text):
        return Steps(int(re.sub(r"[_,]", "", match[1])))
    if match := re.fullmatch(r"no better for (\d+)( evaluations?)?", text):
        return NoBetter(max(1, int(match[1])))
    if text and (match := re.fullmatch(r"(?:([\d.]+) ?h)? ?(?:([\d.]+) ?m(?:in)?)? ?(?:([\d.]+) ?s)?", text)):
        try:
            hours, minutes, seconds = (float(part or 0) for part in match.groups())
        except ValueError:
            raise UserError("until", got=phrase) from None
        return Seconds(3600 * hours + 60 * minutes + seconds)
    raise UserError("until", got=phrase)
