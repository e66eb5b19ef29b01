"""Training as a process of its own: start one, go on with one, ask one to pause or stop, all through the run folder.

A training belongs to nobody: it survives the page, and the app that started it. An app that comes back finds it again
through its run folder. Only where the app is the first process of a container, whose end is everybody's, are trainings
asked to save and stop when it closes.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from filelock import Timeout

from gan_core.errors import UserError
from gan_core.training.control import Wish
from gan_core.training.folder import RunFolder, list_runs, run_folder
from gan_core.training.pulse import Pulse
from gan_core.ui import process
from gan_core.ui.limits import Limits
from gan_core.ui.move import delete
from gan_core.ui.order import Order, options_of
from gan_core.ui.remains import resumable, resuming, uploads_gone
from gan_core.ui.rights import owner_of, write_owner
from gan_core.ui.text import PageError
from gan_core.ui.uploads import keep_uploads, uploads_of
from gan_core.ui.waiting import Queue, Ticket, ticket_of

LEAVING = 20.0  # seconds that a process which has saved everything may take to end, on a busy machine
FAREWELL = 8.0  # seconds; `docker stop` gives ten


class Jobs:
    """The trainings in one folder of runs. Safe to call from several threads: every visitor's click is one."""

    def __init__(self, runs: Path, limits: Limits | None = None, slices: bool = False) -> None:
        """`limits` are a public host's: what is started waits for its turn, see advance(). None: nobody waits.

        `slices`: the GPU comes in slices, so that no process of ours is started; see ui.slices.
        """
        self.runs, self.limits, self.slices = runs.absolute(), limits, slices
        self.queue = Queue(self.runs)
        self.pulse = Pulse()
        self._lock = Lock()
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, order: Order, owner: str = "") -> RunFolder:
        """Start a new run, or let it wait for its turn. Raises UserError if it cannot work or its name is taken.

        `owner` is who may steer it, by rights.public_id. Where nobody waits, it also raises if another is going on.
        """
        order.check()
        if self.limits:
            order = self.limits.fit(order)
        with self._room(owner), self._made(order.name.strip() or self.propose(self._title(order)), owner) as folder:
            if order.uploads:
                keep_uploads(order.uploads, folder, anonymous=self.limits is not None)
            self._begin(folder, ["train", *order.options(order.data)])
        self.advance()
        return folder

    def fork(
        self, source: RunFolder, step: int, name: str, until: str, train: Mapping[str, Any], owner: str
    ) -> RunFolder:
        """Start a run that begins as a copy of another at a step that it keeps. Raises UserError as start() does."""
        if self.limits:
            until, train = self.limits.fit_fork(until, train, source.config)
        if uploads_gone(source):
            raise PageError("public_uploads_gone", name=source.name)
        with self._room(owner), self._made(name.strip() or self.propose(f"{source.name}-fork"), owner) as folder:
            uploads = [path for path in (source.path / "data").glob("*") if path.is_file()]
            if uploads:  # its own, whatever becomes of the other run
                keep_uploads(uploads, folder)
            options = [f"--until={until}"] if until else []
            self._begin(folder, ["fork", f"{source.name}@{step}", *options, *options_of(train)])
        self.advance()
        return folder

    @contextmanager
    def _made(self, name: str, owner: str) -> Iterator[RunFolder]:
        """A new folder, taken away again where nothing can be written into it."""
        folder = run_folder(self.runs, name)
        try:
            folder.path.mkdir(parents=True)
        except FileExistsError:
            raise PageError("train_name_taken", name=folder.name) from None
        except OSError as error:
            raise UserError("cannot_write", where=folder.path, why=error.strerror) from None
        try:
            write_owner(folder, owner)
            yield folder
        except OSError as error:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise UserError("cannot_write", where=folder.path, why=error.strerror) from None

    def go_on(self, name: str, at: int | None = None) -> RunFolder:
        """Wake a paused run; start a process for one that ended, where `at` is the step to begin at if not its last.

        Raises UserError if that cannot be.
        """
        folder = run_folder(self.runs, name)
        if self.alive(folder):
            folder.ask("run")
            return folder
        if self.waits(folder):
            return folder
        with self._room(owner_of(folder)):
            if uploads_gone(folder):
                raise PageError("public_uploads_gone", name=name)
            if not resumable(folder):
                raise PageError("train_no_way_on", name=name)
            self.settle(folder)
            try:
                self._begin(folder, [*resuming(folder), *([f"--at={at}"] if at is not None else [])])
            except OSError as error:
                raise UserError("cannot_write", where=folder.path, why=error.strerror) from None
        self.advance()
        return folder

    def ask(self, name: str, wish: Wish) -> None:
        """Pause, go on or stop. Raises UserError if there is nobody to ask, or the folder cannot be written."""
        folder = run_folder(self.runs, name)
        try:
            if self.waits(folder):
                self._leave(folder, wish)
            elif not self.alive(folder):
                raise PageError("train_nobody", name=name)
            else:
                folder.ask(wish)
        except Timeout:  # which is an OSError without words
            raise PageError("public_crowd") from None
        except OSError as error:
            raise UserError("cannot_write", where=folder.path, why=error.strerror) from None

    def alive(self, folder: RunFolder) -> bool:
        """Is a process at work on it? Of our own children we know for certain. One that said its last word is not."""
        status = folder.status
        if status is not None and not status.active:
            return False
        child = self._children.get(folder.name)
        return (child is not None and child.poll() is None) or self.pulse.alive(folder, status)

    def settle(self, folder: RunFolder) -> None:
        """Wait for a process of ours that has stopped, and is on its way out with the folder's lock in its hand."""
        if last := self._children.get(folder.name):
            with suppress(subprocess.TimeoutExpired):
                last.wait(LEAVING)

    def waits(self, folder: RunFolder) -> bool:
        status = folder.status
        return status is not None and status.state == "queued"

    def busy(self) -> RunFolder | None:
        """The training that is going on on this machine in this folder, whoever started it."""
        here = socket.gethostname()
        going = (run for run in list_runs(self.runs) if self.alive(run))
        return next((run for run in going if (status := run.status) and status.host == here), None)

    def place(self, folder: RunFolder) -> int | None:
        """Where a run stands in the queue: 1 for the next one; None for one that does not wait."""
        return None if self.limits is None or self.slices else self.queue.place(folder)

    def minutes_left(self, folder: RunFolder) -> float | None:
        """Until a run that plays must make room for others; None where nobody says so."""
        if self.limits is None or not self.alive(folder) or (gone := self.queue.seconds(folder)) is None:
            return None
        return max(0.0, self.limits.sitting_minutes - gone / 60)

    def private(self, folder: RunFolder) -> bool:
        """Does it learn from pictures that are nobody's business but its owner's?"""
        return self.limits is not None and ((folder.path / "data").is_dir() or uploads_gone(folder))

    def advance(self) -> None:
        """Start whoever is next, if nobody plays. Any app on this folder may at any time; a host does every second."""
        if self.limits is None or self.slices:
            return
        with suppress(Timeout, OSError), self.alone():  # a full disk: at the next look
            if self.busy():
                return
            for folder in self.queue.line():
                if ticket := ticket_of(folder):
                    self._take_turn(folder, ticket)
                    return

    def _take_turn(self, folder: RunFolder, ticket: Ticket) -> None:
        try:
            self.queue.begin(folder, ticket)
            self._spawn(folder, ticket.command)
        except OSError as error:
            why = UserError("cannot_write", where=folder.name, why=error.strerror)
            with suppress(OSError):
                folder.write_status("failed", 0, str(why), why.said("zh"))

    def kill(self, folder: RunFolder) -> None:
        """End a process on this machine that does not listen. Everything up to its last checkpoint is kept."""
        status = folder.status
        child = self._children.get(folder.name)
        ours = status and child and child.poll() is None and child.pid == status.pid
        if status and (ours or status.may_be_signalled) and self.alive(folder):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(status.pid, signal.SIGKILL)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody is started meanwhile, by this app or another. Raises filelock.Timeout, and OSError as writing does."""
        with self._lock, self.queue.alone():
            yield

    @contextmanager
    def _room(self, owner: str) -> Iterator[None]:
        """One at a time, and only where there is room for another run. Raises UserError where there is none."""
        try:
            with self.alone():
                if self.limits:
                    self._refuse_if_full(owner, self.limits)
                elif not self.slices:
                    self._refuse_if_busy()
                yield
        except Timeout:
            raise PageError("public_crowd") from None
        except OSError as error:
            raise UserError("cannot_write", where=self.runs, why=error.strerror) from None

    def _refuse_if_full(self, owner: str, limits: Limits) -> None:
        started = [run for run in list_runs(self.runs) if ticket_of(run)]
        waiting = [run for run in started if self.waits(run)]
        for run in started:
            if owner_of(run) == owner and (self.waits(run) or self.alive(run)):
                raise PageError("public_one", name=run.name)
        if len(waiting) >= limits.waiting:
            raise PageError("public_full", n=len(waiting))

    def _leave(self, folder: RunFolder, wish: Wish) -> None:
        """Out of the queue: a run that never began leaves nothing behind."""
        if wish == "pause" and self.slices:  # between two slices, as in one: nobody pauses on another's GPU
            wish = "stop"
        if wish not in ("stop", "discard"):
            raise PageError("public_waits", name=folder.name)
        with self.alone():
            status = folder.status
            if status is None or status.state != "queued":  # its turn has just come
                folder.ask(wish)
            elif folder.config and wish == "stop":
                folder.write_status("stopped", status.step)
            else:
                delete(folder)

    def _title(self, order: Order) -> str:
        """Of what strangers bring, not even the name is for everybody's eyes."""
        return "pictures" if self.limits and order.uploads else order.title

    def propose(self, title: str) -> str:
        """A name that is still free: fashion-mini-3."""
        stem = re.sub(r"[^\w.+-]+", "-", title).strip("-+._")[:60] or "run"
        taken = [re.fullmatch(re.escape(stem) + r"-(\d+)", path.name) for path in self.runs.glob("*")]
        return f"{stem}-{1 + max((int(match[1]) for match in taken if match), default=0)}"

    def close(self) -> None:
        """The app ends: leave the trainings alone, and say so; where its end is the end of all, save them."""
        going = [(name, child) for name, child in self._children.items() if child.poll() is None]
        if os.getpid() != 1:
            for name, child in going:
                print(f"Training {name} goes on without the page (process {child.pid}). Its folder: {self.runs / name}")
            return
        for _, child in going:
            child.terminate()
        deadline = time.monotonic() + FAREWELL
        for _, child in going:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))

    def _refuse_if_busy(self) -> None:
        if other := self.busy():
            raise PageError("train_busy", name=other.name)

    def _begin(self, folder: RunFolder, command: Sequence[str]) -> None:
        if self.limits or self.slices:
            self.queue.enter(folder, command)
        else:
            self._spawn(folder, command)

    def _spawn(self, folder: RunFolder, command: Sequence[str]) -> None:
        """`command` says what to do; the run's name, its place and its own pictures are added."""
        command = [*command, f"--run={folder.name}", f"--runs={self.runs}"]
        command += [f"--data={uploaded}"] if (uploaded := uploads_of(folder)) else []
        before = folder.status
        child = self._children[folder.name] = process.begin(command, folder.log)
        Thread(target=self._bury, args=(folder, child), daemon=True, name=f"wait for {folder.name}").start()
        try:
            folder.ask("run")
            folder.write_status("preparing", before.step if before else 0, pid=child.pid)
        except OSError:  # the disk is full: nobody would find it
            child.kill()
            raise

    def _bury(self, folder: RunFolder, child: "subprocess.Popen[bytes]") -> None:
        """Wait for a child, so that it leaves no zombie, and say of one that was stopped early that it was."""
        child.wait()
        status = folder.status
        if not (status and status.pid == child.pid and status.state == "preparing"):
            return
        if folder.wish == "discard":  # it was gone before it could hear that
            with suppress(UserError, OSError):
                delete(folder)
        elif folder.wish == "stop":
            with suppress(OSError):
                folder.write_status("stopped", status.step)
