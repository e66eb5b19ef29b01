"""Arithmetic: A - B + C of averaged pictures, by mouse, by keyboard, by touch."""

import time

import numpy as np
import pytest
import torch

from gan_core import GAN
from gan_core.export import read_recipe
from gan_core.images import to_pictures
from gan_core.latent import paint
from tests.browser.conftest import ROOT

pytestmark = pytest.mark.browser

TOOL = "?tab=explore&tool=arithmetic&model=shipped:fashion"
EXAMPLE = ([1, 2, 10], 1), ([3, 6, 8], 1), ([3, 7, 13], 8)  # seeds and class of A, B, C
PICTURE = """() => {
  const shown = document.querySelector('.sums-result figure > canvas');
  const copy = new OffscreenCanvas(shown.width, shown.height).getContext('2d');
  copy.drawImage(shown, 0, 0);
  return [...copy.getImageData(0, 0, shown.width, shown.height).data].filter((_, i) => i % 4 === 0);
}"""
PAINTED = "() => Number(document.querySelector('.sums')?.dataset.painted ?? 0)"
MATHS = """async (groups) => {
  const { combine, neighbours, convex } = await import('/gradio_api/gan/static/lab/groups.js');
  const of = (rows) => rows.map(([z, y]) => ({ z: Float32Array.from(z), y: Float32Array.from(y) }));
  const [A, B, C] = groups.map(of);
  const plain = ({ z, y }) => [[...z], y && [...y]];
  const sum = combine({ A, B, C }, 1.5, true);
  return {
    kept: plain(sum), free: plain(combine({ A, B, C }, 0.5, false)),
    alone: plain(combine({ A, B: [], C: [] }, 2, false)),
    none: combine({ A: [], B: [], C: [] }), around: neighbours(sum).map(plain), again: neighbours(sum).map(plain),
    nothing: [...convex(Float32Array.of(-1, 0, -2), Float32Array.of(0, 1, 0))],
  };
}"""


@pytest.fixture(scope="module")
def gan():
    return GAN.from_pretrained(ROOT / "weights" / "fashion")


def picture(gan, strength, kept=True):
    """What torch paints for the example, by the formula."""
    (a, y_a), (b, _), (c, y_c) = ((torch.cat([gan.sample_z(1, s) for s in seeds]), label) for seeds, label in EXAMPLE)
    z = a.mean(0) + strength * (c.mean(0) - b.mean(0))
    if kept:
        z = z * torch.cat([a, b, c]).norm(dim=1).mean() / z.norm()
    y = torch.zeros(1, gan.config.num_classes)
    y[0, y_a] += 1 - strength
    y[0, y_c] += strength
    return np.asarray(to_pictures(paint(gan, z[None], y))[0], int)


def shows(page, wanted):
    return np.abs(np.reshape(page.evaluate(PICTURE), (32, 32)) - wanted).max() <= 2


def comes(page, wanted):
    """Waits until the result is that picture."""
    deadline = time.monotonic() + 20
    while not shows(page, wanted):
        assert time.monotonic() < deadline, "another picture is shown"
        page.wait_for_timeout(50)


def painted(page, act):
    """Acts, and waits for another result."""
    before = page.evaluate(PAINTED)
    act()
    page.wait_for_function(f"(before) => ({PAINTED})() > before", arg=before)


