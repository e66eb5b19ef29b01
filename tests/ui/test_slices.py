"""A GPU in slices: the run is the same as in one sitting, and a visitor's page asks for what its run needs."""

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import gradio as gr
import numpy as np
import pytest
import spaces
from PIL import Image
from safetensors import safe_open

from gan_core.training.checkpoint import checkpoints
from gan_core.ui import slices
from gan_core.ui.host import UNDRIVEN, Host
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import Limits
from gan_core.ui.order import Order
from gan_core.ui.rights import public_id
from gan_core.ui.slices import Driver, play, play_slice
from gan_core.ui.waiting import ticket_of

MODEL = dict(image_size=28, nz=8, ngf=4, ndf=4, dropout_D=0.2)
TRAIN = dict(
    batch_size=8, flip=True, instance_noise=0.1, instance_noise_steps=100, penalty_every=4, precision="float32",
    report_every=7, checkpoint_every=40, snapshot_every=50, sample_every=1000,
)  # fmt: skip
CLOCK = ("seconds", "images_per_second")  # what no two runs share
TOKEN = "visitor.e30.x"
ANN = {"x-studio-visitor": "ann's own long token"}


class Ticks:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_CORE_DATA", str(tmp_path / "cache"))
    random, files = np.random.default_rng(5), []
    for i in range(25):
        files.append(tmp_path / f"{i}.png")
        Image.fromarray(random.integers(256, size=(28, 28), dtype=np.uint8)).save(files[-1])
    return tuple(files)


@pytest.fixture
def jobs(tmp_path):
    return Jobs(tmp_path / "runs", slices=True)


def order(pictures, name="", until="120"):
    return Order(uploads=pictures, name=name, preset="modern", until=until, model=MODEL, train=TRAIN)


def request(headers=ANN):
    return SimpleNamespace(headers=headers, cookies={}, query_params={})


def everything(run):
    """The newest checkpoint: its tensors as bytes, and its numbers."""
    with safe_open(checkpoints(run.checkpoints)[0], framework="np") as file:
        numbers = json.loads(file.metadata()["numbers"])
        tensors = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
    return tensors, {name: value for name, value in numbers.items() if name not in CLOCK}


def reports(run):
    told = [event for event in run.history() if event["event"] == "report"]
    return [{name: value for name, value in event.items() if name not in CLOCK} for event in told]


def test_off_zerogpu_the_decorator_changes_nothing():
    assert play_slice is play
    assert spaces.GPU(duration=60)(play) is play


def test_a_run_in_slices_is_the_run_in_one_sitting(jobs, pictures):
    whole, sliced = (jobs.start(order(pictures, name)) for name in ("whole", "sliced"))
    assert (whole.status.state, jobs.place(whole), jobs.busy()) == ("queued", None, None)
    lasting = Driver(jobs, lambda *slice: play(*slice, clock=lambda: 0.0))
    lasting._drive(whole, "en")
    assert whole.status.state == "finished"
    steps, outcomes = [], []
    driver = Driver(jobs, lambda *slice: outcomes.append(play(*slice, clock=Ticks())))
    while sliced.status.state == "queued":
        driver._drive(sliced, "en")
        steps.append(sliced.status.step)
    assert outcomes == ["more"] * (len(steps) - 1) + ["ended"] and len(steps) >= 3
    assert sorted(steps) == steps and len({*steps}) >= 3 and steps[-1] == 120  # time may be up at the very last step
    assert sliced.status.state == "finished"
    assert everything(sliced) == everything(whole)
    assert reports(sliced) == reports(whole) and len(reports(whole)) == 120 // 7 + 1
    assert [e["step"] for e in sliced.history() if e["event"] == "resumed"] == steps[:-1]


def test_a_slice_is_asked_for_by_whoever_started_the_run(jobs, pictures):
    run = jobs.start(order(pictures), public_id(ANN))
    asked = []
    driver = Driver(jobs, lambda *slice: asked.append(slice))
    driver.turn(request({"x-studio-visitor": "somebody else altogether"}))
    driver.turn(request({}))
    assert not asked
    driver.turn(request())
    ((runs, name, command),) = asked
    assert (runs, name, command[0]) == (str(jobs.runs), run.name, "train") and "--resume" not in command
    assert ticket_of(run).began
    run.write_config(run.config | {"until": "10m"})
    driver.turn(request())
    assert asked[-1][2] == ("train", "--resume", "--until=10m")
    jobs.ask(run.name, "stop")
    driver.turn(request())
    assert len(asked) == 2 and run.status.state == "stopped"


