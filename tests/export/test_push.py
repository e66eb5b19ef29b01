"""`export --push`, as a person runs it: in a process of its own, against a Hub that runs here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from gan_core.cli import main
from gan_core.config import ModelConfig
from gan_core.gan import GAN
from tests.export.test_page import run_folder
from tests.fake_hub import TOKEN, FakeHub

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    toy = GAN(ModelConfig(image_size=28, nc=1, ngf=4, ndf=4, nz=8))
    toy.save(tmp_path / "toy", data={"name": "x", "licence": "CC BY 4.0"}, step=5)
    with FakeHub() as hub:
        for name, value in (("ENDPOINT", hub.url), ("HF_HUB_OFFLINE", False), ("HF_HUB_DISABLE_XET", True)):
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.chdir(tmp_path)
        yield hub


def alone(hub, *arguments):
    """In a process of its own, which finds the Hub and the token as everybody's does."""
    own = {
        "HF_ENDPOINT": hub.url,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": "hf",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "gan_core", "export", "--weights", "toy", *arguments]
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=100)


def export(*arguments):
    return main(["export", "--weights", "toy", *arguments])


def test_a_page_becomes_a_static_space_and_is_updated(hub, tmp_path):
    out, run = tmp_path / "out", run_folder(tmp_path / "night", 3).path
    done = alone(hub, "--format", "page", "--push", "ada/toy", "--out", "out", "--run", str(run), "--title", "Toy")
    assert done.returncode == 0, done.stderr
    assert f"Pushed: {hub.url}/spaces/ada/toy" in done.stdout and "MB" in done.stdout
    assert hub.sdk == {"ada/toy": "static"}
    held = {path: data for path, data in hub.repos["spaces", "ada/toy"].items() if path != ".gitattributes"}
    assert held == {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    front = yaml.safe_load(held["README.md"].decode().split("---")[1])
    assert front | {"title": "Toy", "sdk": "static", "license": "cc-by-4.0"} == front
    assert "run/samples/000050.webp" in held and "static/vendor/ort/ort-wasm.wasm.gz" in held
    assert TOKEN not in done.stdout + done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()], "nor on the disk"

    hub.repos["spaces", "ada/toy"]["notes.md"] = b"hers"
    assert export("--format", "page", "--push", "ada/toy", "--title", "Newer") == 0  # and no --out
    now = hub.repos["spaces", "ada/toy"]
    assert not [path for path in now if path.startswith("run/")], "this page tells of no run"
    assert now["notes.md"] == b"hers" and b"Newer" in now["index.html"]
    assert len(hub.commits) == 2


def test_graphs_and_weights_become_models_with_a_card(hub):
    assert export("--format", "onnx", "--push", "ada/graphs") == 0
    graphs = hub.repos["models", "ada/graphs"]
    assert {"G.onnx", "D.onnx", "README.md", "samples.webp"} <= set(graphs)
    assert b'InferenceSession("G.onnx")' in graphs["README.md"]
    assert export("--push", "ada/weights") == 0
    weights = hub.repos["models", "ada/weights"]
    assert {"config.json", "model.safetensors", "README.md", "samples.webp"} <= set(weights)
    assert json.loads(weights["config.json"])["step"] == 5


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("HF_TOKEN", "", "hf auth login"), ("ENDPOINT", "http://127.0.0.1:9", "does not answer")],
)
def test_sentences_instead_of_tracebacks(hub, monkeypatch, capsys, name, value, words):
    if name == "HF_TOKEN":
        monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", "nowhere")
    else:
        monkeypatch.setattr(constants, name, value)
    assert export("--push", "ada/toy") == 2
    said = capsys.readouterr().err.strip()
    assert words in said and len(said.splitlines()) == 1
    assert not hub.repos
