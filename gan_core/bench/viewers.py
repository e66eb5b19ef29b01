"""What a class costs: many viewers of a live run, real HTTP clients on loopback, beside the training that they watch.

The app, the training and the audience are processes of their own, so that each one's share of a core can be read from
/proc. The training is measured in turns, alone and watched, by the images per second of its own reports: a machine that
other work disturbs, disturbs both sides alike.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

from tqdm import tqdm

from gan_core.bench import audience
from gan_core.bench.apps import APP, Bar, app_command, await_app, eventually, free_port, running
from gan_core.errors import UserError
from gan_core.training.folder import RunFolder

RUN = "watched"
TURNS, TURN = 10, 8.0  # of each side; seconds: short, so that other work disturbs both sides of a pair alike
SETTLE = 2.0  # seconds after a change of sides that are not counted
CUT = 3.0  # seconds
MIB = 2**20


class Audience:
    """The clients' process; see bench.audience."""

    def __init__(self, port: int, folder: RunFolder, viewers: int) -> None:
        self.viewers = viewers
        command = [sys.executable, audience.__file__, str(port), folder.name, str(folder.events), str(viewers)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what: str) -> dict[str, Any]:
        asked, said = cast(IO[str], self.process.stdin), cast(IO[str], self.process.stdout)
        print(what, file=asked, flush=True)
        answer: dict[str, Any] = json.loads(said.readline())
        return answer

    def join(self) -> None:
        self.ask("join")
        eventually(lambda: self.ask("tell")["connected"] == self.viewers)

    def complete(self) -> int:
        """How many have drawn everything that stands in the file, once all have had the time to."""
        with suppress(UserError):
            eventually(lambda: self.ask("tell")["complete"] == self.viewers, 20)
        return int(self.ask("tell")["complete"])


def bench_viewers(viewers: int, minutes: float) -> list[Bar]:
    """Raises UserError where there is no app beside the package, or no /proc."""
    if not APP.is_file() or not Path("/proc/self/stat").exists():
        raise UserError("viewers_where")
    with TemporaryDirectory(prefix="gan_core-") as place, ExitStack() as stack:
        folder, port = RunFolder(Path(place) / RUN), free_port()
        trainer = stack.enter_context(running(_training(place)))
        app = [stack.enter_context(running(app_command(place, port)))]
        await_app(port)
        eventually(lambda: sum(1 for _ in _reports(folder)) > 5)
        clients = Audience(port, folder, viewers)
        stack.callback(clients.process.kill)
        rates = _turns(clients, folder)
        bars = list(_watch(clients, app[0].pid, minutes))
        bars.append(_slowed(*rates))
        clients.ask(f"cut {CUT}")
        cut = _whole(clients, folder)
        bars.append(Bar(f"whole curves after a cut of {CUT:.0f} s", f"{cut} of {viewers}", "all", cut == viewers))
        app[0].send_signal(signal.SIGTERM)
        app[0].wait()
        stack.enter_context(running(app_command(place, port)))
        await_app(port)
        eventually(lambda: clients.ask("tell")["connected"] == viewers)
        trainer.send_signal(signal.SIGTERM)
        trainer.wait()
        whole = clients.complete()
        told = clients.ask("tell")
        bars.append(Bar("whole curves after a restart of the app", f"{whole} of {viewers}", "all", whole == viewers))
        bars.insert(0, Bar("events of the run", f"{told['events']:,}", "", held=True))
        clients.ask("quit")
    return bars


def _turns(clients: Audience, folder: RunFolder) -> tuple[list[float], list[float]]:
    """Images per second, alone and watched, in turns."""
    alone: list[float] = []
    watched: list[float] = []
    sides: list[tuple[list[float], Callable[[], object]]] = [
        (alone, lambda: clients.ask("leave")),
        (watched, clients.join),
    ]
    for _ in tqdm(range(TURNS), unit="turn", leave=False):
        sides.reverse()  # alone, watched, watched, alone: a machine that grows busier favours neither
        for side, change in sides:
            change()
            time.sleep(SETTLE)
            before = sum(1 for _ in _reports(folder))
            time.sleep(TURN)
            side.append(median(list(_reports(folder))[before:]))
    return alone, watched


def _slowed(alone: list[float], watched: list[float]) -> Bar:
    losses = sorted(1 - b / a for a, b in zip(alone, watched, strict=True))
    loss = median(losses)
    spread = f"turns: {losses[0]:.0%} to {losses[-1]:.0%}"
    rates = f"{median(alone):,.0f} images/s alone, {median(watched):,.0f} watched"
    return Bar("training slowed by", f"{loss:.1%} ({spread}; {rates})", "< 10 %", loss < 0.1)


def _watch(clients: Audience, app: int, minutes: float) -> Iterator[Bar]:
    """All watch for so many minutes."""
    eventually(lambda: clients.ask("tell")["connected"] == clients.viewers)
    time.sleep(SETTLE)
    first, cpu, memory, started = clients.ask("tell"), _cpu(app), [_memory(app)], time.monotonic()
    for _ in tqdm(range(round(minutes * 6)), unit="look", leave=False):
        time.sleep(10)
        memory.append(_memory(app))
    seconds = time.monotonic() - started
    last, share = clients.ask("tell"), (_cpu(app) - cpu) / seconds
    own = (last["cpu"] - first["cpu"]) / seconds
    yield Bar("delay, median", f"{last['median']:.2f} s", "< 1 s", last["median"] < 1)
    yield Bar("delay, 95 of 100 within", f"{last['late']:.2f} s (the latest {last['latest']:.2f} s)", "", held=True)
    yield Bar("server, of one core", f"{share:.2f} (the clients, apart: {own:.2f})", "< 0.5", share < 0.5)
    start, end = median(memory[:3]), median(memory[-3:])
    yield Bar(
        f"server's memory over {seconds / 60:.0f} min",
        f"{start / MIB:,.0f} to {end / MIB:,.0f} MiB", "flat (5 %)", end < 1.05 * start,
    )  # fmt: skip


def _whole(clients: Audience, folder: RunFolder) -> int:
    """How many have drawn everything, while the run stands still: it is paused for the comparison."""
    folder.ask("pause")
    eventually(lambda: (status := folder.status) is not None and status.state == "paused")
    eventually(lambda: clients.ask("tell")["connected"] == clients.viewers)
    complete = clients.complete()
    folder.ask("run")
    eventually(lambda: (status := folder.status) is not None and status.state == "running")
    return complete


# ---- processes ----


def _training(runs: str) -> list[str]:
    """As the page starts one: reports every ten steps, one core left to the page."""
    threads = max(1, len(os.sched_getaffinity(0)) - 1)
    options = [f"--run={RUN}", f"--runs={runs}", "--data=fashion-mini", "--until=100000000", f"--threads={threads}"]
    return [sys.executable, "-m", "gan_core", "train", *options, "--report-every=10"]


def _reports(folder: RunFolder) -> Iterator[float]:
    """Images per second of each report so far."""
    lines = folder.events.read_bytes().splitlines() if folder.events.exists() else []
    for line in lines:
        if b'"event": "report"' in line:
            yield float(json.loads(line)["images_per_second"])


def _cpu(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    """Bytes that lie in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
