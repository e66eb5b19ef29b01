"""Check, as a visitor uses it: a picture of G's own, one with a mark, a photograph, and a set that is not here."""

import io

import pytest
from PIL import Image

from gan_core.data import load_images
from gan_core.export import Recipe, save_png
from gan_core.gan import GAN
from gan_core.images import enlarge, to_pictures
from gan_core.latent import paint
from tests.browser.conftest import ROOT
from tests.browser.test_lab_find import EASEL, opened
from tests.browser.test_lab_walk import choose

pytestmark = pytest.mark.browser


def file(image, name="picture.png", **save):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **save)
    return {"name": name, "mimeType": "image/png", "buffer": buffer.getvalue()}


def card(page, name):
    return page.locator(".check-card").filter(has=page.get_by_role("heading", name=name))


def test_a_picture_is_checked_three_ways_and_looked_for_among_the_learned(open_page, app):
    """A run that learned from fashion-mini, of which one picture is brought: a copy, and it says so."""
    gan = GAN.from_pretrained(ROOT / "weights" / "fashion-mlp")
    gan.info = {"train": {"held_out": 0.05, "batch_size": 64}, "data": {"name": "fashion-mini", "pictures": 10_000}}
    gan.save(app.runs / "copier" / "snapshots" / "000100", step=100)
    (app.runs / "copier" / "config.json").write_text("{}")
    page = opened(open_page, "run:copier", "Check")
    page.get_by_role("tab", name="Check").click()
    assert page.get_by_text("Bring a picture, and here").is_visible()

    images = load_images("fashion-mini")
    upload = page.locator(".check input[type=file]")
    upload.set_input_files(file(Image.fromarray(images.pixels[1234, 0].numpy())))
    page.locator(".check-tiles").wait_for()
    assert "Yes, or as good as" in page.locator(".check-copied").inner_text()
    assert page.locator(".check-tiles figure").count() == 7
    assert "9,500 pictures of fashion-mini" in page.locator(".check-copied").inner_text()
    assert "No mark of DCGAN Studio" in card(page, "The mark in the file").inner_text()

    choose(page, "shipped:fashion-mlp")  # the same picture, asked of another model: here it is measured
    page.wait_for_function("() => document.querySelectorAll('.check-card .heaps').length === 2")
    assert "real pictures that it never saw (fashion-mini)" in card(page, "What D says").inner_text()
    assert "four of five real pictures" in card(page, "The spectrum").inner_text()
    card(page, "The spectrum").get_by_text("What this can and cannot tell").click()
    assert "JPEG" in card(page, "The spectrum").inner_text()

    z = gan.sample_z(1, 3)
    buffer = io.BytesIO()
    save_png(
        enlarge(to_pictures(paint(gan, z))[0], 9), buffer, Recipe("shipped:fashion-mlp", tuple(z[0].tolist()), seed=3)
    )
    marked = {"name": "own.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    upload.set_input_files(marked)
    page.wait_for_function("() => document.querySelector('.check-card.true')")
    assert "seed 3, and that is true" in card(page, "The mark in the file").inner_text()

    page.evaluate("() => document.querySelector('gan-lab').tool.coming.abort()")
    choose(page, "run:plain")
    page.wait_for_function("() => document.querySelector('.check-copied .empty')")
    assert "not on this machine" in page.locator(".check-copied").inner_text()
    assert "has not been measured" in card(page, "What D says").inner_text()


def test_a_huge_photograph_gets_an_answer_on_a_phone_in_chinese(open_page, tmp_path):
    page = opened(
        open_page, title="鉴别", query="?tab=explore&lang=zh", width=390, height=844, has_touch=True, is_mobile=True
    )
    huge = tmp_path / "huge.jpg"
    Image.new("RGB", (8192, 6144), "teal").save(huge, quality=20)
    page.locator(".check input[type=file]").set_input_files(huge)
    page.locator(".check-cards").wait_for()
    assert not page.evaluate(f"() => {EASEL}.empty")
    assert "没有 DCGAN 工作室的标记" in page.locator(".check-real").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
