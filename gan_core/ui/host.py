"""Keeps a public host in order while the app runs: whose turn it is, whose time is up, what is to be swept."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, list_runs
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import GB, Limits
from gan_core.ui.look import weigh
from gan_core.ui.studio import Studio
from gan_core.ui.sweep import sweep
from gan_core.ui.text import PageError
from gan_core.ui.waiting import ticket_of
from gan_core.ui.zero import here

EVERY = 1.0  # seconds between two looks; nobody minds waiting for one more
WEIGH_EVERY = 20.0  # seconds
SWEEP_EVERY = 60.0  # seconds
UNDRIVEN = 600.0  # seconds after which a run that goes in slices is taken to be left by its visitor
GRACE = 60.0  # seconds from being asked to stop until a process that does not is killed: a step, a measure, and a save

log = logging.getLogger(__name__)


def hosted(studio: Studio) -> Jobs:
    """The trainings of an app, and a host beside them where strangers come."""
    jobs = Jobs(studio.runs, studio.limits, slices=here())
    if studio.limits:
        host = Host(jobs, studio.limits)
        studio.at_close.append(host.close)
        host.start()
    return jobs


class Host:
    """A thread beside the page."""

    def __init__(
        self,
        jobs: Jobs,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.jobs, self.limits, self.clock, self.wall = jobs, limits, clock, wall
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True, name="host")
        self._weighed = self._swept = -SWEEP_EVERY
        self._asked: dict[str, float] = {}  # when a run was asked to stop

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _go(self) -> None:
        while not self._over.wait(EVERY):
            self._try()

    def _try(self) -> None:
        try:
            self.look()
        except Exception:  # one bad look must not end the queue
            log.exception("The host stumbled")

    def look(self) -> None:
        """Once through everything that is due."""
        self.jobs.advance()
        now = self.clock()
        if weighing := now - self._weighed > WEIGH_EVERY:
            self._weighed = now
        for run in list_runs(self.jobs.runs):
            if ticket_of(run) and self.jobs.alive(run):
                self._bound(run, weighing, now)
            else:
                self._asked.pop(run.name, None)
                if self.jobs.slices and self.jobs.waits(run):
                    self._leave(run)
        if now - self._swept > SWEEP_EVERY:
            self._swept = now
            sweep(self.jobs, self.limits)

    def _bound(self, run: RunFolder, weighing: bool, now: float) -> None:
        """Ask a run to stop whose time or place is used up; end it if it does not."""
        if run.name in self._asked:
            if now - self._asked[run.name] > GRACE:
                self.jobs.kill(run)
            return
        seconds = self.jobs.queue.seconds(run)
        if seconds is not None and seconds > 60 * self.limits.sitting_minutes:
            why = PageError("public_time_up", minutes=f"{self.limits.sitting_minutes:g}")
        elif weighing and weigh(run) > self.limits.run_bytes:
            why = PageError("public_run_large", gigabytes=f"{self.limits.run_bytes / GB:g}")
        else:
            return
        self._asked[run.name] = now
        with suppress(OSError, UserError):  # a full disk, which is swept next, or a folder that is gone
            self._tell(run, why)
        with suppress(OSError, UserError):  # whoever is not reached is killed
            run.ask("stop")

    def _leave(self, run: RunFolder) -> None:
        """Nobody has asked for its next slice for long: its page was closed."""
        status = run.status
        if status and self.wall() - status.heartbeat > UNDRIVEN:
            self.jobs.ask(run.name, "stop")

    def _tell(self, run: RunFolder, why: PageError) -> None:
        """In the run's own story, where its owner reads it tomorrow; as the doctor tells what it did."""
        status = run.status
        step, train = status.step if status else 0, run.config.get("train")
        rates = {key: train.get(key, 0.0) if isinstance(train, dict) else 0.0 for key in ("lr_D", "lr_G")}
        said = {"en": why.said("en"), "zh": why.said("zh")}
        run.append({"event": "action", "step": step, "seen": step, "key": "public", "did": "stop"} | rates | said)
