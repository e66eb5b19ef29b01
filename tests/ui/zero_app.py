"""The app on ZeroGPU, as far as that goes without a GPU, and a page that stays open: a process for test_slices.py."""

import json
import sys
from pathlib import Path

import httpx
import torch

import app  # all that the page imports, before anything is asked
from gan_core.training.folder import list_runs
from gan_core.ui import slices, zero
from gan_core.ui.jobs import Jobs
from gan_core.ui.studio import Studio
from tests.ui.apps import free_port

import spaces.zero.torch  # isort: skip - behind the page, as on the Hub

unpatch = spaces.zero.torch.unpatch


def without_cuda():
    """In the child: there is no GPU here after all."""
    unpatch()
    torch.cuda.is_available = lambda: False


spaces.zero.torch.unpatch = without_cuda
spaces.zero.torch.init = lambda uuid: None
spaces.zero.torch.move = lambda callback=None: None


class Ticks:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def tick(url, index, headers):
    """What the page's timer does."""
    joined = {"data": [], "fn_index": index, "session_hash": "a page"}
    httpx.post(f"{url}gradio_api/queue/join", json=joined, headers=headers).raise_for_status()
    with httpx.stream("GET", f"{url}gradio_api/queue/data?session_hash=a%20page", timeout=60) as answer:
        done = next(line for line in answer.iter_lines() if '"process_completed"' in line)
    return json.loads(done.removeprefix("data: "))["success"]


def main(runs, headers):
    says, begun = torch.cuda.is_available(), torch.cuda.is_initialized()
    torch.ones(300, 300) @ torch.ones(300, 300)  # threads of OpenMP, as a sheet in Generate leaves them
    slices.play.__defaults__ = (Ticks(),)
    studio = Studio(runs, key="a key", open=False, public=True)
    page = app.build(studio)
    url = app.launch(studio, page, "127.0.0.1", free_port())
    (index,) = [index for index, fn in page.fns.items() if getattr(fn.fn, "__name__", "") == "turn"]
    (run,) = list_runs(runs)
    jobs, pids, told = Jobs(runs, slices=True), [], []
    tick(url, index, {"x-studio-visitor": "somebody else altogether"})
    stranger = run.status.state
    while jobs.waits(run):
        told.append(tick(url, index, headers))
        pids.append(run.status.pid)
    card = httpx.get(f"{url}gradio_api/gan/runs").json()["runs"][0]
    me = httpx.get(f"{url}gradio_api/gan/me", headers=headers).json()
    said = {
        "here": zero.here(), "decorated": slices.play_slice is not slices.play, "says": says, "begun": begun,
        "shelf": studio.shelf.device, "told": told, "stranger": stranger, "pids": pids, "card": card, "me": me,
        "why": run.status.why,
    }  # fmt: skip
    print(json.dumps(said), flush=True)
    page.close(verbose=False)
    studio.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
