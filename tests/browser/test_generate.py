"""The Generate tab, as a visitor meets it."""

import io
import json
import re
import urllib.request
import zipfile
from urllib.parse import urlencode

import pytest
from PIL import Image

from gan_core.export import read_recipe
from tests.browser.conftest import pictures, run_of

pytestmark = pytest.mark.browser

PAINTED = """(element) => {
    const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
    let sum = 0, squares = 0;
    for (let i = 0; i < data.length; i += 4) { sum += data[i]; squares += data[i] * data[i]; }
    const n = data.length / 4;
    return [element.width, squares / n - (sum / n) ** 2];
}"""


def painted(canvas):
    """Is there a picture on it, not one colour?"""
    width, variance = canvas.evaluate(PAINTED)
    return width > 100 and variance > 1


def shot(canvas):
    return canvas.evaluate("(element) => element.toDataURL()")


def dialog(page):
    return page.locator("dialog.enlarged")


def changes(page, canvas, before):
    page.wait_for_function("([query, b]) => document.querySelector(query).toDataURL() !== b", arg=[canvas, before])


def slider(page, name):
    return page.get_by_label(name).and_(page.locator("input[type=range]"))


SHEET, STRIP = "gan-generate .sheet canvas", "studio-head canvas"


def test_pictures_are_there_without_a_click_and_the_head_moves(page):
    assert page.locator("gan-generate .cell").count() == 40
    assert painted(page.locator(SHEET))
    strip = page.locator(STRIP)
    assert painted(strip)
    before = shot(strip)
    changes(page, STRIP, before)
    page.get_by_role("button", name="Pause").first.click()
    before = shot(strip)
    page.wait_for_timeout(400)
    assert shot(strip) == before


def test_who_asks_for_less_motion_has_a_still_head(open_page):
    page = open_page(reduced_motion="reduce")
    pictures(page)
    strip = page.locator(STRIP)
    before = shot(strip)
    page.wait_for_timeout(400)
    assert painted(strip)
    assert shot(strip) == before


def test_the_sheet_follows_every_control(page):
    canvas = page.locator(SHEET)
    before = shot(canvas)
    slider(page, "Truncation").fill("0.2")
    changes(page, SHEET, before)
    slider(page, "How many").fill("7")
    page.wait_for_function("() => document.querySelectorAll('gan-generate .cell').length === 7")
    page.get_by_role("spinbutton", name="Seed").first.fill("123")
    page.get_by_role("button", name="Picture of seed 129").wait_for()
    page.get_by_role("button", name="Other pictures").click()
    page.wait_for_function("() => !document.querySelector(\"[aria-label='Picture of seed 129']\")")
    assert page.get_by_role("spinbutton", name="Seed").first.input_value() != "123"


def test_enlarge_and_walk_by_keyboard(page):
    page.locator("gan-generate .cell").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    columns = page.evaluate("document.querySelector('gan-generate').columns")
    heading = dialog(page).get_by_role("heading", level=2)
    assert heading.inner_text() == f"Seed {columns + 1}"
    assert painted(dialog(page).locator("canvas"))
    page.wait_for_function("() => /% sure|score is/.test(document.querySelector('.opinion').textContent)")
    page.keyboard.press("ArrowRight")
    assert heading.inner_text() == f"Seed {columns + 2}"
    page.keyboard.press("Escape")
    assert not dialog(page).is_visible()
    # the browser first gives the focus back to where it was, and tells the page of the close a moment later
    name = f"Picture of seed {columns + 2}"
    page.wait_for_function("name => document.activeElement.getAttribute('aria-label') === name", arg=name)


