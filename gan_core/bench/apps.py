"""The app in a process of its own, for benchmarks that measure the page; and a line of what they print."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gan_core.errors import UserError

APP = Path(__file__).parents[2] / "app.py"
PATIENCE = 120.0  # seconds until the app answers, or a browser has caught up, on a busy machine


@dataclass(frozen=True)
class Bar:
    """One line of such a benchmark: what was measured, and what it has to be."""

    what: str
    measured: str
    bar: str
    held: bool


def app_command(runs: str | Path, port: int) -> list[str]:
    return [sys.executable, str(APP), "--host=127.0.0.1", f"--port={port}", f"--runs={runs}"]


@contextmanager
def running(command: list[str]) -> "Iterator[subprocess.Popen[bytes]]":
    """Started, and killed at the end where it has not ended by then."""
    environ = os.environ | {"PYTHONPATH": str(APP.parent), "HF_HUB_OFFLINE": "1"}
    environ |= {"OMP_NUM_THREADS": "1"} if str(APP) not in command else {}
    process = subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Raises UserError if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise UserError("viewers_vain", seconds=f"{seconds:.0f}")
        time.sleep(0.3)


def await_app(port: int) -> None:
    def answers() -> bool:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/gradio_api/gan/runs", timeout=5).close()
            return True
        return False

    eventually(answers)


def free_port() -> int:
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        return int(here.getsockname()[1])
