"""A run on a GPU that comes in slices: from checkpoint to checkpoint, each slice paid by the visitor whose run it is.

A process beside the app has no GPU there, and neither has a thread of ours: `spaces` takes the quota from the request
in which a slice is asked for (its header X-IP-Token, which runs out). So the visitor's own page asks, again and again,
with a timer; between two slices the run is "queued". Whoever closes the page leaves it as it stands.

A slice is a sitting as any other, which a clock ends. What it saves is exact, so a run in slices is, on a CPU, bit for
bit the run in one sitting.
"""

import logging
import os
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Literal

import gradio as gr
import torch

from gan_core import cli
from gan_core.data import load_images
from gan_core.errors import UserError
from gan_core.training import session
from gan_core.training.folder import RunFolder, list_runs, run_folder
from gan_core.ui.jobs import Jobs
from gan_core.ui.remains import resuming
from gan_core.ui.rights import owner_of, public_id
from gan_core.ui.text import PageError, language_of
from gan_core.ui.uploads import uploads_of
from gan_core.ui.waiting import ticket_of
from gan_core.ui.zero import sliced

USED = 45.0  # seconds of a slice after which it is brought to an end: a step, a measure and a save still fit into 60
LOOK = 0.25  # seconds between two looks at what is asked; "pause" cannot wait here, so it stops
EVERY = 2.0  # seconds between two questions of a page whether its run wants a slice
AT_ONCE = 8  # visitors whose slices are waited for; the Hub lets so many play as it has GPUs

Outcome = Literal["more", "ended"]

HOME = os.getpid()
log = logging.getLogger(__name__)


class Slice:
    """Says when one is over."""

    def __init__(self, folder: RunFolder, clock: Callable[[], float]) -> None:
        self.folder, self.clock = folder, clock
        self._began = self._looked = clock()
        self._paused = False

    @property
    def used_up(self) -> bool:
        return self.clock() - self._began >= USED

    def over(self) -> bool:
        if (now := self.clock()) - self._looked >= LOOK:
            self._looked, self._paused = now, self.folder.wish == "pause"
        return self.used_up or self._paused


def play(runs: str, name: str, command: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> Outcome:
    """One slice of a run: take it up, play, save. "more": its time was up, and nothing else ended it.

    What is wrong with the run stands in its status. On ZeroGPU this is a process forked from the app.
    """
    folder = run_folder(Path(runs), name)
    of_it = Slice(folder, clock)
    if os.getpid() != HOME:
        torch.set_num_threads(1)  # of the parent's threads none was forked, and OpenMP would wait for them for ever
    try:
        asked = plan(folder, command)
        with session.opened(folder, not asked.resume):
            trainer = asked.begin(lambda done, total, what: folder.beat("preparing", 0))
            ended = session.play(trainer, folder, asked.until, of_it.over, at=asked.request.at)
            if ended == "stopped" and of_it.used_up and folder.wish == "run":
                folder.write_status("queued", trainer.steps_done)
                return "more"
    except UserError as error:
        log.warning("Run %s: %s", name, error)
    return "ended"


play_slice = sliced(play)


def plan(folder: RunFolder, command: tuple[str, ...]) -> cli.Plan:
    """What a ticket's command asks for. Pictures come from a file: a slice has no time to decode them."""
    given = [*command, f"--run={folder.name}", f"--runs={folder.path.parent}"]
    given += [f"--data={uploaded}"] if (uploaded := uploads_of(folder)) else []
    asked = cli.plan(given)
    return replace(asked, request=replace(asked.request, memory=0, command=shlex.join(["gan_core", *given])))


class Driver:
    """Asks for slices in the name of visitors, one at a time for each run."""

    def __init__(self, jobs: Jobs, play: Callable[[str, str, tuple[str, ...]], Outcome] = play_slice) -> None:
        self.jobs, self.play = jobs, play
        self._driven: set[str] = set()
        self._lock = Lock()

    def turn(self, request: gr.Request) -> None:
        """One slice for this visitor's run, if it has one that waits. Raises gr.Error where no GPU is to be had."""
        owner = public_id(request.headers)
        mine = (run for run in list_runs(self.jobs.runs) if owner and self.jobs.waits(run) and owner_of(run) == owner)
        if (run := next(mine, None)) and self._take(run):
            try:
                self._drive(run, language_of(request))
            finally:
                self._driven.discard(run.name)

    def _take(self, run: RunFolder) -> bool:
        with self._lock:
            if run.name in self._driven:  # by another page of the same visitor
                return False
            self._driven.add(run.name)
            return True

    def _drive(self, run: RunFolder, lang: str) -> None:
        ticket = ticket_of(run)
        if ticket is None:
            return
        first = not (ticket.began and run.config)
        command = ticket.command if first else tuple(resuming(run))
        try:
            if first:
                self._prepare(run, command)
                self.jobs.queue.begin(run, ticket)
            if self.jobs.waits(run):
                self.play(str(self.jobs.runs), run.name, command)
        except (UserError, OSError) as error:
            self._end(run, "failed", error)
        except gr.Error as error:  # of `spaces`: no quota left, or no GPU free
            self._end(run, "stopped", PageError("zero_refused", why=str(error.message)))
            raise gr.Error(PageError("zero_refused", why=str(error.message)).said(lang)) from error

    def _prepare(self, run: RunFolder, command: tuple[str, ...]) -> None:
        """Decode the pictures on the CPU, which costs nobody's quota. It is still its turn that the run waits for."""
        asked = plan(run, command)
        begun = (run if asked.resume else asked.source or run).config
        model = begun.get("model") or asked.request.model
        data = asked.request.data or begun.get("data", {}).get("source")
        if data:
            load_images(data, model.get("image_size"), model.get("nc"), memory=0)

    def _end(self, run: RunFolder, state: Literal["failed", "stopped"], error: Exception) -> None:
        status = run.status
        zh = error.said("zh") if isinstance(error, UserError) else str(error)
        if status and run.path.is_dir():
            run.write_status(state, status.step, str(error), zh)


def drive(jobs: Jobs) -> None:
    """Into the page that is being built: a timer that asks for slices for its visitor's run."""
    driver = Driver(jobs)
    gr.Timer(EVERY).tick(
        driver.turn, None, None, show_progress="hidden", api_visibility="private", concurrency_limit=AT_ONCE
    )