def test_a_saved_png_dropped_on_the_page_brings_its_picture_back(page):
    slider(page, "Truncation").fill("0.5")
    page.get_by_role("spinbutton", name="Seed").first.fill("77")
    page.get_by_role("button", name="Picture of seed 80").click()
    with page.expect_download() as saved:
        dialog(page).get_by_role("button", name="Download PNG").click()
    png = saved.value.path().read_bytes()
    recipe = read_recipe(png)
    assert (recipe.model, recipe.seed, recipe.truncation) == ("shipped:fruits", 80, 0.5)
    assert Image.open(io.BytesIO(png)).size == (256, 256)
    page.keyboard.press("Escape")
    page.reload()
    slider(page, "Truncation").fill("1")
    page.get_by_role("button", name="Picture of seed 77").wait_for()

    drop(page, "anything.png", png)
    dialog(page).get_by_role("heading", name="Seed 80").wait_for()
    assert "truncation 0.50" in dialog(page).inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Picture of seed 80").first.wait_for()
    assert page.get_by_role("spinbutton", name="Seed").first.input_value() == "80"
    assert slider(page, "Truncation").input_value() == "0.5"


def test_what_cannot_be_brought_back_is_said(page):
    plain = io.BytesIO()
    Image.new("RGB", (8, 8)).save(plain, "PNG")
    for name, content, said in (
        ("model.pt", b"\x80\x04.", "is a pickle"),
        ("letter.png", b"Dear Sir or Madam", "not a PNG"),
        ("plain.png", plain.getvalue(), "does not say how it was made"),
    ):
        drop(page, name, content)
        page.locator("gan-generate .message.wrong", has_text=said).wait_for()


def drop(page, name, content):
    """A file dropped on the middle of the page."""
    page.evaluate(
        """([name, bytes]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name));
            for (const type of ['dragover', 'drop']) {
                const how = { dataTransfer: files, bubbles: true, cancelable: true };
                document.body.dispatchEvent(new DragEvent(type, how));
            }
        }""",
        [name, list(content)],
    )


def test_all_as_zip(page):
    slider(page, "How many").fill("5")
    page.wait_for_function("() => document.querySelectorAll('gan-generate .cell').length === 5")
    with page.expect_download() as saved:
        page.get_by_role("button", name="All as ZIP").click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert [read_recipe(archive.read(name)).seed for name in archive.namelist()] == [0, 1, 2, 3, 4]


def test_a_run_is_on_the_list_and_its_classes_can_be_chosen(open_page):
    page = open_page("?model=run:toy")
    pictures(page)
    page.locator("gan-generate .message", has_text="toy at step 500").wait_for()
    page.get_by_label("Class").wait_for()
    page.get_by_label("Class").click()
    page.get_by_role("option", name="2").click()
    page.wait_for_function("() => document.querySelector('gan-generate').sprite.labels.every((y) => y === 2)")
    page.get_by_label("Model", exact=True).first.click()  # another model: it has no such class, nor any
    page.get_by_role("option", name="plain").click()
    page.get_by_label("Class").wait_for(state="hidden")
    page.wait_for_function("() => document.querySelector('gan-generate').sprite.model === 'run:plain'")


def test_a_model_that_is_not_here_any_more_is_said(open_page, app):
    run_of(app.runs, "short-lived")
    page = open_page("?model=run:short-lived")
    pictures(page)
    page.locator("gan-generate .message", has_text="short-lived at step 500").wait_for()
    snapshot = app.runs / "short-lived"
    snapshot.rename(app.runs.parent / "gone")
    page.get_by_role("spinbutton", name="Seed").first.fill("5")
    page.locator("gan-generate .message.wrong", has_text="There is no model").wait_for()


def test_a_hub_id_without_a_network_is_said_at_once(page):
    model = page.get_by_label("Model", exact=True).first
    model.fill("somebody/something")
    model.press("Enter")
    page.locator("gan-generate .message.wrong", has_text="no network").wait_for(timeout=15_000)


def test_paths_are_no_models(app):
    keys = "run:../toy", "run:toy@../000500", "shipped:../weights/fruits", "shipped:."
    for name in ("weights/fruits", "../../etc/passwd", "/etc", *keys):
        with urllib.request.urlopen(f"{app.url}gradio_api/gan/sheet?{urlencode({'model': name})}") as answer:
            assert re.search("no model|no network", json.load(answer)["error"]), name
