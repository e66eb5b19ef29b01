"""The routes behind Check: is a picture copied, is it real? Every answer says what it was measured against.

POST lab/check   {model, picture, file?} -> {D, spectrum, mark}
POST lab/copied  {model, picture} -> lines {done, of, what}, then {result: {tiles, usual, ...}}
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from PIL import Image
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from torch import Tensor

from gan_core.data import known_sets
from gan_core.data.pictures import open_picture, to_square
from gan_core.data.store import Images
from gan_core.errors import UserError
from gan_core.export import Recipe, read_recipe
from gan_core.images import to_pictures, to_unit
from gan_core.latent import paint
from gan_core.latent.calibration import Calibration, opinions, percentile
from gan_core.latent.neighbours import Neighbours
from gan_core.latent.reference import Place, load_reference
from gan_core.metrics import features_for
from gan_core.metrics.spectrum import spectrum
from gan_core.ui.find import Calibrations, Pace, data_url, place_of
from gan_core.ui.models import Loaded, Shelf
from gan_core.ui.pictures import latents_of, model_of
from gan_core.ui.posted import DECODING, Posted, posted
from gan_core.ui.stream import Line, Slots, Tell
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError

TILES = 6  # nearest training pictures shown
KEPT = 2  # indices in memory, 128 MB each at most
SAME = (
    8.0  # levels, root mean square: rounding, and being enlarged smoothly and shrunk again; two pictures differ by 20
)
COPIED = 0.01  # share of strangers that lie as near: a picture nearer than that is suspicious
MOST_FILE = 8 * 2**20  # bytes of a PNG that is looked through for a mark; ours have a hundredth


class Indices:
    """The training sets looked through lately."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[Neighbours, list[float]]] = OrderedDict()
        self._lock = Lock()

    def of(self, loaded: Loaded, place: Place, tell: Tell) -> tuple[Neighbours, list[float]]:
        """An index of the set there, and how far strangers are from it, sorted. Raises as `load_reference`."""
        config, train = loaded.gan.config, loaded.gan.info.get("train")
        train = train if isinstance(train, dict) else {}
        held = train.get("held_out"), train.get("batch_size")
        key = place, config.image_size, config.nc, bool(train.get("flip")), held
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        pace = Pace(tell)
        reference = load_reference(loaded.gan, place, progress=pace.reading)
        net = features_for(_learned(reference.images, reference.learned), progress=pace.reading)
        index = Neighbours(reference, net, bool(train.get("flip")), pace.reading)
        made = index, index.usual().tolist()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def check_routes(studio: Studio, calibrations: Calibrations) -> list[BaseRoute]:
    shelf, indices = studio.shelf, Indices()
    searches = Slots(1, "check_busy")  # reading a set takes a core, and memory
    studio.at_close.append(searches.close)

    def check(body: Posted) -> Response:
        loaded = shelf.load(body.text("model"))
        pixels = body.picture("picture", loaded.gan)
        calibration = calibrations.of(loaded)
        return JSONResponse({
            "D": opinion(loaded, pixels, calibration),
            "spectrum": powers(pixels, calibration),
            "mark": mark(shelf, body.text("file_kind"), body.values.get("file")),
        })  # fmt: skip

    def copied(body: Posted) -> Response:
        loaded = shelf.load(body.text("model"))
        pixels = body.picture("picture", loaded.gan)
        place = place_of(loaded)
        if place is None:
            raise PageError("check_no_set", name=loaded.found.name, set=set_of(loaded))
        if studio.public and private(loaded, place):
            raise PageError("check_private")
        return searches.told(lambda tell: nearest(indices.of(loaded, place, tell), pixels), body.lang)

    return [
        Route(f"{ROUTES}/lab/check", posted(check), methods=["POST"]),
        Route(f"{ROUTES}/lab/copied", posted(copied), methods=["POST"]),
    ]


def nearest(known: tuple[Neighbours, list[float]], pixels: Tensor) -> Line:
    index, usual = known
    reference, near = index.reference, index.nearest(pixels[None], TILES)
    distance = near.distance[0].tolist()
    tiles = [tile(reference.images, row, apart) for row, apart in zip(near.rows[0].tolist(), distance, strict=True)]
    return {
        "tiles": tiles, "usual": usual, "share": percentile(distance[0], usual),
        "verdict": copied_verdict(distance[0], usual),
        "kind": reference.kind, "strangers": reference.test or reference.name,
        "set": reference.name, "searched": index.searched, "of": reference.of,
    }  # fmt: skip


