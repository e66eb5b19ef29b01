"""The players on their way into a browser, and painting for one that cannot; and what strangers post."""

import json
from base64 import b64encode
from io import BytesIO

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from gan_core.images import to_uint8, to_unit
from gan_core.latent.perception import distance, features
from gan_core.ui import graphs
from gan_core.ui.answers import Asked
from gan_core.ui.graphs import Graphs, graph_routes
from gan_core.ui.posted import DECODING, Posted, posted
from gan_core.ui.studio import ROUTES

KIND = {"content-type": "application/json"}


def packed(numbers):
    return b64encode(np.asarray(numbers, "<f4").tobytes()).decode()


@pytest.fixture
def client(studio):
    with TestClient(Starlette(routes=graph_routes(studio))) as client:
        yield client


@pytest.fixture
def post(client):
    return lambda path, **values: client.post(f"{ROUTES}/lab/{path}", json={"model": "run:mine"} | values)


def test_what_the_page_must_know_of_a_model(client):
    about = client.get(f"{ROUTES}/lab/about", params={"model": "run:mine"}).json()
    assert (about["key"], about["step"], about["size"], about["nz"], about["num_classes"]) == (
        "run:mine",
        200,
        28,
        8,
        3,
    )
    assert about["classes"] == ["0", "1", "2"] and about["loss"] == "hinge" and not about["believes"]
    assert len(about["mark"]) == 16 and about["stages"][0]["side"] == 7


@pytest.mark.parametrize(("part", "inputs"), [("G", {"z", "y"}), ("D", {"x", "y"})])
def test_a_part_is_a_graph_that_a_browser_keeps_under_its_mark(client, part, inputs):
    mark = client.get(f"{ROUTES}/lab/about", params={"model": "run:mine"}).json()["mark"]
    answer = client.get(f"{ROUTES}/lab/part.onnx", params={"model": "run:mine", "part": part, "mark": mark})
    assert {given.name for given in onnxruntime.InferenceSession(answer.content).get_inputs()} == inputs
    assert "immutable" in answer.headers["cache-control"]
    stale = client.get(
        f"{ROUTES}/lab/part.onnx", params={"model": "run:mine", "part": part, "mark": "of older weights"}
    )
    assert stale.headers["cache-control"] == "no-cache"


def test_weights_that_change_are_written_anew(client, studio):
    ask = lambda: client.get(f"{ROUTES}/lab/part.onnx", params={"model": "shipped:fruits"}).content  # noqa: E731
    before = ask()
    assert ask() == before
    gan = studio.shelf.load("shipped:fruits").gan
    with torch.no_grad():
        next(gan.G_ema.parameters()).mul_(2)
    gan.save(studio.weights / "fruits")
    assert ask() != before


@pytest.mark.parametrize("route", ["about", "part.onnx"])
def test_a_model_folder_whose_files_do_not_fit_gets_a_sentence(client, studio, route):
    config = studio.weights / "fruits" / "config.json"
    config.write_text(config.read_text().replace('"nz": 8', '"nz": 9'))
    said = client.get(f"{ROUTES}/lab/{route}", params={"model": "shipped:fruits"}).json()["error"]
    assert "do not fit their config.json" in said and str(studio.weights) not in said


def test_the_server_paints_what_torch_paints(post, studio):
    gan = studio.shelf.load("run:mine").gan
    z, y = gan.sample_z(3, 5), torch.tensor([[1.0, 0, 0], [0, 0.5, 0.5], [0, 0, 1]])
    answer = post("paint", z=packed(z), y=packed(y))
    pixels = np.frombuffer(answer.content, np.uint8).reshape(3, 28, 28, 1)
    assert (pixels == to_uint8(gan(z, y)).permute(0, 2, 3, 1).numpy()).all()


def test_without_y_the_class_follows_from_z(post, studio):
    gan = studio.shelf.load("run:mine").gan
    z = gan.sample_z(5, 0)
    pixels = np.frombuffer(post("paint", z=packed(z)).content, np.uint8)
    assert (pixels == to_uint8(gan(z)).flatten().numpy()).all()


@torch.no_grad()
def test_opinions_and_how_far_pictures_look_apart(post, studio):
    gan = studio.shelf.load("run:mine").gan
    z = gan.sample_z(4, 0)
    x = to_unit(to_uint8(gan(z)))
    said = post("opinions", z=packed(z)).json()
    assert said["logits"] == pytest.approx(gan.D(x, gan.class_of(z)).tolist(), abs=1e-5)
    felt = features(gan.D, x)
    assert said["apart"] == pytest.approx([float(distance(felt[i], felt[i + 1]) ** 0.5) for i in range(3)], abs=1e-5)


