"""Trains the same run twice: once in peace, once killed with SIGKILL 20 times and gone on with. A process of its own.

    python tests/training/killer.py DATA RUNS SEED

The runs are RUNS/whole and RUNS/killed. Prints one JSON object that says how it went. Most sittings are forked from
here, before any thread exists, which spares the seconds that importing torch takes; three are commands of their own.
"""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from gan_core.cli import main
from gan_core.training.checkpoint import checkpoints
from gan_core.training.folder import RunFolder

KILLS, REAL, IN_A_SAVE = 20, 3, 4
STEPS = 500
OPTIONS = shlex.split(f"""
    --preset modern --image-size 28 --nc 1 --nz 8 --ngf 8 --ndf 8 --dropout-d 0.2 --batch-size 8 --flip
    --instance-noise 0.1 --instance-noise-steps 300 --penalty-every 4 --steps {STEPS} --threads 1
    --report-every 3 --checkpoint-every 3 --snapshot-every 30 --sample-every 100
""")


def begin(run: RunFolder, data: str, real: bool = False) -> int:
    """Start or go on with the run in another process, as a person would. Returns its id."""
    again = run.config
    given = ["train", "--run", run.name, "--runs", str(run.path.parent)]
    given += ["--resume", "--threads", "1"] if again else ["--data", data, *OPTIONS]
    with Path(run.path.parent, f"{run.name}.log").open("ab") as log:
        if real:
            return subprocess.Popen([sys.executable, "-m", "gan_core", *given], stdout=log, stderr=log).pid
        if pid := os.fork():
            return pid
        try:
            os.dup2(log.fileno(), 1), os.dup2(log.fileno(), 2)
            os._exit(main(given))
        finally:
            os._exit(1)


def ended(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def half_written(run: RunFolder) -> list[Path]:
    return list(run.checkpoints.glob(".*.part"))


def kept(run: RunFolder) -> int:
    return max((int(path.stem) for path in checkpoints(run.checkpoints)), default=0)


def kill(run: RunFolder, data: str, how: str, moment: float, most: int) -> bool:
    """One sitting that ends badly, `moment` seconds old, or at a step near `most`, so that some are left for the rest.

    Returns whether a checkpoint was left half written.
    """
    told = run.events.stat().st_size if run.events.exists() else 0
    pid = begin(run, data, real=how == "real")
    if how == "save":
        while not half_written(run) or run.events.stat().st_size == told:  # this one's, not swept yet from the last
            assert not ended(pid), "it ended before its first save"
    else:
        while how == "real" and run.events.stat().st_size == told:  # it has begun to train
            assert not ended(pid), "it ended before it began"
            time.sleep(0.01)
        moment += time.monotonic()
        while time.monotonic() < moment and kept(run) < most:
            time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return bool(half_written(run))


def whole_life(data: str, runs: Path, seed: int) -> dict[str, object]:
    torch.set_num_threads(1)
    runs.mkdir()
    whole, killed = RunFolder(runs / "whole"), RunFolder(runs / "killed")
    assert os.waitpid(begin(whole, data), 0)[1] == 0
    chance = random.Random(seed)
    plan = ["real"] * REAL + ["save"] * IN_A_SAVE + ["any"] * (KILLS - REAL - IN_A_SAVE - 1)
    chance.shuffle(plan)
    torn, steps = 0, []
    for i, how in enumerate(["any", *plan], start=1):
        torn += kill(killed, data, how, chance.uniform(0, 0.5), STEPS * i // (KILLS + 1))
        steps.append(kept(killed))
    assert os.waitpid(begin(killed, data), 0)[1] == 0
    return {"kills": len(steps), "inside_a_save": torn, "steps": steps}


if __name__ == "__main__":
    print(json.dumps(whole_life(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
