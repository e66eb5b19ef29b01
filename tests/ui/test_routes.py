"""The routes behind Generate and Interpolate, asked without a browser."""

import io
import json
import os
import subprocess
import zipfile
from copy import deepcopy
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.export import Recipe, read_recipe
from gan_core.gan import WEIGHTS
from gan_core.images import to_sheet
from gan_core.ui.films import film_routes
from gan_core.ui.kept import Kept
from gan_core.ui.pictures import latents_of, picture_routes
from gan_core.ui.studio import ROUTES


@pytest.fixture
def ask(studio):
    app = Starlette(routes=[*picture_routes(studio), *film_routes(studio)])
    with TestClient(app, raise_server_exceptions=True) as client:
        yield lambda path, lang="en", **asked: client.get(
            f"{ROUTES}/{path}", params=asked, headers={"accept-language": lang}
        )


@pytest.fixture
def post(studio):
    with TestClient(Starlette(routes=picture_routes(studio))) as client:
        yield lambda body: client.post(f"{ROUTES}/recipe", content=body).json()


def sprite(answer):
    return Image.open(io.BytesIO(answer.content)), json.loads(answer.headers["x-about"])


def test_a_sheet_is_one_sprite_that_says_what_is_on_it(ask):
    image, about = sprite(ask("sheet", model="run:mine", n=10, seed=5, label=2))
    assert image.format == "WEBP"
    assert image.size == (4 * 28, 3 * 28)
    assert about["labels"] == [2] * 10
    assert (about["model"], about["step"], about["classes"]) == ("run:mine", 200, ["0", "1", "2"])


def test_a_small_sheet_is_exact(ask, studio):
    image, _ = sprite(ask("sheet", model="shipped:fruits", n=4))
    gan = studio.shelf.load("shipped:fruits").gan
    assert image.convert("L").tobytes() == to_sheet(gan(gan.sample_z(4, 0))).tobytes()


def test_without_a_model_the_best_paints(ask):
    assert sprite(ask("sheet"))[1]["model"] == "shipped:fruits"


