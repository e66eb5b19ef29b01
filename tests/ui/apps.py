"""Real apps and real trainings for tests, and a browser's EventSource: what a person would start, hear and kill."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from gan_core.ui.order import Order

ROOT = Path(__file__).parents[2]
TINY = dict(
    model=dict(image_size=28, nz=4, ngf=4, ndf=4),
    train=dict(batch_size=8, report_every=5, snapshot_every=50, checkpoint_every=50, sample_every=50, measure=0),
)
BUSY = 90.0  # seconds: on a busy machine a process alone needs ten to import torch


def eventually(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return value


def gone(pid):
    """Neither running nor a zombie."""
    return not Path(f"/proc/{pid}").exists() if Path("/proc/self").exists() else True


def drawings(folder, n=16):
    folder.mkdir()
    random = np.random.default_rng(5)
    for i in range(n):
        Image.fromarray(random.integers(256, size=(28, 28), dtype=np.uint8)).save(folder / f"{i}.png")
    return tuple(sorted(folder.iterdir()))


def tiny(uploads, until="1000000"):
    return Order(uploads=uploads, until=until, **TINY)


class App:
    """`python app.py`, and what it said first."""

    def __init__(self, runs, *options):
        environ = os.environ | {"GAN_CORE_RUNS": str(runs), "PORT": "0", "HOST": "", "SPACE_ID": ""}
        self.process = subprocess.Popen(
            [sys.executable, "app.py", *options, f"--port={free_port()}"],
            cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        line = self.process.stdout.readline()
        assert "DCGAN Studio is at " in line, line + self.process.stdout.read()
        self.url = line.split("DCGAN Studio is at ")[1].split()[0] + "gradio_api/gan"

    def ask(self, name, what, **values):
        answer = httpx.post(f"{self.url}/runs/{name}/ask", json={"what": what} | values, timeout=30)
        return answer.json()

    def runs(self):
        return {card["name"]: card["state"] for card in httpx.get(f"{self.url}/runs", timeout=30).json()["runs"]}

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        self.process.stdout.close()


@contextmanager
def running(runs, *options):
    app = App(runs, *options)
    try:
        yield app
    finally:
        if app.process.poll() is None:
            app.kill()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Browser:
    """Watches one run, and comes back by itself with what it heard last, as browsers do."""

    def __init__(self, url, name):
        self.url, self.name = url, name
        self.status, self.steps, self.last_id = {}, [], ""
        self.over, self.connections = False, 0
        self.awake = threading.Event()  # cleared: reads nothing
        self.awake.set()
        threading.Thread(target=self._go, daemon=True).start()

    def _go(self):
        while not self.over:
            with suppress(httpx.HTTPError):
                self._listen()
            time.sleep(0.1)

    def _listen(self):
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with (
            httpx.Client(timeout=30) as client,
            client.stream("GET", f"{self.url}/live", params={"run": self.name}, headers=headers) as answer,
        ):
            event = ""
            self.connections += 1
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    self.last_id = line[4:]
                elif line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    self.hear(event, json.loads(line[6:]))
                self.awake.wait()
                if self.over:
                    return

    def hear(self, event, data):
        if event == "status":
            self.status = data["data"]
        elif event == "history":
            self.steps = [int(step) for step in data["data"]["reports"][0]]
        elif event == "told":
            for kind, step, *_ in data["data"]:
                if kind == "report":
                    self.steps.append(step)
                elif kind == "resumed":
                    self.steps = [known for known in self.steps if known <= step]

    def sees(self, state):
        return lambda: self.status.get("state") == state
