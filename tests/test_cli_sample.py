"""The commands that look, called in process: sample, interpolate, info, presets, data."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import GAN, PRESETS, ModelConfig, TrainConfig
from gan_core.cli import main
from gan_core.commands.look import model_name
from gan_core.data import known_sets
from gan_core.export import read_recipe
from gan_core.images import to_pictures
from gan_core.latent import paint, truncate, walk

INFO = {
    "preset": "lsgan", "step": 12_000, "seconds": 3725.0, "machine": "one tin of beans",
    "data": {"name": "beans", "pictures": 1234, "licence": "CC0", "classes": ["red", "green", "mung"]},
}  # fmt: skip


def saved(folder, **config):
    torch.manual_seed(0)
    gan = GAN(ModelConfig(**{"image_size": 28, "nc": 1, "nz": 6, "ngf": 4, "ndf": 4} | config))
    gan.G_ema.net[-2].weight.data *= 30  # an untrained G paints grey
    gan.recalibrate(64)
    gan.save(folder, **INFO)
    return str(folder)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("plain") / "beans")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("labelled") / "beans", num_classes=3, nc=3)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    try:
        return main(list(map(str, arguments)))
    except SystemExit as done:  # argparse's own way out
        return done.code


def pixels(file):
    with Image.open(file) as image:
        return np.asarray(image).astype(int)


# --- sample ---


def test_the_sheet_is_the_pictures_of_the_seeds(weights, capsys):
    assert run("sample", "--weights", weights, "--n", 10, "--seed", 7, "--out", "new/grid.png") == 0
    assert "Wrote new/grid.png: 10 pictures, 112 x 84 pixels." in capsys.readouterr().out
    gan, sheet = GAN.from_pretrained(weights), pixels("new/grid.png")
    for i in range(10):
        alone = np.asarray(to_pictures(gan(gan.sample_z(1, 7 + i)))[0]).astype(int)
        row, column = divmod(i, 4)
        place = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.abs(place - alone).max() <= 1
        assert alone.std() > 20


def test_the_same_seed_is_the_same_picture_in_every_batch(weights):
    """200 at once are more than one batch; seed 150 is the last of 1, of 3, and in the midst of 200."""
    for folder, n, seed in (("one", 1, 150), ("three", 3, 148), ("many", 200, 0)):
        assert run("sample", "--weights", weights, "--n", n, "--seed", seed, "--each", folder) == 0
    one, three, many = (pixels(f"{folder}/000150.png") for folder in ("one", "three", "many"))
    assert np.abs(one - three).max() <= 1
    assert np.abs(one - many).max() <= 1
    assert np.abs(one - pixels("many/000149.png")).max() > 20
    assert len(list(Path("many").iterdir())) == 200


def test_more_than_one_chunk_makes_one_sheet(weights, monkeypatch):
    assert run("sample", "--weights", weights, "--n", 30, "--out", "at once.png") == 0
    monkeypatch.setattr("gan_core.commands.look.CHUNK", 7)
    assert run("sample", "--weights", weights, "--n", 30, "--out", "bit by bit.png") == 0
    assert np.abs(pixels("at once.png") - pixels("bit by bit.png")).max() <= 1


def test_a_picture_can_be_made_again_from_its_recipe(labelled):
    wanted = ["--n", 3, "--seed", -5, "--truncation", 0.6, "--each", "out", "--out", "grid.png"]
    assert run("sample", "--weights", labelled, *wanted) == 0
    gan = GAN.from_pretrained(labelled)
    for seed in (-5, -4, -3):
        recipe = read_recipe(f"out/{seed:06d}.png")
        assert (recipe.model, recipe.seed, recipe.truncation, recipe.step) == ("beans", seed, 0.6, 12_000)
        assert torch.equal(recipe.latent(6), gan.sample_z(1, seed))
        assert recipe.label == gan.sample_y(1, seed).item()
        again = paint(gan, truncate(recipe.latent(6), recipe.truncation), torch.tensor([recipe.label]))
        assert np.abs(pixels(f"out/{seed:06d}.png") - np.asarray(to_pictures(again)[0])).max() <= 1
    assert Path("grid.png").exists()


def test_label_truncation_columns_and_scale_are_heard(labelled):
    base = ["sample", "--weights", labelled, "--n", 6]
    for name, more in (("plain", []), ("label", ["--label", 2]), ("tame", ["--truncation", 0.1])):
        assert run(*base, *more, "--out", f"{name}.png") == 0
    assert len({Path(f"{name}.png").read_bytes() for name in ("plain", "label", "tame")}) == 3
    assert run(*base, "--columns", 6, "--scale", 3, "--out", "large.png") == 0
    assert pixels("large.png").shape == (84, 6 * 84, 3)
    assert np.array_equal(pixels("large.png")[::3, : 3 * 84 : 3], pixels("plain.png")[:28])


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp"])
def test_sheets_of_every_kind(weights, suffix):
    assert run("sample", "--weights", weights, "--n", 4, "--out", f"a.{suffix}") == 0
    with Image.open(f"a.{suffix}") as image:
        assert image.size == (56, 56)
        assert image.format == {"jpg": "JPEG"}.get(suffix, suffix.upper())


def test_a_run_folder_gives_its_newest_snapshot_and_its_name(tmp_path):
    saved(tmp_path / "runs" / "mung" / "snapshots" / "000500")
    assert run("sample", "--weights", "runs/mung", "--n", 1, "--each", "a") == 0
    assert run("sample", "--weights", "runs/mung/snapshots/000500", "--n", 1, "--each", "b") == 0
    assert read_recipe("a/000000.png") == read_recipe("b/000000.png")
    assert read_recipe("a/000000.png").model == "mung"


def test_a_recipe_never_tells_where_the_model_lies(weights, monkeypatch):
    assert model_name(weights) == "beans"
    assert model_name(f"{weights}/config.json") == "beans"
    assert model_name("somebody/beans") == "somebody/beans"
    monkeypatch.chdir(weights)
    assert model_name(".") == "beans"


# --- interpolate ---


@pytest.mark.parametrize(
    ("method", "easing", "loop", "middle"),  # seed 5 is the frame of that number
    [
        ("lerp", "smooth", False, 3),
        ("slerp", "linear", False, 3),
        ("slerp", "linear", True, 2),
        ("matched", "linear", False, 3),
    ],
)
def test_a_strip_is_the_walk(weights, method, easing, loop, middle):
    wanted = ["--seeds", "1,5,9", "--frames", 7, "--method", method, "--easing", easing, *(["--loop"] if loop else [])]
    assert run("interpolate", "--weights", weights, *wanted, "--out", "s.png") == 0
    gan, shown = GAN.from_pretrained(weights), pixels("s.png")
    way = walk(torch.cat([gan.sample_z(1, seed) for seed in (1, 5, 9)]), 7, method, loop, easing)
    strip = np.concatenate([np.asarray(picture) for picture in to_pictures(paint(gan, way))], axis=1)
    assert np.abs(shown - strip).max() <= 1
    five = np.asarray(to_pictures(gan(gan.sample_z(1, 5)))[0])
    assert np.abs(shown[:, 28 * middle : 28 * middle + 28] - five).max() <= 1


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "mp4"])
def test_films_of_every_kind(labelled, suffix, capsys):
    wanted = ["--seeds", "3, 4", "--frames", 6, "--fps", 10, "--scale", 2, "--loop", "--easing", "smooth", "--label", 1]
    assert run("interpolate", "--weights", labelled, *wanted, "--out", f"new/f.{suffix}") == 0
    assert f"Wrote new/f.{suffix}: 6 frames through 2 keyframes." in capsys.readouterr().out
    if suffix != "mp4":
        with Image.open(f"new/f.{suffix}") as image:
            assert image.size == ((6 * 56, 56) if suffix == "png" else (56, 56))
            assert getattr(image, "n_frames", 1) == (1 if suffix == "png" else 6)
            assert suffix != "gif" or image.info["duration"] == 100


def test_without_a_label_each_keyframe_keeps_its_own(labelled):
    gan = GAN.from_pretrained(labelled)
    first = next(seed for seed in range(99) if gan.sample_y(1, seed) != gan.sample_y(1, seed + 1))
    seeds = f"{first},{first + 1}"
    assert run("interpolate", "--weights", labelled, "--seeds", seeds, "--frames", 2, "--out", "s.png") == 0
    assert run("sample", "--weights", labelled, "--seed", first, "--n", 2, "--columns", 2, "--out", "g.png") == 0
    assert np.abs(pixels("s.png") - pixels("g.png")).max() <= 1


# --- info, presets, data ---


def test_info_tells_what_the_model_is(labelled, capsys):
    assert run("info", "--weights", labelled, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    gan = GAN.from_pretrained(labelled)
    assert facts["model"] == vars(gan.config)
    assert facts["parameters"]["G"] == sum(p.numel() for p in gan.G.parameters())
    assert facts["bytes"] == (Path(labelled) / "model.safetensors").stat().st_size
    assert (facts["step"], facts["seconds"], facts["preset"]) == (12_000, 3725.0, "lsgan")
    assert (facts["data"], facts["licence"], facts["classes"]) == ("beans", "CC0", ["red", "green", "mung"])
    assert run("info", "--weights", labelled) == 0
    said = capsys.readouterr().out
    for part in ("beans (1,234 pictures)", "12,000", "1 h 02 min", "CC0", "28 x 28, colour", "lsgan", "2 mung", "tin"):
        assert part in said
    assert f"{facts['parameters']['D']:,} parameters" in said


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"data": [1], "step": "many", "seconds": None, "preset": 3},
        {"data": {"pictures": "x", "classes": 7}, "step": True},
    ],
)
def test_info_takes_anyones_config(tmp_path, labelled, info, capsys):
    gan = GAN.from_pretrained(labelled)
    gan.info = {}
    gan.save(tmp_path / "odd", **info)
    assert run("info", "--weights", "odd") == 0
    assert "unknown" in capsys.readouterr().out
    assert run("sample", "--weights", "odd", "--n", 1, "--each", "a") == 0


def test_presets_are_printed_in_full_with_what_they_change(capsys):
    assert run("presets") == 0
    said = capsys.readouterr().out
    for name, preset in PRESETS.items():
        section = said.split(f"\n{name}")[1].split("\n\n")[0]
        assert " ".join(section.split()).count(" ".join(preset.source.split())) == 1
        starred = {row.split()[1] for row in section.splitlines() if row.startswith("  * ")}
        assert starred == {
            key
            for kind, changes in ((ModelConfig, preset.model), (TrainConfig, preset.train))
            for key, value in changes.items()
            if value != getattr(kind(), key)
        }
        for field in (*fields(ModelConfig), *fields(TrainConfig)):
            assert f" {field.name} " in section
    assert "* gp_weight             10.0" in said
    assert run("presets", "modern") == 0
    assert "goodfellow2014" not in capsys.readouterr().out


def test_data_lists_every_set(capsys):
    assert run("data") == 0
    said = capsys.readouterr().out
    for info in known_sets().values():
        (line,) = [line for line in said.splitlines() if line.split()[:1] == [info.name]]
        assert str(info.image_size) in line
        assert info.licence in line


# --- what a person can put right ---

BAD = [
    ("sample --n 0", "n is 0, but must lie between 1"),
    ("sample --n -3", "n is -3"),
    ("sample --n 1000000 --scale 32", "1000000 times 896 x 896"),
    ("sample --n many", "invalid int value"),
    ("sample --truncation 2", "truncation is 2.0"),
    ("sample --truncation 0", "truncation is 0.0"),
    ("sample --truncation nan", "truncation is nan"),
    ("sample --label 3", "There is no class 3"),
    ("sample --scale 0", "scale is 0"),
    ("sample --columns 99", "columns is 99"),
    ("sample --columns 0", "columns is 0"),
    ("sample --seed 9223372036854775807", "seed is 9223372036854775807"),
    ("sample --out grid.tiff", "Unknown picture format '.tiff'"),
    ("sample --out grid", "Unknown picture format 'grid'"),
    ("sample --out file/grid.png", "Cannot write file/grid.png"),
    ("sample --out folder.png", "Cannot write folder.png"),
    ("sample --each file", "Cannot write file/"),
    ("sample --out wide.webp --scale 32 --n 20 --columns 20", "Cannot write wide.webp"),
    ("sample --device warp", "There is no device 'warp'"),
    ("interpolate --seeds 1", "two keyframes"),
    ("interpolate --seeds 1,x", "'1,x' is no list of seeds"),
    ("interpolate --seeds 1,,2", "no list of seeds"),
    ("interpolate --seeds 1,99999999999999999999", "seed is 99999999999999999999"),
    ("interpolate --seeds 1,2 --frames 1", "frames is 1"),
    ("interpolate --seeds 1,2,3 --frames 2", "2 frames cannot show 3"),
    ("interpolate --seeds 1,2 --method slurp", "did you mean 'slerp'"),
    ("interpolate --seeds 1,2 --easing bouncy", "Unknown easing 'bouncy'"),
    ("interpolate --seeds 1,2 --truncation 2", "truncation is 2.0"),
    ("interpolate --seeds 1,2 --label 0", "There is no class 0"),
    ("interpolate --seeds 1,2 --fps 0", "fps is 0.0"),
    ("interpolate --seeds 1,2 --scale 100", "scale is 100"),
    ("interpolate --seeds 1,2 --out film.avi", "Unknown film format '.avi'"),
    ("interpolate --seeds 1,2 --out file/film.gif", "Cannot write file/film.gif"),
    ("interpolate --frames 5", "--seeds"),
    ("presets modem", "did you mean 'modern'"),
]


@pytest.mark.parametrize(("command", "says"), BAD, ids=[command for command, _ in BAD])
def test_bad_input_gets_exit_2_and_one_sentence(weights, command, says, capsys):
    Path("file").write_text("in the way")
    Path("folder.png").mkdir()
    name, *options = command.split()
    assert run(name, *([] if name == "presets" else ["--weights", weights]), *options) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert says in said[-1]
    assert not [line for line in said[:-1] if "it/s" not in line and "picture" not in line]
    assert {path.name for path in Path().iterdir()} == {"file", "folder.png"}


@pytest.mark.parametrize("command", ["sample", "info", "interpolate --seeds 1,2"])
def test_weights_that_are_not_there(command, capsys):
    name, *options = command.split()
    assert run(name, "--weights", "nowhere", *options) == 2
    assert "No weights at 'nowhere'" in capsys.readouterr().err
