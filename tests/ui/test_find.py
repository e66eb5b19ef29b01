"""The routes behind Find: a stream that converges, what it says at the end, and what strangers post."""

import json
from base64 import b64decode, b64encode
from contextlib import closing
from io import BytesIO
from pathlib import Path
from shutil import copytree
from threading import Event, Thread

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.gan import GAN
from gan_core.images import to_pictures
from gan_core.latent import calibration, inversion
from gan_core.latent.calibration import FILE
from gan_core.ui import find, stream
from gan_core.ui.find import Calibrations, filled, find_routes, mask
from gan_core.ui.stream import Slots
from gan_core.ui.studio import ROUTES
from gan_core.ui.text import PageError

WEIGHTS = Path(__file__).parents[2] / "weights"
QUICK = inversion.Effort(starts=64, rounds=((8, 4), (4, 4), (2, 8)))


@pytest.fixture
def client(studio):
    copytree(WEIGHTS / "fashion-mlp", studio.weights / "clothes")
    with TestClient(Starlette(routes=find_routes(studio, Calibrations(studio.shelf)))) as client:
        yield client


@pytest.fixture
def post(client):
    def ask(path="find", headers=None, **values):
        answer = client.post(f"{ROUTES}/lab/{path}", json={"model": "shipped:clothes"} | values, headers=headers)
        return [json.loads(line) for line in answer.text.splitlines()]

    return ask


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(inversion.invert, "__defaults__", (inversion.Task(), None, QUICK))


def png(image):
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


def painted(seed=4000, name="fashion-mlp"):
    gan = GAN.from_pretrained(WEIGHTS / name)
    with torch.no_grad():
        return to_pictures(gan(gan.sample_z(1, seed)))[0]


def floats(text):
    return np.frombuffer(b64decode(text), "<f4")


def opened(url):
    return Image.open(BytesIO(b64decode(url.split(",")[1])))


def test_a_picture_is_found_and_the_page_sees_it_converge(post, monkeypatch):
    monkeypatch.setattr(find, "EVERY", 0.0)
    target = painted()
    *lines, last = post(picture=png(target))
    assert lines[0]["of"] == inversion.EFFORT.work() == lines[-1]["done"]
    assert lines[-1]["levels"] < 5 < lines[0]["levels"]
    assert opened(lines[0]["strip"]).size == (6 * 28, 28) and opened(lines[-1]["strip"]).size == (2 * 28, 28)
    result = last["result"]
    assert result["levels"] < 5
    assert result["verdict"] == "own" and result["beyond_real"] == 0
    assert len(result["own"]) == len(result["real"]) == 32
    gan = GAN.from_pretrained(WEIGHTS / "fashion-mlp")
    with torch.no_grad():
        again = to_pictures(gan(torch.from_numpy(floats(result["z"]).copy())[None]))[0]
    assert np.array_equal(np.asarray(again), np.asarray(opened(result["picture"]).convert("L")))
    assert np.array_equal(np.asarray(target), np.asarray(opened(result["target"]).convert("L")))


def test_a_foreign_picture_is_told(post, quick):
    fruit = Image.radial_gradient("L").convert("RGB").resize((300, 200))
    result = post(picture=f"data:image/png;base64,{png(fruit)}")[-1]["result"]
    assert result["verdict"] == "foreign"
    assert result["beyond_real"] == 1


def test_a_hole_is_filled_and_the_rest_stays_as_it_was(post, quick):
    target = painted()
    known = Image.new("L", (28, 28), "white")
    known.paste(0, (10, 10, 18, 18))
    result = post(picture=png(target), task="fill", known=png(known))[-1]["result"]
    assert "verdict" not in result
    before, after = np.asarray(target).astype(int), np.asarray(opened(result["filled"]).convert("L")).astype(int)
    outside = np.ones((28, 28), bool)
    outside[9:19, 9:19] = False
    assert (before == after)[outside].all()
    assert (np.asarray(opened(result["target"]).convert("L"))[10:18, 10:18] == 128).all()


