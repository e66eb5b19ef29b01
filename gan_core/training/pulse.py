"""Is a run alive? Its heart is heard beating: told by whether the heartbeat changes, not by what clock it shows.

A clock may jump, and a run folder may be mounted from a machine whose clock differs by minutes. Neither makes a live
run dead, nor a dead one live for ever: what counts is how long, by our own monotonic clock, nothing has changed.
"""

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from gan_core.training.folder import DEAD_AFTER, RunFolder, Status

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
    status = folder.status
    if status is None or not status.active or status.alive:
        return status is not None and status.alive
    if status.host == socket.gethostname() and not process_lives(status.pid):
        return False
    for _ in range(round(LISTEN / 0.25)):
        sleep(0.25)
        later = folder.status
        if later is None or not later.active:
            return False
        if later.heartbeat != status.heartbeat:
            return True
    return False


def process_lives(pid: int) -> bool:
    """Does a process of that number run on this machine? One that has ended and that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    with suppress(OSError, IndexError):  # only Linux tells
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return True
