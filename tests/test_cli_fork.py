"""`train --from RUN@STEP`: a new run that begins as a copy of another, and both know it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from gan_core import GAN
from gan_core.cli import main
from gan_core.gan import Best, best_snapshot, mark_best
from gan_core.training.checkpoint import checkpoints
from gan_core.training.folder import RunFolder

SMALL = ["--image-size", "28", "--nc", "1", "--nz", "4", "--ngf", "4", "--ndf", "4", "--batch-size", "8"]


def draw(folder, seed, classes=("round", "square")):
    """8 pictures in each folder."""
    random = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(8):
            Image.fromarray(random.integers(256, size=(28, 28), dtype=np.uint8)).save(folder / name / f"{i}.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of 9 steps with checkpoints of steps 6 and 9, on pictures beside it."""
    place = tmp_path_factory.mktemp("made")
    draw(place / "drawings", 0)
    options = ["--conditional", "--steps", "9", "--checkpoint-every", "3", "--report-every", "3"]
    assert (
        main(["train", "--run", "a", "--runs", f"{place}/runs", "--data", f"{place}/drawings", *SMALL, *options]) == 0
    )
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GAN_CORE_RUNS", raising=False)
    for path in tmp_path.glob("runs/a/config.json"):  # the pictures moved along
        path.write_text(path.read_text().replace(str(made), str(tmp_path)))
    return tmp_path


def fork(source, run, *options):
    return main(["train", "--from", source, "--run", run, *map(str, options)])


def refused(capfd, *options):
    capfd.readouterr()
    assert fork(*options) == 2
    said = [line for line in capfd.readouterr().err.splitlines() if "%|" not in line]
    assert len(said) == 1 and said[0].startswith("gan-core: "), said
    return said[0]


def run(name):
    return RunFolder(Path("runs") / name)


def last(name):
    return load_file(checkpoints(run(name).checkpoints)[0])


def told(name, *kinds):
    clock = {"seconds": 0, "images_per_second": 0}
    return [event | clock for event in run(name).history() if event["event"] in kinds]


def test_a_fork_without_a_change_is_the_run_resumed(place):
    assert fork("a@6", "b") == 0
    assert run("b").status.step == 9
    ours, theirs = last("b"), last("a")
    assert ours.keys() == theirs.keys()
    assert [name for name, t in theirs.items() if not torch.equal(t, ours[name])] == []
    assert told("b", "report") == told("a", "report")[2:]


def test_the_best_checkpoint_has_a_name(place):
    shutil.copytree("runs/a/snapshots/000009", "runs/a/snapshots/000006")
    mark_best(Path("runs/a"), Best(6, 1.5))
    assert fork("a@best", "b", "--steps", "6") == 0
    assert run("b").config["parent"]["step"] == 6
    assert best_snapshot(Path("runs/b")) is None  # it is the parent's


def test_it_begins_with_its_parent_and_can_be_opened_at_once(place):
    assert fork("a@6", "b", "--steps", "6") == 0
    first, *rest = run("b").history()
    assert first == {"event": "parent", "step": 6, "run": "a", "path": str(place / "runs" / "a")}
    assert {event["step"] for event in rest} == {6}
    assert {"sample", "snapshot", "checkpoint"} <= {event["event"] for event in rest}
    parent = {"run": "a", "step": 6, "path": str(place / "runs" / "a")}
    assert run("b").config["parent"] == parent
    assert GAN.from_pretrained("runs/b").info["parent"] == parent
    assert torch.equal(last("b")["random.own"], load_file("runs/a/checkpoints/000006.safetensors")["random.own"])


def test_the_parent_remembers_its_child(place):
    before = run("a").events.read_bytes()
    assert fork("a@6", "b", "--steps", "6") == 0
    line = run("a").events.read_bytes().removeprefix(before)
    assert json.loads(line) == {"event": "forked", "step": 6, "into": "b"}


def test_a_parent_that_may_not_be_written_has_children_all_the_same(place, monkeypatch):
    append = RunFolder.append

    def only_the_child(folder, event):
        if folder.name == "a":
            raise PermissionError("not yours")
        append(folder, event)

    monkeypatch.setattr(RunFolder, "append", only_the_child)
    assert fork("a", "b", "--steps", "9") == 0


def test_the_chain_of_parents_outlives_them(place, capfd):
    assert fork("a@6", "b", "--steps", "7") == 0
    assert fork("b", "c", "--steps", "8") == 0
    shutil.rmtree("runs/a")
    shutil.rmtree("runs/b")
    assert fork("c", "d", "--steps", "9") == 0
    parent = run("d").config["parent"]
    chain = []
    while parent:
        chain.append((parent["run"], parent["step"]))
        parent = parent.get("parent")
    assert chain == [("c", 8), ("b", 7), ("a", 6)]
    capfd.readouterr()
    assert main(["info", "--weights", "runs/d"]) == 0
    assert "\nfrom          c at step 8, b at step 7, a at step 6\n" in capfd.readouterr().out