def test_sums_on_a_desk(open_page, gan):
    page = open_page(TOOL)
    page.wait_for_function(f"() => ({PAINTED})() > 0")

    # the formula
    random = np.random.default_rng(4)
    groups = [[(random.normal(size=6), np.eye(3)[k]) for _ in range(n)] for k, n in ((0, 3), (0, 2), (1, 1))]
    found = page.evaluate(MATHS, [[(z.tolist(), y.tolist()) for z, y in group] for group in groups])
    a, b, c = (np.mean([z for z, _ in group], axis=0) for group in groups)
    lengths = [np.linalg.norm(z) for group in groups for z, _ in group]
    far = a + 1.5 * (c - b)
    np.testing.assert_allclose(found["kept"][0], far / np.linalg.norm(far) * np.mean(lengths), atol=1e-5)
    np.testing.assert_allclose(found["kept"][1], [0, 1, 0], atol=1e-6)  # (-0.5, 1.5, 0), of which 1.5 is left
    np.testing.assert_allclose(found["free"][0], a + 0.5 * (c - b), atol=1e-5)
    np.testing.assert_allclose(found["free"][1], [0.5, 0.5, 0], atol=1e-6)
    np.testing.assert_allclose(found["alone"][0], a, atol=1e-5)
    assert found["none"] is None
    assert found["nothing"] == [0, 1, 0]
    noise = np.array([z for z, _ in found["around"]]) - found["kept"][0]
    assert noise.shape == (8, 6)
    assert 0.2 < np.abs(noise).max() <= 0.2501
    assert found["around"] == found["again"]

    # the example, as torch paints it; the slider by keyboard
    comes(page, picture(gan, 1.0))
    slider = page.get_by_role("slider", name="How far from B to C")
    slider.press("Home")
    comes(page, picture(gan, 0.0))
    slider.fill("0.4")
    comes(page, picture(gan, 0.4))
    page.locator(".sums-facts", has_text="Trouser (60 %), Bag (40 %)").wait_for()
    assert "norm of" in page.locator(".sums-facts").inner_text()
    page.get_by_role("switch", name="Keep the norm").uncheck()
    comes(page, picture(gan, 0.4, kept=False))

    # into the hand: the result, and a neighbour; both lie between seeds
    page.get_by_role("button", name="Take the result into hand").last.click()
    page.locator(".hand-name", has_text="Trouser").wait_for()
    page.get_by_role("button", name="Take neighbour 2 into hand").click()
    assert page.locator(".sums-sheet .tile").count() == 9

    # it is saved with its recipe
    with page.expect_download() as saved:
        page.locator(".sums").get_by_role("button", name="Download PNG").click()
    recipe = read_recipe(saved.value.path())
    assert recipe.model == "shipped:fashion"
    assert recipe.seed is None

    # the bins by keyboard and by mouse
    page.get_by_role("button", name="Remove picture 3 of bin A, seed 10").press("Enter")
    page.wait_for_function("() => document.activeElement.ariaLabel === 'Remove picture 2 of bin A, seed 2'")
    page.get_by_role("button", name="Empty the bins").click()
    page.get_by_text("The result appears here").wait_for()
    painted(
        page,
        lambda: page.locator(".tray").get_by_role("button", name="Picture of seed 4").drag_to(page.locator(".sums-A")),
    )
    page.get_by_role("button", name="Add a picture to bin B").press("Enter")
    painted(page, lambda: page.get_by_role("dialog").get_by_role("button", name="Picture of seed 6").press("Enter"))
    page.wait_for_function("() => document.activeElement.ariaLabel === 'Add a picture to bin B'")
    assert page.locator(".sums-list .tile").count() == 2
    painted(page, lambda: page.get_by_role("button", name="An example").click())
    assert page.locator(".sums-list .tile").count() == 9


def test_sums_under_a_thumb(open_page):
    page = open_page(TOOL + "&lang=zh", width=390, height=844, has_touch=True, color_scheme="dark")
    page.wait_for_function(f"() => ({PAINTED})() > 0")
    page.get_by_role("button", name="清空各组").tap()
    page.get_by_text("任意一组有图片后").wait_for()
    for seed in range(2):
        page.get_by_role("button", name="向 C 组添加图片").tap()
        page.get_by_role("dialog").get_by_role("button", name=f"种子 {seed} 的图片").tap()
        page.wait_for_function(f"() => document.querySelectorAll('.sums-C .tile').length === {seed + 1}")
    slider = page.get_by_role("slider", name="从 B 到 C 走多远")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    painted(page, lambda: page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2))
    assert 1.3 < float(slider.input_value()) < 1.7
    page.locator(".sums-facts", has_text="2 张图片之和").wait_for()
    page.get_by_role("button", name="移除C 组第 1 张图片，种子 0").tap()
    assert page.locator(".sums-C .tile").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 390
