"""The routes behind Directions and Inside G, asked without a browser."""

import json
import threading
import time
from base64 import b64decode, b64encode

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.gan import GAN
from gan_core.images import to_uint8
from gan_core.latent import direction_file
from gan_core.latent.directions import local
from gan_core.latent.inside import inside, stages, untouched
from gan_core.ui import directions
from gan_core.ui.directions import Directions, Search, direction_routes
from gan_core.ui.inside import inside_routes
from gan_core.ui.studio import ROUTES
from tests.ui.apps import eventually
from tests.ui.conftest import save

JSON = {"content-type": "application/json"}
NAMED = {"pca-2": {"en": "wider", "zh": "更宽"}}


@pytest.fixture
def client(studio):
    with TestClient(Starlette(routes=[*direction_routes(studio), *inside_routes(studio)])) as client:
        yield client


@pytest.fixture
def get(client):
    def ask(model="shipped:fruits"):
        while "wait" in (said := client.get(f"{ROUTES}/lab/directions", params={"model": model}).json()):
            time.sleep(0.01)
        return said

    return ask


@pytest.fixture
def post(client):
    return lambda path, lang="en", headers={}, **body: client.post(
        f"{ROUTES}/lab/{path}", content=json.dumps(body), headers=JSON | {"accept-language": lang} | headers
    ).json()


def pack(*tensors):
    return b64encode(torch.cat([t.flatten() for t in tensors]).numpy().astype("<f4").tobytes()).decode()


def unpack(text, kind="<f4"):
    return np.frombuffer(b64decode(text), kind)


def test_they_are_found_once_and_kept_beside_the_weights(get, studio, monkeypatch):
    said = get()
    assert {row["method"] for row in said["directions"]} == {"sefa", "pca"}
    assert said["directions"][0]["id"] == "sefa-1"
    file = studio.weights / "fruits" / direction_file.FILE
    assert json.loads(file.read_text()) == said
    monkeypatch.setattr(direction_file, "find", lambda *_: pytest.fail("found again"))
    assert get() == said


def test_a_forged_file_and_new_weights_make_them_be_found_again(get, studio):
    first = get()
    file = studio.weights / "fruits" / direction_file.FILE
    file.write_text(json.dumps(first | {"fingerprint": "0" * 16, "directions": []}))
    again = get()
    assert again["fingerprint"] == first["fingerprint"]
    for row, before in zip(again["directions"], first["directions"], strict=True):
        assert row["id"] == before["id"]
        assert unpack(row["z"]) == pytest.approx(unpack(before["z"]), abs=1e-4)  # sums in another order, on some torch
    save(studio.weights / "fruits")
    assert get()["fingerprint"] != first["fingerprint"]


