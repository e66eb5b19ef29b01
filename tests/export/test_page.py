"""A page of its own: whole, safe to show, small, and never half written."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.cli import main
from gan_core.config import ModelConfig
from gan_core.errors import UserError
from gan_core.export import page as pages
from gan_core.export.page import LIMIT, MADE_BY, STATIC, Page, closure, licence_id, words, write_page
from gan_core.export.training import COLUMNS, POINTS, training_of
from gan_core.gan import GAN
from gan_core.training.folder import RunFolder

yaml = pytest.importorskip("yaml")  # huggingface_hub needs it too
HOSTILE = "</script><script>alert('1')</script>\"&\n---\n# x"


def toy(**info):
    torch.manual_seed(0)
    return GAN(ModelConfig(image_size=28, nc=1, ngf=4, ndf=4, nz=8, num_classes=3), info)


def page_of(**more):
    return Page(**{"gan": toy(step=500), "name": "toy", "title": "Toy", "directions": {"directions": []}} | more)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "deep" / "site"
    return out, write_page(page_of(), out)


def run_folder(path, sheets, events=(), side=64):
    """A run with so many sheets of noise, which no picture format makes small."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), "uint8")
    (path / "samples").mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"train": {"loss": "minimax", "seed": 7}, "model": {"image_size": 8}}))
    lines = [*events]
    for n in range(1, sheets + 1):
        file = path / "samples" / f"{n * 50:06d}.webp"
        if n == 1:
            Image.fromarray(noise).save(file, "webp", quality=90)
        else:
            file.write_bytes((path / "samples" / "000050.webp").read_bytes())
        report = {"loss_D": 1 / n, "loss_G": n, "D_x": 0.5, "D_Gz": 0.25, "seconds": n, "images_per_second": 9}
        lines += [{"event": "report", "step": n * 50, **report}, {"event": "sample", "step": n * 50}]
    (path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return RunFolder(path)


# whole


def test_what_the_scripts_name_is_there(made):
    """By another rule than the one that collected them: every string that looks like a file of ours."""
    _, written = made
    have = {Path(name).name for name in written.files}
    for name in closure():
        if name.endswith(".js") and "vendor/" not in name:
            text = (STATIC / name).read_text(encoding="utf-8")
            named = {Path(found).name for found in re.findall(r"[\"'`]([\w./-]+\.(?:m?js|css|wasm\.gz))[\"'`]", text)}
            assert named <= have, name
    assert {"worker.js", "ort-wasm.wasm.gz", "uPlot.iife.min.js", "LICENSE", "first.js"} <= have
    assert not [name for name in written.files if "studio.js" in name or "train.js" in name], "the studio stays at home"


def test_a_script_that_is_missing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    (tmp_path / "a.js").write_text(
        'import { x } from "./sub/b.js";\nexport * from "./c.js";\n'
        '// import "./not.js"\nconst far = new URL("../", import.meta.url);'
    )
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.js").write_text(
        'const w = new Worker(new URL("./w.js", import.meta.url));\nimport("../d.js")'
    )
    for name in ("c.js", "d.js", "sub/w.js"):
        (tmp_path / name).write_text("")
    assert closure("a.js") == {"a.js", "sub/b.js", "c.js", "d.js", "sub/w.js"}
    (tmp_path / "d.js").unlink()
    with pytest.raises(UserError, match=r"lacks d\.js"):
        closure("a.js")


def test_every_word_that_the_scripts_say_is_in_the_table():
    table = words()
    assert table["en"].keys() == table["zh"].keys()
    said, stems = set(), set()
    for name in closure():
        if name.endswith(".js") and "vendor/" not in name:
            text = (STATIC / name).read_text(encoding="utf-8")
            said |= set(re.findall(r"\bt\(\"(\w+)\"|\b(?:title|lead) = \"(\w+)\"|\bbutton\(\"(\w+)\"", text))
            stems |= set(re.findall(r"\bt\(`(\w+)\$", text))
    keys = {key for found in said for key in found if key}
    assert len(keys) > 40
    assert not keys - table["en"].keys(), "move these into gan_core/texts/shared.py"
    assert not [stem for stem in stems if not any(key.startswith(stem) for key in table["en"])]


def test_a_page_never_speaks_of_an_app():
    for key in ("server_gone", "went_wrong"):
        assert "app" not in words()["en"][key].lower().split()


def test_about_json_tells_what_it_is(made):
    out, written = made
    about = json.loads((out / "about.json").read_bytes())
    assert about["made_by"] == MADE_BY
    assert (
        about["files"]
        == list(written.files)
        == sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    )
    assert about["model"] | {"nz": 8, "num_classes": 3, "step": 500, "size": 28} == about["model"]
    assert about["model"]["classes"] == ["0", "1", "2"]


