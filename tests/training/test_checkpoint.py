import shutil
from itertools import islice
from pathlib import Path

import pytest
import torch

from gan_core import UserError
from gan_core.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from gan_core.training.events import Checkpoint
from tests.training.tiny import trainer


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of checkpoints at 4 and 6 of a run of 8 steps, and the state of the run at each and at the end."""
    folder, states = tmp_path_factory.mktemp("checkpoints"), {}
    t = trainer(steps=8, checkpoint_every=2, keep=0)
    for event in t.run():
        if isinstance(event, Checkpoint):
            states[event.step] = {name: x.clone() for name, x in t.state()[0].items()}
            if event.step < 8:
                save_checkpoint(t, folder)
    return folder, states


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "checkpoints")


def same(t, state):
    return all(torch.equal(x, state[name]) for name, x in t.state()[0].items())


def test_only_the_two_newest_are_kept(made):
    assert [path.name for path in checkpoints(made[0])] == ["000006.safetensors", "000004.safetensors"]
    assert len(list(made[0].iterdir())) == 2


def test_a_run_goes_on_bit_for_bit_from_the_file(made, folder):
    t = trainer(steps=8, checkpoint_every=2)
    assert load_checkpoint(t, folder) == ()
    assert t.steps_done == 6
    list(t.run())
    assert same(t, made[1][8])


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.5, 0.999])
def test_a_damaged_newest_falls_back_to_the_one_before_and_says_so(made, folder, caplog, kept):
    newest = checkpoints(folder)[0]
    data = newest.read_bytes()
    newest.write_bytes(data[: int(len(data) * kept)])
    t = trainer(steps=8, checkpoint_every=2)
    assert load_checkpoint(t, folder) == ("000006.safetensors",)
    assert t.steps_done == 4
    assert same(t, made[1][4])
    assert "000006.safetensors is damaged" in caplog.text
    next(e for e in t.run() if e.step == 5)
    save_checkpoint(t, folder)
    assert [path.stem for path in checkpoints(folder)] == ["000005", "000004"]  # the damaged one holds no place


def test_the_file_is_not_held_open(made, folder):
    """Deleted while it is mapped, it would keep its place on the disk as long as the run lasts."""
    t = trainer(steps=8, checkpoint_every=2)
    load_checkpoint(t, folder)
    assert str(folder) not in Path("/proc/self/maps").read_text()
    assert t.steps_done == 6


def test_no_checkpoint_that_can_be_read(folder, tmp_path):
    for path in checkpoints(folder):
        path.write_bytes(b"{}")
    for where in (folder, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=f"No checkpoint in {where} can be read"):
            load_checkpoint(trainer(), where)


def test_other_files_are_no_checkpoints(tmp_path):
    for name in (".000009.safetensors.12.part", "best.safetensors", "000003.pt", "notes"):
        (tmp_path / name).touch()
    assert checkpoints(tmp_path) == []


def test_a_run_that_is_no_longer_numbers_is_not_kept(folder):
    t = trainer()
    list(islice(t.run(), 3))
    next(t.gan.D.parameters()).data.fill_(float("nan"))
    with pytest.raises(UserError, match="stopped being numbers"):
        save_checkpoint(t, folder)
    assert [path.stem for path in checkpoints(folder)] == ["000006", "000004"]
