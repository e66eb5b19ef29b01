"""Explore: the browser's own G against torch's, the walk by mouse, keys and touch, and pictures that travel."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from gan_core.export import read_recipe
from gan_core.gan import GAN
from gan_core.images import to_uint8
from tests.browser.chromium import find
from tests.browser.conftest import ROOT, App, run_of

pytestmark = pytest.mark.browser

LAB = "document.querySelector('gan-lab')"
PAINTED = f"() => {LAB}?.canvas.dataset.painted > 0 && !{LAB}.brush.busy"
PIXELS = f"() => [...{LAB}.image.data]"
PAINT = """async ([model, rows]) => {
    const lab = document.querySelector("gan-lab");
    const latents = rows.map(({z, y}) => ({z: Float32Array.from(z), y: y && Float32Array.from(y)}));
    const images = await lab.brush.paint(latents);
    return images.map(({data}) => [...data]);
}"""
DRAW = """async (seed) => {
    const { ofSeed } = await import("./gradio_api/gan/static/lab/latent.js");
    const { z, y } = ofSeed(document.querySelector("gan-lab").about, seed);
    return [[...z], y && y.indexOf(1)];
}"""
MAPPED = "() => ['.pad', '.ring'].every((name) => document.querySelector(`gan-lab ${name}`).dataset.drawn)"


def lab(open_page, query="?tab=explore", **context):
    page = open_page(query, **context)
    page.wait_for_function(PAINTED)
    return page


def choose(page, key):
    page.evaluate("(key) => document.querySelector('gan-lab').controls(key)", key)
    page.wait_for_function("(key) => document.querySelector('gan-lab').about?.key === key", arg=key)


def gan_of(app, key):
    kind, _, name = key.partition(":")
    return GAN.from_pretrained((ROOT / "weights" if kind == "shipped" else app.runs) / name)


def rgb(gan, z, y):
    """uint8 (N, S, S, 3), as torch paints it."""
    pixels = to_uint8(gan(z, y)).permute(0, 2, 3, 1)
    return pixels.expand(-1, -1, -1, 3).numpy()


def canvas(values, size):
    return np.array(values, np.uint8).reshape(-1, size, size, 4)


def same(page):
    """The picture in hand, for comparing with another."""
    page.wait_for_timeout(400)
    return canvas(page.evaluate(PIXELS), int(len(page.evaluate(PIXELS)) ** 0.5 / 2)).astype(int)


@torch.no_grad()
def test_the_canvas_shows_what_torch_paints(open_page, app):
    page = lab(open_page)
    for key in ("shipped:fruits", "shipped:digits", "shipped:fashion", "shipped:fashion-mlp", "run:toy", "run:plain"):
        choose(page, key)
        gan = gan_of(app, key)
        size, classes = gan.config.image_size, gan.config.num_classes
        z = torch.cat([gan.sample_z(2, 7), 0.5 * gan.sample_z(2, 9), torch.zeros(1, gan.config.nz)])
        y = torch.rand(5, classes).softmax(dim=1) if classes else None
        rows = [{"z": z[i].tolist(), "y": y[i].tolist() if classes else None} for i in range(5)]
        painted = canvas(page.evaluate(PAINT, [key, rows]), size)
        apart = np.abs(painted[..., :3].astype(int) - rgb(gan, z, y).astype(int))
        assert apart.max() <= 1, key  # weights are stored as float16
        assert (painted[..., 3] == 255).all()
        for seed in (0, 1, 123_456, 2**31 - 1):  # drawn in the browser, as torch draws
            drawn = page.evaluate(DRAW, seed)
            assert drawn[0] == pytest.approx(gan.sample_z(1, seed)[0].tolist(), abs=1e-5)
            assert drawn[1] == (int(gan.sample_y(1, seed)) if classes else None)
    (logit,) = page.evaluate(f"async () => [...await {LAB}.brush.opinions([{LAB}.hand])]")
    gan, z = gan_of(app, "run:plain"), torch.tensor([page.evaluate(f"() => [...{LAB}.hand.z]")])
    assert logit == pytest.approx(float(gan.D(gan(z))), abs=2e-3)


def test_a_walk_at_a_desk(open_page, app):
    """By mouse and by keys; nothing is asked of the server meanwhile."""
    page = open_page()
    page.get_by_role("button", name="Picture of seed 5", exact=True).click()
    page.get_by_role("button", name="Walk from here").click()
    page.locator("gan-lab .hand-name", has_text="Seed 5").wait_for()
    page.wait_for_function(MAPPED)
    page.locator("gan-lab").get_by_text("D's score").wait_for()
    page.wait_for_timeout(1000)
    asked = []
    page.on("request", lambda request: "lab/directions" in request.url or asked.append(request.url))
    pad = page.locator("gan-lab .pad")
    box = pad.bounding_box()
    before = same(page)
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    for i in range(20):
        page.mouse.move(box["x"] + 40 + 12 * i, box["y"] + 40 + 9 * i)
    page.mouse.up()
    dragged = same(page)
    assert np.abs(dragged - before).mean() > 2
    page.locator("gan-lab .fact", has_text=re.compile(r"walked [1-9]")).wait_for()
    pad.press("ArrowRight")
    pad.press("Shift+ArrowUp")
    assert np.abs(same(page) - dragged).max() > 0
    page.get_by_role("slider", name="Across").press("End")
    page.get_by_role("slider", name="Angle").fill("90")
    page.locator("gan-lab .hand-name", has_text="between seeds").wait_for()
    page.get_by_role("button", name="Corner A").click()
    page.locator("dialog.picker").get_by_role("button", name="Picture of seed 5").click()
    page.wait_for_function(f"() => {LAB}.tools[0].plane.ends[0].seed === 5")
    assert not asked
    page.get_by_role("button", name="Two directions").click()
    page.get_by_label("Across").locator("visible=true").last.wait_for()
    pad.press("ArrowLeft")
    page.get_by_role("button", name="Three pictures").click()
    page.get_by_text("How fast?").click()
    page.get_by_text("by WebAssembly, one thread").wait_for()


def test_pictures_travel(open_page, app, tmp_path):
    """A link, a PNG, an array, a collection: each brings back the very picture."""
    page = lab(open_page, "?tab=explore&model=run:toy", accept_downloads=True)
    page.get_by_role("slider", name="Angle").fill("40")
    page.evaluate(f"() => {LAB}.take({{...{LAB}.hand, y: Float32Array.of(0.25, 0.75, 0)}})")  # between two classes
    walked = same(page)
    latent = page.evaluate(f"() => [[...{LAB}.hand.z], [...{LAB}.hand.y]]")
    page.wait_for_function("() => location.search.includes('z=')")
    link = "?" + page.url.partition("?")[2]
    assert np.abs(same(lab(open_page, link)) - walked).max() <= 2  # z travels as float16

    page.get_by_text("Seed, downloads, bring back").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download PNG").click()
    png = tmp_path / "walked.png"
    saved.value.save_as(png)
    recipe = read_recipe(png)
    assert recipe.model == "run:toy" and recipe.step == 500
    assert [list(recipe.z), list(recipe.y)] == latent
    with Image.open(png) as image:
        assert image.size == (252, 252)
        assert (np.asarray(image)[4::9, 4::9, :3] == walked[0, :, :, :3]).all()

    with page.expect_download() as saved:
        page.get_by_role("button", name="z as .npy").click()
    saved.value.save_as(tmp_path / "z.npy")
    assert np.load(tmp_path / "z.npy").tolist() == latent[0]
    with page.expect_download() as saved:
        page.get_by_role("button", name="z as JSON").click()
    assert json.loads(saved.value.path().read_text())["z"] == pytest.approx(latent[0])

    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_text("Kept in My pictures").wait_for()
    page.get_by_label("Seed", exact=True).locator("visible=true").fill("77")
    page.get_by_role("button", name="Go to seed").click()
    page.get_by_text("Seed 77").wait_for()
    page.locator("gan-lab input[type=file][accept='image/png']").first.set_input_files(png)
    page.get_by_text("walked.png is in hand again").wait_for()
    assert (same(page) == walked).all()

    page.get_by_role("tab", name="My pictures").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export", exact=True).click()
    saved.value.save_as(tmp_path / "mine.json")
    page.get_by_role("button", name="Remove all").click()
    page.get_by_role("button", name="Remove all 1 for good").click()
    page.get_by_text("Nothing is kept yet").wait_for()
    page.locator("input[accept*=json]").first.set_input_files(tmp_path / "mine.json")
    page.get_by_text("1 pictures came").wait_for()
    choose(page, "run:plain")
    page.locator(".kept-picture .tile").click()  # of another model: that one opens
    page.wait_for_function(f"() => {LAB}.about.key === 'run:toy'")
    page.get_by_text("toy is in hand again").wait_for()
    assert (same(page) == walked).all()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("z=%3Cscript%3E", "does not fit this model"),
        ("z=AAAAAA", "z has 2 numbers"),
        ("seed=99999999999999999999", "does not fit this model"),
        ("seed=1&class=77", "does not fit this model"),
        ("model=run:%3Cimg%20src=x%20onerror=alert(1)%3E", "There is no model"),
    ],
)
def test_a_link_with_rubbish_gets_a_sentence(open_page, query, words):
    page = open_page(
        "?tab=explore&tool=%22%3E&view=three,NaN,1e999,-1,2,3&" + ("" if "model" in query else "model=run:toy&") + query
    )
    page.locator("gan-lab .message", has_text=words).wait_for()


def test_files_that_are_not_ours_get_a_sentence(open_page, tmp_path):
    page = lab(open_page)
    plain, forged, other = tmp_path / "plain.png", tmp_path / "forged.png", tmp_path / "text.png"
    Image.new("RGB", (8, 8)).save(plain)
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("dcgan-studio", json.dumps({"model": "shipped:fruits", "z": "AAAA", "truncation": 1}))
    Image.new("RGB", (8, 8)).save(forged, pnginfo=info)
    other.write_text("no picture")
    page.get_by_text("Seed, downloads, bring back").click()
    box = page.locator("gan-lab input[type=file][accept='image/png']").first
    for path, words in ((plain, "does not say how it was made"), (forged, "its z does not fit"), (other, "not a PNG")):
        box.set_input_files(path)
        page.locator("gan-lab .message", has_text=words).wait_for()
    collection = tmp_path / "mine.json"
    collection.write_text(
        json.dumps({"dcgan-studio": 1, "pictures": [{"recipe": {"model": "x", "z": ""}, "picture": "javascript:1"}]})
    )
    page.get_by_role("tab", name="My pictures").click()
    page.locator("input[accept*=json]").first.set_input_files(collection)
    page.get_by_text("not a collection that was exported here").wait_for()


@pytest.mark.parametrize(
    ("query", "script"), [("?tab=explore&brush=server", ""), ("?tab=explore", "delete window.WebAssembly")]
)
def test_where_the_browser_cannot_the_server_paints(open_page, query, script):
    page = lab(open_page, query, script=script)
    page.get_by_text("so the server paints").wait_for()
    before = same(page)
    page.get_by_role("slider", name="Angle").fill("90")
    page.wait_for_function("(before) => document.querySelector('gan-lab').canvas.dataset.painted > before", arg="1")
    assert np.abs(same(page) - before).mean() > 1
    page.locator("gan-lab").get_by_text("D's score").wait_for()


@torch.no_grad()
def test_webgpu_paints_the_same(app, chromium):
    """On an adapter in software, which is slow, but the same code as on a graphics card."""
    soft = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    browser = chromium.browser_type.launch(executable_path=find(), args=soft)
    try:
        page = browser.new_page()
        complaints = []
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.goto(f"{app.url}?tab=explore&model=run:toy&brush=webgpu")
        page.wait_for_function(PAINTED, timeout=60_000)
        assert page.evaluate(f"() => {LAB}.brush.how.kind") == "webgpu", complaints
        gan = gan_of(app, "run:toy")
        painted = canvas(page.evaluate(PIXELS), 28)[..., :3].astype(int)
        assert np.abs(painted - rgb(gan, gan.sample_z(1, 0), gan.sample_y(1, 0)).astype(int)).max() <= 1
        page.locator("gan-lab").get_by_text("% real").wait_for()
        assert not complaints
    finally:
        browser.close()


def test_on_a_phone_by_touch(open_page):
    page = lab(open_page, "?tab=explore&lang=zh", width=390, height=844, color_scheme="dark", has_touch=True)
    page.wait_for_function("() => document.querySelector('gan-lab .pad').dataset.drawn")
    pad = page.locator("gan-lab .pad")
    pad.scroll_into_view_if_needed()
    before, box = same(page), pad.bounding_box()
    finger = page.context.new_cdp_session(page)

    def touch(kind, *places):
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in places]})

    y = max(box["y"] + 60, 420)
    touch("touchStart", (box["x"] + 60, y))
    for i in range(12):
        touch("touchMove", (box["x"] + 60 + 15 * i, y + 8 * i))
    touch("touchEnd")
    assert np.abs(same(page) - before).mean() > 2
    hand = page.locator("gan-lab .hand-picture").bounding_box()
    assert hand["y"] >= 0 and hand["y"] + hand["height"] <= 844, "the picture stays in sight"
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.locator("gan-lab .tray .tile").nth(2).tap()
    page.get_by_text("种子 2").first.wait_for()
    page.get_by_role("button", name="收藏", exact=True).tap()
    page.get_by_text("已收藏到").wait_for()
    page.get_by_role("tab", name="我的图片").tap()
    page.locator(".kept-picture .tile").tap()
    page.get_by_text("已恢复").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


@pytest.mark.skipif(not shutil.which("node"), reason="Gradio renders in Node")
def test_behind_a_renderer_in_node_it_is_the_same_page(tmp_path, chromium):
    (tmp_path / "runs").mkdir()
    run_of(tmp_path / "runs", "plain")
    app = App(tmp_path, options=("--ssr",))
    try:
        page = chromium.new_page()
        page.goto(f"{app.url}?tab=explore&model=run:plain")
        page.wait_for_function(PAINTED, timeout=90_000)
        gan = gan_of(app, "run:plain")
        painted = canvas(page.evaluate(PIXELS), 28)[..., :3].astype(int)
        assert np.abs(painted - rgb(gan, gan.sample_z(1, 0), None).astype(int)).max() <= 1
        assert page.evaluate(f"() => {LAB}.brush.how.kind") == "wasm"
    finally:
        page.close()
        app.stop()
