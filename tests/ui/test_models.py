"""Keys: what a visitor may name, and what it opens."""

import shutil

import pytest
import torch

from gan_core.errors import UserError
from gan_core.gan import CONFIG, WEIGHTS
from gan_core.ui import models
from gan_core.ui.models import KEPT, find
from tests.ui.conftest import save


def test_shipped_models_come_first_then_runs_by_their_newest_snapshot(studio):
    save(studio.weights / "aardvark")
    assert [found.key for found in studio.shelf.models()] == ["shipped:fruits", "shipped:aardvark", "run:mine"]
    assert [found.step for found in studio.shelf.models()] == [None, None, 200]


@pytest.mark.parametrize(("key", "step"), [("run:mine", 200), ("run:mine@000100", 100), ("shipped:fruits", None)])
def test_a_key_finds_its_model(studio, key, step):
    loaded = studio.shelf.load(key)
    assert loaded.found.step == step
    assert loaded.gan(loaded.gan.sample_z(1, 0), loaded.gan.sample_y(1, 0)).shape == (1, 1, 28, 28)


OUTSIDE = [
    "", "fruits", "/etc", "../weights/fruits", "weights/../weights/fruits", ".", "./fruits", "~/fruits", "a/b/c",
    "C:\\x", "shipped:", "shipped:.", "shipped:..", "shipped:../runs/mine", "shipped:fruits\0",
    "run:", "run:..", "run:../weights/fruits", "run:mine/../mine", "run:mine@../000100", "run:mine@100",
    "run:mine@000300", "hub:", "hub:/etc/passwd", "hub:../x",
]  # fmt: skip


@pytest.mark.parametrize("key", OUTSIDE)
def test_a_key_of_nothing_opens_nothing(studio, key, monkeypatch):
    monkeypatch.setattr(models.GAN, "from_pretrained", lambda *_: pytest.fail("opened"))
    with pytest.raises(UserError, match="no model|not on this machine"):
        studio.shelf.load(key)


def test_a_hub_id_is_never_taken_for_a_local_folder(studio, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where weights/fruits is a folder
    with pytest.raises(UserError, match="no network"):
        studio.shelf.load("weights/fruits")


def test_a_newer_snapshot_and_replaced_weights_are_seen_at_once(studio):
    before = studio.shelf.load("run:mine").gan
    assert studio.shelf.load("run:mine").gan is before
    save(studio.runs / "mine" / "snapshots" / "000300")
    assert studio.shelf.load("run:mine").found.step == 300
    old = studio.shelf.load("shipped:fruits").gan
    save(studio.weights / "fruits", ngf=8)
    assert studio.shelf.load("shipped:fruits").gan.config.ngf != old.config.ngf


def test_only_so_many_stay_in_memory(studio):
    for i in range(KEPT + 2):
        save(studio.weights / f"model-{i}")
        studio.shelf.load(f"shipped:model-{i}")
    assert len(studio.shelf._gans) == KEPT


def test_a_run_that_was_deleted_is_said(studio):
    studio.shelf.load("run:mine")
    shutil.rmtree(studio.runs / "mine")
    with pytest.raises(UserError, match="no model 'run:mine'"):
        studio.shelf.load("run:mine")


def test_a_run_without_a_snapshot_is_said(studio):
    (studio.runs / "young").mkdir()
    (studio.runs / "young" / CONFIG).write_text("{}")
    with pytest.raises(UserError, match="young has no snapshot yet"):
        studio.shelf.load("run:young")


def test_damaged_weights_are_named_without_their_place_and_the_next_model_opens(studio):
    save(studio.weights / "digits")
    (studio.weights / "fruits" / WEIGHTS).write_bytes(b"cut short")
    with pytest.raises(UserError, match="fruits") as error:
        studio.shelf.load("shipped:fruits")
    assert str(studio.weights) not in error.value.said("en") + error.value.said("zh")
    assert studio.shelf.best().key == "shipped:digits"


def test_a_damaged_config_takes_only_its_own_model_off_the_list(studio):
    (studio.weights / "fruits" / CONFIG).write_text("{")
    assert [found.key for found in studio.shelf.models()] == ["run:mine"]
    with pytest.raises(UserError, match="does not describe a model"):
        find("shipped:fruits", studio.weights, studio.runs)


def test_without_any_model_it_says_what_to_do(studio):
    shutil.rmtree(studio.weights)
    shutil.rmtree(studio.runs)
    with pytest.raises(UserError, match="Train one"):
        studio.shelf.best()


def test_a_strangers_config_cannot_ask_for_more_memory_than_its_weights_fill(studio):
    folder = studio.weights / "fruits"
    models._check_promise(folder)
    config = (folder / CONFIG).read_text()
    (folder / CONFIG).write_text(
        config.replace('"ngf": 4', '"ngf": 4096').replace('"image_size": 28', '"image_size": 256')
    )
    with pytest.raises(UserError, match="larger model"):
        models._check_promise(folder)


def test_painting_in_parts_is_painting_at_once(studio):
    gan = studio.shelf.load("shipped:fruits").gan
    z = gan.sample_z(40, 0)
    parts = list(studio.shelf.paint(gan, z, None))
    assert [len(part) for part in parts] == [16, 16, 8]
    whole = (gan(z).add(1) * 127.5).round().clamp(0, 255)
    torch.testing.assert_close(torch.cat(parts).float(), whole, atol=1, rtol=0)
