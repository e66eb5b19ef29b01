"""Training as a process of its own: start one, go on with one, ask one to pause or stop, all through the run folder.

A training belongs to nobody: it survives the page, and the app that started it. An app that comes back finds it again
through its run folder. Only where the app is the first process of a container, whose end is everybody's, are trainings
asked to save and stop when it closes.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from gan_core.config import DEFAULT_PRESET, preset
from gan_core.data.pictures import SUFFIXES
from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, Wish, list_runs, run_folder
from gan_core.training.until import parse
from gan_core.ui.rights import write_owner
from gan_core.ui.text import PageError

PACKAGES = Path(__file__).parents[2]  # where the child finds gan_core, whatever folder the app was started in
LOG_LINES = 8  # of a log, shown when a training died
LEAVING = 20.0  # seconds that a process which has saved everything may take to end, on a busy machine
FAREWELL = 8.0  # seconds; `docker stop` gives ten


@dataclass(frozen=True)
class Order:
    """What a person asks for on the page. Fields left out of `model` and `train` follow preset and data."""

    data: str = ""  # a set's name or a Hub id; "" where there are uploads
    uploads: tuple[Path, ...] = ()  # one ZIP, or pictures
    preset: str = DEFAULT_PRESET
    until: str = ""  # "5000", "10m"
    name: str = ""  # "": the next free one
    conditional: bool = False
    model: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raises UserError for what can be known to fail before a process is started."""
        preset(self.preset).configs(dict(self.model), dict(self.train))
        if self.until:
            parse(self.until)
        if not self.data and not self.uploads:
            raise PageError("train_no_data")
        if len(self.uploads) > 1 and any(path.suffix.lower() == ".zip" for path in self.uploads):
            raise PageError("train_one_zip")

    @property
    def title(self) -> str:
        """What a run on this data is called, before its number."""
        if not self.uploads:
            return self.data.rsplit("/", 1)[-1].split(":")[0]
        return self.uploads[0].stem if len(self.uploads) == 1 else "pictures"

    def options(self, data: str) -> list[str]:
        made = [f"--data={data}", f"--preset={self.preset}"]
        made += [f"--until={self.until}"] if self.until else []
        made += ["--conditional"] if self.conditional else []
        return made + _options(self.model) + _options(self.train)


def _options(values: Mapping[str, Any]) -> list[str]:
    """Fields of a config as the command line spells them: `lr_D` is --lr-d."""
    made: list[str] = []
    for name, value in values.items():
        flag = name.replace("_", "-").lower()
        if isinstance(value, bool):
            made.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, tuple):
            made += [f"--{flag}", *map(str, value)]
        else:
            made.append(f"--{flag}={value}")
    return made


