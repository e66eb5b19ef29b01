"""Is a run alive? Its heart is heard beating: told by whether the heartbeat changes, not by what clock it shows.

A clock may jump, and a run folder may be mounted from a machine whose clock differs by minutes. Neither makes a live
run dead, nor a dead one live for ever: what counts is how long, by our own monotonic clock, nothing has changed.
"""

import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from gan_core.training.folder import DEAD_AFTER, RunFolder, Status, process_lives

SKEW = 15 * 60.0  # seconds by which the clocks of two machines may differ
LISTEN = 5.0  # seconds in which a living run beats at least once, for whoever has only one look


@dataclass
class Pulse:
    """Remembers the last beat of every run it is asked about. Safe in any thread."""

    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    _heard: dict[Path, tuple[float, float]] = field(default_factory=dict)  # the beat, and when it was new to us
    _lock: Lock = field(default_factory=Lock)

    def alive(self, folder: RunFolder, status: Status | None) -> bool:
        """Is somebody at work on `folder`, whose status has just been read?"""
        if status is None or not status.active:
            self._heard.pop(folder.path, None)
            return False
        here = status.host == socket.gethostname()
        if here and not process_lives(status.pid):
            return False
        now = self.clock()
        with self._lock:
            beat, when = self._heard.get(folder.path, (None, 0.0))
            if beat is None:  # the first look: only one elsewhere that has long been silent is dead at once
                fresh = here or abs(self.wall() - status.heartbeat) < SKEW
                when = now if fresh else now - DEAD_AFTER
            elif beat != status.heartbeat:
                when = now
            self._heard[folder.path] = status.heartbeat, when
        return now - when < DEAD_AFTER


def alive_now(folder: RunFolder, sleep: Callable[[float], None] = time.sleep) -> bool:
    """For whoever looks once, such as a command. Where the clocks leave it open, listens for LISTEN seconds."""
    return alive_among([folder], sleep) == {folder.path}


def alive_among(folders: Iterable[RunFolder], sleep: Callable[[float], None] = time.sleep) -> set[Path]:
    """Which of them are at work, as alive_now would say of each; listens to all at once."""
    alive: set[Path] = set()
    doubtful: dict[RunFolder, float] = {}  # the beat that was seen
    for folder in folders:
        status = folder.status
        if status is None or not status.active:
            continue
        if status.alive:
            alive.add(folder.path)
        elif status.host != socket.gethostname() or process_lives(status.pid):
            doubtful[folder] = status.heartbeat
    for _ in range(round(LISTEN / 0.25)):
        if not doubtful:
            break
        sleep(0.25)
        for folder, beat in list(doubtful.items()):
            later = folder.status
            if later is None or not later.active:
                del doubtful[folder]
            elif later.heartbeat != beat:
                alive.add(folder.path)
                del doubtful[folder]
    return alive
