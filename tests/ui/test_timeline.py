"""The time line's routes: a row of one latent, the sheets as a film, pictures of moves, QR codes."""

import asyncio
import io
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import segno
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan_core.gan import WEIGHTS
from gan_core.images import to_pictures
from gan_core.training.events import Resumed, Sample
from gan_core.training.folder import RunFolder
from gan_core.ui import row
from gan_core.ui.films import film_routes, told_while
from gan_core.ui.jobs import Jobs
from gan_core.ui.limits import Limits
from gan_core.ui.rights import public_id, write_owner
from gan_core.ui.row import spread
from gan_core.ui.studio import ROUTES
from gan_core.ui.timeline import timeline_routes
from tests.ui.apps import eventually
from tests.ui.conftest import save

ANN = "a" * 32


@pytest.fixture
def jobs(studio):
    return Jobs(studio.runs)


@pytest.fixture
def ask(studio, jobs):
    """The studio's run "mine" has snapshots of the steps 100 and 200."""
    with TestClient(Starlette(routes=[*timeline_routes(studio, jobs), *film_routes(studio)])) as client:
        yield lambda path, lang="en", headers=None, **asked: client.get(
            f"{ROUTES}/{path}", params=asked, headers={"accept-language": lang} | (headers or {})
        )


@pytest.fixture
def run(studio):
    return RunFolder(studio.runs / "mine")


def row_of(answer):
    image = Image.open(io.BytesIO(answer.content)).convert("L")
    about = json.loads(answer.headers["x-about"])
    S = about["size"]
    spots = [(i % about["columns"] * S, i // about["columns"] * S) for i in range(about["n"])]
    return about, [np.asarray(image.crop((x, y, x + S, y + S))) for x, y in spots]


def test_a_row_is_what_each_snapshot_paints_of_one_latent(ask, studio, run):
    save(run.snapshots / "000300", num_classes=3)
    about, pictures = row_of(ask("runs/mine/row", seed=7, label=2))
    assert about["steps"] == [100, 200, 300]
    for step, picture in zip(about["steps"], pictures, strict=True):
        gan = studio.shelf.load(f"run:mine@{step:06d}").gan
        painted = to_pictures(gan(gan.sample_z(1, 7), gan.sample_y(1, 7, 2)))[0]
        assert np.array_equal(picture, np.asarray(painted))
    assert not np.array_equal(pictures[0], pictures[2])
    assert not np.array_equal(row_of(ask("runs/mine/row", seed=8, label=2))[1][0], pictures[0])


def test_a_row_grows_by_one_picture_and_nobody_s_model_is_put_away(ask, studio, run, monkeypatch):
    studio.shelf.load("shipped:fruits")
    before = list(studio.shelf._gans)
    read = []
    monkeypatch.setattr(row, "_weights", lambda path, load=row._weights: read.append(path.name) or load(path))
    assert row_of(ask("runs/mine/row"))[0]["steps"] == [100, 200]
    save(run.snapshots / "000300", num_classes=3)
    assert row_of(ask("runs/mine/row"))[0]["steps"] == [100, 200, 300]
    assert read == ["000100", "000200", "000300"]
    shutil.rmtree(run.snapshots / "000200")
    save(run.snapshots / "000200", num_classes=3)  # painted anew after going back: another snapshot by that name
    row_of(ask("runs/mine/row"))
    assert read[3:] == ["000200"]
    assert list(studio.shelf._gans) == before


def test_so_many_bytes_of_pictures_are_remembered(studio, run, monkeypatch):
    monkeypatch.setattr(row, "KEPT", 4 * 28 * 28)
    rows = row.Rows(studio.shelf)
    for seed in (0, 1, 0, 2, 3):
        rows.paint(run, seed, None, 1.0)  # of two snapshots
    assert sum(picture.nbytes for picture in rows._pictures.values()) == rows._bytes == 4 * 28 * 28
    assert {mark[3] for mark in rows._pictures} == {2, 3}


def test_a_torn_snapshot_is_left_out(ask, run):
    weights = run.snapshots / "000100" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-100])
    assert row_of(ask("runs/mine/row"))[0]["steps"] == [200]
    save(run.snapshots / "000050", ngf=8, num_classes=3)  # of another shape
    assert row_of(ask("runs/mine/row"))[0]["steps"] == [200]
    (run.snapshots / "000200" / WEIGHTS).write_bytes(b"")
    shutil.rmtree(run.snapshots / "000050")
    assert "None of the snapshots" in ask("runs/mine/row").json()["error"]


