"""A run is a folder: the only thing between training and everything that watches it. The plan is in DESIGN.md.

config.json      events.jsonl      samples/000500.webp      snapshots/000500/      checkpoints/000500.safetensors
control.json     status.json       log.txt (what the process printed, when the app started it)
snapshots/best.json (which of them is the best)     features.safetensors (the network that it is measured with)
checkpoints: the two newest, the best, and TrainConfig.keep others, spread over the run so that it can go back
moves/000500-0003.webp (what was seen from close at a move by hand, or in slow motion)
"""

import json
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout

from gan_core.errors import UserError
from gan_core.files import read_bytes, read_json, replace_file, write_text
from gan_core.training import control
from gan_core.training.control import ENDS, Control, Do, Order, Wish
from gan_core.training.events import Event, Moved, Sample

State = Literal["queued", "preparing", "running", "paused", "stopped", "finished", "failed"]

DISCARDS = 10  # times that it is tried
MOVES = 24  # of what was seen from close: the newest are kept
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
    served: int = 0  # the number of the last order that was done or refused
    device: str = ""
    memory: int = 0  # bytes that this process holds, on the device where that has memory of its own

    @property
    def whole(self) -> bool:
        """Is everything what it should be? One run with a damaged file must not hide all others from everybody."""
        numbers, words = (
            (self.pid, self.step, self.served, self.memory),
            (self.host, self.why, self.why_zh, self.device),
        )
        return (
            self.state in get_args(State)
            and type(self.heartbeat) in (int, float)
            and abs(self.heartbeat) < 1e12  # and neither nan nor too large to reckon with
            and all(type(number) is int for number in numbers)
            and all(type(word) is str for word in words)
            and self.pid > 0  # to signal 0 or less is to signal many
        )

    @property
    def active(self) -> bool:
        """Does it claim that somebody is at work on this run?"""
        return self.state in ("preparing", "running", "paused")

    @property
    def alive(self) -> bool:
        """Is somebody? The claim needs a fresh heartbeat, and a process if it is on this machine."""
        if not self.active:
            return False
        if self.host == socket.gethostname() and not process_lives(self.pid):
            return False
        return time.time() - self.heartbeat < DEAD_AFTER

    @property
    def may_be_signalled(self) -> bool:
        """Is the process on this machine the one that wrote this? Its number may have been given to another since.

        Such a one began after the last heartbeat; where nobody tells when it began, the heartbeat has to be fresh.
        """
        if self.host != socket.gethostname() or not process_lives(self.pid):
            return False
        age = _age(self.pid)
        silent = time.time() - self.heartbeat
        return silent < DEAD_AFTER if age is None else silent < age + HEARTBEAT


