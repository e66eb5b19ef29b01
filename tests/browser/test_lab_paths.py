"""The interpolation laboratory: three paths under one hand, by mouse, by keyboard, by touch."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core import GAN
from gan_core.images import to_pictures
from gan_core.latent import lerp, matched, paint, retime, slerp, walk, walk_labels
from tests.browser.conftest import ROOT

pytestmark = pytest.mark.browser

TOOL = "?tab=explore&tool=paths&model=shipped:fashion"
BETWEEN = {"lerp": lerp, "slerp": slerp, "matched": matched}
MEASURED = "() => document.querySelector('.paths')?.dataset.measured"
FRAME = "() => document.querySelector('.paths')?.dataset.frame"
PICTURES = """() => [...document.querySelectorAll('.paths-figure > canvas')].map((c) =>
  [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0))"""
MATHS = """async ([a, b, times, distances]) => {
  const load = (name) => import(`/gradio_api/gan/static/lab/${name}.js`);
  const [{ PATHS }, timing] = await Promise.all(['latent', 'timing'].map(load));
  const [from, to] = [Float32Array.from(a), Float32Array.from(b)];
  const keys = [from, to, from.map((x, i) => x - 2 * to[i])].map((z) => ({ z, y: null }));
  const along = (start, end) => Object.fromEntries(
    Object.entries(PATHS).map(([name, path]) => [name, times.map((t) => [...path(start, end, t)])]));
  const film = (path, loop, easing) =>
    [...timing.walkTimes(3, 17, loop, easing)].map((at) => [...timing.latentAt(keys, at, path, loop).z]);
  return {
    paths: along(from, to), opposite: along(from, from.map((x) => -x)),
    films: Object.fromEntries(Object.keys(PATHS).flatMap((path) => [false, true].flatMap((loop) =>
      ['linear', 'smooth'].map((easing) => [`${path} ${loop} ${easing}`, film(path, loop, easing)])))),
    once: [...timing.retime(distances, 13)], round: [...timing.retime(distances, 13, true)],
    still: [...timing.retime([0, 0], 5)],
  };
}"""


@pytest.fixture(scope="module")
def gan():
    return GAN.from_pretrained(ROOT / "weights" / "fashion")


def picture(gan, seeds, frames, frame, method):
    """What torch paints there."""
    keys, labels = torch.cat([gan.sample_z(1, s) for s in seeds]), torch.cat([gan.sample_y(1, s) for s in seeds])
    z, y = walk(keys, frames, method), walk_labels(labels, gan.config.num_classes, frames)
    return np.asarray(to_pictures(paint(gan, z[frame : frame + 1], y[frame : frame + 1]))[0], int)


def seeds(page):
    return [int(words.split()[-1]) for words in page.locator(".paths .seed").all_inner_texts()]


def speeds(page):
    """The fastest part of each path as a multiple of the slowest, as its caption says it."""
    words = [row.locator("figcaption").nth(2).inner_text() for row in page.locator(".paths-row").all()]
    ends = [words.rsplit(":", 1)[1].rsplit(", ", 1)[1].split(" to ") for words in words]
    return [float(high) / float(low) for low, high in ends]


def go(page, frame):
    page.get_by_role("slider", name="Place on all three").fill(str(frame))
    page.wait_for_function(f"(frame) => ({FRAME})() === frame", arg=str(frame))


def test_three_paths_on_a_desk(open_page, gan):
    page = open_page(TOOL)
    page.locator(".paths .keyframes li").nth(1).wait_for()

    # the formulas of the page are those of Python
    a, b = torch.randn(2, 20, generator=torch.Generator().manual_seed(3))
    times, distances = [0, 0.1, 0.5, 0.77, 1], [0, 0.3, 1.2, 0.01, 0, 0, 0.5]
    found = page.evaluate(MATHS, [a.tolist(), b.tolist(), times, distances])
    keys, t = torch.stack([a, b, a - 2 * b]), torch.tensor(times)[:, None]
    for name, between in BETWEEN.items():
        torch.testing.assert_close(torch.tensor(found["paths"][name]), between(a, b, t), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(torch.tensor(found["opposite"][name]), between(a, -a, t), atol=1e-5, rtol=1e-5)
        for loop, easing in ((loop, easing) for loop in (False, True) for easing in ("linear", "smooth")):
            film = torch.tensor(found["films"][f"{name} {str(loop).lower()} {easing}"])
            torch.testing.assert_close(film, walk(keys, 17, name, loop, easing), atol=1e-5, rtol=1e-5)
    assert found["once"] == pytest.approx(retime(distances, 13).tolist())
    assert found["round"] == pytest.approx(retime(distances, 13, loop=True).tolist())
    assert found["still"] == pytest.approx(retime([0, 0], 5).tolist())

    # one hand moves all three, and they are torch's pictures
    go(page, 31)
    for name, shown in zip(BETWEEN, page.evaluate(PICTURES), strict=True):
        assert np.abs(np.reshape(shown, (32, 32)) - picture(gan, (11, 2), 72, 31, name)).max() <= 2, name
    page.get_by_role("slider", name="Place on all three").press("ArrowRight")
    page.wait_for_function(f"() => ({FRAME})() === '32'")
    page.locator(".paths-strip").nth(2).scroll_into_view_if_needed()
    box = page.locator(".paths-strip").nth(2).bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 9)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => ['35', '36'].includes(({FRAME})())")

    # what D sees, and even speed
    page.wait_for_function(MEASURED)
    assert page.locator(".paths-verdict").inner_text().count(".") >= 3
    before = speeds(page)
    page.get_by_role("switch", name="Even speed").check()
    page.wait_for_function(MEASURED)
    assert min(before) > 1.5
    assert max(speeds(page)) < 1.35

    # playing
    page.locator(".paths").get_by_role("button", name="Play").click()
    frame = page.evaluate(FRAME)
    page.wait_for_function(f"(frame) => ({FRAME})() !== frame", arg=frame)
    page.locator(".paths").get_by_role("button", name="Pause").press("Enter")

    # keyframes by keyboard and by mouse
    page.get_by_role("button", name="Add a picture …").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Picture of seed 5").press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.paths .keyframes li').length === 3")
    page.get_by_role("button", name="Move keyframe 3 earlier").press("Enter")
    assert seeds(page) == [11, 5, 2]
    page.wait_for_function("() => document.activeElement.ariaLabel === 'Move keyframe 2 earlier'")
    page.get_by_role("button", name="Picture of seed 7").drag_to(page.locator(".paths-export"))
    page.wait_for_function("() => document.querySelectorAll('.paths .keyframes li').length === 4")
    assert seeds(page) == [11, 5, 2, 7]
    for left in (4, 3):
        page.get_by_role("button", name=f"Remove keyframe {left}").press("Enter")
    assert seeds(page) == [11, 5]
    page.get_by_role("button", name="Remove keyframe 1").click()
    page.get_by_text("A path needs two ends").wait_for()

    # as a film: the chosen row, in its own timing, at the size that was asked for
    page.get_by_role("switch", name="Even speed").uncheck()
    page.get_by_text("Pace, frames, loop").click()
    page.locator(".paths").get_by_label("Frames", exact=True).fill("9")
    page.locator(".paths").get_by_label("Frames", exact=True).press("Tab")
    page.get_by_role("radio", name="Straight line (lerp)").check()
    page.locator(".paths").get_by_text("Export: size and pixels").click()
    page.locator(".paths").get_by_label("Size").select_option("3")
    page.locator(".paths").get_by_label("Enlarged pixels").select_option("0")
    with page.expect_download() as saved:
        page.locator(".paths").get_by_role("button", name="GIF").click()
    with Image.open(io.BytesIO(saved.value.path().read_bytes())) as film:
        assert (film.n_frames, film.size) == (9, (96, 96))
        film.seek(4)
        shown = np.asarray(film.convert("L"), int)[1::3, 1::3]
    assert np.abs(shown - picture(gan, (11, 5), 9, 4, "lerp")).max() <= 2
    with page.expect_download() as saved:
        page.get_by_role("button", name="Strip as PNG").click()
    with Image.open(saved.value.path()) as strip:
        assert strip.height == 96
        assert strip.width % 96 == 0

    # into the hand
    go(page, 4)
    page.get_by_role("button", name="Take this point into hand").click()
    page.locator(".hand-name", has_text="etween").wait_for()


def test_three_paths_under_a_thumb(open_page):
    page = open_page(TOOL + "&lang=zh", width=390, height=844, has_touch=True, color_scheme="dark")
    page.locator(".paths .keyframes li").nth(1).wait_for()
    strip = page.locator(".paths-strip").first
    strip.locator("canvas").nth(5).wait_for()
    assert strip.locator("canvas").count() == 6
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + 10)
    page.wait_for_function(f"() => ['53', '54'].includes(({FRAME})())")
    page.get_by_role("button", name="添加图片……").tap()
    page.get_by_role("dialog").get_by_role("button", name="种子 4 的图片").tap()
    page.wait_for_function("() => document.querySelectorAll('.paths .keyframes li').length === 3")
    page.locator(".paths-figure", has_text="直线（lerp）").tap()
    page.get_by_role("heading", name="保存：直线（lerp）").wait_for()
    page.wait_for_function(MEASURED)
    words = page.locator(".paths-charts figcaption").all_inner_texts()
    assert len(words) == 9
    assert all("此处" in text and "…" not in text for text in words)
    top = page.locator(".paths-screen").bounding_box()["y"]
    page.locator(".paths-row").nth(2).scroll_into_view_if_needed()
    assert 0 <= page.locator(".paths-screen").bounding_box()["y"] < max(top, 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
