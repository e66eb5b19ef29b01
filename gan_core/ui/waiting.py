"""The queue of a public host: trainings one after another, in an order that outlives the app and several may share.

Each run that waits holds a ticket in its folder. Whichever app is there starts the one with the lowest number, under a
lock beside the runs, so that two apps never start the same.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock

from gan_core.files import write_text
from gan_core.training.folder import RunFolder, list_runs

FILE = "ticket.json"
LOCK = ".queue.lock"  # in the folder of runs
PATIENCE = 10.0  # seconds; whoever holds the lock only starts a process
SEEN_FOR = 0.5  # seconds for which one look at the queue serves everybody


@dataclass(frozen=True)
class Ticket:
    """A place in the queue; and afterwards, since when the run plays."""

    number: int  # the lower, the sooner
    command: tuple[str, ...]  # of gan_core, without the run's name and place
    began: float = 0.0  # seconds since 1970; 0: it still waits


def ticket_of(folder: RunFolder) -> Ticket | None:
    """None where there is none, or none that can be read."""
    try:
        values = json.loads((folder.path / FILE).read_bytes())
        return Ticket(int(values["number"]), tuple(map(str, values["command"])), float(values["began"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Queue:
    """The runs in one folder that wait for their turn. Safe in any thread; to change it, hold `alone()`."""

    def __init__(
        self, runs: Path, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self.runs, self.clock, self.wall = runs, clock, wall
        self._seen: tuple[float, list[str]] = (0.0, [])
        self._sittings: dict[str, tuple[float, float]] = {}  # when one began, by the wall and by our clock

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Of all apps, only this one now. Raises filelock.Timeout, and OSError as writing does."""
        self.runs.mkdir(parents=True, exist_ok=True)
        with FileLock(self.runs / LOCK, timeout=PATIENCE):
            try:
                yield
            finally:
                self._seen = (0.0, [])

    def enter(self, folder: RunFolder, command: Sequence[str]) -> None:
        tickets = filter(None, map(ticket_of, list_runs(self.runs)))
        number = 1 + max((ticket.number for ticket in tickets), default=0)
        self._write(folder, Ticket(number, tuple(command)))
        status = folder.status
        folder.write_status("queued", status.step if status else 0)

    def line(self) -> list[RunFolder]:
        """Whoever waits, the next one first."""
        waiting = [run for run in list_runs(self.runs) if (status := run.status) and status.state == "queued"]
        numbers = {run.name: ticket.number for run in waiting if (ticket := ticket_of(run))}
        return sorted((run for run in waiting if run.name in numbers), key=lambda run: numbers[run.name])

    def place(self, folder: RunFolder) -> int | None:
        """1 for the next one; None for a run that does not wait."""
        when, names = self._seen
        if not names or self.clock() - when > SEEN_FOR:
            names = [run.name for run in self.line()]
            self._seen = self.clock(), names
        return names.index(folder.name) + 1 if folder.name in names else None

    def begin(self, folder: RunFolder, ticket: Ticket) -> None:
        """Its turn has come."""
        self._write(folder, replace(ticket, began=self.wall()))

    def seconds(self, folder: RunFolder) -> float | None:
        """For how long a run's sitting has lasted, pauses included. A clock that jumps meanwhile changes nothing."""
        ticket = ticket_of(folder)
        if ticket is None or not ticket.began:
            return None
        began, ours = self._sittings.get(folder.name, (0.0, 0.0))
        if began != ticket.began:  # new to this app, which may have been away
            began, ours = ticket.began, self.clock() - max(0.0, self.wall() - ticket.began)
            self._sittings[folder.name] = began, ours
        return self.clock() - ours

    def _write(self, folder: RunFolder, ticket: Ticket) -> None:
        write_text(folder.path / FILE, json.dumps(asdict(ticket)))
