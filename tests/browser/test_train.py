"""The Train tab in a real browser, with real trainings of toy size."""

import json
import os
import re
import signal
from dataclasses import replace

import pytest

from gan_core.metrics import Scores
from gan_core.training.events import Measure
from gan_core.training.folder import RunFolder
from tests.browser.conftest import App

pytestmark = pytest.mark.browser

# How wide is the page, with what it cuts off?
WIDTH = "Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('.train-row, gan-train .run')].map((e) => e.getBoundingClientRect().right))"  # noqa: E501
RECORD = "document.querySelector('gan-train').record"
# Is a curve of that colour drawn? Counts its pixels on the n-th chart.
PIXELS = """([n, r, g, b]) => {
    const canvas = document.querySelectorAll('gan-train .uplot canvas')[n];
    if (!canvas) return 0;
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
    copy.drawImage(canvas, 0, 0);
    const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
    let count = 0;
    const near = (i) => Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 30;
    for (let i = 0; i < data.length; i += 4)
        if (near(i) && data[i + 3] > 200) count++;
    return count;
}"""
COLOURS = {
    "D": (0, 0xD5, 0x5E, 0x00), "G": (0, 0x00, 0x72, 0xB2),
    "real": (1, 0x00, 0x9E, 0x73), "fake": (1, 0xCC, 0x79, 0xA7),
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An app of its own, without any run."""
    app = App(tmp_path_factory.mktemp("train"))
    yield app
    app.end()


def train_tab(page, name="Train"):
    page.get_by_role("tab", name=name).click()
    page.locator("gan-train .run").wait_for()
    return page


def in_state(page, state):
    page.locator(f"gan-train .run-head .run-state[data-state='{state}']").wait_for(timeout=120_000)


def points(page):
    return page.evaluate(f"{RECORD}.length")


def fill_toy(page, length, unit="steps"):
    """The smallest network that is one."""
    page.get_by_label("How long").fill(str(length))
    page.get_by_role("combobox", name="counted in").click()
    page.get_by_role("option", name=unit).click()
    page.get_by_text("More: name").click()
    for label, value in (("Width of G (ngf)", "4"), ("Width of D (ndf)", "4"), ("Batch size", "8")):
        page.get_by_label(label).fill(value)


@pytest.mark.timeout(900)
def test_a_training_from_its_start_to_its_crash(open_page, app):
    page = train_tab(open_page())
    page.get_by_text("No training yet").wait_for()
    fill_toy(page, 1_000_000)
    page.get_by_role("button", name="Start training").click()
    in_state(page, "running")

    train = RunFolder(app.runs / "fashion-mini-1").config["train"]
    assert (train["lr_G"], train["lr_D"], train["batch_size"]) == (2e-4, 2e-4, 8)  # what was left empty is the recipe's

    page.wait_for_function(f"() => {RECORD}.length >= 4")
    for name, colour in COLOURS.items():
        page.wait_for_function(PIXELS, arg=list(colour))
        assert page.evaluate(PIXELS, list(colour)) > 20, name
    sheet = page.locator(".run-picture")
    sheet.wait_for()
    first = sheet.get_attribute("data-step")
    page.wait_for_function(f"() => document.querySelector('.run-picture').dataset.step !== '{first}'")
    assert "64 pictures that G painted at step" in sheet.locator("canvas").get_attribute("aria-label")
    assert page.locator(".run-formulas math").count() == 2
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("trains one at a time").wait_for()

    page.locator(".run-toggle", has_text="Pause").click()
    in_state(page, "paused")
    page.wait_for_timeout(500)
    numbers, drawn = page.locator(".run-numbers").inner_text(), points(page)
    assert re.search(r"step [\d,]+ of 1,000,000", numbers) and "left" in numbers
    page.wait_for_timeout(2500)
    assert (page.locator(".run-numbers").inner_text(), points(page)) == (numbers, drawn)  # the clock stands still

    phone = train_tab(open_page("?lang=zh", width=390, height=844), "训练")
    in_state(phone, "paused")
    phone.wait_for_function(f"() => {RECORD}.length === {drawn}")
    assert "已暂停" in phone.locator(".run-head .run-state").inner_text()
    top = phone.locator(".run-picture").bounding_box()["y"]
    assert top < phone.locator(".train-form").bounding_box()["y"]
    assert phone.evaluate(WIDTH) <= 390
    phone.close()

    page.reload()
    train_tab(page)
    in_state(page, "paused")
    page.wait_for_function(f"() => {RECORD}.length === {drawn}")

    page.locator(".run-toggle", has_text="Go on").click()
    in_state(page, "running")
    page.wait_for_function(f"() => {RECORD}.length > {drawn}")
    page.get_by_role("button", name="Stop and save").click()
    in_state(page, "stopped")
    page.get_by_role("button", name="Open in Generate").click()
    page.wait_for_function("() => document.querySelector('gan-generate')?.offsetParent")
    page.wait_for_function("() => document.body.innerText.includes('fashion-mini-1')")
    page.wait_for_function("() => [...document.querySelectorAll('input')].some((i) => /fashion-mini-1/.test(i.value))")

    train_tab(page)
    drawn = points(page)
    page.locator(".run-toggle", has_text="Go on").click()
    in_state(page, "running")
    page.wait_for_function(f"() => {RECORD}.last('step') > {drawn * 10}")
    os.kill(RunFolder(app.runs / "fashion-mini-1").status.pid, signal.SIGKILL)
    in_state(page, "dead")
    page.get_by_text("ended without a word at step").wait_for()
    assert page.locator(".run-toggle", has_text="Go on").is_visible()
    assert page.get_by_role("button", name="Start training").is_enabled()


def test_a_file_that_is_no_zip_is_refused_in_a_sentence(open_page, tmp_path):
    page = train_tab(open_page())
    bad = tmp_path / "photos.zip"
    bad.write_text("a text file in disguise")
    page.get_by_role("combobox", name="Pictures").click()
    page.get_by_role("option", name="My own pictures").click()
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("No pictures chosen").wait_for()
    page.locator(".train-form input[type=file]").set_input_files(bad)
    page.locator(".train-form .file-preview").wait_for()
    page.get_by_role("button", name="Start training").click()
    in_state(page, "failed")
    page.get_by_text("photos.zip is neither a folder nor a ZIP").first.wait_for()
    page.locator(".run-note summary").click()
    assert "gan-core:" in page.locator(".run-note pre").inner_text()
    assert "No pictures chosen" not in page.locator(".train-form").inner_text()


def test_a_long_run_is_drawn_at_once_and_looked_back_at(open_page, app):
    """12,000 reports, written by somebody else: a run from the command line."""
    folder = RunFolder(app.runs / "from the command line")
    folder.path.mkdir()
    train = {"loss": "hinge", "steps": 120_000, "batch_size": 64}
    folder.write_config({"model": {"image_size": 28}, "train": train, "preset": "dcgan2015", "data": {"name": "mnist"}})
    numbers = dict(steps=120_000, images_per_second=500.0, loss_D=1.0, loss_G=2.0, D_x=1.5, D_Gz=-1.5)
    with folder.events.open("w") as log:
        for step in range(10, 120_001, 10):
            log.write(json.dumps({"event": "report", "step": step, "seconds": step / 50, **numbers}) + "\n")
    folder.write_status("finished", 120_000)
    page = train_tab(open_page())
    page.locator(".runs-card", has_text=folder.name).click()
    in_state(page, "finished")
    page.wait_for_function(f"() => {RECORD}.length > 1000")
    assert points(page) <= 4000
    headings = page.locator(".run-charts h4:visible")
    assert headings.all_inner_texts() == ["Losses", "Mean scores of D"]
    page.wait_for_function(PIXELS, arg=list(COLOURS["real"]))
    assert page.locator(".run-bar").get_attribute("aria-valuenow") == "100"
    assert "40:00 trained" in page.locator(".run-numbers").inner_text()
    real = Scores(0.25, 0.9, 0.9, 1.0, 0.9, None)
    folder.append(Measure(110_000, 2000, replace(real, frechet=4.5), real, True))
    folder.append(Measure(120_000, 2000, replace(real, frechet=3.75), real, True))
    page.locator(".run-distance .run-key", has_text="fakes 3.75").wait_for()
    assert [text.split() for text in page.locator(".run-distance .run-key").all_inner_texts()] == [
        ["fakes", "3.75"],
        ["floor", "0.25"],
    ]
    assert headings.nth(2).inner_text() == "Distance from real pictures (less is better)"
    assert "2,000 samples" in (about := headings.nth(2).get_attribute("title")) and "not the published FID" in about