def test_where_nothing_can_be_written_they_are_kept_in_memory(get, post, studio, monkeypatch):
    def full(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(direction_file, "write", full)
    first = get()
    assert not (studio.weights / "fruits" / direction_file.FILE).exists()
    assert get() == first
    assert post("names", model="shipped:fruits", names=NAMED) == {"kept": True}
    assert get()["directions"][9]["name"] == NAMED["pca-2"]


class Slow:
    """A search that goes on until it is let go."""

    def __init__(self):
        self.let_go, self.calls = threading.Event(), 0

    def __call__(self, gan, folder, progress):
        self.calls += 1
        for done in range(10_000):
            progress(done, 10_000, "activations")
            if self.let_go.wait(0.01):
                return direction_file.find(gan, folder)
        raise AssertionError("nobody let go")


def test_one_search_serves_all_who_wait(studio, monkeypatch):
    monkeypatch.setattr(directions, "PATIENCE", 0.05)
    slow = Slow()
    finder, loaded = Directions(slow), studio.shelf.load("shipped:fruits")
    said = [finder.of(loaded) for _ in range(3)]
    assert all(isinstance(search, Search) for search in said)
    eventually(lambda: said[-1].done)
    assert said[-1].told["of"] == 10_000 and said[-1].told["left"] > 0
    slow.let_go.set()
    assert said[0].over.wait(20)
    assert slow.calls == 1
    assert finder.of(loaded).mark == said[0].found.mark


def test_a_search_that_nobody_waits_for_is_given_up(studio, monkeypatch):
    monkeypatch.setattr(directions, "PATIENCE", 0.05)
    slow = Slow()
    finder, loaded = Directions(slow), studio.shelf.load("shipped:fruits")
    search = finder.of(loaded)
    with monkeypatch.context() as patched:
        patched.setattr(directions, "DESERTED", 0.0)
        assert search.over.wait(10)
    assert search.error.key == "directions_left"
    assert not (studio.weights / "fruits" / direction_file.FILE).exists()
    finder.of(loaded)  # whoever comes later has it begin anew
    eventually(lambda: slow.calls == 2)
    slow.let_go.set()


def test_a_search_ends_with_the_app(studio, monkeypatch):
    monkeypatch.setattr(directions, "PATIENCE", 0.05)
    finder = Directions(Slow())
    search = finder.of(studio.shelf.load("shipped:fruits"))
    assert isinstance(search, Search)
    finder.close()
    assert search.over.is_set()


def test_what_goes_wrong_with_a_search_is_said_to_whoever_waits(studio):
    finder, loaded = Directions(lambda *_: 1 / 0), studio.shelf.load("shipped:fruits")
    for _ in range(2):  # and the next one who asks begins anew
        with pytest.raises(ZeroDivisionError):
            finder.of(loaded)


def test_of_a_model_that_is_not_there_nothing_is_found(get):
    assert "no model 'run:none'" in get("run:none")["error"]


def test_the_jacobian_is_that_of_the_point_that_came(post, studio):
    gan = studio.shelf.load("run:mine").gan
    z, y = gan.sample_z(1, 4), torch.tensor([[0.0, 0.5, 0.5]])
    rows = post("jacobian", model="run:mine", z=pack(z), y=pack(y))["directions"]
    expected = local(gan, z[0], y[0])
    assert [row["id"] for row in rows] == [f"jacobian-{i + 1}" for i in range(8)]
    for row, d in zip(rows, expected, strict=True):
        assert np.abs(unpack(row["z"]) - d.z.numpy()).max() < 1e-5
        assert row["share"] == pytest.approx(d.share, abs=1e-4)


@pytest.mark.parametrize("z", ["", "AAAA", "no base64", pack(torch.zeros(16)), pack(torch.full((8,), float("nan")))])
def test_a_point_that_does_not_fit_is_refused_in_either_language(post, z):
    english, chinese = (post("jacobian", lang, model="shipped:fruits", z=z)["error"] for lang in ("en", "zh"))
    assert english != chinese


def test_names_are_for_everybody(get, post):
    get()
    assert post("names", model="shipped:fruits", names=NAMED) == {"kept": True}
    assert get()["directions"][9]["name"] == NAMED["pca-2"]
    assert post("names", model="shipped:fruits", names={"pca-2": {"en": "", "zh": ""}}) == {"kept": True}
    assert "name" not in get()["directions"][9]


@pytest.mark.parametrize("names", [None, [], {"sefa-1": "flat"}, {"sefa-99": {"en": "x"}}, {"../x": {"en": "x"}}])
def test_names_that_are_none_get_a_sentence(get, post, names):
    before = get()
    english, chinese = (post("names", lang, model="shipped:fruits", names=names)["error"] for lang in ("en", "zh"))
    assert english != chinese
    assert get() == before


def test_names_come_after_directions(post):
    assert "no directions to name yet" in post("names", model="shipped:fruits", names=NAMED)["error"]


def test_names_are_taken_as_plain_json_alone(client):
    body = json.dumps({"model": "shipped:fruits", "names": NAMED})
    said = client.post(f"{ROUTES}/lab/names", content=body, headers={"content-type": "text/plain"}).json()
    assert "error" in said  # so another site cannot make a browser send it


def test_who_may_not_steer_gives_no_names_to_others(get, post, studio):
    studio.open, studio.key = False, "chalkboard"
    for model in ("shipped:fruits", "run:mine"):
        before = get(model)
        assert post("names", model=model, names=NAMED) == {"kept": False}
        assert get(model) == before
        assert post("names", headers={"x-studio-key": "chalkboard"}, model=model, names=NAMED) == {"kept": True}
    token = "a-token-that-is-long-enough"
    (studio.runs / "mine" / "owner.json").write_text(
        json.dumps({"owner": studio.rights.visitor({"x-studio-visitor": token}).id})
    )
    mine = {"x-studio-visitor": token}
    assert post("names", headers=mine, model="run:mine", names={"sefa-1": {"en": "mine"}}) == {"kept": True}
    assert post("names", headers=mine, model="shipped:fruits", names={"sefa-1": {"en": "no"}}) == {"kept": False}


# ---- inside ----


def test_the_server_mixes_as_torch_does(post, studio):
    gan = studio.shelf.load("run:mine").gan
    z, y = gan.sample_z(2, 0), torch.eye(3)[:2]
    gates, masks = untouched(gan)
    gates[0][1] = 0
    masks[1][:, :7] = 1
    said = post("inside", model="run:mine", z=pack(z), y=pack(y), gates=pack(*gates), masks=pack(*masks))
    images, strengths = inside(gan, z, y, gates, masks)
    assert unpack(said["image"], np.uint8).tolist() == to_uint8(images[0]).permute(1, 2, 0).flatten().tolist()
    for text, expected in zip(said["strengths"], strengths, strict=True):
        assert np.abs(unpack(text) - expected.numpy().ravel()).max() < 1e-6


@pytest.mark.parametrize("wrong", ["z", "gates", "masks"])
def test_what_does_not_fit_g_is_refused(post, studio, wrong):
    gan = GAN(studio.shelf.load("shipped:fruits").gan.config)
    gates, masks = untouched(gan)
    body = {"z": pack(gan.sample_z(2, 0)), "gates": pack(*gates), "masks": pack(*masks)}
    assert len(stages(gan.config)) > 1 and "image" in post("inside", model="shipped:fruits", **body)
    body[wrong] = pack(torch.zeros(8))
    assert "error" in post("inside", model="shipped:fruits", **body)