class RunFolder:
    """Names, reads and writes the parts of one run folder. Reading never raises for a part that is missing or torn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / "events.jsonl"
        self.samples, self.snapshots, self.checkpoints = path / "samples", path / "snapshots", path / "checkpoints"
        self.moves = path / "moves"
        self.log = path / "log.txt"
        self.served, self.device = 0, ""  # told with every status
        self.gauge: Callable[[], int] = int  # tells the memory in use
        self.unwanted = False  # whoever plays has left it to be taken away
        self._beaten = 0.0
        self._written: Status | None = None  # the last one, by this process
        self._writing = threading.Lock()
        self._lock: int | None = None  # an open file: the lock that this process holds here
        self._moves = 0

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config(self) -> dict[str, Any]:
        """config.json, or nothing while it is not there."""
        return read_json(self.path / "config.json")

    def write_config(self, config: dict[str, Any]) -> None:
        self.check()
        write_text(self.path / "config.json", json.dumps(config, indent=2, ensure_ascii=False) + "\n")

    @property
    def status(self) -> Status | None:
        try:
            status = Status(**read_json(self.path / "status.json"))
        except TypeError:
            return None
        return status if status.whole else None

    def write_status(self, state: State, step: int, why: str = "", why_zh: str = "", pid: int | None = None) -> None:
        """Say how the run stands. `pid` is for whoever speaks for a process that has just been started."""
        said = (self.served, self.device, self.gauge()) if pid is None else ()
        with self._writing:
            self._write(Status(state, pid or os.getpid(), socket.gethostname(), time.time(), step, why, why_zh, *said))

    def restore(self, status: Status) -> None:
        """Take back what was said since."""
        with self._writing:
            self._write(status)

    def _write(self, status: Status) -> None:
        self.check()
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
                # a full disk, or a folder that is gone: whoever writes next will say so
                with self._writing, suppress(OSError, UserError):
                    last = self._written
                    if last and last.active and time.monotonic() - self._beaten > 2 * HEARTBEAT:  # the steps come first
                        self._write(replace(last, heartbeat=time.time(), served=self.served, memory=self.gauge()))

        thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @property
    def control(self) -> Control:
        """What people ask of the run."""
        return control.read(self.path / "control.json")

    @property
    def wish(self) -> Wish:
        return self.control.wish

    def ask(self, wish: Wish, pace: float | None = None) -> None:
        """Leave word for whoever plays. A run in preparation on this machine, which reads none yet, is signalled."""
        self._ask(lambda now: replace(now, wish=wish, pace=now.pace if pace is None else pace))
        status = self.status
        if wish in ENDS and status and status.state == "preparing" and status.may_be_signalled:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(status.pid, signal.SIGTERM)

    def settle(self, wish: Wish) -> None:
        """What the run wishes by itself, having done an order. A person who asked meanwhile to end it comes first."""
        self._ask(lambda now: now if now.wish in ENDS else replace(now, wish=wish))

    def order(self, do: Do, **values: Any) -> int:
        """Have something done once. Returns its number: when Status.served has reached that, it was dealt with."""
        asked = self._ask(lambda now: replace(now, orders=(*now.orders, self._next(now, do, values))))
        return asked.orders[-1].n

    def clear(self) -> None:
        """A new sitting begins: what was asked of an earlier one no longer holds."""
        self._ask(lambda now: Control())

    def _ask(self, how: Callable[[Control], Control]) -> Control:
        self.check()
        served = status.served if (status := self.status) else 0
        return control.change(
            self.path / "control.json", lambda now: how(replace(now, orders=tuple(now.after(served))))
        )

    def _next(self, now: Control, do: Do, values: dict[str, Any]) -> Order:
        served = status.served if (status := self.status) else 0
        return Order(1 + max([served, *(order.n for order in now.orders)]), do, values)

    @property
    def gone(self) -> bool:
        """Was the folder taken away, or another put in its place?"""
        if not self.path.is_dir():
            return True
        if self._lock is None:
            return False
        try:
            return (self.path / ".lock").stat().st_ino != os.fstat(self._lock).st_ino
        except FileNotFoundError:
            return not self.events.exists()  # somebody may have swept hidden files away
        except OSError:
            return False

    def check(self) -> None:
        """Raises UserError if the folder is gone: whatever is written to it would make half a run of it."""
        if self.gone:
            raise UserError("run_gone", name=self.name)

    def append(self, event: Event | dict[str, Any]) -> None:
        """One line of events.jsonl, there for every reader at once. A picture goes beside, its line names the file."""
        self.check()
        line = event if isinstance(event, dict) else {"event": type(event).__name__.lower()} | _plain(event)
        if isinstance(event, Sample):
            file = self.samples / f"{event.step:06d}.webp"
            with replace_file(file) as part:
                event.image.save(part, "webp", quality=90)
            line = {"event": "sample", "step": event.step, "file": f"samples/{file.name}"}
        elif isinstance(event, Moved):
            line = self._seen(event)
        with self.events.open("ab+") as log:
            # a power cut may have left half a line: end it, so that it spoils nothing but itself
            if log.tell() and (log.seek(-1, os.SEEK_END), log.read(1))[1] != b"\n":
                log.write(b"\n")
            log.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _seen(self, event: Moved) -> dict[str, Any]:
        """Keep the sprite of a move, and not too many of them. Returns the line."""
        older = sorted((n, file) for file in self.moves.glob("*-*.webp") if (n := file.stem.split("-")[1]).isdigit())
        self._moves = 1 + max([self._moves, *(int(n) for n, _ in older)])
        file = self.moves / f"{event.step:06d}-{self._moves:04d}.webp"
        with replace_file(file) as part:
            event.sprite.save(part, "webp", quality=90)
        for _, old in older[: max(0, len(older) + 1 - MOVES)]:
            old.unlink(missing_ok=True)
        named = {"event": "moved", "step": event.step, "n": self._moves, "file": f"moves/{file.name}"}
        return named | {key: value for key, value in vars(event).items() if key not in ("step", "sprite")}

    def sweep(self) -> None:
        """Take away what a killed process had half written. Only whoever holds the folder may."""
        for part in self.path.rglob(".*.part"):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)

    def forget_after(self, step: int) -> None:
        """Take away snapshots and pictures of later steps: the run as it stands has not made them."""
        for later in self.snapshots.glob("[0-9]*"):
            if later.name.isdigit() and int(later.name) > step:
                shutil.rmtree(later, ignore_errors=True)
        for picture in (*self.samples.glob("[0-9]*.webp"), *self.moves.glob("[0-9]*.webp")):
            if (at := picture.stem.split("-")[0]).isdigit() and int(at) > step:
                picture.unlink(missing_ok=True)

    @property
    def ever_saved(self) -> bool:
        """Was there a checkpoint at any time, whatever became of it since?"""
        return any(self.checkpoints.glob("[0-9]*.safetensors")) or b'"event": "checkpoint"' in read_bytes(self.events)

    def history(self) -> list[dict[str, Any]]:
        """All events that still hold: those after the step from which the run was resumed are dropped."""
        events: list[dict[str, Any]] = []
        for event in parsed(read_bytes(self.events)):
            step = event["step"]
            if event.get("event") == "resumed":
                undone = ("changed", "moved", "refused") if event.get("to") == step else ()  # by who went back to it
                events = [e for e in events if e["step"] < step or (e["step"] == step and e["event"] not in undone)]
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
        self._lock = os.open(self.path / ".lock", os.O_RDONLY)
        try:
            yield
        finally:
            os.close(self._lock)
            self._lock = None
            lock.release()

    def discard(self) -> None:
        """Take the whole run away, the lock file that this process holds included."""
        for _ in range(DISCARDS):
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                return
            time.sleep(0.1)  # somebody asked for something meanwhile


def parsed(lines: bytes) -> Iterator[dict[str, Any]]:
    """The events in lines of events.jsonl; torn ones are passed over."""
    return filter(None, map(_event, lines.splitlines()))


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
        whole = isinstance(event["event"], str) and isinstance(event["step"], int)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return event if whole else None


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
    return {} if isinstance(event, Sample | Moved) else asdict(event)  # asdict would copy the picture


def process_lives(pid: int) -> bool:
    """Does a process of that number run on this machine? One that has ended and that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return (_stat(pid) or ["?"])[0] != "Z"


def _age(pid: int) -> float | None:
    """How many seconds ago a process began. None where nobody tells."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(pid)[19]) / os.sysconf("SC_CLK_TCK")
    except (AttributeError, IndexError, ValueError, OSError):  # not on Linux
        return None


def _stat(pid: int) -> list[str]:
    """What Linux tells of a process, from its state on; nothing elsewhere."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []
