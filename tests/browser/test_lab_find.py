"""Find, as a visitor uses it: bring a picture in every way there is, watch it converge, stop it, mend with it."""

import re

import pytest
from PIL import Image

from tests.browser.test_lab_walk import LAB, choose, lab

pytestmark = pytest.mark.browser

PASTE = """(pixels) => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 40, height: 30});
    const context = canvas.getContext("2d");
    context.fillStyle = "#888";
    context.fillRect(8, 4, 20, 20);
    return new Promise((done) => canvas.toBlob((blob) => {
        const data = new DataTransfer();
        data.items.add(new File([blob], "x.png", {type: "image/png"}));
        document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        done();
    }));
}"""
SEEN = f"() => {LAB}.tool.easel.picture()"
EASEL = f"{LAB}.tool.easel"


def opened(open_page, model="shipped:fashion-mlp", title="Find", **context):
    page = lab(open_page, **context)
    choose(page, model)
    page.get_by_role("tab", name=title).click()
    return page


def search(page):
    page.locator(".find-go button").first.click()
    page.locator(".find-take").wait_for()
    return page.locator(".find-verdict")


def drag(page, *places):
    box = page.locator(".easel").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def test_a_picture_is_brought_found_mended_and_taken_into_hand(open_page, tmp_path):
    page = opened(open_page)
    status = page.locator("gan-lab .message")
    page.locator(".find-go button").first.click()
    assert "no picture to look for" in status.inner_text()

    page.get_by_role("button", name="Picture in hand").click()  # exactly as G painted it
    page.wait_for_function(f"() => !{EASEL}.empty")
    words = search(page)
    assert "G can paint this picture" in words.inner_text()
    assert float(re.search(r"([\d.]+) levels", words.inner_text())[1]) < 5
    assert re.search("32 pictures of G's own.*32 real", page.locator(".heaps").get_attribute("aria-label"))
    page.evaluate(f"() => {LAB}.take({{...{LAB}.hand, z: {LAB}.hand.z.map(() => 0)}})")
    page.get_by_role("button", name="Take it into hand").click()
    assert page.evaluate(f"() => Math.hypot(...{LAB}.hand.z)") > 5
    with page.expect_download() as saved:
        page.locator(".find-found").get_by_role("button", name="Save PNG").click()
    with Image.open(saved.value.path()) as image:
        assert image.size == (252, 252)

    photograph = tmp_path / "noise.jpg"  # turned by its EXIF: upright it is dark on the left
    image = Image.effect_noise((900, 600), 90).convert("RGB")
    image.paste("black", (0, 300, 900, 600))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(photograph, exif=exif)
    page.locator(".find input[type=file]").set_input_files(photograph)
    page.wait_for_function(f"(before) => {EASEL}.latent === null && !{EASEL}.empty")
    left, right = page.evaluate(
        f"""async () => {{
        const image = await createImageBitmap(await (await fetch({EASEL}.picture())).blob());
        const context = new OffscreenCanvas(28, 28).getContext("2d", {{willReadFrequently: true}});
        context.drawImage(image, 0, 0);
        const reds = (x) => context.getImageData(x, 4, 8, 20).data.filter((_, i) => i % 4 === 0);
        const mean = (x) => reds(x).reduce((sum, value) => sum + value, 0) / 160;
        return [mean(2), mean(18)];
    }}"""
    )
    assert left < 30 < 90 < right
    assert "foreign to G" in search(page).inner_text()

    page.get_by_role("radio", name="Find it").press("ArrowRight")  # fill a hole, by keyboard
    assert page.get_by_role("radio", name="Fill a hole").get_attribute("aria-checked") == "true"
    page.get_by_role("button", name="Picture in hand").click()
    page.wait_for_function(f"() => {EASEL}.latent !== null")
    page.locator(".find-go button").first.click()
    assert "Nothing is painted over" in status.inner_text()
    page.locator(".easel").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")
    assert page.evaluate(f"() => {EASEL}.holed")
    assert "where the picture counts" in search(page).inner_text()
    assert page.locator(".find-pictures img").count() == 3
    page.get_by_role("button", name="Undo").click()
    assert not page.evaluate(f"() => {EASEL}.holed")

    page.get_by_role("radio", name="Find it").click()  # drawn by mouse
    page.get_by_role("button", name="Clear").click()
    page.locator(".easel").scroll_into_view_if_needed()
    blank = page.evaluate(SEEN)
    drag(page, (0.3, 0.3), (0.7, 0.7))
    assert page.evaluate(SEEN) != blank
    search(page)

    drawn = page.evaluate(SEEN)  # and from the clipboard, while the tool is shown
    page.evaluate(PASTE)
    page.wait_for_function(f"(before) => {EASEL}.picture() !== before", arg=drawn)
    pasted = page.evaluate(SEEN)
    page.get_by_role("tab", name="Walk").click()
    page.evaluate(PASTE)
    page.wait_for_timeout(200)
    page.get_by_role("tab", name="Find").click()
    assert page.evaluate(SEEN) == pasted

    page.locator(".find input[type=file]").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no"})
    page.wait_for_function("() => document.querySelector('gan-lab .message.wrong')?.textContent.includes('x.png')")


def test_a_search_can_be_stopped_and_another_begun(open_page):
    page = opened(open_page, "shipped:fruits")
    page.get_by_role("button", name="Picture in hand").click()
    page.wait_for_function(f"() => !{EASEL}.empty")
    page.locator(".find-go button").first.click()
    page.locator(".find-strip img").wait_for()
    assert re.search(
        r"\d+ %, \d+ levels of 255 apart so far, about \d+ s left", page.locator("gan-lab .message").inner_text()
    )
    page.get_by_role("button", name="Stop").click()
    page.wait_for_function("() => document.querySelector('gan-lab .message').textContent.startsWith('Stopped')")
    assert page.locator(".find-strip").is_hidden()
    choose(page, "shipped:fashion-mlp")  # of other pictures: the easel is empty again
    assert page.evaluate(f"() => {EASEL}.empty")
    page.get_by_role("button", name="Picture in hand").click()
    page.wait_for_function(f"() => !{EASEL}.empty")
    assert "G can paint" in search(page).inner_text()


def test_on_a_phone_in_chinese_with_a_finger(open_page):
    page = opened(
        open_page, title="寻找", query="?tab=explore&lang=zh", width=390, height=844, has_touch=True, is_mobile=True
    )
    page.get_by_role("button", name="手中的图片").tap()
    page.wait_for_function(f"() => !{EASEL}.empty")
    page.get_by_role("radio", name="填补空缺").tap()
    page.locator(".easel").scroll_into_view_if_needed()
    box = page.locator(".easel").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6)
    page.wait_for_function(f"() => {EASEL}.holed")
    assert "在计入的部分相差" in search(page).inner_text()
    page.get_by_role("button", name="拿到手中").tap()
    page.wait_for_function("() => document.querySelector('gan-lab .message').textContent.includes('已在手中')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