def test_two_pages_of_one_visitor_ask_for_one_slice(jobs, pictures):
    jobs.start(order(pictures), public_id(ANN))
    asked = []

    def play(*asked_for):
        asked.append(slice)
        driver.turn(request())  # the other page, while this one's slice is played

    driver = Driver(jobs, play)
    driver.turn(request())
    assert len(asked) == 1


@pytest.mark.parametrize("wish", ["pause", "stop"])
def test_pause_and_stop_end_a_slice_and_save(jobs, pictures, wish):
    run = jobs.start(order(pictures, until="100000"))
    clock = Ticks()

    def press():
        if clock.now == 9:
            run.ask(wish)
        assert clock.now < 30, "it waits on a borrowed GPU"
        time.sleep(0.02)  # a wish is looked for ten times a second, by a clock that nobody fakes
        return clock()

    assert play(str(jobs.runs), run.name, ticket_of(run).command, press) == "ended"
    assert run.status.state == "stopped" and run.status.step > 0 and not jobs.waits(run)
    assert int(checkpoints(run.checkpoints)[0].stem) == run.status.step
    assert jobs.go_on(run.name).status.state == "queued"
    jobs.ask(run.name, "pause")
    assert run.status.state == "stopped"


def test_no_quota_left_is_said_and_the_run_can_go_on(jobs, pictures):
    run = jobs.start(order(pictures), public_id(ANN))

    def play(*asked_for):
        raise gr.Error("You have exceeded your free ZeroGPU quota.")

    with pytest.raises(gr.Error, match="No slice of GPU was to be had: You have exceeded"):
        Driver(jobs, play).turn(request())
    assert run.status.state == "stopped" and "quota" in run.status.why and "一切均已保存" in run.status.why_zh


def test_what_is_wrong_with_the_pictures_is_found_before_a_slice_is_asked_for(jobs, tmp_path):
    broken = tmp_path / "a.zip"
    broken.write_text("no zip at all")
    run = jobs.start(Order(uploads=(broken,)), public_id(ANN))
    Driver(jobs, lambda *slice: pytest.fail("quota was used")).turn(request())
    assert run.status.state == "failed" and "neither a folder nor a ZIP" in run.status.why


def test_a_run_whose_page_was_closed_is_let_go(jobs, pictures):
    run = jobs.start(order(pictures), public_id(ANN))
    now = run.status.heartbeat
    host = Host(jobs, Limits(), wall=lambda: now)
    host.look()
    assert jobs.waits(run)
    now += UNDRIVEN + 1
    host.look()
    assert not run.path.exists()  # it never began


# ---- with the package switched on ----


class Hub(BaseHTTPRequestHandler):
    """The part of the Hub that lends GPUs: to whoever brings a token, from what `spaces` says to it."""

    def do_POST(self):
        parts = urlsplit(self.path)
        said = {key: value[0] for key, value in parse_qs(parts.query).items()}
        self.server.heard.append((parts.path, said))
        lent = {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "GPU-0", "allowToken": "allowed"}
        answer = json.dumps(lent).encode() if parts.path == "/schedule" else b"{}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


@pytest.mark.slow
def test_on_zerogpu_a_slice_is_a_process_with_the_visitor_s_token(jobs, pictures):
    """The real package and the real page, and the Hub played: there is no GPU, so what would touch CUDA is left out."""
    run = jobs.start(order(pictures), public_id(ANN))
    with HTTPServer(("127.0.0.1", 0), Hub) as server:
        server.heard = []
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        environ = os.environ | {
            "SPACES_ZERO_GPU": "true",
            "SPACES_ZERO_DEVICE_API_URL": address,
            "OMP_NUM_THREADS": "2",
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.ui.zero_app", jobs.runs, json.dumps(ANN | {"x-ip-token": TOKEN})],
            cwd=Path(__file__).parents[2], env=environ, capture_output=True, text=True,
        )  # fmt: skip
        server.shutdown()
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["here"], said["decorated"], said["me"]["zero"], said["card"]["slices"]) == (True,) * 4
    assert (said["says"], said["begun"]) == (True, False)  # a GPU is promised, and nobody has touched it
    assert said["shelf"] == "cpu" and said["stranger"] == "queued"
    assert (run.status.state, run.status.step, said["why"]) == ("finished", 120, "")
    n = len(said["told"])
    assert said["told"] == [True] * n and n >= 3
    assert len(set(said["pids"])) == 1  # one child, used again as long as it is idle
    asked = [about for path, about in server.heard if path == "/schedule"]
    assert len(asked) == n and {about["token"] for about in asked} == {TOKEN}
    assert {about["durationSeconds"] for about in asked} == {"60"} and slices.USED < 60
    assert [path for path, _ in server.heard].count("/release") == n
    allowed = [about["pid"] for path, about in server.heard if path == "/allow"]
    assert allowed == [str(said["pids"][0])]
