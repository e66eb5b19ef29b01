"""The routes behind Find: the z of a picture, and what is usual for a model when such a z is sought.

    POST lab/find       {model, picture, task?, known?, z?, y?} -> lines {done, of, levels, strip, n}, then {result}
    POST lab/calibrate  {model, distance?} -> lines {done, of}, then {result}

Torch computes in a thread of the work's own, step by step and without a lock, so that others paint meanwhile.
"""

from base64 import b64encode
from collections import OrderedDict
from io import BytesIO
from threading import Lock
from time import monotonic
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from torch import Tensor

from gan_core.gan import fingerprint
from gan_core.images import to_pictures, to_sheet, to_uint8, to_unit
from gan_core.latent.calibration import (
    Calibration,
    calibrate,
    load_calibration,
    percentile,
    save_calibration,
    verdict,
)
from gan_core.latent.inversion import Found, Progress, Start, Task, invert
from gan_core.latent.reference import Place, find_set, load_reference
from gan_core.ui.models import Loaded, Shelf
from gan_core.ui.posted import Posted, posted
from gan_core.ui.stream import Line, Slots, Tell
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError

Kind = Literal["find", "fill", "over", "enlarge2", "enlarge4", "denoise"]

EVERY = 0.25  # seconds between two lines: the eye follows, and the wire is not filled
SHOWN = 6  # starts whose pictures are shown while they descend
SMALLEST_KNOWN = 0.02  # share of the picture that must be left for anything to be found
FEATHER = 1  # pixels over which a filled hole runs into what was there
KEPT = 64  # calibrations in memory, 50 kB each: every snapshot of every run may have one
SEARCHES = 2  # at once: each takes a core for seconds


