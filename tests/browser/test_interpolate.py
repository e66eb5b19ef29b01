"""The Interpolate tab, as a visitor meets it."""

import pytest
from PIL import Image

from tests.browser.conftest import pictures

pytestmark = pytest.mark.browser

FRAME = "() => document.querySelector('gan-interpolate canvas').dataset.frame"


@pytest.fixture
def film(page):
    """The tab, with its film playing."""
    page.get_by_role("tab", name="Interpolate").click()
    page.wait_for_function("() => document.querySelector('gan-interpolate canvas')?.dataset.frame")
    return page


def seeds(page):
    return [int(text.split()[-1]) for text in page.locator(".keyframes .seed").all_inner_texts()]


def test_the_film_plays_pauses_and_is_scrubbed(film):
    frame = film.evaluate(FRAME)
    film.wait_for_function(f"(frame) => ({FRAME})() !== frame", arg=frame)
    film.locator("gan-interpolate").get_by_role("button", name="Pause").click()
    film.locator("gan-interpolate").get_by_role("button", name="Play").wait_for()
    frame = film.evaluate(FRAME)
    film.wait_for_timeout(300)
    assert film.evaluate(FRAME) == frame
    film.get_by_role("slider", name="Frame", exact=True).fill("30")
    assert film.evaluate(FRAME) == "30"
    film.locator("gan-interpolate", has_text="frame 31 of 72").wait_for()


def test_pictures_sent_from_generate_become_the_keyframes_in_order(page):
    for seed in (5, 3):
        page.get_by_role("button", name=f"Picture of seed {seed}", exact=True).click()
        page.get_by_role("button", name="Send to Interpolate").click()
        page.keyboard.press("Escape")
    page.get_by_role("tab", name="Interpolate").click()
    page.locator(".keyframes li").nth(1).wait_for()
    assert seeds(page) == [5, 3]


def test_keyframes_are_added_moved_and_removed_by_keyboard(film):
    assert seeds(film) == [0, 1, 2]
    box = film.get_by_label("Seed to add")
    box.fill("41")
    box.press("Enter")
    assert seeds(film) == [0, 1, 2, 41]
    film.get_by_role("button", name="Move keyframe 4 earlier").press("Enter")
    assert seeds(film) == [0, 1, 41, 2]
    film.wait_for_function("() => document.activeElement.getAttribute('aria-label') === 'Move keyframe 3 earlier'")
    film.get_by_role("button", name="Remove keyframe 1").press("Enter")
    assert seeds(film) == [1, 41, 2]
    for _ in range(6):
        film.get_by_role("button", name="Add a random one").click()
    film.locator("gan-interpolate .message", has_text="the most there can be").wait_for()
    assert len(seeds(film)) == 8
    for _ in range(7):
        film.get_by_role("button", name="Remove keyframe 1").click()
    film.get_by_text("The film appears here").wait_for()


def test_the_film_can_be_kept(film):
    film.get_by_role("slider", name="Frames").fill("12")
    film.wait_for_function("() => document.querySelector('gan-interpolate').sprite.n === 12")
    for name in ("GIF", "WebP", "MP4"):
        with film.expect_download() as saved:
            film.get_by_role("button", name=name, exact=True).click()
        path = saved.value.path()
        if name == "MP4":
            assert path.read_bytes()[4:8] == b"ftyp"
        else:
            with Image.open(path) as image:
                assert (image.n_frames, image.size) == (12, (256, 256))


def test_lerp_is_another_film_than_slerp(film):
    before = film.evaluate("() => document.querySelector('gan-interpolate').shown.method")
    film.get_by_label("straight line (lerp)").check()
    film.wait_for_function("() => document.querySelector('gan-interpolate').shown.method === 'lerp'")
    assert before == "slerp"


def test_who_asks_for_less_motion_starts_it_himself(open_page):
    page = open_page(reduced_motion="reduce")
    pictures(page)
    page.get_by_role("tab", name="Interpolate").click()
    page.wait_for_function("() => document.querySelector('gan-interpolate canvas')?.dataset.frame === '0'")
    page.wait_for_timeout(300)
    assert page.evaluate(FRAME) == "0"
    page.locator("gan-interpolate").get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('gan-interpolate canvas').dataset.frame !== '0'")