def test_sizes(made):
    out, written = made
    whole = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    assert written.graphs + written.runtime + written.rest == whole
    assert written.rest <= LIMIT / 2, "half is for the pictures of a training"


def test_no_address_leads_away(made):
    out, written = made
    for name in written.files:
        if name.endswith((".html", ".js", ".css")) and "vendor/" not in name:
            found = re.findall(r"https?://[\w.-]+", (out / name).read_text(encoding="utf-8"))
            assert set(found) <= {"http://www.w3.org", "http://localhost"}, name  # a namespace, and a sentence
    assert not re.findall(r"(?:src|href)=\"/", (out / "index.html").read_text())


# safe


def test_hostile_names_are_only_names(tmp_path):
    data = {"name": HOSTILE, "classes": [HOSTILE] * 3, "licence": HOSTILE, "pictures": 5}
    page = page_of(gan=toy(data=data, step="<b>", train={"loss": ["x"]}), title=HOSTILE, words=HOSTILE, name=HOSTILE)
    write_page(page, tmp_path / "out")
    html = (tmp_path / "out" / "index.html").read_text()
    assert "<script>alert" not in html
    assert html.count("<script") == 3
    lines = (tmp_path / "out" / "page.js").read_text().splitlines()
    assert len(lines) == 2
    site = json.loads(lines[1].removeprefix("window.STUDIO_SITE = ").removesuffix(";"))
    assert site["about"]["classes"] == [HOSTILE] * 3
    assert site["about"]["step"] is None and site["about"]["loss"] == ""
    front = (tmp_path / "out" / "README.md").read_text().split("\n---\n")[0]
    assert yaml.safe_load(front.removeprefix("---"))["sdk"] == "static"


@pytest.mark.parametrize(
    "number", [float("inf"), float("nan"), 10**400, "an hour"], ids=["inf", "nan", "long", "words"]
)
def test_numbers_that_are_none_are_left_out(number):
    info = dict(seconds=number, step=number, data={"pictures": number}, train={"seed": number})
    said = pages.card(page_of(gan=toy(**info)))
    assert set(said) == ({"pictures", "steps", "seed"} if isinstance(number, str) else set())


def test_the_front_matter_is_a_static_space(made):
    front = yaml.safe_load((made[0] / "README.md").read_text().split("---")[1])
    assert front | {"title": "Toy", "sdk": "static"} == front


@pytest.mark.parametrize(
    ("licence", "name"),
    [
        ("MIT", "mit"),
        ("CC BY-SA 4.0 (Fruits-360, M. Oltean)", "cc-by-sa-4.0"),
        ("CC BY 4.0", "cc-by-4.0"),
        ("Apache-2.0", "apache-2.0"),
        ("CC0", "cc0-1.0"),
        ("none stated", ""),
        ("mitigated", ""),
    ],
)
def test_licences_as_the_hub_names_them(licence, name):
    assert licence_id(licence) == name


# never half


def test_what_somebody_else_wrote_is_left_alone(tmp_path):
    for make, key in ((lambda p: p.write_text("hers"), "page_file"), (lambda p: p.mkdir(), "page_foreign")):
        out = tmp_path / key
        make(out)
        if out.is_dir():
            (out / "thesis.tex").write_text("hers")
        with pytest.raises(UserError) as caught:
            write_page(page_of(), out)
        assert caught.value.key == key
    assert [path.name for path in (tmp_path / "page_foreign").iterdir()] == ["thesis.tex"]


