"""A PNG that remembers how it was made: the way there and back, and PNGs from strangers."""

import json
import zlib
from base64 import b64encode
from contextlib import suppress
from io import BytesIO
from struct import pack

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gan_core import UserError
from gan_core.export import Recipe, read_recipe, save_png
from gan_core.export.png import KEY

PICTURE = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
Z = tuple(torch.randn(100, generator=torch.Generator().manual_seed(0)).tolist())
FULL = Recipe("fruits", Z, seed=-7, truncation=0.7, label=3, step=20_000)


def saved(recipe=FULL):
    buffer = BytesIO()
    save_png(PICTURE, buffer, recipe)
    return buffer.getvalue()


def with_text(text, compress=False):
    info, buffer = PngInfo(), BytesIO()
    info.add_text(KEY, text, zip=compress)
    PICTURE.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def with_values(**changes):
    values = {"model": "m", "truncation": 1.0, "z": packed(1.0, 2.0)} | changes
    return with_text(json.dumps({name: value for name, value in values.items() if value != "gone"}))


def packed(*z):
    return b64encode(pack(f"<{len(z)}f", *z)).decode()


MIXED = Recipe("m", Z, y=(0.25, 0.75))


@pytest.mark.parametrize("recipe", [FULL, MIXED, Recipe("user/model", Z), Recipe("m", (0.0,)), Recipe("水果", Z * 40)])
def test_there_and_back(recipe, tmp_path):
    path = tmp_path / "new folder" / "a.png"
    save_png(PICTURE, path, recipe)
    assert read_recipe(path) == read_recipe(str(path)) == read_recipe(path.read_bytes()) == recipe  # z to the last bit
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), np.asarray(PICTURE))


def test_others_can_read_it():
    """One tEXt chunk of JSON, as exiftool and a browser's script find it."""
    with Image.open(BytesIO(saved())) as image:
        values = json.loads(image.info[KEY])
    assert values["software"] == "DCGAN Studio"
    assert (values["model"], values["seed"], values["truncation"], values["label"], values["step"]) == (
        "fruits", -7, 0.7, 3, 20_000,
    )  # fmt: skip
    assert len(saved()) < 1200


def test_z_for_a_model():
    assert torch.equal(FULL.latent(100), torch.tensor([Z]))
    with pytest.raises(UserError, match="has 100 numbers, but the model's has 64"):
        FULL.latent(64)


@pytest.mark.parametrize(
    "changes",
    [
        {"z": packed()}, {"z": packed(float("nan"))}, {"z": packed(1.0, float("inf"))}, {"z": packed(*[0.0] * 4097)},
        {"z": "AAAAA"}, {"z": "AAA="}, {"z": "%%%%"}, {"z": "水"}, {"z": [1, 2]}, {"z": None}, {"z": "gone"},
        {"model": ""}, {"model": 3}, {"model": "a\nb"}, {"model": "a" * 201}, {"model": "gone"},
        {"truncation": 0}, {"truncation": 2}, {"truncation": float("nan")}, {"truncation": True}, {"truncation": "1"},
        {"truncation": None}, {"truncation": "gone"}, {"seed": 1.5}, {"seed": True}, {"seed": 10**30}, {"seed": "7"},
        {"label": -1}, {"label": []}, {"step": -1}, {"step": {}}, {"y": "AAA="}, {"y": packed(float("nan"))}, {"y": 3},
    ],
    ids=str,
)  # fmt: skip
def test_a_recipe_that_cannot_be_true_is_refused(changes):
    assert read_recipe(with_values()) == Recipe("m", (1.0, 2.0))
    with pytest.raises(UserError, match="damaged"):
        read_recipe(with_values(**changes))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"z"', "[" * 60_000, "9" * 9_000, '{"model": NaN}'])
def test_json_that_is_no_recipe_is_refused(text):
    with pytest.raises(UserError, match="damaged"):
        read_recipe(with_text(text))


def test_a_huge_chunk_is_refused():
    with pytest.raises(UserError, match="1,000,000 characters"):
        read_recipe(with_text(" " * 1_000_000))


def test_a_bomb_of_a_chunk_is_refused():
    with pytest.raises(UserError):
        read_recipe(with_text(" " * 50_000_000, compress=True))


def test_a_png_that_claims_to_be_huge_is_never_decoded():
    def chunk(kind, body):
        return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0))
    with pytest.raises(UserError, match="not a PNG that can be read"):
        read_recipe(head + chunk(b"IDAT", zlib.compress(b"\0" * 100)))


def test_strangers_get_a_sentence(tmp_path):
    plain, jpeg = BytesIO(), BytesIO()
    PICTURE.save(plain, "PNG")
    PICTURE.save(jpeg, "JPEG")
    with pytest.raises(UserError, match="does not say how it was made"):
        read_recipe(plain.getvalue())
    for data in (jpeg.getvalue(), b"", b"hello", saved()[:30], b"\x80\x04pickle"):
        with pytest.raises(UserError, match="not a PNG that can be read"):
            read_recipe(data)
    with pytest.raises(UserError, match="does not exist"):
        read_recipe(tmp_path / "none.png")


def test_a_cut_or_scratched_png_never_gives_more_than_a_sentence():
    good = saved()
    random = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(good[: random.integers(9, len(good) + 1)])
        for place in random.integers(8, len(data), size=3):
            data[place] = random.integers(256)
        with suppress(UserError):
            assert read_recipe(bytes(data)).model


def test_weights_of_classes_that_the_model_lacks_are_refused():
    assert MIXED.weights(2).tolist() == [[0.25, 0.75]]
    assert FULL.weights(2) is None
    with pytest.raises(UserError, match="weights for 2 classes, but the model has 3"):
        MIXED.weights(3)
