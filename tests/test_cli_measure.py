"""bench, score and export, each as small as it goes."""

import json
from functools import partial

import pytest
import torch
from PIL import Image

from gan_core import GAN, ModelConfig
from gan_core.bench import learn
from gan_core.cli import main
from gan_core.gan import Best, mark_best
from gan_core.metrics import Scores

TINY = ModelConfig(image_size=28, nc=1, nz=4, ngf=4, ndf=4)


@pytest.fixture
def run(tmp_path):
    """A run of two snapshots, of which the second is another GAN."""
    for step in (10, 20):
        torch.manual_seed(step)
        info = {"step": step, "train": {"loss": "hinge"}, "data": {"name": "mine", "licence": "MIT", "pictures": 16}}
        GAN(TINY, info).save(tmp_path / f"a/snapshots/{step:06d}")
    return tmp_path / "a"


def test_bench_measures_both_sides_of_every_shape(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gan_core.bench.speed.SHAPES", (TINY,))
    small = ["--quick", "--threads", "1", "--workers", "0"]
    assert main(["bench", *small, "--json", str(tmp_path / "rows.json")]) == 0
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert (row["image_size"], row["batch_size"], row["device"]) == (28, 64, "cpu")
    assert row["reference"] > 0 and row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert row["share"] == pytest.approx(row["ours"] / row["limit"]) and 0 < row["share"] < 1 and row["memory_mib"] > 1
    assert capsys.readouterr().out.count("\n") == 3  # a head, a rule, a row


def test_bench_gives_every_preset_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr("gan_core.bench.presets.Ruler", Ruler)
    options = ["--presets", "lsgan", "goodfellow2014", "--seconds", "1", "--threads", "1"]
    assert main(["bench", *options, "--json", str(tmp_path / "rows.json")]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["preset"] for row in rows] == ["lsgan", "goodfellow2014"]
    assert all(row["steps"] > 0 and row["seconds"] >= 1 and row["frechet"] == 7 for row in rows)


class Ruler:
    """Stands in for measuring 2,000 samples."""

    floor = Scores(0.5, 0.9, 0.9, 1.0, 0.9, 1.0)

    def __init__(self, images, net):
        assert net.classes == images.classes

    def measure(self, gan):
        assert not gan.G_ema.training
        return Scores(7.0, 0.8, 0.7, 0.9, 0.6, 1.0)


def test_bench_learn_looks_at_a_run_from_a_cold_start(tmp_path, monkeypatch):
    monkeypatch.setattr(learn, "_age", lambda: 0.0)  # this process is as old as the tests
    monkeypatch.setattr("gan_core.commands.measure.bench_learn", partial(learn.bench_learn, marks=(1, 2), n=200))
    assert main(["bench", "--learn", "--threads", "1", "--json", str(tmp_path / "rows.json")]) == 0
    first, second = json.loads((tmp_path / "rows.json").read_text())
    assert (first["seconds"], second["seconds"]) == (1, 2)
    assert 0 < first["steps"] < second["steps"]
    for row in (first, second):
        assert row["classes"] < 0.7 and row["confidence"] < row["real_confidence"]  # one second is not enough
        assert row["real_confidence"] > 0.9 and row["real_classes"] == 1


def test_this_process_is_as_old_as_its_entry_says():
    assert 0 < learn._age() < 86_400


def test_score_reads_the_newest_snapshots_of_a_run(run, tmp_path):
    options = ["--data", "fashion-mini", "--n", "256", "--threads", "1"]
    assert main(["score", "--weights", str(run), *options, "--last", "2", "--json", str(tmp_path / "rows.json")]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["step"] for row in rows] == [20, 10]
    assert all(row["frechet"] > 5 * row["floor"] > 0 for row in rows)  # untrained G, against real pictures
    assert all((row["n"], row["real"]) == (256, 256) and row["recall"] < 0.5 for row in rows)


def test_score_takes_a_snapshot_by_its_step_or_the_best(run, tmp_path):
    mark_best(run, Best(10, 3.0))
    for name, step in ((f"{run}@20", 20), (f"{run}@best", 10)):
        options = ["--data", "fashion-mini", "--n", "256", "--threads", "1", "--json", str(tmp_path / "rows.json")]
        assert main(["score", "--weights", name, *options]) == 0
        assert [row["step"] for row in json.loads((tmp_path / "rows.json").read_text())] == [step]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["score", "--weights", "nowhere", "--data", "fashion-mini"], "No weights at 'nowhere'"),
        (["score", "--weights", "nowhere", "--data", "fashion-mini", "--n", "3"], "n is 3, but must lie between"),
        (["bench", "--presets", "lsgun", "--seconds", "1"], "did you mean 'lsgan'"),
        (["bench", "--learn", "--data", "nowhere"], "Unknown data set"),
        (["bench", "--threads", "0"], "threads is 0, but must lie between"),
        (["export", "--weights", "nowhere", "--out", "there"], "No weights at 'nowhere'"),
    ],
)
def test_bad_input_is_one_sentence(command, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_export_writes_a_folder_that_loads_and_a_card_that_tells(run, tmp_path):
    out = tmp_path / "share"
    assert main(["export", "--weights", str(run), "--out", str(out), "--title", "Mine", "--words", "For you."]) == 0
    z = GAN(TINY).sample_z(3, seed=0)
    assert torch.equal(GAN.from_pretrained(out)(z), GAN.from_pretrained(run)(z))
    card = (out / "README.md").read_text()
    for fact in (
        "# Mine",
        "For you.",
        "| Steps | 20 |",
        "mine, 16 pictures, licence: MIT",
        "loss hinge",
        "samples.webp",
    ):
        assert fact in card
    with Image.open(out / "samples.webp") as sheet:
        assert sheet.size == (8 * 28 * 2, 8 * 28 * 2)