class Jobs:
    """The trainings in one folder of runs. Safe to call from several threads: every visitor's click is one."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs.absolute()
        self._lock = Lock()
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, order: Order, owner: str = "") -> RunFolder:
        """Start a new run. Raises UserError if it cannot work, its name is taken, or another training is going on.

        `owner` is who may steer it, by rights.public_id.
        """
        order.check()
        with self._lock:
            self._refuse_if_busy()
            with self._made(order.name.strip() or self.propose(order.title), owner) as folder:
                data = keep_uploads(order.uploads, folder) if order.uploads else order.data
                self._spawn(folder, ["train", f"--run={folder.name}", *order.options(data)])
        return folder

    def fork(
        self, source: RunFolder, step: int, name: str, until: str, train: Mapping[str, Any], owner: str
    ) -> RunFolder:
        """Start a run that begins as a copy of another at a step that it keeps. Raises UserError as start() does."""
        with self._lock:
            self._refuse_if_busy()
            with self._made(name.strip() or self.propose(f"{source.name}-fork"), owner) as folder:
                uploads = [path for path in (source.path / "data").glob("*") if path.is_file()]
                data = keep_uploads(uploads, folder) if uploads else ""  # its own, whatever becomes of the other run
                options = [f"--data={data}"] if data else []
                options += [f"--until={until}"] if until else []
                begin = ["fork", f"{source.name}@{step}", f"--run={folder.name}"]
                self._spawn(folder, [*begin, *options, *_options(train)])
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
        with self._lock:
            if self.alive(folder):
                folder.ask("run")
                return folder
            self._refuse_if_busy()
            if not resumable(folder):
                raise PageError("train_no_way_on", name=name)
            if last := self._children.get(name):  # stopped, but still on its way out with the folder's lock in its hand
                with suppress(subprocess.TimeoutExpired):
                    last.wait(LEAVING)
            uploaded = uploads_of(folder)
            until = folder.config.get("until")
            options = [f"--data={uploaded}"] if uploaded else []
            options += [f"--until={until}"] if until else []
            options += [f"--at={at}"] if at is not None else []
            self._spawn(folder, ["train", f"--run={name}", "--resume", *options])
        return folder

    def ask(self, name: str, wish: Wish) -> None:
        """Pause, go on or stop. Raises UserError if there is nobody to ask, or the folder cannot be written."""
        folder = run_folder(self.runs, name)
        if not self.alive(folder):
            raise PageError("train_nobody", name=name)
        try:
            folder.ask(wish)
        except OSError as error:
            raise UserError("cannot_write", where=folder.path, why=error.strerror) from None

    def alive(self, folder: RunFolder) -> bool:
        """Is a process at work on it? Of our own children we know for certain. One that said its last word is not."""
        status = folder.status
        if status is not None and not status.active:
            return False
        child = self._children.get(folder.name)
        return (child is not None and child.poll() is None) or (status is not None and status.alive)

    def busy(self) -> RunFolder | None:
        """The training that is going on on this machine in this folder, whoever started it."""
        here = socket.gethostname()
        going = (run for run in list_runs(self.runs) if self.alive(run))
        return next((run for run in going if (status := run.status) and status.host == here), None)

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

    def _spawn(self, folder: RunFolder, command: Iterable[str]) -> None:
        threads = str(max(1, cores() - 1))  # two torch threads and a busy page on two cores: a twentieth of the speed
        paths = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
        environ = os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": threads,
        }
        with folder.log.open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "gan_core", *command, f"--runs={self.runs}", f"--threads={threads}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, start_new_session=True,
            )  # fmt: skip
        self._children[folder.name] = child
        before = folder.status
        folder.ask("run")
        folder.write_status("preparing", before.step if before else 0, pid=child.pid)
        Thread(target=self._bury, args=(folder, child), daemon=True, name=f"wait for {folder.name}").start()

    def _bury(self, folder: RunFolder, child: "subprocess.Popen[bytes]") -> None:
        """Wait for a child, so that it leaves no zombie, and say of one that was stopped early that it was."""
        child.wait()
        status = folder.status
        if status and status.pid == child.pid and status.state == "preparing" and folder.wish == "stop":
            with suppress(OSError):
                folder.write_status("stopped", status.step)


def cores() -> int:
    """How many this process may use, which in a container is fewer than the machine has."""
    try:
        found = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(found, int(quota) // int(period)))
    except (OSError, ValueError):  # no quota
        return found


def keep_uploads(uploads: Iterable[Path], folder: RunFolder) -> str:
    """Move what was uploaded out of Gradio's cache, which forgets, into the run folder. Returns what to train on."""
    place = folder.path / "data"
    place.mkdir()
    for n, path in enumerate(uploads):
        target = place / path.name
        target = target if not target.exists() else place / f"{path.stem}-{n}{path.suffix}"
        try:
            os.link(path, target)  # costs nothing, and outlives the other name
        except OSError:
            shutil.copyfile(path, target)
    return uploads_of(folder)


def uploads_of(folder: RunFolder) -> str:
    """What was uploaded for this run: its ZIP, or the folder of its pictures; "" for a run on other data."""
    place = folder.path / "data"
    files = sorted(place.iterdir()) if place.is_dir() else []
    if not files:
        return ""
    return str(place if files[0].suffix.lower() in SUFFIXES else files[0])


def resumable(folder: RunFolder) -> bool:
    """Is there a checkpoint to go on from? One that ended before its first can begin again: its seed decides all."""
    return bool(folder.config) and (any(folder.checkpoints.glob("*.safetensors")) or not folder.ever_saved)


def log_tail(folder: RunFolder, lines: int = LOG_LINES) -> list[str]:
    """The last lines that a training printed, without the bars that it drew and redrew."""
    try:
        with folder.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 16_384))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    said_last = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line.rsplit("\r", 1)[-1]).rstrip() for line in text.split("\n")]
    return [line for line in said_last if line.strip() and not re.search(r"\d%\|", line)][-lines:]