class Calibrations:
    """What is usual for the models on the shelf: kept beside their weights, or in memory where nobody may write."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._kept: OrderedDict[str, Calibration] = OrderedDict()
        self._lock = Lock()

    def of(self, loaded: Loaded) -> Calibration | None:
        mark = fingerprint(loaded.found.folder)
        with self._lock:
            if mark not in self._kept and (found := load_calibration(loaded.found.folder)):
                self._keep(found)
            return self._kept.get(mark)

    def _keep(self, made: Calibration) -> None:
        self._kept[made.fingerprint] = made
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def make(self, loaded: Loaded, tell: Tell) -> Calibration:
        found, gan = loaded.found, loaded.gan
        place = place_of(loaded)
        heard = Pace(tell)
        reference = load_reference(gan, place, progress=heard.reading) if place else None
        about = (reference.test or reference.name) if reference else ""
        for event in calibrate(gan, fingerprint(found.folder), reference, about):
            if isinstance(event, Calibration):
                save_calibration(event, found.folder)
                with self._lock:
                    self._keep(event)
                return event
            heard({"done": event.done, "of": event.of})
        raise AssertionError("a calibration ends with one")


class Pace:
    """Tells a line now and then, and asks at every call whether anybody still listens."""

    def __init__(self, tell: Tell) -> None:
        self.tell, self.last = tell, -EVERY

    @property
    def due(self) -> bool:
        return monotonic() - self.last >= EVERY

    def __call__(self, line: Line) -> None:
        if self.due:
            self.last = monotonic()
            self.tell(line)

    def reading(self, done: int, of: int, what: str) -> None:
        """As the readers of data tell it."""
        self({"done": done, "of": of, "what": what})


def find_routes(studio: Studio, calibrations: Calibrations) -> list[BaseRoute]:
    shelf = studio.shelf
    searches, measures = Slots(SEARCHES, "find_busy"), Slots(1, "find_calibrating")
    studio.at_close += [searches.close, measures.close]

    def find(body: Posted) -> Response:
        search = Search(shelf.load(body.text("model")), body)
        return searches.told(lambda tell: search.go(calibrations, tell), body.lang)

    def make(body: Posted) -> Response:
        """With a "distance", its verdict by the new measure."""
        loaded, distance = shelf.load(body.text("model")), body.number("distance", 0, 100, 0)

        def work(tell: Tell) -> Line:
            return judged(distance, calibrations.of(loaded) or calibrations.make(loaded, tell))

        return measures.told(work, body.lang)

    return [
        Route(f"{ROUTES}/lab/find", posted(find), methods=["POST"]),
        Route(f"{ROUTES}/lab/calibrate", posted(make), methods=["POST"]),
    ]


class Search:
    """What somebody wants found. Raises UserError for what cannot be sought."""

    def __init__(self, loaded: Loaded, body: Posted) -> None:
        self.loaded, gan = loaded, loaded.gan
        self.kind = body.one_of("task", Kind)
        self.target = body.picture("picture", gan)  # (nc, S, S)
        known = mask(body.picture("known", gan)) if self.kind == "fill" else None
        smaller = {"enlarge2": 2, "enlarge4": 4}.get(self.kind, 1)
        if gan.config.image_size % smaller:
            raise PageError("find_odd_size", got=gan.config.image_size, wanted=smaller)
        self.task = Task(known, smaller, noisy=self.kind == "denoise")
        self.near: Start | None = body.latents(gan, 1) if body.values.get("z") else None

    def go(self, calibrations: Calibrations, tell: Tell) -> Line:
        x = to_unit(self.target)[None]
        pace = Pace(tell)
        for event in invert(self.loaded.gan, x, self.task, self.near):
            if isinstance(event, Found):
                return self.told(event, calibrations.of(self.loaded))
            if pace.due:
                pace(self.progress(event))
        raise AssertionError("a search ends with what was found")

    def progress(self, event: Progress) -> Line:
        distance, order = event.distance[0].sort()
        strip = event.images[0][order[:SHOWN]]
        levels = float(127.5 * distance[0].clamp_min(0).sqrt())
        return {
            "done": event.done, "of": event.of, "levels": levels,
            "n": len(strip), "strip": data_url(to_sheet(strip, len(strip))),
        }  # fmt: skip

    def told(self, found: Found, calibration: Calibration | None) -> Line:
        """What was found, and how usual that is: only a whole picture has been calibrated for."""
        pixels = to_uint8(found.images)[0].cpu()
        said: Line = {
            "z": packed(found.z), "y": None if found.y is None else packed(found.y), "task": self.kind,
            "picture": data_url(to_pictures(pixels[None])[0]), "target": data_url(to_pictures(self.seen()[None])[0]),
            "levels": float(found.levels), "feel": float(found.feel), "distance": float(found.distance),
        }  # fmt: skip
        if self.task.known is not None:
            said["filled"] = data_url(to_pictures(filled(self.target, pixels, self.task.known)[None])[0])
        if calibration and self.kind in ("find", "over"):
            said |= judged(float(found.distance), calibration)
        return said

    def seen(self) -> Tensor:
        """(nc, S, S) uint8: what G had to meet."""
        return to_uint8(self.task.seen(to_unit(self.target)[None]))[0]


def judged(distance: float, calibration: Calibration) -> Line:
    """The verdict, and the two heaps that it rests on."""
    own, real = calibration.own.found, calibration.real.found if calibration.real else ()
    return {
        "verdict": verdict(distance, calibration), "kind": calibration.kind, "about": calibration.about,
        "own": own, "real": real,
        "beyond_own": percentile(distance, own), "beyond_real": percentile(distance, real) if real else None,
    }  # fmt: skip


def place_of(loaded: Loaded) -> Place | None:
    """Where the pictures lie that a model learned from; a model of the Hub tells its set's name, never a path."""
    data = loaded.gan.info.get("data")
    ours = loaded.found.key.startswith(("shipped:", "run:"))
    return find_set(data, ours) if isinstance(data, dict) else None


def mask(pixels: Tensor) -> Tensor:
    """(nc, S, S) uint8, white where the picture is known -> (S, S) of 0 and 1. Raises UserError if little or all is."""
    known = (pixels.float().mean(dim=0) > 127).float()
    if known.mean() < SMALLEST_KNOWN:
        raise PageError("find_nothing_known")
    if known.all():
        raise PageError("find_no_hole")
    return known


def filled(target: Tensor, pixels: Tensor, known: Tensor) -> Tensor:
    """(nc, S, S) uint8: the target, and in its hole what G paints; the seam is a pixel wide."""
    size = 2 * FEATHER + 1
    soft = F.avg_pool2d(known[None, None].cpu(), size, stride=1, padding=FEATHER, count_include_pad=False)[0]
    soft = soft * known.cpu()  # nothing of the hole's own pixels
    return (soft * target + (1 - soft) * pixels).round().to(torch.uint8)


def packed(row: Tensor) -> str:
    return b64encode(np.ascontiguousarray(row.detach().cpu().numpy(), "<f4").tobytes()).decode()


def data_url(image: Image.Image) -> str:
    buffer = BytesIO()
    image.save(buffer, "WEBP", lossless=True, quality=0, method=0)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
