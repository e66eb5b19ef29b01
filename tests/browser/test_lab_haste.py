"""Explore where things come at the wrong moment: a late model, a lost promise, a run that grows, a forged seed."""

import base64
import json
import re
import struct

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gan_core.gan import GAN
from gan_core.training.events import Snapshot
from gan_core.training.folder import RunFolder
from tests.browser.conftest import run_of
from tests.browser.lively import lively, shows
from tests.browser.test_lab_walk import LAB, PAINTED, choose, gan_of

pytestmark = pytest.mark.browser

HAND = "gan-lab .hand-picture"
TOOL = """(name) => {
    const lab = document.querySelector("gan-lab");
    lab.show(lab.tools.find((tool) => tool.constructor.toolName === name));
}"""
LOST = """([work, key]) => {
    const lab = document.querySelector("gan-lab");
    lab.brush[work] = () => new Promise(() => {});
    lab.tool.paint();
    delete lab.brush[work];
    lab.controls(key);
}"""


def opened(open_page, query):
    page = open_page(query)
    page.wait_for_function(PAINTED)
    return page


def of_seed(gan, seed):
    """(3, S, S): what G paints of a seed, in colour."""
    y = gan.sample_y(1, seed) if gan.config.num_classes else None
    return gan(gan.sample_z(1, seed), y)[0].expand(3, -1, -1)


@torch.no_grad()
def test_the_model_that_was_wanted_last_paints(open_page, app):
    page = opened(open_page, "?tab=explore&model=run:toy")
    held = {}
    page.route(re.compile("part.onnx.*plain.*part=G"), lambda route: held.setdefault("G", route))
    page.route(re.compile("part.onnx.*fashion.*part=D"), lambda route: held.setdefault("D", route))
    page.evaluate(f"() => {LAB}.controls('run:plain')")
    page.wait_for_timeout(300)
    page.locator("gan-lab .tray .tile").nth(3).click()  # the model before lives until the next one is here
    shows(page, HAND, of_seed(gan_of(app, "run:toy"), 3))
    choose(page, "shipped:fashion")
    held["G"].continue_()
    page.wait_for_timeout(300)
    shows(page, HAND, of_seed(gan_of(app, "shipped:fashion"), 0))
    assert page.evaluate(f"() => {LAB}.thinking")  # its D is still on the way
    choose(page, "shipped:digits")
    held["D"].continue_()
    page.wait_for_timeout(300)
    digits = gan_of(app, "shipped:digits")
    z, y = digits.sample_z(1, 0), digits.sample_y(1, 0)
    (logit,) = page.evaluate(f"async () => [...await {LAB}.brush.opinions([{LAB}.hand])]")
    assert logit == pytest.approx(float(digits.D(digits(z, y), torch.eye(10)[y])), abs=0.02)
    page.locator("gan-lab").get_by_text(re.compile("% real|D's score")).wait_for()


def test_a_promise_that_is_never_kept_stops_no_tool(open_page, app):
    lively(app.runs)
    page = opened(open_page, "?tab=explore&model=shipped:fashion")
    for name, work in (("inside", "run"), ("arithmetic", "paint"), ("paths", "paint")):
        choose(page, "shipped:fashion")
        page.evaluate(TOOL, name)
        page.wait_for_timeout(500)
        page.evaluate(LOST, [work, "run:lively"])
        page.wait_for_function(f"() => {LAB}.about.key === 'run:lively'")
        mark = "frame" if name == "paths" else "painted"
        page.evaluate(f"() => {{ delete {LAB}.tool.element.dataset.{mark}; {LAB}.tool.paint(); }}")
        page.wait_for_function(f"() => {LAB}.tool.element.dataset.{mark}")


@torch.no_grad()
def test_a_run_that_grows_takes_over_and_nothing_else_moves(open_page, app, tmp_path):
    first = run_of(app.runs, "growing", num_classes=3)
    folder = RunFolder(app.runs / "growing")
    folder.append(Snapshot(500))
    page = opened(open_page, "?tab=explore&model=run:growing")
    page.locator("gan-lab .tray .tile").nth(4).click()
    page.get_by_role("button", name="Corner A").click()
    page.locator("dialog.picker").get_by_role("button", name="Picture of seed 5").click()
    shows(page, HAND, of_seed(first, 4))
    second = run_of(app.runs, "growing", step=1000, num_classes=3)
    folder.append(Snapshot(1000))
    page.wait_for_function(f"() => {LAB}.about.step === 1000")
    second = GAN.from_pretrained(app.runs / "growing" / "snapshots" / "001000")
    shows(page, HAND, of_seed(second, 4))
    assert page.evaluate(f"() => {LAB}.tools[0].plane.ends[0].seed") == 5
    assert page.evaluate(f"() => {LAB}.about.key") == "run:growing"

    # a picture of the snapshot before brings it back; a seed that does not draw its z is not believed
    z = first.sample_z(1, 6)[0].tolist()
    recipe = {"model": "run:growing", "z": base64.b64encode(struct.pack("<8f", *z)).decode(), "truncation": 1}
    info = PngInfo()
    info.add_text("dcgan-studio", json.dumps(recipe | {"seed": 1, "label": 2, "step": 500}))
    Image.new("RGB", (8, 8)).save(tmp_path / "before.png", pnginfo=info)
    page.locator("gan-lab input[type=file][accept='image/png']").first.set_input_files(tmp_path / "before.png")
    page.get_by_text("before.png is in hand again").wait_for()
    assert page.evaluate(f"() => {LAB}.about.key") == "run:growing@000500"
    assert page.evaluate(f"() => {LAB}.hand.seed") is None
    before = GAN.from_pretrained(app.runs / "growing" / "snapshots" / "000500")
    shows(page, HAND, before(torch.tensor([z]), torch.tensor([2]))[0].expand(3, -1, -1))


def test_a_link_opens_every_tool_as_it_was_left(open_page):
    page = opened(open_page, "?tab=explore&model=run:toy&tool=paths&view=3,5:2,9;lerp;loop;even")
    page.wait_for_function(f"() => {LAB}.tool.chosen === 'lerp' && {LAB}.tool.settings.loop && {LAB}.tool.even.checked")
    assert page.evaluate(f"() => {LAB}.tool.keyframes.map(({{ seed, label }}) => [seed, label])") == [
        [3, None],
        [5, 2],
        [9, None],
    ]
    page.evaluate(TOOL, "arithmetic")
    page.get_by_role("button", name="Empty the bins").click()
    page.wait_for_function(
        "() => location.search.includes('tool=arithmetic') && location.search.includes('view=%3B%3B')"
    )
    link = "?" + page.url.partition("?")[2].replace("view=%3B%3B", "view=1%3B%3B4:1,7")
    page = opened(open_page, link)
    page.wait_for_function(f"() => {LAB}.tool.groups?.C.length === 2 && {LAB}.tool.groups.A[0].seed === 1")
    page = opened(open_page, "?tab=explore&model=run:toy&tool=walk&view=two,1.5,-0.6,1,0&seed=7")
    page.wait_for_function(f"() => {LAB}.tool.plane.found.length > 1")
    apart = f"() => Math.max(...{LAB}.tool.plane.here.z.map((value, i) => Math.abs(value - {LAB}.hand.z[i])))"
    assert page.evaluate(apart) < 1e-4
    assert page.evaluate(f"() => [{LAB}.tool.plane.chosen, {LAB}.tool.plane.mark.classList.contains('away')]") == [
        [1, 0],
        False,
    ]