def test_a_long_row_is_thinned_evenly_with_both_ends():
    for n in (1, 119, 120):
        assert spread(range(n), 120) == list(range(n))
    for n in (121, 500, 1000):
        chosen = spread(range(n), 120)
        assert len(set(chosen)) == 120 and chosen[0] == 0 and chosen[-1] == n - 1
        gaps = np.diff(chosen)
        assert gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize(
    ("path", "asked", "said"),
    [
        ("runs/mine/row", {"seed": "-1"}, "seed is -1"),
        ("runs/mine/row", {"truncation": "0"}, "truncation is 0"),
        ("runs/mine/row", {"label": "3"}, "no class 3"),
        ("runs/nobody/row", {}, "no snapshot"),
        ("runs/.x/row", {}, "cannot name a run"),
        ("runs/mine/film", {}, "no sheet yet"),
        ("runs/mine/film", {"format": "exe"}, "Unknown format"),
        ("runs/mine/film", {"fps": "0"}, "fps is 0"),
        ("runs/mine/film", {"scale": "9"}, "scale is 9"),
        ("qr", {"text": ""}, "text is 0"),
        ("qr", {"text": "x" * 501}, "text is 501"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_in_either_language(ask, path, asked, said):
    assert said in ask(path, **asked).json()["error"]
    assert ask(path, lang="zh", **asked).json()["error"] != ask(path, **asked).json()["error"]


def shade(step):
    return Image.new("L", (16, 16), step)


@pytest.mark.parametrize("kind", ["mp4", "webp", "gif"])
def test_the_sheets_become_a_film(ask, run, kind):
    for step in (0, 50, 100, 200):
        run.append(Sample(step, shade(step)))
    run.append(Resumed(100))  # the sheet of step 200 lies there, and no longer holds
    lines = [json.loads(line) for line in ask("runs/mine/film", format=kind, scale=2).text.splitlines()]
    assert [line["done"] for line in lines[:-1]] == [1, 2, 3] and lines[0]["of"] == 3
    answer = ask("film/file", token=lines[-1]["token"])
    assert answer.headers["content-disposition"].endswith(f'"mine.{kind}"')
    if kind != "mp4":
        with Image.open(io.BytesIO(answer.content)) as film:
            assert (film.size, film.n_frames) == ((32, 32), 3)
            shades = [film.seek(n) or film.convert("L").getpixel((9, 9)) for n in range(3)]
        assert np.allclose(shades, [0, 50, 100], atol=8)


def test_a_sheet_that_is_lost_on_the_way_is_said(ask, run):
    for step in (0, 50):
        run.append(Sample(step, shade(step)))
    (run.samples / "000050.webp").write_bytes(b"RIFF")
    lines = [json.loads(line) for line in ask("runs/mine/film").text.splitlines()]
    assert "sheet of step 50" in lines[-1]["error"]


def heard(response, leaves=False):
    """What a client hears, who hangs up after the first line if it `leaves`."""
    lines, gone = [], asyncio.Event()

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if body := message.get("body"):
            lines.append(json.loads(body))
            if leaves:
                gone.set()

    with ThreadPoolExecutor(1) as another:  # the browser tests keep a loop running in this one
        another.submit(lambda: asyncio.run(response({"type": "http"}, receive, send))).result()
    return lines


def test_a_film_that_nobody_waits_for_is_given_up(studio):
    over = threading.Event()

    def endless(progress):
        try:
            while True:
                progress(1, 2)
        finally:
            over.set()

    for _ in range(3):  # more than may be written at once
        over.clear()
        lines = heard(told_while(studio, endless, "en"), leaves=True)
        assert lines[0] == {"done": 1, "of": 2}
        assert over.wait(20)
        eventually(lambda: studio.films.free._value == 2)


def test_a_film_ends_with_the_app(studio):
    begun, over = threading.Event(), threading.Event()

    def endless(progress):
        try:
            while True:
                progress(1, 2)
                begun.set()
        finally:
            over.set()

    with ThreadPoolExecutor(1) as another:
        lines = another.submit(heard, told_while(studio, endless, "en"))
        assert begun.wait(20)
        studio.films.close()
        assert over.is_set()
        assert lines.result()[-1] == {"error": ""}


def test_no_more_films_are_written_at_once_than_the_machine_bears(studio):
    go, begun = threading.Event(), threading.Semaphore(0)

    def slow(progress):
        begun.release()
        assert go.wait(20)
        return "token"

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(heard, told_while(studio, slow, "en")) for _ in range(2)]
        assert all(begun.acquire(timeout=20) for _ in writing)
        assert "Try again in a moment" in heard(told_while(studio, slow, "en"))[0]["error"]
        assert "请稍后再试" in heard(told_while(studio, slow, "zh"))[0]["error"]
        go.set()
        assert [task.result() for task in writing] == [[{"token": "token"}]] * 2
    eventually(lambda: studio.films.free._value == 2)
    assert heard(told_while(studio, slow, "en")) == [{"token": "token"}]


def test_strangers_get_smaller_films(ask, studio, run):
    run.append(Sample(0, shade(9)))
    studio.public = True
    assert "scale is 3" in ask("runs/mine/film", scale=3).json()["error"]
    assert "token" in ask("runs/mine/film", scale=2).text


def test_moves_are_pictures_of_the_run(ask, run, jobs):
    (run.path / "moves").mkdir()
    shade(9).save(run.path / "moves" / "000500-0003.webp")
    assert ask("runs/mine/moves/000500-0003.webp").headers["content-type"] == "image/webp"
    for bad in ("000500.webp", "..%2Fconfig.json", "000500-0004.webp"):
        assert ask(f"runs/mine/moves/{bad}").status_code == 404
    jobs.limits = Limits()  # a public host
    assert ask("runs/mine/moves/000500-0003.webp").status_code == 200  # of a set that everybody has


def test_on_a_public_host_moves_on_uploads_are_hidden_from_others(ask, studio, run, jobs):
    (run.path / "moves").mkdir()
    shade(9).save(run.path / "moves" / "000500-0003.webp")
    (run.path / "data").mkdir()
    write_owner(run, public_id({"x-studio-visitor": ANN}))
    jobs.limits, studio.open, studio.key = Limits(), False, "secret"
    assert ask("runs/mine/moves/000500-0003.webp").status_code == 403
    own = {"cookie": f"studio-visitor={ANN}"}  # an <img> sends no headers of ours
    assert ask("runs/mine/moves/000500-0003.webp", headers=own).status_code == 200


def test_a_qr_code_says_what_was_asked_for(ask):
    text = "http://192.168.1.5:7860/?run=fruits 中&step=500&lang=zh"
    answer = ask("qr", text=text)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(buffer, "svg", xmldecl=False, border=4, light="#fff", omitsize=True)
    assert answer.content == buffer.getvalue()
    assert ask("qr", text=text + "!").content != answer.content
