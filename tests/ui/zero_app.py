"""What the app does on ZeroGPU, as far as that goes without a GPU: a process of its own for test_slices.py."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import torch
from gradio.context import LocalContext

import app  # all that the page imports, before anything is asked
from gan_core.training.folder import list_runs
from gan_core.ui import slices, zero
from gan_core.ui.jobs import Jobs
from gan_core.ui.studio import Studio

import spaces.zero.torch  # isort: skip - behind the page, as on the Hub

real = spaces.zero.torch.unpatch


def without_cuda():
    """In the child: there is no GPU here after all."""
    real()
    torch.cuda.is_available = lambda: False


spaces.zero.torch.unpatch = without_cuda
spaces.zero.torch.init = lambda uuid: None
spaces.zero.torch.move = lambda callback=None: None


class Ticks:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def main(runs, headers):
    assert app and torch.cuda.is_available() and not torch.cuda.is_initialized()  # as `spaces` has it
    torch.ones(300, 300) @ torch.ones(300, 300)  # threads of OpenMP, as a sheet in Generate leaves them
    jobs = Jobs(runs, slices=zero.here())
    (run,) = list_runs(jobs.runs)
    count, pids = 0, set()

    def play(*given):
        nonlocal count
        count += 1
        outcome = slices.play_slice(*given, Ticks())
        pids.add(run.status.pid)
        return outcome

    driver = slices.Driver(jobs, play)
    request = SimpleNamespace(headers=Headers(headers), cookies={}, query_params={})
    LocalContext.request.set(request)
    while jobs.waits(run):
        driver.turn(request)
    said = {
        "here": zero.here(), "decorated": slices.play_slice is not slices.play,
        "shelf": Studio(runs).shelf.device, "slices": count, "forks": len(pids), "state": run.status.state,
        "pid": run.status.pid, "parent": os.getpid(), "error": run.status.why,
    }  # fmt: skip
    print(json.dumps(said), flush=True)


class Headers(dict):
    """As gr.Request has them: `spaces` looks for a __dict__."""


if __name__ == "__main__":
    assert gr
    main(Path(sys.argv[1]), json.loads(sys.argv[2]) | {"x-ip-token": "visitor.e30.x"})