def test_a_broken_D_has_no_opinion(post, studio):
    gan = studio.shelf.load("run:mine").gan
    with torch.no_grad():
        next(gan.D.parameters()).fill_(float("nan"))
    assert set(post("opinions", z=packed(gan.sample_z(2, 0))).json()) == {"error"}


def test_graphs_are_kept_by_their_weight(studio, monkeypatch):
    kept = Graphs(studio.shelf)
    ask = lambda part: kept.part(Asked({"model": "shipped:fruits", "part": part}, "en"))  # noqa: E731
    size = len(ask("G").body)
    monkeypatch.setattr(graphs, "KEPT", size + 1)
    ask("D")
    assert [part for _, part in kept._written] == ["D"]
    monkeypatch.setattr(graphs, "KEPT", 1)
    assert len(ask("G").body) == size, "one is always kept"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"z": "%%%"}, "must be float32 numbers in base64"),
        ({"z": "AAA="}, "must be float32 numbers in base64"),
        ({"z": {"a": 1}}, "must be float32 numbers in base64"),
        ({}, "has 0 numbers, but must have 8"),
        ({"z": packed([0] * 9)}, "has 9 numbers, but must have 8"),
        ({"z": packed([float("nan")] * 8)}, "not finite"),
        ({"z": packed([1e5] * 8)}, "farther than 10,000"),
        ({"z": packed([0] * 8 * 65)}, "must lie between 1 and 64"),
        ({"z": packed([0] * 16), "y": packed([0] * 3)}, "y is for 1 pictures, but z for 2"),
        ({"z": packed([0] * 8), "y": packed([0] * 4)}, "y has 4 numbers, but must have 3"),
        ({"z": packed([0] * 8), "model": "run:../../etc"}, "There is no model"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(post, values, words):
    assert words in post("paint", **values).json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object_is_refused(client, body):
    assert "not a JSON object" in client.post(f"{ROUTES}/lab/paint", content=body, headers=KIND).json()["error"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_another_site_can_send_unasked_is_refused(client, kind):
    body = json.dumps({"model": "run:mine", "z": packed([0] * 8)})
    answer = client.post(f"{ROUTES}/lab/paint", content=body, headers={"content-type": kind})
    assert "not a JSON object" in answer.json()["error"]


def test_a_part_that_there_is_not(client):
    assert "Known: G, D, inside" in client.get(f"{ROUTES}/lab/part.onnx", params={"part": "H"}).json()["error"]


@pytest.fixture
def show(studio):
    """Posts a picture, and gets back what became of it."""
    gan = studio.shelf.load("shipped:fruits").gan

    def look(body: Posted):
        return JSONResponse({"pixels": body.picture("picture", gan).tolist()})

    with TestClient(Starlette(routes=[Route("/look", posted(look), methods=["POST"])])) as client:
        yield lambda data: client.post("/look", json={"picture": data}).json()


def file_of(image, kind="PNG", **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return b64encode(buffer.getvalue()).decode()


def test_a_picture_comes_as_a_square_in_the_models_channels(show):
    ramp = Image.fromarray(np.tile(np.arange(28, dtype=np.uint8), (28, 1)))
    assert (np.array(show(file_of(ramp))["pixels"])[0] == np.asarray(ramp)).all()
    assert show(f"data:image/png;base64,{file_of(ramp)}") == show(file_of(ramp))
    wide = np.array(show(file_of(Image.new("RGB", (600, 200), (255, 0, 0)), "JPEG"))["pixels"])
    assert wide.shape == (1, 28, 28) and wide.mean() == pytest.approx(76, abs=2)


def test_of_large_pictures_only_a_few_are_decoded_at_once(show, monkeypatch):
    """40 threads with a photograph of 50 megapixels each would take all memory."""
    held = []

    def to_square(*asked):
        held.append(DECODING._value)
        raise ValueError("damaged")

    monkeypatch.setattr("gan_core.ui.posted.to_square", to_square)
    before = DECODING._value
    assert "damaged" in show(file_of(Image.new("L", (28, 28))))["error"]
    assert (held, DECODING._value) == ([before - 1], before)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "not a picture that can be read"),
        (b64encode(b"<svg/>").decode(), "not a PNG, JPEG, WebP, BMP or GIF picture"),
        ("data:text/html;base64,AAAA", "not a picture that can be read"),
        (file_of(Image.new("L", (20_000, 2_600))), "not a picture that can be read: more than"),
    ],
)
def test_what_is_no_picture_is_refused(show, data, words):
    assert words in show(data)["error"]


def test_a_body_that_is_too_large_is_refused(show):
    assert "has 17 MB, more than the limit of 16 MB. Make the picture smaller" in show("A" * (2**24 + 99))["error"]
