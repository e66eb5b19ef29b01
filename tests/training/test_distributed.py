"""N real processes under torchrun play the game that one process plays alone."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gan_core.training.distributed import ALONE, Ranks
from gan_core.training.draws import Draws
from gan_core.training.folder import RunFolder
from tests.training import ranks

ROOT = Path(__file__).parents[2]


def torchrun(n: int, *command: str, **environ: str) -> "subprocess.Popen[str]":
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n}", *command]
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | environ
    return subprocess.Popen(launcher, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """What ranks.py leaves behind, alone (in this process) and as 2 and 3 ranks: played[n] is its folder."""
    folders = {n: tmp_path_factory.mktemp(f"ranks{n}") for n in (1, 2, 3)}
    for n in (2, 3):
        done = torchrun(n, str(Path(__file__).with_name("ranks.py")), str(folders[n]))
        text, _ = done.communicate(timeout=250)
        assert done.returncode == 0, text
    for name in ranks.PRESETS:
        ranks.play(name, folders[1], ALONE)
    return folders


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("name", ranks.PRESETS)
def test_many_ranks_play_the_game_of_one(played, name, n):
    """50 steps of batch 24: alone, as 2 x 12 and as 3 x 8, within 1 % of the weights' length.

    Sums in another order differ by 1e-7, and stay there until a pre-activation lies so near 0 that it falls on the
    other side of a LeakyReLU's kink: from then on such small players part by some 1e-3.
    """
    alone, together = (torch.tensor(json.loads((played[k] / f"{name}.json").read_text())) for k in (1, n))
    torch.testing.assert_close(together[0, :6], alone[0, :6], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(together[:, :2], alone[:, :2], rtol=0.02, atol=0.02)
    one, many, other = (load_file(played[k] / f"{name}-{rank}.safetensors") for k, rank in ((1, 0), (n, 0), (n, n - 1)))
    for player in ("G.", "D.", "G_ema."):  # as a whole: Adam makes noise of a gradient that is nought by symmetry
        names = [key for key in one if key.startswith(player)]
        a, b = (torch.cat([w[key].flatten() for key in names]) for w in (one, many))
        assert (b - a).norm() <= 0.01 * a.norm(), player
    assert all(torch.equal(other[key], many[key]) for key in many)


def test_many_ranks_make_the_same_changes_moves_and_ways_back(tmp_path):
    """To the last bit: each rank as the first, and the run that went back as the one that did not."""
    launcher = torchrun(2, str(Path(__file__).with_name("ranks.py")), str(tmp_path), "steer")
    text, _ = launcher.communicate(timeout=120)
    assert launcher.returncode == 0, text
    states = {
        (b, rank): load_file(tmp_path / f"steered-{b}-{rank}.safetensors") for b in (True, False) for rank in (0, 1)
    }
    one = states.pop((False, 0))
    for which, other in states.items():
        assert [name for name in one if not torch.equal(one[name], other[name])] == [], which
    told = [(e["event"], e["step"]) for e in RunFolder(tmp_path / "run-True").history()]
    assert ("resumed", 4) in told and ("moved", 4) in told
    assert RunFolder(tmp_path / "run-True").config["changes"] == [
        {"step": 3, "train": {"lr_D": 1e-3, "augment": ["color"]}}, {"step": 4, "move": "D"}, {"step": 4, "move": "G"},
    ]  # fmt: skip


TRAIN = ["-m", "gan_core", "train", "--data=fashion-mini"]


@pytest.fixture
def together(tmp_path):
    """Two ranks of the real command, restarted once if one of them ends. Gives the run folder and the launcher."""
    command = ["--max-restarts=1", "--monitor-interval=0.2", "-m", "gan_core", "train", "--data=fashion-mini"]
    small = ["--ngf=4", "--ndf=4", "--batch-size=16", "--checkpoint-every=20", "--snapshot-every=1000", "--measure=0"]
    launcher = torchrun(2, *command, "--name=both", f"--runs={tmp_path}", "--until=1000000", *small)
    folder = RunFolder(tmp_path / "both")
    try:
        wait_until(lambda: len(steps(folder, "checkpoint")) > 1, launcher)
        yield folder, launcher
    finally:
        for pid in [*ranks_of(launcher), launcher.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        launcher.wait()


def steps(folder: RunFolder, kind: str) -> list[int]:
    return [event["step"] for event in folder.history() if event["event"] == kind]


def ranks_of(launcher: "subprocess.Popen[str]") -> list[int]:
    """The processes that torchrun started, in the order of their ranks."""
    try:
        return [int(pid) for pid in Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()]
    except OSError:
        return []


def wait_until(true, launcher, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert launcher.poll() is None, launcher.communicate()[0]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_a_wish_reaches_every_rank_at_the_same_step(together):
    folder, launcher = together
    folder.ask("pause")
    wait_until(lambda: (status := folder.status) is not None and status.state == "paused", launcher)
    step = folder.status.step
    time.sleep(1)
    assert folder.status.step == step
    orders = [("move", {"who": "G"}), ("move", {"who": "both"}), ("fly", {}), ("set", {"train": {"d_moves": 2}})]
    for n, (do, values) in enumerate([*orders, ("back", {"step": step - 3})], start=1):
        assert folder.order(do, **values) == n
        wait_until(lambda n=n: folder.status.served >= n, launcher)
    wait_until(lambda: (folder.status.state, folder.status.step) == ("paused", step - 3), launcher)
    told = [event["event"] for event in folder.history()]
    assert told.count("resumed") == 1 and not folder.config["changes"]
    folder.ask("slow", 0.5)
    wait_until(lambda: folder.status.step >= step - 1, launcher)
    folder.order("back", step=20)  # where there is a checkpoint: nothing is played
    wait_until(lambda: (folder.status.state, folder.status.step) == ("paused", 20), launcher)
    folder.ask("stop")
    text, _ = launcher.communicate(timeout=60)
    assert launcher.returncode == 0, text
    assert "Traceback" not in text
    assert folder.status.state == "stopped" and folder.status.step == 20
    assert (folder.checkpoints / f"{folder.status.step:06d}.safetensors").is_file()

    again = torchrun(2, "-m", "gan_core", "resume", "both", "--at=7", f"--runs={folder.path.parent}")
    try:
        wait_until(lambda: (folder.status.state, folder.status.step) == ("paused", 7), again)
        folder.ask("run")
        wait_until(lambda: folder.status.step > 9, again)
        folder.ask("discard")
        text, _ = again.communicate(timeout=60)
        assert again.returncode == 0, text
        assert not folder.path.exists()
    finally:
        for pid in [*ranks_of(again), again.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        again.wait()


def test_a_rank_that_dies_ends_the_run_and_torchrun_goes_on_from_the_checkpoint(together):
    folder, launcher = together
    os.kill(ranks_of(launcher)[1], signal.SIGKILL)
    wait_until(lambda: "resumed" in {event["event"] for event in folder.history()}, launcher)
    began = steps(folder, "resumed")[-1]
    assert began in steps(folder, "checkpoint")
    wait_until(lambda: max(steps(folder, "checkpoint")) > began + 20, launcher)

    os.kill(ranks_of(launcher)[1], signal.SIGKILL)  # torchrun restarts it once only
    launcher.communicate(timeout=60)
    assert launcher.returncode != 0
    assert folder.status.state == "failed"
    assert folder.status.why.startswith("Another process of this training ended") and "--resume" in folder.status.why
    assert folder.status.why_zh.startswith("本次训练的另一个进程已结束")
    assert max(steps(folder, "checkpoint")) >= began + 20


def test_a_stop_on_a_report_step_leaves_nobody_behind(tmp_path):
    """Every step is one here: a rank that reports must not wait for one that has left. So with the last step."""
    small = ["--ngf=4", "--ndf=4", "--batch-size=16", "--report-every=1", "--measure=0", "--doctor=off"]
    launcher = torchrun(2, *TRAIN, "--name=both", f"--runs={tmp_path}", "--until=2s", "--checkpoint-every=9999", *small)
    text, _ = launcher.communicate(timeout=120)
    assert launcher.returncode == 0, text
    assert RunFolder(tmp_path / "both").status.state == "finished"
    again = torchrun(1, "--max-restarts=1", *TRAIN, "--name=both", f"--runs={tmp_path}", "--steps=9", *small)
    text, _ = again.communicate(timeout=120)
    assert again.returncode != 0 and "There is a run 'both' already" in text
    assert RunFolder(tmp_path / "both").config["train"]["steps"] == 10**9, "a restart took an old run for its own"


def test_rank_0_alone_says_what_is_wrong_and_the_others_go_home(tmp_path):
    launcher = torchrun(2, "-m", "gan_core", "train", "--data=nowhere", "--name=both", f"--runs={tmp_path}")
    text, _ = launcher.communicate(timeout=90)
    assert launcher.returncode != 0
    assert text.count("gan-core: ") == 1 and "nowhere" in text
    assert "Traceback" not in text.split("ChildFailedError")[0].split("torch/distributed")[0]
    assert not (tmp_path / "both").exists()


def test_every_rank_gets_its_rows_of_the_same_numbers():
    def drawn(rank, world):
        draws = Draws(torch.Generator().manual_seed(1), rank, world)
        like = torch.empty(12 // world, 3, 2, 2)
        z = draws.latents(len(like), 5, torch.device("cpu"))
        return z, draws.normal(like), draws.uniform(like), draws.integers(-4, 5, like)

    whole = drawn(0, 1)
    for world in (2, 3):
        parts = zip(*(drawn(rank, world) for rank in range(world)), strict=True)
        assert all(torch.equal(torch.cat(part), one) for part, one in zip(parts, whole, strict=True))


def test_alone_nothing_is_said():
    t = torch.tensor([1.0, 2.0])
    assert ALONE.mean(t) is t and ALONE.tell("x") == "x" and ALONE.gather(3) == [3] and ALONE.go_on() is True
    assert ALONE.first and ALONE.alone and not Ranks(1, 2).first and not Ranks(1, 2).alone
