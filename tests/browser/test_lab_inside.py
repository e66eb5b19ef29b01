"""Inside G: mixing two pictures at each stage, and switching channels, as a visitor does it."""

import pytest
import torch

from gan_core.latent.inside import inside, untouched
from tests.browser.lively import hand, lively, shows

pytestmark = pytest.mark.browser

TOOL = "?tab=explore&tool=inside&model=run:lively"
RESULT = ".inside-result canvas"


@pytest.fixture(scope="module")
def gan(app):
    return lively(app.runs)


class Inside:
    """What torch paints beside what the page was asked for."""

    def __init__(self, page, gan):
        self.page, self.gan = page, gan
        z, y = hand(page)
        self.b = 1  # the seed of B
        self.a = z, y
        self.gates, self.masks = untouched(gan)

    def paint(self):
        z = torch.cat([self.a[0], self.gan.sample_z(1, self.b)])
        y = torch.cat([self.a[1], torch.eye(3)[self.gan.sample_y(1, self.b)]])
        return inside(self.gan, z, y, self.gates, self.masks)

    def shown(self):
        shows(self.page, RESULT, self.paint()[0][0])


def cell(page, side, row, column):
    return page.get_by_role("button", name=f"{side}×{side}: ").and_(
        page.get_by_role("button", name=f"row {row}, column {column}: from B")
    )


def test_inside_on_a_desk(open_page, gan):
    page = open_page(TOOL)
    page.locator(".inside[data-painted]").wait_for()
    ours = Inside(page, gan)

    # it begins with half of B at the second stage
    ours.masks[1][:, :4] = 1
    ours.shown()
    page.get_by_text("From B: 8×8").wait_for()

    # by mouse, by keyboard, and all at once
    page.get_by_role("button", name="All from A again").click()
    ours.masks[1][:] = 0
    ours.shown()
    cell(page, 4, 2, 3).click()
    ours.masks[0][1, 2] = 1
    ours.shown()
    cell(page, 4, 1, 1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    ours.masks[0][1, 0] = 1
    ours.shown()
    one, other = (cell(page, 16, 2, column).bounding_box() for column in (1, 4))
    page.mouse.move(one["x"] + 9, one["y"] + 9)
    page.mouse.down()
    page.mouse.move(other["x"] + 9, other["y"] + 9, steps=12)
    page.mouse.up()
    ours.masks[2][4:8, :] = 1
    ours.shown()
    page.get_by_role("button", name="8×8: parts: take from B: all").click()
    page.get_by_text("comes whole from B").wait_for()
    ours.masks[1][:] = 1
    ours.shown()
    page.get_by_role("button", name="8×8: parts: take from B: none").click()
    ours.masks[1][:] = 0

    # another B, from the pictures at hand
    page.get_by_role("button", name="B: choose another").click()
    page.locator("dialog.picker").get_by_role("button", name="Picture of seed 5", exact=True).click()
    ours.b = 5
    ours.shown()

    # channels
    page.get_by_role("button", name="All from A again").click()
    ours.masks = untouched(gan)[1]
    page.get_by_role("button", name="Switch channels").click()
    page.get_by_label("Stage").select_option("2")
    strengths = ours.paint()[1][2][0]
    best = int(strengths.argmax())
    channel = page.get_by_role("button", name=f"Channel {best}, strength {strengths[best]:.2f}")
    assert page.locator(".inside-channel").first.get_attribute("data-channel") == str(best)
    channel.press("Enter")
    ours.gates[2][best] = 0
    ours.shown()
    assert channel.get_attribute("aria-pressed") == "false"
    page.get_by_text("Off: 1 of 8 at 16×16").wait_for()
    page.get_by_role("button", name=f"Where is channel {best} strongest?").click()
    page.get_by_text(f"Of 96 samples, channel {best} of").wait_for()
    z, y = gan.sample_z(96, 0), torch.eye(3)[gan.sample_y(96, 0)]
    pairs = [inside(gan, z[i : i + 2], y[i : i + 2], *untouched(gan))[1][2] for i in range(0, 96, 2)]
    wanted = torch.cat(pairs)[:, best].argsort(descending=True)[:12].tolist()
    labels = [tile.get_attribute("aria-label") for tile in page.locator(".inside > div .tiles .tile").all()]
    assert [int(label.split(" · ")[0].split()[-1]) for label in labels] == wanted
    page.get_by_role("button", name="All on again").click()
    ours.gates = untouched(gan)[0]
    ours.shown()
    with page.expect_download() as saved:
        page.locator(".inside").get_by_role("button", name="Download PNG").click()
    assert saved.value.suggested_filename == "lively-inside.png"


def test_inside_on_a_phone_in_chinese_where_the_server_must_paint(open_page, gan):
    page = open_page(TOOL + "&lang=zh&brush=server", width=390, height=844, has_touch=True, is_mobile=True)
    page.locator(".inside[data-painted]").wait_for()
    ours = Inside(page, gan)
    page.get_by_role("button", name="全部恢复为 A").tap()
    page.get_by_role("button", name="4×4 级：形状与姿态，第 2 行第 1 列").tap()
    ours.masks[0][1, 0] = 1
    ours.shown()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="开关通道").tap()
    ours.masks[0][1, 0] = 0  # what was mixed is mixed there alone
    ours.shown()
    page.get_by_role("button", name="关闭最强的 8 个").tap()
    strengths = ours.paint()[1][0][0]
    ours.gates[0][strengths.argsort(descending=True)[:8]] = 0
    ours.shown()
