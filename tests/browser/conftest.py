"""The real app in its own process, and a real Chromium before it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from gan_core.config import ModelConfig, TrainConfig
from gan_core.gan import GAN
from tests.browser.chromium import find

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
]  # fmt: skip

UPLOAD = "Method not implemented."  # Gradio's own words at every upload


class App:
    """A running app: where it listens, its folders, and what it prints."""

    def __init__(self, folder: Path, options: Sequence[str] = (), **environ: str) -> None:
        self.runs, self.log = folder / "runs", folder / "app.log"
        self.runs.mkdir(exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        own = {"PORT": str(self.port), "GAN_CORE_RUNS": str(self.runs), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", *options], cwd=ROOT, stdout=log, stderr=log, env=os.environ | own | environ
            )
        self.ready()

    def ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not self.answers():
            assert time.monotonic() < deadline, "the app does not answer"
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url, timeout=5).close()
        except OSError:
            return False
        return True

    def stop(self) -> int:
        """As `docker stop` does it. Returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def end(self) -> None:
        """With all its trainings, which would go on without it."""
        self.stop()
        for status in self.runs.glob("*/status.json"):
            pid = json.loads(status.read_text())["pid"]
            if pid != os.getpid():  # a run that a test wrote
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        return int(here.getsockname()[1])


def run_of(runs: Path, name: str, step: int = 500, **config: object) -> GAN:
    """A run folder with one snapshot of an untrained toy."""
    gan = GAN(ModelConfig(**{"image_size": 28, "nc": 1, "ngf": 4, "ndf": 4, "nz": 8} | config))
    gan.save(runs / name / "snapshots" / f"{step:06d}", train={"loss": TrainConfig().loss}, step=step)
    (runs / name / "config.json").write_text("{}")
    return gan


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    """The app, with two runs in its folder: "toy", which has three classes, and "plain"."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "runs").mkdir()
    run_of(folder / "runs", "toy", num_classes=3)
    run_of(folder / "runs", "plain")
    app = App(folder)
    yield app
    code = app.stop()
    log = app.log.read_text()
    assert code == 0, log
    assert re.fullmatch(rf"DCGAN Studio is at {app.url} .*\n", log), f"the log has more than the address: {log}"


@pytest.fixture(scope="session")
def chromium():
    path = find()  # it may ask Playwright, which cannot be asked twice at a time
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(app, chromium):
    """open_page("?lang=zh", width=390, color_scheme="dark") opens the app for a visitor; its console stays clean."""
    contexts, complaints, near = [], [], (app.url, "data:", "blob:")

    def visit(query="", width=1280, height=900, script="", **context):
        context = chromium.new_context(viewport={"width": width, "height": height}, **{"locale": "en-US"} | context)
        context.set_default_timeout(60_000)
        contexts.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.on(
            "console",
            lambda m: complaints.append(m.text) if m.type in ("error", "warning") and m.text != UPLOAD else None,
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: r.url.startswith(near) or complaints.append(r.url))
        page.goto(app.url + query)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def page(open_page):
    """The page on a wide screen in English, with its first pictures."""
    page = open_page()
    pictures(page)
    return page


def pictures(page, n=None):
    """Waits until Generate shows its sheet (of n pictures)."""
    cells = page.locator("gan-generate .cell")
    cells.nth((n or 1) - 1).wait_for()
    page.wait_for_function("() => !document.querySelector('gan-generate.busy')")
    return cells
