"""Films of explicit latents: what the laboratory posts, frame by frame."""

import io
import json
from base64 import b64encode

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.images import enlarge, to_pictures
from gan_core.latent import paint
from gan_core.ui.films import MOST_FRAMES, film_routes
from gan_core.ui.studio import ROUTES


def packed(floats):
    return b64encode(np.asarray(floats, "<f4").tobytes()).decode()


@pytest.fixture
def client(studio):
    with TestClient(Starlette(routes=film_routes(studio))) as client:
        yield client


@pytest.fixture
def make(client):
    def make(lang="en", **body):
        answer = client.post(f"{ROUTES}/lab/film", json=body, headers={"accept-language": lang})
        return [json.loads(line) for line in answer.text.splitlines()]

    return make


@pytest.fixture
def film(client, make):
    """The file of what was posted, with its name."""

    def film(**body):
        answer = client.get(f"{ROUTES}/film/file", params=make(**body)[-1])
        return answer.content, answer.headers["content-disposition"]

    return film


@pytest.fixture(autouse=True)
def loud(studio):
    """An untrained G paints grey."""
    for key in ("shipped:fruits", "run:mine"):
        gan = studio.shelf.load(key).gan
        gan.G_ema.net[-2].weight.data *= 30
        gan.recalibrate(64)


def latents(studio, n, key="shipped:fruits"):
    return studio.shelf.load(key).gan.sample_z(n, 3)


def frames(file):
    with Image.open(io.BytesIO(file)) as image:
        for i in range(image.n_frames):
            image.seek(i)
            yield image.convert("L")


def test_a_gif_holds_the_very_pictures_of_the_latents_enlarged_crisply(film, studio):
    z = latents(studio, 5)
    file, name = film(model="shipped:fruits", z=packed(z), format="gif", scale=3, smooth=0, fps=10)
    gan = studio.shelf.load("shipped:fruits").gan
    wanted = to_pictures(paint(gan, z))
    for got, one in zip(frames(file), wanted, strict=True):
        assert got.size == (84, 84)
        assert got.tobytes() == enlarge(one, 3).tobytes()
    assert 'filename="fruits-path.gif"' in name


def test_webp_is_smooth_or_crisp_as_asked(film, studio):
    z = latents(studio, 3)
    crisp, smooth = (
        np.stack([np.asarray(frame, int) for frame in frames(file)])
        for file, _ in (film(z=packed(z), model="shipped:fruits", format="webp", scale=4, smooth=how) for how in (0, 1))
    )
    assert crisp.shape == (3, 112, 112)
    blocks = crisp.reshape(3, 28, 4, 28, 4)
    spread = blocks.max(axis=(2, 4)) - blocks.min(axis=(2, 4))
    assert np.median(spread) < 8  # WebP loses a little
    soft = smooth.reshape(3, 28, 4, 28, 4)
    assert np.median(soft.max(axis=(2, 4)) - soft.min(axis=(2, 4))) > 3 * max(1, np.median(spread))


def test_mp4_has_the_size_and_progress_that_grows(make, client, studio, tmp_path):
    lines = make(model="shipped:fruits", z=packed(latents(studio, 20)), format="mp4", scale=8, fps=30)
    shares = [line["done"] / line["of"] for line in lines[:-1]]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    file = client.get(f"{ROUTES}/film/file", params=lines[-1]).content
    assert file[4:8] == b"ftyp"
    at = file.index(b"tkhd") + 4 + 76  # ISO 14496-12, section 8.3.2: width and height end the track header
    width, height = np.frombuffer(file[at : at + 8], ">u4") >> 16
    assert (width, height) == (224, 224)


def test_classes_melt_as_they_are_posted(film, studio):
    """The weights that came, not those that z would name."""
    z = latents(studio, 1, "run:mine").expand(3, -1)
    y = torch.tensor([[1.0, 0, 0], [0.5, 0.5, 0], [0, 1, 0]])
    file, _ = film(model="run:mine", z=packed(z), y=packed(y), format="gif", scale=1)
    wanted = to_pictures(paint(studio.shelf.load("run:mine").gan, z, y))
    assert [frame.tobytes() for frame in frames(file)] == [one.tobytes() for one in wanted]


def test_without_a_size_a_film_is_no_speck(film, studio):
    file, _ = film(model="shipped:fruits", z=packed(latents(studio, 2)), format="gif")
    assert next(frames(file)).size == (252, 252)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": "shipped:none"}, "no model 'shipped:none'"),
        ({"model": "../../etc"}, "no model"),
        ({"format": "exe"}, "Unknown format 'exe'"),
        ({"fps": 0}, "fps is 0"),
        ({"fps": "nan"}, "fps is nan"),
        ({"scale": 9}, "scale is 9"),
        ({"scale": -1}, "scale is -1"),
        ({"smooth": 7}, "smooth is 7"),
        ({"z": packed(np.zeros(8))}, "1 frames"),
        ({"z": packed(np.zeros(8 * (MOST_FRAMES + 1)))}, f"z is {MOST_FRAMES + 1}"),
        ({"z": packed(np.zeros(13))}, "13"),
        ({"z": packed([np.nan] * 16)}, "z"),
        ({"z": "no base64!"}, "z"),
        ({"z": None}, "z"),
    ],
)
def test_what_cannot_be_a_film_is_a_sentence_in_either_language(make, changed, said):
    body = {"model": "shipped:fruits", "z": packed(np.zeros((2, 8))), "format": "gif"} | changed
    english, chinese = (make(lang, **body)[-1]["error"] for lang in ("en", "zh"))
    assert said in english
    assert not english.startswith("Something went wrong")
    assert english != chinese


def test_a_film_larger_than_memory_is_refused_before_it_is_painted(make, studio, monkeypatch):
    monkeypatch.setattr("gan_core.images.MOST_PIXELS", 2 * 28 * 28)
    monkeypatch.setattr("gan_core.ui.models.paint", lambda *_: 1 / 0)
    said = make(model="shipped:fruits", z=packed(np.zeros((2, 8))), format="webp", scale=2)[-1]["error"]
    assert "56" in said