def test_an_older_page_is_replaced_and_the_rest_stays(tmp_path):
    out = tmp_path / "out"
    (out / ".git").mkdir(parents=True)  # a new repository for GitHub Pages
    write_page(page_of(run={"run/samples/000001.webp": b"old", "run/run.json": b"{}"}), out)
    (out / "CNAME").write_text("fruits.example")
    write_page(page_of(title="Newer"), out)
    assert not (out / "run").exists()
    assert (out / "CNAME").read_text() == "fruits.example"
    assert "<title>Newer</title>" in (out / "index.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_forged_list_takes_nothing_else_away(tmp_path):
    out = tmp_path / "out"
    write_page(page_of(), out)
    (tmp_path / "hers").write_text("hers")
    about = json.loads((out / "about.json").read_text())
    (out / "about.json").write_text(json.dumps(about | {"files": ["../hers", str(tmp_path / "hers"), 5, "."]}))
    write_page(page_of(), out)
    assert (tmp_path / "hers").read_text() == "hers"


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(self, data):
        if self.name == "G.onnx":
            raise OSError(28, "No space left on device")
        return len(data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_page(page_of(), tmp_path / "out")
    assert not list(tmp_path.iterdir())


# how it learned


def test_a_long_run_fits_beside_the_page(tmp_path):
    run = run_folder(tmp_path / "run", 300, side=160)
    for n in (1, 151, 300):  # those that are looked at first weigh nothing
        Image.new("RGB", (160, 160)).save(run.samples / f"{n * 50:06d}.webp")
    page = page_of()
    page = replace(page, run=training_of(run, LIMIT - pages.weight(page)))
    written = write_page(page, tmp_path / "out")
    assert LIMIT / 3 < written.rest <= LIMIT
    steps = [int(Path(name).stem) for name in written.files if name.startswith("run/samples/")]
    assert steps[0] == 50 and steps[-1] == 300 * 50, "the first and the last"
    assert len(steps) >= 8
    whole = json.loads((tmp_path / "out/run/run.json").read_bytes())["whole"]
    assert [line[1] for line in whole["told"] if line[0] == "sample"] == steps


def test_curves_are_joined_evenly(tmp_path):
    run = run_folder(tmp_path / "run", 1, [{"event": "report", "step": n, "loss_D": float(n)} for n in range(1, 3001)])
    reports = json.loads(training_of(run, 10**6)["run/run.json"])["whole"]["reports"]
    steps, losses = reports[0], reports[COLUMNS.index("loss_D")]
    assert len(steps) == len(losses) <= POINTS
    assert steps[-1] in (3000, 50) and steps[:3] == [6, 12, 18]
    assert losses[:3] == [3.5, 9.5, 15.5], "the mean of six"
    assert set(reports[COLUMNS.index("grad_D")]) == {None}


def test_what_a_run_went_back_from_is_not_told(tmp_path):
    run = run_folder(tmp_path / "run", 4)
    with run.events.open("a") as log:
        log.write(
            '{"event": "resumed", "step": 100}\n{"event": "measure", "step": 100, "n": 5, "scores": {"frechet": NaN}}\n'
        )
        log.write('{"event": "vitals", "step": 100, "spread": 0.5}\n{"event": "snapshot", "step": 100}\n')
        log.write('{"event": "advice", "step": 100, "key": "k", "en": "Do.", "zh": "做。"}\n')
        log.write('{"event": "advice", "step": 100}\ntorn')
    (run.samples / "000100.webp").write_bytes(b"RIFF, torn")
    told = training_of(run, 10**6)
    assert set(told) == {"run/run.json", "run/samples/000050.webp"}
    whole = json.loads(told["run/run.json"])["whole"]
    assert whole["reports"][0] == [50, 100]
    assert [line[:5] for line in whole["told"] if line[0] != "sample"] == [
        ["resumed", 100, None],
        ["vitals", 100, 0.5, None, None],
        ["snapshot", 100],
        ["advice", 100, "k", "Do.", "做。"],
    ]


def test_no_run_and_a_run_without_pictures(tmp_path):
    with pytest.raises(UserError, match="is no run"):
        training_of(RunFolder(tmp_path), 10**6)
    with pytest.raises(UserError, match="no sample sheets"):
        training_of(run_folder(tmp_path / "run", 0), 10**6)


# the command


def test_the_command_says_what_it_wrote_and_how_to_open_it(tmp_path, capsys):
    run_folder(tmp_path / "runs" / "night", 3)
    toy(data={"licence": "MIT"}).save(tmp_path / "runs" / "my-toy" / "snapshots" / "000005", step=5)
    command = ["export", "--weights", f"{tmp_path}/runs/my-toy@5", "--format", "page", "--out", str(tmp_path / "out")]
    assert main([*command, "--run", "night", "--runs", str(tmp_path / "runs")]) == 0
    said = capsys.readouterr().out
    assert "MB" in said and f"python -m http.server -d {tmp_path / 'out'}" in said
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert about["title"] == "My toy" and about["card"]["licence"] == "MIT"
    assert json.loads((tmp_path / "out" / "directions.json").read_text())["directions"]
    assert "run/samples/000150.webp" in about["files"]
    texts = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "vendor" not in path.parts]
    assert not [path for path in texts if str(tmp_path).encode() in path.read_bytes()], "no path of this disk"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "no place to export to"),
        (["--out", "x", "--run", "night"], "Add --format page"),
        (["--out", "x", "--format", "page", "--run", "night"], "is no run"),
        (["--push", "a b/c"], "cannot name a place on the Hub"),
        (["--push", "ada/toy"], "HF_HUB_OFFLINE is set"),
    ],
)
def test_what_cannot_be_exported(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    toy().save("weights")
    assert main(["export", "--weights", "weights", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
