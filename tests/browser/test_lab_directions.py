"""Directions, as a visitor steers by them."""

import json
from base64 import b64decode

import numpy as np
import pytest
import torch

from gan_core.latent import direction_file
from gan_core.latent.directions import difference, local
from tests.browser.lively import hand, lively, shows

pytestmark = pytest.mark.browser

TOOL = "?tab=explore&tool=directions&model=run:lively"
PAINTED = """() => document.querySelectorAll('.direction').length > 16
  && document.querySelector('.direction-groups').dataset.painted"""
OWN = "() => document.querySelector('gan-lab').tool.own.map(({ z }) => [...z])"


@pytest.fixture(scope="module")
def gan(app):
    return lively(app.runs)


@pytest.fixture
def kept(app):
    return app.runs / "lively" / "snapshots" / "000500" / direction_file.FILE


def moved(z, *steps):
    """z (1, nz) after steps (direction's row of the file, standard deviations)."""
    for row, s in steps:
        z = z + s * torch.from_numpy(np.frombuffer(b64decode(row["z"]), "<f4").copy())
    return z


def at(page, z, y=None):
    """The hand is there, to within the steps of a slider."""
    there, classes = hand(page)
    assert (there - z).abs().max() < 1e-3
    if y is not None:
        assert (classes - torch.tensor([y])).abs().max() < 1e-3


def test_directions_on_a_desk(open_page, gan, kept):
    page = open_page(TOOL)
    page.wait_for_function(PAINTED)
    file = json.loads(kept.read_text())  # found, and kept beside the weights
    rows = {row["id"]: row for row in file["directions"]}
    start, y = hand(page)

    # sliders add up, live, and nobody asks the server
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    first = page.get_by_role("slider", name="SeFa 1, standard deviations")
    first.fill("1.5")
    at(page, moved(start, (rows["sefa-1"], 1.5)))
    first.press("ArrowRight")
    second = page.get_by_role("slider", name="SeFa 2, standard deviations")
    second.fill("-2")
    there = moved(start, (rows["sefa-1"], 1.51), (rows["sefa-2"], -2))
    at(page, there)
    shows(page, ".hand-picture", gan(there, y)[0])
    assert not asked

    # a tile of a strip is a place to go to, and shows what is there
    page.get_by_text("By what G does").click()
    tile = page.get_by_role("button", name="GANSpace 1 at +2.0")
    page.wait_for_function("() => document.querySelectorAll('.direction-group[open]').length === 2")
    tile.click()
    there = moved(there, (rows["pca-1"], 2))
    at(page, there)
    shows(page, ".hand-picture", gan(there, y)[0])

    # a link opens the picture with its sliders
    page.wait_for_function("() => location.search.includes('view=') && location.search.includes('pca-1')")
    link = page.url
    again = open_page(link[link.index("?") :])
    again.wait_for_function(PAINTED)
    slider = again.get_by_role("slider", name="SeFa 2, standard deviations")
    again.wait_for_function("(e) => e.value === '-2'", arg=slider.element_handle())
    slider.fill("0")
    at(again, moved(start, (rows["sefa-1"], 1.51), (rows["pca-1"], 2)))
    again.close()

    # a name, for everybody; it is text and nothing else
    page.get_by_role("button", name="Rename SeFa 1").press("Enter")
    page.keyboard.type("<b>wide</b>")
    page.keyboard.press("Enter")
    page.get_by_text("<b>wide</b>: kept for everybody.").wait_for()
    assert json.loads(kept.read_text())["directions"][0]["name"]["en"] == "<b>wide</b>"
    page.get_by_role("button", name="Rename <b>wide</b>").click()
    page.keyboard.type("no")
    page.keyboard.press("Escape")
    page.get_by_role("slider", name="<b>wide</b>, standard deviations").wait_for()

    # back, towards a class, and what matters here
    page.get_by_role("button", name="Back to the start").click()
    at(page, start)
    page.get_by_text("Towards a class").click()
    page.locator(".directions").get_by_label("Class", exact=True).select_option("2")
    page.get_by_role("slider", name="Towards 2").fill("0.25")
    at(page, start, (0.75 * y[0] + 0.25 * torch.eye(3)[2]).tolist())
    page.get_by_role("button", name="What matters right here?").click()
    page.get_by_text("what changes this picture most.").wait_for()
    z, y = hand(page)
    for found, expected in zip(page.evaluate(OWN), local(gan, z[0], y[0], 5), strict=True):
        assert np.abs(np.array(found) - expected.z.numpy()).max() < 1e-3

    # two groups, their difference, and how little two pictures say
    page.get_by_text("Make one from two groups").click()
    page.get_by_role("button", name="Find the difference").click()
    page.get_by_text("at least one picture into each group").wait_for()
    for group, seeds in (("Has it", (1, 2)), ("Has it not", (4, 5, 6))):
        for seed in seeds:
            page.get_by_role("button", name=f"Add a picture to: {group}", exact=True).press("Enter")
            page.locator("dialog.picker").get_by_role("button", name=f"Picture of seed {seed}", exact=True).click()
    page.get_by_role("button", name="Take picture 3 out of: Has it not").click()
    page.get_by_role("button", name="Find the difference").click()
    page.get_by_text("Difference 1").first.wait_for()
    groups = [torch.cat([gan.sample_z(1, seed) for seed in seeds]) for seeds in ((1, 2), (4, 5))]
    for group in groups:
        group[:, 0] = 0  # it named the class
    expected = difference(*groups)
    assert np.abs(np.array(page.evaluate(OWN)[-1]) - expected.z.numpy()).max() < 1e-5

    # how entangled: the file's numbers, by keyboard
    page.get_by_text("How entangled are they?").click()
    page.locator(".matrix td[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    matrix = np.frombuffer(b64decode(file["matrix"]), "<f4").reshape(len(rows), -1)
    page.get_by_text(f"<b>wide</b> and SeFa 3 change the pictures {round(100 * matrix[0, 2])} % alike").wait_for()

    # as a file, and back
    page.get_by_text("Names and directions as a file").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").click()
    written = json.loads(saved.value.path().read_text())
    assert [d["id"] for d in written["directions"]][:2] == ["sefa-1", "sefa-2"]
    written["directions"][1]["name"] = {"en": "imported"}
    doctored = [{"name": "mine.json", "mimeType": "application/json", "buffer": json.dumps(written).encode()}]
    page.locator(".directions input[type=file]").set_input_files(doctored)
    page.get_by_role("slider", name="imported, standard deviations").wait_for()
    page.locator(".directions input[type=file]").set_input_files(
        [doctored[0] | {"buffer": b'{"directions": [{"z": 1}]}'}]
    )
    page.get_by_text("mine.json holds no directions for this model").wait_for()


def test_directions_on_a_phone_in_chinese(open_page, gan, kept):
    page = open_page(TOOL + "&lang=zh", width=390, height=844, has_touch=True, is_mobile=True)
    page.wait_for_function(PAINTED)
    start, y = hand(page)
    row = json.loads(kept.read_text())["directions"][2]
    page.get_by_role("button", name="SeFa 3，位于 −3.0").tap()
    at(page, moved(start, (row, -3)))
    shows(page, ".hand-picture", gan(moved(start, (row, -3)), y)[0])
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="从这里开始").tap()
    slider = page.get_by_role("slider", name="SeFa 3，标准差")
    assert slider.input_value() == "0"
    slider.fill("3")
    at(page, start)
