"""The routes behind Check: copies that were planted, marks that were forged, and sets that are not here."""

import json
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.data import load_images
from gan_core.export import Recipe, save_png
from gan_core.gan import CONFIG, GAN
from gan_core.images import enlarge, to_pictures
from gan_core.metrics import features_for
from gan_core.metrics.spectrum import spectrum
from gan_core.ui.check import check_routes, copied_verdict
from gan_core.ui.find import Calibrations
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError
from tests.ui.conftest import save

WEIGHTS = Path(__file__).parents[2] / "weights"
FASHION = load_images("fashion-mini")


def ask_of(studio):
    client = TestClient(Starlette(routes=check_routes(studio, Calibrations(studio.shelf))))

    def ask(path="check", lang="en", **values):
        answer = client.post(
            f"{ROUTES}/lab/{path}", json={"model": "shipped:clothes"} | values, headers={"accept-language": lang}
        )
        lines = [json.loads(line) for line in answer.text.splitlines()]
        return lines[-1] if path == "check" else lines

    return ask


@pytest.fixture
def post(studio):
    copytree(WEIGHTS / "fashion-mlp", studio.weights / "clothes")
    return ask_of(studio)


def png(image, **more):
    buffer = BytesIO()
    image.save(buffer, "PNG", **more)
    return b64encode(buffer.getvalue()).decode()


def picture(row):
    return png(Image.fromarray(FASHION.pixels[row, 0].numpy()))


def learned_from(folder, **data):
    """A model that says so in its config.json."""
    save(folder)
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | {"data": data}))


# is it real?


def test_what_D_says_beside_what_it_says_of_others(post):
    D = post(picture=picture(7))["D"]
    gan = GAN.from_pretrained(WEIGHTS / "fashion-mlp")
    with torch.no_grad():
        logit = float(gan.D(FASHION.pixels[7:8].float() / 127.5 - 1))
    assert D["logit"] == pytest.approx(logit, abs=1e-4)
    assert D["beyond_real"] == pytest.approx(np.mean(np.array(D["real"]) <= logit), abs=1e-6)
    assert D["kind"] == "test" and len(D["own"]) == len(D["real"]) == 512


def test_the_spectrum_beside_those_of_others(post):
    said = post(picture=picture(7))["spectrum"]
    assert said["curve"] == pytest.approx(spectrum(FASHION.pixels[7:8].float() / 127.5 - 1)[0].tolist(), abs=1e-4)
    low, mean, high = np.array(said["real"])
    assert (low <= mean).all() and (mean <= high).all() and mean.shape == (15,)


def test_a_model_that_nobody_measured_says_only_what_it_knows(post):
    said = post(model="shipped:fruits", picture=picture(7))
    assert set(said["D"]) == {"logit", "believes"} and set(said["spectrum"]) == {"curve"}


def painted(gan, seed=3):
    z = gan.sample_z(1, seed)
    with torch.no_grad():
        return to_pictures(gan(z))[0], tuple(z[0].tolist())


def marked(image, recipe):
    buffer = BytesIO()
    save_png(image, buffer, recipe)
    return b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("smooth", [False, True])
def test_a_true_mark_paints_the_picture(post, smooth):
    image, z = painted(GAN.from_pretrained(WEIGHTS / "fashion-mlp"))
    file = marked(enlarge(image, 9, smooth), Recipe("shipped:clothes", z, seed=3, step=10))
    mark = post(picture=png(image), file=file, file_kind="image/png")["mark"]
    assert (mark["state"], mark["model"], mark["seed"], mark["step"]) == ("true", "shipped:clothes", 3, 10)
    assert mark["levels"] < 8


def test_a_mark_on_another_picture_is_told(post):
    _, z = painted(GAN.from_pretrained(WEIGHTS / "fashion-mlp"))
    file = marked(Image.fromarray(FASHION.pixels[7, 0].numpy()), Recipe("shipped:clothes", z))
    mark = post(picture=picture(7), file=file, file_kind="image/png")["mark"]
    assert mark["state"] == "other" and mark["levels"] > 20


@pytest.mark.parametrize("model", ["shipped:nothing", "hub:somebody/huge", "/etc/passwd", "somebody/huge", "run:../x"])
def test_a_mark_makes_nobody_fetch_or_open_anything(post, model, monkeypatch):
    monkeypatch.setattr("gan_core.ui.models._from_hub", lambda repo: pytest.fail("nothing is fetched"))
    file = marked(Image.new("L", (28, 28)), Recipe(model, (0.0,) * 100))
    assert post(picture=picture(7), file=file, file_kind="image/png")["mark"]["state"] == "unknown"


