"""How smoothly the time line follows a hand: `python -m tests.browser.smooth`. Prints a table; README quotes it.

A run of 240 sheets of 64 pictures of 64 pixels and 5,000 reports is dragged through from end to end and back, by mouse,
while it goes on: a process writes reports and sheets on. Counted are the frames that the browser painted in which the
sheet had changed, and the time of every task that kept the page from painting (PerformanceObserver's "longtask": more
than 50 ms).
"""

import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from gan_core.training.events import Sample
from gan_core.training.folder import RunFolder
from tests.browser.chromium import find
from tests.browser.conftest import FLAGS, App

SHEETS, REPORTS, SECONDS = 240, 5_000, 8.0
WATCH = """() => {
    window.seen = {frames: 0, painted: 0, long: []};
    new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((e) => e.duration))).observe({entryTypes: ["longtask"]});
    let step;
    const tick = () => {
        seen.frames++;
        const now = document.querySelector(".run-picture").dataset.step;
        if (now !== step) seen.painted++;
        step = now;
        requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
}"""  # noqa: E501


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = App(Path(folder))
        runs = [RunFolder(app.runs / name) for name in ("long", "b", "c", "d")]
        for run in runs:
            write(run)
        over = threading.Event()
        writer = threading.Thread(target=go_on, args=(runs[0], over))
        writer.start()
        try:
            browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            print("| page | sheets painted | frames | moves of the hand | what kept the page from painting |")
            print("|---|---|---|---|---|")
            for width, beside in ((1280, 0), (390, 0), (1280, 3)):
                measure(browser, app.url, width, beside)
        finally:
            over.set()
            writer.join()
            app.stop()


def write(run: RunFolder) -> None:
    run.path.mkdir(parents=True)
    train = {"loss": "ns", "steps": 10**6, "batch_size": 64}
    run.write_config(
        {"model": {"image_size": 64, "nc": 3}, "train": train, "preset": "dcgan2015", "data": {"name": "x"}}
    )
    dice = np.random.default_rng(0)
    start, end = (dice.integers(0, 255, (64, 64, 3)).astype(float) for _ in range(2))
    for n in range(SHEETS):
        run.append(Sample(n * 100, sheet(start + (end - start) * n / SHEETS)))
    with run.events.open("a") as log:
        for n in range(REPORTS):
            log.write(json.dumps(report(n * SHEETS * 100 // REPORTS)) + "\n")
    run.write_status("running", SHEETS * 100)


def sheet(small: np.ndarray) -> Image.Image:
    return Image.fromarray(small.astype(np.uint8)).resize((512, 512), Image.Resampling.BICUBIC)


def report(step: int) -> dict[str, object]:
    wave = float(np.sin(step / 3000))
    numbers = dict(loss_D=1 + wave / 2, loss_G=2 - wave, D_x=0.6, D_Gz=0.4, grad_D=1.0, grad_G=2 + wave, sure=0.7)
    return {
        "event": "report",
        "step": step,
        "steps": 10**6,
        "seconds": step / 50,
        "images_per_second": 500.0,
        **numbers,
    }


def go_on(run: RunFolder, over: threading.Event) -> None:
    """As a training does: three reports a second, a sheet every two."""
    step, dice = SHEETS * 100, np.random.default_rng(1)
    while not over.wait(0.33):
        step += 10
        run.append(report(step))
        run.beat("running", step)
        if step % 60 == 0:
            run.append(Sample(step, sheet(dice.integers(0, 255, (64, 64, 3)).astype(float))))


def measure(browser: Browser, url: str, width: int, beside: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(url + "?tab=train&run=long")
    page.wait_for_function("() => document.querySelector('gan-train')?.record?.samples.length > 200")
    for name in ("b", "c", "d")[:beside]:
        page.evaluate("(name) => document.querySelector('gan-train').compare(name)", name)
    page.wait_for_function(f"() => document.querySelectorAll('.run-picture:not([hidden])').length === {1 + beside}")
    slider = page.locator(".run-back input")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 9, y)
    page.mouse.down()
    for part in list(range(95, 4, -6)) + list(
        range(5, 96, 6)
    ):  # once through: the sheets near the hand are loaded then
        page.mouse.move(box["x"] + box["width"] * part / 100, y)
        page.wait_for_timeout(150)
    page.evaluate(WATCH)
    began, moves = time.monotonic(), 0
    while (gone := time.monotonic() - began) < SECONDS:
        there = abs((gone / SECONDS * 4) % 2 - 1)  # there and back, twice
        page.mouse.move(box["x"] + 10 + (box["width"] - 20) * there, y)
        moves += 1
    seen = page.evaluate("seen")
    page.mouse.up()
    page.close()
    long, runs = seen["long"], f"{1 + beside} run{'s' * bool(beside)}"
    print(
        f"| {width} px, {runs} | {seen['painted'] / gone:.0f} sheets/s | {seen['frames'] / gone:.0f} frames/s | "
        f"{moves / gone:.0f} moves/s | {len(long)} tasks > 50 ms, longest {max(long, default=0):.0f} ms |"
    )


if __name__ == "__main__":
    main()
