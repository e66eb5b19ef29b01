"""A run is a folder: the only thing between training and everything that watches it. The plan is in DESIGN.md.

config.json      events.jsonl      samples/000500.webp      snapshots/000500/      checkpoints/000500.safetensors
control.json     status.json       log.txt (what the process printed, when the app started it)
snapshots/best.json (which of them is the best)     features.safetensors (the network that it is measured with)
"""

import json
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from gan_core.errors import UserError
from gan_core.files import replace_file, write_text
from gan_core.training.events import Event, Sample

State = Literal["preparing", "running", "paused", "stopped", "finished", "failed"]
Wish = Literal["run", "pause", "stop"]

HEARTBEAT = 2.0  # seconds between signs of life
DEAD_AFTER = 15.0  # seconds without one: seven missed, so that a loaded machine is not called dead


@dataclass(frozen=True)
class Status:
    """status.json: who plays, how it stands, and when that was last true."""

    state: State
    pid: int
    host: str
    heartbeat: float  # seconds since 1970
    step: int = 0
    why: str = ""  # of a failure, in English
    why_zh: str = ""

    @property
    def active(self) -> bool:
        """Does it claim that somebody is at work on this run?"""
        return self.state in ("preparing", "running", "paused")

    @property
    def alive(self) -> bool:
        """Is somebody? The claim needs a fresh heartbeat, and a process if it is on this machine."""
        if not self.active:
            return False
        if self.host == socket.gethostname() and not _process_exists(self.pid):
            return False
        return time.time() - self.heartbeat < DEAD_AFTER


class RunFolder:
    """Names, reads and writes the parts of one run folder. Reading never raises for a part that is missing or torn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / "events.jsonl"
        self.samples, self.snapshots, self.checkpoints = path / "samples", path / "snapshots", path / "checkpoints"
        self.log = path / "log.txt"
        self._beaten = 0.0
        self._written: Status | None = None  # the last one, by this process
        self._writing = threading.Lock()

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config(self) -> dict[str, Any]:
        """config.json, or nothing while it is not there."""
        return _read_json(self.path / "config.json")

    def write_config(self, config: dict[str, Any]) -> None:
        write_text(self.path / "config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")

    @property
    def status(self) -> Status | None:
        try:
            return Status(**_read_json(self.path / "status.json"))
        except TypeError:
            return None

    def write_status(self, state: State, step: int, why: str = "", why_zh: str = "", pid: int | None = None) -> None:
        """Say how the run stands. `pid` is for whoever speaks for a process that has just been started."""
        with self._writing:
            self._write(Status(state, pid or os.getpid(), socket.gethostname(), time.time(), step, why, why_zh))

    def restore(self, status: Status) -> None:
        """Take back what was said since."""
        with self._writing:
            self._write(status)

    def _write(self, status: Status) -> None:
        self._beaten, self._written = time.monotonic(), status
        write_text(self.path / "status.json", json.dumps(asdict(status), ensure_ascii=False))

    def beat(self, state: State, step: int) -> None:
        """Show a sign of life, if the last one is old enough."""
        if time.monotonic() - self._beaten > HEARTBEAT:
            self.write_status(state, step)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Show signs of life from a thread: one step of a large network, or a download, may outlast DEAD_AFTER."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT):
                with self._writing, suppress(OSError):  # a full disk: whoever writes next will say so
                    last = self._written
                    if last and last.active and time.monotonic() - self._beaten > 2 * HEARTBEAT:  # the steps come first
                        self._write(replace(last, heartbeat=time.time()))

        thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @property
    def wish(self) -> Wish:
        """What a person asks of the run."""
        wish = _read_json(self.path / "control.json").get("wish")
        return wish if wish in ("pause", "stop") else "run"

    def ask(self, wish: Wish) -> None:
        """Leave word for whoever plays. A run in preparation on this machine, which reads none yet, is signalled."""
        write_text(self.path / "control.json", json.dumps({"wish": wish}))
        status = self.status
        if wish == "stop" and status and status.state == "preparing" and status.host == socket.gethostname():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(status.pid, signal.SIGTERM)

    def append(self, event: Event | dict[str, Any]) -> None:
        """One line of events.jsonl, there for every reader at once. A picture goes beside, its line names the file."""
        line = event if isinstance(event, dict) else {"event": type(event).__name__.lower()} | _plain(event)
        if isinstance(event, Sample):
            file = self.samples / f"{event.step:06d}.webp"
            with replace_file(file) as part:
                event.image.save(part, "webp", quality=90)
            line = {"event": "sample", "step": event.step, "file": f"samples/{file.name}"}
        with self.events.open("ab+") as log:
            # a power cut may have left half a line: end it, so that it spoils nothing but itself
            if log.tell() and (log.seek(-1, os.SEEK_END), log.read(1))[1] != b"\n":
                log.write(b"\n")
            log.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def sweep(self) -> None:
        """Take away what a killed process had half written. Only whoever holds the folder may."""
        for part in self.path.rglob(".*.part"):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)

    def forget_after(self, step: int) -> None:
        """Take away the snapshots of later steps: the run as it stands has not made them, so none is its newest."""
        for later in self.snapshots.glob("[0-9]*"):
            if later.name.isdigit() and int(later.name) > step:
                shutil.rmtree(later, ignore_errors=True)

    @property
    def ever_saved(self) -> bool:
        """Was there a checkpoint at any time, whatever became of it since?"""
        return any(self.checkpoints.glob("[0-9]*.safetensors")) or b'"event": "checkpoint"' in _read_bytes(self.events)

    def history(self) -> list[dict[str, Any]]:
        """All events that still hold: those after the step from which the run was resumed are dropped."""
        events: list[dict[str, Any]] = []
        for line in _read_bytes(self.events).splitlines():
            try:
                event = json.loads(line)
                step = event["step"]
            except (ValueError, KeyError, TypeError):
                continue  # a torn line
            if event.get("event") == "resumed":
                events = [e for e in events if e["step"] <= step]
            events.append(event)
        return events

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one training may write here. Raises UserError if another one does."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError("run_busy", name=self.name) from None
        try:
            yield
        finally:
            lock.release()


def run_folder(runs: Path, name: str) -> RunFolder:
    """The folder of that name in `runs`. Raises UserError for a name that could lead anywhere else."""
    if not re.fullmatch(r"\w[\w .+-]{0,79}", name) or name.endswith((".", " ")):
        raise UserError("run_name", got=name)
    return RunFolder(runs / name)


def default_runs() -> Path:
    return Path(os.environ.get("GAN_CORE_RUNS", "runs"))


def standing(folder: RunFolder, alive: bool | None = None) -> str:
    """How a run stands, in one word: Status.state, "dead" where a claim to play is not kept, "empty", or "gone".

    `alive` is for whoever knows the process better than its heartbeat does.
    """
    status = folder.status
    if status is None:
        return "empty" if folder.path.is_dir() else "gone"
    return "dead" if status.active and not (status.alive if alive is None else alive) else status.state


def list_runs(runs: Path) -> list[RunFolder]:
    """Every run in `runs`, the one that moved last first."""
    found = [RunFolder(p) for p in runs.glob("*") if (p / "config.json").is_file() or (p / "status.json").is_file()]
    return sorted(found, key=lambda run: status.heartbeat if (status := run.status) else 0.0, reverse=True)


def _plain(event: Event) -> dict[str, Any]:
    return {} if isinstance(event, Sample) else asdict(event)  # asdict would copy the picture


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read_bytes(path))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