def test_settings_are_inherited_and_the_given_ones_laid_over(place):
    assert fork("a@6", "b", "--steps", "8", "--lr-d", "1e-5", "--flip") == 0
    theirs, ours = run("a").config, run("b").config
    assert ours["train"] == theirs["train"] | {"steps": 8, "lr_D": 1e-5, "flip": True}
    assert (ours["model"], ours["data"], ours["preset"]) == (theirs["model"], theirs["data"], theirs["preset"])
    assert run("a").status.step == 9  # which is untouched
    assert [path.stem for path in checkpoints(run("a").checkpoints)] == ["000009", "000006", "000003"]


def test_a_fork_can_be_resumed_and_forked_like_any_run(place):
    assert fork("a@6", "b", "--steps", "8") == 0
    assert main(["train", "--run", "b", "--resume", "--steps", "9"]) == 0
    assert all(torch.equal(t, last("b")[name]) for name, t in last("a").items())


def test_a_fork_that_was_killed_before_its_first_step_goes_on(place):
    assert fork("a@6", "b", "--steps", "6") == 0
    assert [path.stem for path in checkpoints(run("b").checkpoints)] == ["000006"]
    assert main(["train", "--run", "b", "--resume", "--steps", "9"]) == 0
    assert all(torch.equal(t, last("b")[name]) for name, t in last("a").items())


def test_what_a_fork_that_never_began_left_is_not_mistaken_for_a_run(place):
    assert fork("a@6", "b", "--steps", "6") == 0
    run("b").events.unlink()  # as if it had been killed between its checkpoint and its first event
    assert main(["train", "--run", "b", "--data", "drawings", *SMALL, "--steps", "1"]) == 0
    assert [path.stem for path in checkpoints(run("b").checkpoints)] == ["000001"]
    assert "parent" not in run("b").config


def test_other_pictures_are_learned_if_they_are_named(place, caplog):
    draw(place / "others", 1)
    assert fork("a@6", "b", "--data", "others", "--steps", "8") == 0
    assert "The run goes on with other pictures: others instead of" in caplog.text
    assert run("b").config["data"]["source"] == str(place / "others")
    assert not all(torch.equal(t, last("b")[name]) for name, t in last("a").items())


def test_pictures_that_moved_are_the_same_pictures(place, caplog):
    Path("drawings").rename("moved")
    assert fork("a@6", "b", "--data", "moved") == 0
    assert "other pictures" not in caplog.text
    assert all(torch.equal(t, last("b")[name]) for name, t in last("a").items())


def test_what_cannot_be_is_refused_in_one_sentence_and_leaves_nothing(place, capfd):
    draw(place / "three", 1, ("x", "y", "z"))
    sentences = {
        ("a@7", "b"): "Run 'a' keeps no checkpoint 7. Kept: 9, 6, 3.",
        ("a@best", "b"): "Run 'a' keeps no checkpoint best. Kept: 9, 6, 3.",
        ("a@-6", "b"): "Run 'a' keeps no checkpoint -6. Kept: 9, 6, 3.",
        ("z@6", "b"): "There is no run 'z' in runs",
        ("../a", "b"): "'../a' cannot name a run",
        ("", "b"): "'' cannot name a run",
        ("a", "a"): "There is a run 'a' already",
        ("a", "b", "--ngf", "8"): "ngf 8 cannot be changed in a fork: the checkpoint was built with 4",
        ("a", "b", "--preset", "modern"): "preset modern cannot be changed in a fork",
        ("a", "b", "--data", "three"): "The data set has 3 classes, but the model wants 2",
        ("a", "b", "--batch-size", "99"): "cannot fill one batch of 99",
        ("a", "b", "--data", "nowhere.zip"): "nowhere.zip does not exist",
    }
    for options, said in sentences.items():
        assert said in refused(capfd, *options), options
        assert {path.name for path in Path("runs").iterdir()} == {"a"}
    with pytest.raises(SystemExit):
        fork("a", "b", "--resume")
    assert "not allowed with argument" in capfd.readouterr().err


def test_pictures_that_changed_in_their_place_must_be_named(place, capfd):
    shutil.rmtree("drawings")
    draw(place / "drawings", 1)
    assert "no longer holds the pictures that the run learned from" in refused(capfd, "a", "b")
    assert fork("a", "b", "--data", "drawings", "--steps", "10") == 0


def test_a_damaged_newest_is_passed_over_but_not_one_that_is_named(place, capfd, caplog):
    checkpoints(run("a").checkpoints)[0].write_bytes(b"{}")
    assert fork("a", "b", "--steps", "6") == 0
    assert "000009.safetensors is damaged" in caplog.text
    assert run("b").config["parent"]["step"] == 6
    caplog.clear()
    assert "No checkpoint in runs/a/checkpoints can be read" in refused(capfd, "a@9", "c")[:200]
