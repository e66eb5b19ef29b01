"""What a public host takes away, a stated time after use: pictures that were brought, runs, and prepared data sets.

Only runs that were started from the page are touched, and never one that is alive or waits for its turn.
"""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from gan_core.data.prepared import forget_unused
from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, list_runs
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import Limits
from gan_core.ui.look import weigh
from gan_core.ui.move import delete
from gan_core.ui.uploads import forget_uploads
from gan_core.ui.waiting import ticket_of

log = logging.getLogger(__name__)


def sweep(jobs: Jobs, limits: Limits, wall: Callable[[], float] = time.time) -> None:
    """Once through everything. Of several apps on one folder, one at a time."""
    now = wall()
    with jobs.alone():
        for run in ended(jobs):
            age = now - _ended_at(run)
            if age > 3600 * limits.runs_hours:
                _take_away(run, "its time is over")
            elif age > 3600 * limits.uploads_hours and jobs.private(run):
                forget_uploads(run)
                shutil.rmtree(run.path / "moves", ignore_errors=True)  # on which some of the pictures are
        for stray in _strays(jobs.runs):
            if now - stray.stat().st_mtime > 3600 * limits.uploads_hours:
                shutil.rmtree(stray, ignore_errors=True)
        _make_room(jobs, limits)
    forget_unused(3600 * limits.prepared_hours, now)


def ended(jobs: Jobs) -> list[RunFolder]:
    """The runs of visitors that nobody plays, the one that ended first, first."""
    started = (run for run in list_runs(jobs.runs) if ticket_of(run))
    return sorted((run for run in started if not jobs.waits(run) and not jobs.alive(run)), key=_ended_at)


def _make_room(jobs: Jobs, limits: Limits) -> None:
    used = sum(map(weigh, list_runs(jobs.runs)))
    for run in ended(jobs):
        if used <= limits.runs_bytes:
            return
        size = weigh(run)
        if _take_away(run, "the disk is full"):
            used -= size


def _take_away(run: RunFolder, why: str) -> bool:
    try:
        delete(run)
    except (UserError, OSError) as error:  # it has just been gone on with, or the disk will not
        log.warning("Run %s could not be taken away: %s", run.name, error)
        return False
    log.info("Run %s was taken away: %s.", run.name, why)
    return True


def _ended_at(run: RunFolder) -> float:
    status = run.status
    return status.heartbeat if status else 0.0


def _strays(runs: Path) -> list[Path]:
    """Folders that an app made and was killed in, before it said what they are for."""
    owned = (path.parent for path in runs.glob("*/owner.json"))
    return [path for path in owned if not any((path / file).exists() for file in ("status.json", "config.json"))]
