"""The page as a whole: language, light, width."""

import pytest

from gan_core.ui.text import TEXT
from tests.browser.conftest import pictures

pytestmark = pytest.mark.browser

IN_SIGHT = {
    0: [
        "tab_generate", "tab_explore", "tab_interpolate", "tab_train", "tagline", "generate_lead", "model", "seed",
        "how_many", "truncation", "surprise", "download_zip", "bring_back", "crisp",
    ],
    1: ["explore_lead", "walk", "directions", "lab_keep", "lab_tray", "walk_lead", "walk_circle"],
    2: [
        "interpolate_lead", "method", "slerp", "lerp", "easing", "frames", "loop", "keyframes", "downloads", "add",
        "add_any",
    ],
}  # fmt: skip


def test_the_switch_changes_every_word_and_is_remembered(page):
    page.get_by_role("button", name="中文").click()
    page.wait_for_function("() => document.documentElement.lang === 'zh-CN'")
    pictures(page)
    for tab, keys in IN_SIGHT.items():
        page.locator("#tabs > .tab-wrapper [role=tab]").nth(tab).click()
        page.get_by_text(TEXT[keys[-1]][1]).first.wait_for()
        shown = page.locator("body").inner_text()
        for key in keys:
            english, chinese = TEXT[key]
            assert chinese in shown, key
            assert english not in shown, key
    page.locator("footer", has_text="API").wait_for()
    assert "Use via" not in page.locator("footer").inner_text()  # Gradio's own words follow
    answer = page.request.get(f"{page.url}gradio_api/gan/sheet", params={"model": "nothing"})
    assert "这里" in answer.json()["error"]  # and the server's
    page.get_by_role("tab").first.click()  # the page comes back to the tab that was open
    page.get_by_role("button", name="English").click()
    page.wait_for_function("() => document.documentElement.lang === 'en'")
    pictures(page)
    page.get_by_text(TEXT["generate_lead"][0]).wait_for()


@pytest.mark.parametrize(
    ("query", "locale", "lang"), [("", "zh-TW", "zh"), ("", "fr-FR", "en"), ("?lang=zh", "en-US", "zh")]
)
def test_the_language_is_the_browsers_or_the_addresss(open_page, query, locale, lang):
    page = open_page(query, locale=locale)
    page.get_by_text(TEXT["generate_lead"][lang == "zh"]).wait_for()


def test_what_was_set_outlives_a_change_of_language(page):
    page.get_by_role("spinbutton", name="Seed").first.fill("900")
    page.get_by_role("button", name="Picture of seed 900").wait_for()
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="种子 900 的图片").wait_for()


LIGHT = """() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)
    .reduce((sum, part) => sum + Number(part), 0)"""


def test_dark_follows_the_system_and_the_switch(open_page):
    page = open_page(color_scheme="dark")
    pictures(page)
    assert page.evaluate(LIGHT) < 150
    page.get_by_role("button", name="Light mode").click()
    assert page.evaluate(LIGHT) > 600
    page.reload()
    pictures(page)
    assert page.evaluate(LIGHT) > 600


def test_a_phone_needs_no_sideways_scrolling_and_keeps_the_picture_in_sight(open_page):
    page = open_page(width=390, height=844, has_touch=True)
    pictures(page)
    for tab, picture in ((0, "gan-generate .sheet"), (1, "gan-lab .hand-picture"), (2, "gan-interpolate .stage")):
        page.locator("#tabs > .tab-wrapper [role=tab]").nth(tab).click()
        page.locator(picture).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
        slider = page.locator("input[type=range][aria-label]:visible").last
        slider.scroll_into_view_if_needed()
        page.wait_for_timeout(200)
        box, control = page.locator(picture).bounding_box(), slider.bounding_box()
        assert box["y"] > -1, "the picture has scrolled away"
        assert box["y"] + box["height"] <= control["y"], "the picture hides the control"


def test_a_reload_comes_back_to_the_tab_that_was_open(page):
    page.get_by_role("tab", name="Interpolate").click()
    page.reload()
    page.wait_for_selector('[role="tab"][aria-selected="true"]:has-text("Interpolate")')
    page.locator("gan-interpolate canvas").first.wait_for()


def test_a_reload_comes_back_to_the_tool_that_was_open(page):
    page.get_by_role("tab", name="Explore").click()
    page.get_by_role("tab", name="My pictures").click()
    page.get_by_text("Nothing is kept yet").wait_for()
    page.wait_for_url("**tool=mine**")
    page.reload()
    page.get_by_text("Nothing is kept yet").wait_for()