@pytest.mark.parametrize("task", ["over", "enlarge2", "enlarge4", "denoise"])
def test_every_task_ends_with_a_latent(post, quick, task):
    z = b64encode(np.zeros(100, "<f4").tobytes()).decode()
    result = post(picture=png(painted()), task=task, z=z)[-1]["result"]
    assert floats(result["z"]).shape == (100,)
    assert ("verdict" in result) == (task == "over")
    if task == "enlarge4":
        coarse = np.asarray(opened(result["target"]).convert("L"))
        assert (coarse[:4, :4] == coarse[0, 0]).all()


def test_a_model_with_classes_tells_the_class(post, quick):
    result = post(model="run:mine", picture=png(painted()))[-1]["result"]
    assert floats(result["y"]).shape == (3,) and floats(result["y"]).sum() == 1
    assert "verdict" not in result, "nobody has measured it"


def test_a_hole_by_hand():
    known = mask(torch.tensor([[[255, 255, 0], [255, 255, 255], [255, 255, 255]]], dtype=torch.uint8))
    assert known.tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    target, pixels = torch.full((1, 3, 3), 90, dtype=torch.uint8), torch.full((1, 3, 3), 30, dtype=torch.uint8)
    out = filled(target, pixels, known)[0]
    assert out[0, 2] == 30, "the hole is G's"
    assert out[2].tolist() == [90, 90, 90] and 30 < out[0, 1] < 90, "the seam is a pixel wide"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (dict(task="fill", known="white"), "find_no_hole"),
        (dict(task="fill", known="black"), "find_nothing_known"),
    ],
)
def test_masks_that_leave_nothing_to_do(post, values, key):
    known = png(Image.new("L", (28, 28), values["known"]))
    (line,) = post(picture=png(painted()), task="fill", known=known)
    assert line["error"] == PageError(key).said()


