"""kill -9 at twenty random moments costs nothing: the run ends where it would have ended in peace, to the last bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from gan_core.training.checkpoint import checkpoints
from gan_core.training.folder import RunFolder

KILLER = Path(__file__).with_name("killer.py")
CLOCK = ("seconds", "images_per_second")  # what no two runs share


def everything(run):
    """The newest checkpoint: its tensors as bytes, and its numbers."""
    with safe_open(checkpoints(run.checkpoints)[0], framework="np") as file:
        numbers = json.loads(file.metadata()["numbers"])
        return {name: file.get_tensor(name).tobytes() for name in file.keys()}, without_clock(numbers)  # noqa: SIM118


def without_clock(values):
    return {name: value for name, value in values.items() if name not in CLOCK}


def told(run, *kinds):
    """What holds of each step; a sheet may be told of twice, before and after a kill."""
    return {(e["event"], e["step"]): without_clock(e) for e in run.history() if e["event"] in kinds}


@pytest.mark.slow
def test_a_run_killed_twenty_times_is_the_run_in_one_sitting(tmp_path):
    drawings, random = tmp_path / "drawings", np.random.default_rng(5)
    drawings.mkdir()
    for i in range(25):  # 3 batches of 8, and one left over
        Image.fromarray(random.integers(256, size=(28, 28), dtype=np.uint8)).save(drawings / f"{i}.png")
    done = subprocess.run(
        [sys.executable, KILLER, drawings, tmp_path / "runs", "1"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(KILLER.parents[2])},
    )  # fmt: skip
    logs = "\n".join(log.read_text()[-2000:] for log in tmp_path.glob("runs/*.log"))
    assert done.returncode == 0, done.stderr + logs
    life = json.loads(done.stdout)
    assert life["kills"] == 20 and life["inside_a_save"] >= 1, life
    assert len(set(life["steps"])) >= 5 and life["steps"][-1] < 500, life  # the kills were spread over the run
    whole, killed = (RunFolder(tmp_path / "runs" / name) for name in ("whole", "killed"))
    (tensors, numbers), (killed_tensors, killed_numbers) = everything(whole), everything(killed)
    assert [name for name in tensors if tensors[name] != killed_tensors.get(name)] == []
    assert killed_numbers == numbers
    assert killed_tensors.keys() == tensors.keys()
    assert told(killed, "report", "snapshot", "sample") == told(whole, "report", "snapshot", "sample")
    for file in whole.snapshots.rglob("*.safetensors"):
        assert file.read_bytes() == (killed.path / file.relative_to(whole.path)).read_bytes()
    assert not list(tmp_path.rglob("*.part"))