@pytest.mark.parametrize(
    ("path", "asked", "said"),
    [
        ("sheet", {"n": "257"}, "n is 257"),
        ("sheet", {"n": "many"}, "n is 'many'"),
        ("sheet", {"seed": "-1"}, "seed is -1"),
        ("sheet", {"truncation": "nan"}, "truncation is nan"),
        ("sheet", {"truncation": "0"}, "truncation is 0"),
        ("sheet", {"model": "run:mine", "label": "3"}, "no class 3"),
        ("picture.png", {"model": "run:none"}, "no model 'run:none'"),
        ("film", {"seeds": "1"}, "two keyframes"),
        ("film", {"seeds": "1,2,3,4,5,6,7,8,9"}, "seeds is 9"),
        ("film", {"seeds": "1,x"}, "seeds is 'x'"),
        ("film", {"seeds": "1,2", "frames": "241"}, "frames is 241"),
        ("film", {"seeds": "1,2", "method": "jump"}, "Unknown method 'jump'"),
        ("film", {"seeds": "1,2", "labels": "1"}, "keyframes"),
        ("film/make", {"seeds": "1,2", "format": "exe"}, "Unknown format 'exe'"),
        ("film/file", {"token": "../../etc/passwd"}, "no longer kept"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_in_either_language(ask, path, asked, said):
    assert said in ask(path, **asked).json()["error"]
    assert ask(path, lang="zh", **asked).json()["error"] != ask(path, **asked).json()["error"]


def test_a_bug_is_a_sentence_too_and_its_traceback_goes_to_the_log(ask, monkeypatch, caplog):
    monkeypatch.setattr("gan_core.ui.pictures.to_sheet", lambda *_: 1 / 0)
    assert ask("sheet").json()["error"].startswith("Something went wrong")
    assert "ZeroDivisionError" in caplog.text


def test_damaged_weights_are_said_on_the_page(ask, studio):
    (studio.weights / "fruits" / WEIGHTS).write_bytes(b"cut short")
    error = ask("sheet", model="shipped:fruits").json()["error"]
    assert "cannot be read" in error
    assert str(studio.weights) not in error
    assert sprite(ask("sheet"))[1]["model"] == "run:mine"


def test_d_gives_a_belief_only_in_a_game_of_beliefs(ask):
    said = ask("opinions", model="shipped:fruits", n=3).json()
    assert (len(said["logits"]), said["believes"], said["loss"]) == (3, True, "ns")
    assert ask("opinions", model="run:mine").json()["believes"] is False


def test_the_opinion_of_a_picture_does_not_depend_on_the_sheet(ask):
    many = ask("opinions", n=5, seed=3).json()["logits"]
    assert ask("opinions", n=1, seed=5).json()["logits"][0] == pytest.approx(many[2], abs=1e-4)


def test_a_saved_picture_comes_back_as_it_was(ask, post):
    asked = {"model": "run:mine", "seed": 7, "truncation": 0.5, "label": 1}
    png = ask("picture.png", **asked).content
    found = post(png)
    assert {name: found[name] for name in asked} == asked
    back, _ = sprite(ask("sheet", **asked))
    with Image.open(io.BytesIO(png)) as saved:
        assert saved.width == saved.height == 252
    assert found["picture"].startswith("data:image/png;base64,")
    assert back.size == (28, 28)


def test_a_picture_of_an_older_snapshot_comes_back_from_that_snapshot(ask, post):
    png = ask("picture.png", model="run:mine@000100").content
    assert read_recipe(png).model == "run:mine"
    assert (post(png)["model"], post(png)["step"]) == ("run:mine@000100", 100)


def test_a_strangers_recipe_opens_nothing(post, ask, studio):
    from gan_core.export import Recipe, save_png

    for name in ("weights/fruits", str(studio.weights / "fruits"), "shipped:../runs/mine"):
        buffer = io.BytesIO()
        save_png(Image.new("L", (8, 8)), buffer, Recipe(name, (0.0,) * 8))
        assert "error" in post(buffer.getvalue()), name


@pytest.mark.parametrize("made_of", [{"label": 2}, {"y": (0.5, 0.25, 0.25)}, {}])
def test_a_recipe_is_painted_where_its_model_lies(studio, made_of):
    """On a GPU, say: on a device without numbers a latent left behind on the CPU is seen everywhere."""
    gan = deepcopy(studio.shelf.load("run:mine").gan).to("meta")
    z, y = latents_of(Recipe("run:mine", (0.5,) * 8, **made_of), gan)
    assert z.device.type == y.device.type == "meta"
    assert gan(z, y).shape == (1, 1, 28, 28)


def test_a_zip_holds_every_picture_with_its_recipe(ask):
    answer = ask("pictures.zip", n=3, seed=4)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert [read_recipe(archive.read(name)).seed for name in archive.namelist()] == [4, 5, 6]


def test_a_file_name_is_one_that_every_system_takes(ask, studio):
    (studio.runs / "mine").rename(studio.runs / "mein Lauf +1 äöü")
    answer = ask("picture.png", model="run:mein Lauf +1 äöü")
    assert answer.headers["content-disposition"] == 'attachment; filename="mein-Lauf--1-----seed-0.png"'


def test_a_film_is_one_sprite(ask):
    image, about = sprite(ask("film", model="run:mine", seeds="1,2", labels="0,2", truncations="100,50", frames=9))
    assert image.size == (3 * 28, 3 * 28)
    assert about["n"] == 9


def test_a_keyframe_of_a_model_with_more_classes_is_still_one(ask):
    own = ask("film", model="run:mine", seeds="1,2", frames=4)
    assert ask("film", model="run:mine", seeds="1,2", labels="55,-1", frames=4).content == own.content


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_film_is_made_with_progress_and_fetched(ask, kind):
    lines = [json.loads(line) for line in ask("film/make", seeds="1,2", frames=20, format=kind).text.splitlines()]
    shares = [line["done"] / line["of"] for line in lines[:-1]]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with Image.open(io.BytesIO(ask("film/file", **lines[-1]).content)) as film:
        assert (film.format, film.size) == (kind.upper(), (252, 252))


def test_films_do_not_pile_up(tmp_path):
    kept = Kept()
    for i in range(40):
        token, path = kept.place("gif")
        path.write_bytes(b"")
        kept.add(token, path, f"{i}.gif")
    assert len(list(path.parent.iterdir())) == 32
    kept.close()
    assert not path.parent.exists()


def test_films_of_an_app_that_was_killed_go_with_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"dcgan-films-{ended.pid}-abc", f"dcgan-films-{os.getpid()}-abc", "dcgan-films-abc-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.gif").write_bytes(b"")
    kept = Kept()
    here = {path.name for path in tmp_path.iterdir()}
    assert here == {f"dcgan-films-{os.getpid()}-abc", "dcgan-films-abc-1", Path(kept.folder.name).name}
    kept.close()


def test_the_walk_at_the_head_is_made_once(ask, monkeypatch):
    first = ask("hero")
    monkeypatch.setattr("gan_core.ui.films.paint_walk", lambda *_: pytest.fail("painted again"))
    assert ask("hero").content == first.content