def tile(images: Images, row: int, distance: float) -> Line:
    """One training picture, for the page."""
    named = images.labels is not None and images.classes
    label = images.classes[int(images.labels[row])] if named and images.labels is not None else None
    return {"picture": data_url(to_pictures(images.pixels[row][None])[0]), "distance": distance, "label": label}


def copied_verdict(distance: float, usual: list[float]) -> str:
    """same: a training picture itself, or next to it; near: nearer than nearly all strangers; else apart, or far."""
    if distance <= 0.25 * usual[0] or distance < 0.02:
        return "same"
    share = percentile(distance, usual)
    return "near" if share <= COPIED else "far" if share == 1 else "apart"


def opinion(loaded: Loaded, pixels: Tensor, calibration: Calibration | None) -> Line:
    logit = float(opinions(loaded.gan, to_unit(pixels)[None])[0])
    said: Line = {"logit": logit, "believes": loaded.believes}
    if calibration:
        own, real = calibration.own.logits, calibration.real.logits if calibration.real else ()
        said |= {
            "own": own, "real": real, "kind": calibration.kind, "about": calibration.about,
            "beyond_own": percentile(logit, own), "beyond_real": percentile(logit, real) if real else None,
        }  # fmt: skip
    return said


def powers(pixels: Tensor, calibration: Calibration | None) -> Line:
    """The spectrum, with the bands of both kinds; and how far its finest quarter lies from their middles."""
    curve = spectrum(to_unit(pixels)[None])[0]
    said: Line = {"curve": curve.tolist()}
    if calibration:
        said["own"] = calibration.own.spectrum
        said["real"] = calibration.real.spectrum if calibration.real else None
    return said


def mark(shelf: Shelf, kind: str, file: object) -> Line:
    """The recipe in a PNG, and whether it paints this picture: anybody can write one, and anybody can take it out."""
    if not isinstance(file, str) or not file:
        return {"state": "none", "why": "not_sent" if kind == "image/png" else "not_png"}
    if len(file) > MOST_FILE * 4 / 3:
        return {"state": "none", "why": "not_sent"}
    try:
        data = b64decode(file, validate=True)
    except (Base64Error, ValueError):
        raise PageError("posted_floats", field="file") from None
    try:
        recipe = read_recipe(data)
    except UserError as error:
        return {"state": "wrong" if error.key == "bad_recipe" else "none", "why": error.key}
    apart = paints(shelf, recipe, data)
    state = "unknown" if apart is None else "true" if apart <= SAME else "other"
    return {
        "state": state, "levels": apart,
        "model": recipe.model, "step": recipe.step, "seed": recipe.seed, "label": recipe.label,
    }  # fmt: skip


def paints(shelf: Shelf, recipe: Recipe, file: bytes) -> float | None:
    """How far, in levels, the picture in the file is from what its recipe paints; None where that model is not here."""
    if not recipe.model.startswith(("shipped:", "run:")):  # a stranger's recipe makes nobody fetch a model
        return None
    try:
        gan = model_of(shelf, recipe).gan
        painted = paint(gan, *latents_of(recipe, gan))[0]
        with DECODING:
            seen = _shrunk(open_picture(file), gan.config.image_size, gan.config.nc)
    except Exception:  # another model under that name, a picture that is cut short: nothing can be compared
        return None
    return float((to_unit(seen) - to_unit(painted)).square().mean().sqrt() * 127.5)


def _shrunk(image: Image.Image, size: int, nc: int) -> Tensor:
    """(nc, S, S) uint8. What was enlarged crisply comes back exactly."""
    if image.width == image.height and image.width % size == 0:
        image = image.convert("L" if nc == 1 else "RGB").reduce(image.width // size)
    return torch.from_numpy(np.array(to_square(image, size, nc)))


def set_of(loaded: Loaded) -> str:
    """What its config.json calls the set; without a path."""
    data = loaded.gan.info.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return Path(name).name[:80] if isinstance(name, str) and name else "?"


def private(loaded: Loaded, place: Place) -> bool:
    """Did a run learn from somebody's own pictures, uploaded or in a folder of this machine?"""
    return loaded.found.key.startswith("run:") and place.name not in known_sets()


def _learned(images: Images, rows: Tensor) -> Images:
    """For the feature network: only what the model learned from."""
    if len(rows) == len(images):
        return images
    return replace(images, pixels=images.pixels[rows], labels=None if images.labels is None else images.labels[rows])
