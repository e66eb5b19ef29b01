"""How closely a picture follows the hand: a real Chromium before the real page, a drag of the map and of a slider.

Measured in the page: from the event's own time stamp to the picture on its canvas, and to the frame in which the screen
gets it. A display shows 60 frames a second, so a hand that moves 60 times a second can see 60 pictures.
"""

import math
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from gan_core.bench.apps import APP, Bar, app_command, await_app, free_port, running
from gan_core.errors import UserError

SECONDS = 6.0  # of each drag
PACE = 1 / 90  # seconds between two moves of the hand: more often than a display shows
SLOW = {"latency": 80, "downloadThroughput": 200_000, "uploadThroughput": 100_000, "offline": False}  # ms, bytes/s
SETTLE = 2.0  # seconds, until what loads in the background is there
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WATCH = """() => {
    const lab = document.querySelector("gan-lab");
    window.seen = {drawn: [], shown: []};
    const live = lab.brush.live.bind(lab.brush);
    lab.brush.live = (latent, draw) => {
        const began = window.event.timeStamp;
        live(latent, (image, error) => {
            draw(image, error);
            seen.drawn.push(performance.now() - began);
            requestAnimationFrame(() => seen.shown.push(performance.now() - began));
        });
    };
}"""


@dataclass(frozen=True)
class Drag:
    """What came of one drag. Times in milliseconds."""

    drawn: list[float]
    shown: list[float]
    seconds: float
    requests: int

    @property
    def fps(self) -> float:
        return len(self.drawn) / self.seconds


def bench_walk() -> list[Bar]:
    """With the best shipped model, 64 px. Raises UserError where there is no app, no Chromium or no Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise UserError("walk_where") from None
    if not APP.is_file():
        raise UserError("walk_where")
    with TemporaryDirectory(prefix="gan_core-") as runs, ExitStack() as stack:
        port = free_port()
        stack.enter_context(running(app_command(runs, port)))
        await_app(port)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        stack.callback(browser.close)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        return list(_measure(page, f"http://127.0.0.1:{port}/"))


def _measure(page: Any, url: str) -> Iterator[Bar]:
    yield _opened(page, url)
    page.evaluate(WATCH)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    pad, slider = page.locator("gan-lab .pad"), page.locator("gan-lab .pad-sliders input").first
    for name, place in (("map", pad), ("slider", slider)):
        yield from _bars(f"drag of the {name}", _drag(page, place))
    session.send("Network.emulateNetworkConditions", SLOW)
    yield from _bars(f"the map, {SLOW['latency']} ms from the server", _drag(page, pad))
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    slowed = _drag(page, pad)
    yield Bar("the map, page slowed four times: frames a second", f"{slowed.fps:.0f}", ">= 20", slowed.fps >= 20)


def _opened(page: Any, url: str) -> Bar:
    page.goto(url)
    page.locator("gan-generate .cell").first.wait_for()
    time.sleep(SETTLE)
    began = time.perf_counter()
    page.get_by_role("tab", name="Explore").click()
    page.wait_for_function("() => document.querySelector('.hand-picture')?.dataset.painted > 0", polling="raf")
    ready = time.perf_counter() - began
    page.wait_for_function("() => document.querySelector('gan-lab .ring').dataset.drawn")
    time.sleep(SETTLE)
    kind = page.evaluate("() => document.querySelector('gan-lab').brush.how.kind")
    return Bar(f"from the tab to the first picture ({kind})", f"{ready:.2f} s", "< 2 s", ready < 2)


def _bars(name: str, drag: Drag) -> Iterator[Bar]:
    middle, late = median(drag.drawn), _share(drag.drawn, 0.95)
    yield Bar(f"{name}: to the picture, median", f"{middle:.1f} ms", "< 20 ms", middle < 20)
    yield Bar(f"{name}: 95 of 100 within", f"{late:.1f} ms", "< 35 ms", late < 35)
    frame = f"{median(drag.shown):.1f} ms, 95 of 100 within {_share(drag.shown, 0.95):.1f} ms"
    yield Bar(f"{name}: to the frame on the screen, median", frame, "", held=True)
    yield Bar(f"{name}: frames a second", f"{drag.fps:.0f}", ">= 50", drag.fps >= 50)
    yield Bar(f"{name}: requests", str(drag.requests), "0", drag.requests == 0)


def _drag(page: Any, place: Any) -> Drag:
    """Round and round in an element, for SECONDS."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    requests: list[str] = []

    def listen(request: Any) -> None:
        requests.append(request.url)

    def move(angle: float) -> None:
        x, y = 0.5 + 0.4 * math.cos(angle), 0.5 + 0.4 * math.sin(1.3 * angle)
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)

    page.on("request", listen)
    move(0)
    page.mouse.down()
    page.evaluate("() => { seen.drawn.length = seen.shown.length = 0; }")
    began = time.perf_counter()
    while (now := time.perf_counter()) < began + SECONDS:
        move(1.5 * (now - began))
        time.sleep(max(0.0, now + PACE - time.perf_counter()))
    seconds = time.perf_counter() - began
    seen = page.evaluate("() => ({drawn: [...seen.drawn], shown: [...seen.shown]})")
    page.mouse.up()
    page.remove_listener("request", listen)
    return Drag(seen["drawn"], seen["shown"], seconds, len(requests))


def _share(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def _chromium() -> str | None:
    """Of the system; None leaves it to Playwright."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None and not (Path.home() / ".cache" / "ms-playwright").is_dir() and sys.platform == "linux":
        raise UserError("walk_where")
    return found