def forged(text):
    info = PngInfo()
    info.add_text("dcgan-studio", text)
    return png(Image.new("L", (28, 28)), pnginfo=info)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[[[[",
        '{"model": 1}',
        '{"z": "AAAA", "model": "' + "x" * 300 + '", "truncation": 1}',
        "x" * 100_000,
        "[" * 50_000,
    ],
)
def test_forged_marks_get_a_word_and_do_no_harm(post, text):
    assert post(picture=picture(7), file=forged(text), file_kind="image/png")["mark"]["state"] == "wrong"


def test_files_without_a_mark(post):
    plain = png(Image.new("L", (28, 28)))
    assert post(picture=picture(7), file=plain, file_kind="image/png")["mark"] == {"state": "none", "why": "no_recipe"}
    assert post(picture=picture(7))["mark"] == {"state": "none", "why": "not_png"}
    assert post(picture=picture(7), file_kind="image/png")["mark"] == {"state": "none", "why": "not_sent"}
    jpeg = BytesIO()
    Image.new("L", (28, 28)).save(jpeg, "JPEG")
    assert post(picture=picture(7), file=b64encode(jpeg.getvalue()).decode())["mark"]["state"] == "none"


@pytest.mark.parametrize(
    "values",
    [
        {},
        dict(picture="x"),
        dict(picture=None),
        dict(file="no base64"),
        dict(model="shipped:nobody"),
        dict(model=7),
    ],
)
@pytest.mark.parametrize("path", ["check", "copied"])
def test_hostile_posts_get_a_sentence(post, values, path):
    given = {"picture": picture(7)} if values and "picture" not in values else {}
    if path == "copied" and "file" in values:
        return
    said = post(path, lang="zh", **given | values)
    said = said if path == "check" else said[-1]
    assert set(said) == {"error"} and said["error"]


# is it copied?


def test_a_planted_copy_is_found_and_a_stranger_is_not(studio, tmp_path, monkeypatch):
    """A model that learned from a folder of 200 pictures: one of these, nearly it, and a stranger."""
    folder = tmp_path / "pictures"
    for row in range(200):
        place = folder / FASHION.classes[int(FASHION.labels[row])].replace("/", "-")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(FASHION.pixels[row, 0].numpy()).save(place / f"{row:04d}.png")
    learned_from(studio.weights / "copier", name=str(folder), pictures=200, classes=list(FASHION.classes))
    monkeypatch.setattr(
        "gan_core.ui.check.features_for", lambda images, progress: features_for(FASHION)
    )  # 3 s to learn
    post = ask_of(studio)
    *lines, last = post("copied", model="shipped:copier", picture=picture(11))
    assert {line["what"] for line in lines} <= {"read", "index"}
    result = last["result"]
    assert result["verdict"] == "same" and result["tiles"][0]["distance"] < 0.02
    assert result["tiles"][0]["label"] == FASHION.classes[int(FASHION.labels[11])].replace("/", "-")
    assert (result["searched"], result["of"], result["kind"], result["set"]) == (200, 200, "learned", "pictures")
    paler = Image.fromarray((FASHION.pixels[11, 0].numpy() * 0.95 + 6).astype(np.uint8))
    again = post("copied", model="shipped:copier", picture=png(paler))
    assert len(again) == 1, "the index is kept"
    assert again[0]["result"]["verdict"] in ("same", "near")
    far = post("copied", model="shipped:copier", picture=picture(5000))[-1]["result"]
    assert far["verdict"] in ("apart", "far") and far["share"] > 0.05
    assert str(tmp_path) not in json.dumps(result), "a visitor learns no path"


def test_a_set_that_is_not_here_is_named_and_a_strangers_path_is_not_opened(studio, tmp_path):
    learned_from(studio.weights / "far", name="/secret/place/holidays.zip")
    post = ask_of(studio)
    (line,) = post("copied", model="shipped:far", picture=picture(1))
    assert line["error"] == PageError("check_no_set", name="far", set="holidays.zip").said()
    (line,) = post("copied", lang="zh", model="run:mine", picture=picture(1))
    assert line["error"] == PageError("check_no_set", name="mine", set="?").said("zh")


def test_on_a_public_page_nobody_sees_what_others_uploaded(tmp_path):
    data = tmp_path / "runs" / "hers" / "data"
    data.mkdir(parents=True)
    Image.new("L", (28, 28)).save(data / "a.png")
    learned_from(tmp_path / "runs" / "hers" / "snapshots" / "000100", name=str(data), source=str(data))
    (tmp_path / "runs" / "hers" / "config.json").write_text("{}")
    public = Studio(tmp_path / "runs", tmp_path / "weights", public=True)
    (line,) = ask_of(public)("copied", model="run:hers", picture=picture(1))
    assert line["error"] == PageError("check_private").said()


def test_on_a_public_page_nobody_sees_the_pictures_of_a_folder_of_its_owner(tmp_path):
    folder, weights = tmp_path / "holidays", tmp_path / "runs" / "his" / "snapshots" / "000100"
    folder.mkdir()
    Image.new("L", (28, 28)).save(folder / "a.png")
    learned_from(weights, name="holidays", source=str(folder))
    (tmp_path / "runs" / "his" / "config.json").write_text("{}")
    public = Studio(tmp_path / "runs", tmp_path / "weights", public=True)
    (line,) = ask_of(public)("copied", model="run:his", picture=picture(1))
    assert line["error"] == PageError("check_private").said()


def test_verdicts_by_hand():
    usual = [i / 100 for i in range(10, 110)]
    assert [copied_verdict(d, usual) for d in (0, 0.02, 0.05, 0.105, 0.5, 2)] == [
        "same",
        "same",
        "near",
        "near",
        "apart",
        "far",
    ]
