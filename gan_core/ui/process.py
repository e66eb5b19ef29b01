"""A training as a process of its own, with as many cores as it may have beside the page."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGES = Path(__file__).parents[2]  # where the child finds gan_core, whatever folder the app was started in


def begin(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start `gan_core command`, which writes what it prints to `log`. Raises OSError."""
    threads = str(max(1, cores() - 1))  # two torch threads and a busy page on two cores: a twentieth of the speed
    paths = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": threads,
    }
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "gan_core", *command, f"--threads={threads}"],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environ, start_new_session=True,
        )  # fmt: skip


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