@pytest.mark.parametrize(
    "values",
    [
        {}, dict(picture=3), dict(picture="AAAA"), dict(picture="!" * 100), dict(task="paint"), dict(task="fill"),
        dict(z="AAAA"), dict(z=b64encode(np.full(100, np.nan, "<f4").tobytes()).decode()),
        dict(z=b64encode(np.full(99, 1, "<f4").tobytes()).decode()),
        dict(z=b64encode(np.full(100, 1e9, "<f4").tobytes()).decode()),
        dict(model="/etc"), dict(model="shipped:../../x"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hostile_posts_get_a_sentence(post, values, lang):
    given = {} if values == {} or "picture" in values else {"picture": png(painted())}
    (line,) = post(headers={"accept-language": lang}, **given | values)
    assert set(line) == {"error"} and len(line["error"]) > 10
    assert "Traceback" not in line["error"]


def test_a_photograph_of_fifty_megapixels_gets_an_answer(post, quick):
    buffer = BytesIO()
    Image.new("RGB", (8192, 6144), "navy").save(buffer, "JPEG", quality=30)
    last = post(picture=b64encode(buffer.getvalue()).decode())[-1]
    assert "result" in last or "error" in last
    bomb = BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    assert "error" in post(picture=b64encode(bomb.getvalue()).decode())[-1]


# the stream


def heard_of(slots, work, lang="en", left=None):
    return [json.loads(line) for line in slots.lines(work, left or Event(), lang)]


def test_no_more_at_once_than_there_are_slots():
    slots, busy, go, heard = Slots(1, "find_busy", wait=0.1), Event(), Event(), []

    def work(tell):
        busy.set()
        go.wait(10)
        return {"x": 1}

    thread = Thread(target=lambda: heard.extend(heard_of(slots, work)))
    thread.start()
    assert busy.wait(10)
    assert heard_of(slots, work, "zh") == [{"error": PageError("find_busy").said("zh")}]
    go.set()
    thread.join(10)
    assert heard == [{"result": {"x": 1}}]
    assert heard_of(slots, lambda tell: {"x": 2}) == [{"result": {"x": 2}}]


def test_nobody_waits_behind_a_full_queue(monkeypatch):
    monkeypatch.setattr(stream, "QUEUE", 0)
    slots = Slots(1, "find_busy", wait=600)
    slots.free.acquire()
    assert heard_of(slots, lambda tell: {}) == [{"error": PageError("find_busy").said()}]


def test_work_is_given_up_when_nobody_listens_and_the_slot_is_free_again():
    slots, left, gone = Slots(1, "find_busy"), Event(), Event()

    def work(tell):
        try:
            while True:
                tell({"done": 1})
        finally:
            gone.set()

    lines = slots.lines(work, left, "en")
    assert json.loads(next(lines)) == {"done": 1}
    left.set()  # as Told does when the client has gone
    assert gone.wait(10)
    *_, last = lines
    assert "error" in json.loads(last)
    assert heard_of(slots, lambda tell: {}) == [{"result": {}}]


def test_an_app_that_ends_waits_for_nobody_to_compute():
    slots, busy, over = Slots(1, "find_busy"), Event(), Event()

    def work(tell):
        try:
            while True:
                tell({"done": 1})
                busy.set()
        finally:
            over.set()

    lines = slots.lines(work, Event(), "en")
    next(lines)
    assert busy.wait(10)
    slots.close()
    assert over.is_set()


def test_what_goes_wrong_is_a_sentence_and_frees_the_slot():
    slots = Slots(1, "find_busy")
    for _ in range(2):
        assert heard_of(slots, lambda tell: 1 / 0, "zh") == [{"error": PageError("went_wrong").said("zh")}]


def test_what_no_browser_can_read_is_a_sentence():
    for told in (float("nan"), float("inf")):
        assert heard_of(Slots(1, "find_busy"), lambda tell: {"x": told}) == [{"error": PageError("went_wrong").said()}]  # noqa: B023


def test_a_machine_without_another_thread_keeps_its_slots(monkeypatch):
    slots = Slots(1, "find_busy", wait=0)
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("can't start new thread")))
        with pytest.raises(RuntimeError):
            heard_of(slots, lambda tell: {})
    slots.close()
    assert slots.free.acquire(blocking=False)


# what is usual


def test_of_many_models_the_latest_are_kept_in_memory(studio, monkeypatch):
    monkeypatch.setattr(find, "KEPT", 2)
    kept = Calibrations(studio.shelf)
    for name in ("digits", "fashion", "fashion-mlp"):
        copytree(WEIGHTS / name, studio.weights / name)
        assert kept.of(studio.shelf.load(f"shipped:{name}"))
    assert len(kept._kept) == 2


def test_a_model_is_measured_once_and_kept_beside_its_weights(post, studio, monkeypatch, quick):
    monkeypatch.setattr(calibration, "SOUGHT", 2)
    monkeypatch.setattr(calibration, "JUDGED", 4)
    monkeypatch.setattr(find, "EVERY", 0.0)
    folder = studio.weights / "fruits"
    *lines, last = post("calibrate", model="shipped:fruits", distance=0.5)
    assert lines[-1]["done"] <= lines[-1]["of"]
    assert last["result"]["verdict"] in ("own", "far", "foreign") and last["result"]["real"] == []
    assert (folder / FILE).is_file()
    (again,) = post("calibrate", model="shipped:fruits", distance=0.5)
    assert again == last
    result = post(model="shipped:fruits", picture=png(painted()))[-1]["result"]
    assert "verdict" in result


def test_where_nobody_may_write_it_is_kept_in_memory(post, studio, monkeypatch, quick):
    monkeypatch.setattr(calibration, "SOUGHT", 1)
    monkeypatch.setattr(calibration, "JUDGED", 2)
    monkeypatch.setattr(find, "save_calibration", lambda made, folder: False)
    post("calibrate", model="shipped:fruits", distance=0.5)
    assert not (studio.weights / "fruits" / FILE).exists()
    assert len(post("calibrate", model="shipped:fruits", distance=0.5)) == 1


def test_a_distance_that_is_none_gets_a_sentence(post):
    for distance in ("nan", "x", -1):
        (line,) = post("calibrate", distance=distance)
        assert "distance" in line["error"]


def test_others_paint_while_somebody_searches(client, studio):
    """No lock is held: a picture painted meanwhile takes a moment."""
    gan = studio.shelf.load("shipped:clothes").gan
    with closing(inversion.invert(gan, torch.zeros(1, 1, 28, 28))) as search:
        next(search)
        assert len(list(studio.shelf.paint(gan, gan.sample_z(2, 0), None))) == 1
        next(search)
