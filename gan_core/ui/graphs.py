"""The players on their way into the visitor's browser: what a model is, its graphs, and painting where neither will do.

GET  lab/about?model=KEY                    what the page must know of a model
GET  lab/part.onnx?model=KEY&part=G&mark=M  one graph; with its mark it may be kept for ever
POST lab/paint {model, z, y}                uint8 (N, S, S, nc), for a browser that cannot paint
POST lab/opinions {model, z, y}             D's logits (N,), and how far each picture looks from the one before it
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from threading import Lock

import torch
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gan_core.errors import unknown
from gan_core.export.about import about_model
from gan_core.export.onnx import to_onnx
from gan_core.export.onnx_inside import to_onnx_inside
from gan_core.gan import GAN, fingerprint
from gan_core.images import to_unit
from gan_core.latent.perception import distance, features
from gan_core.ui.answers import Asked, answer
from gan_core.ui.models import Loaded, Shelf
from gan_core.ui.posted import Posted, posted
from gan_core.ui.studio import ROUTES, Studio

KEPT = 256 * 2**20  # bytes of graphs in memory: a shipped model's three are 20 MB, a stranger's may be 500
MOST = 64  # pictures painted for one request
PARTS: dict[str, Callable[[GAN], bytes]] = {
    "G": partial(to_onnx, part="G"),
    "D": partial(to_onnx, part="D"),
    "inside": to_onnx_inside,
}


class Graphs:
    """The graphs that were asked for lately, each written once. Safe in any thread."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._written: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._lock = Lock()

    def about(self, asked: Asked) -> Response:
        return JSONResponse(about(self.shelf.load(asked.text("model") or self.shelf.best().key)))

    def part(self, asked: Asked) -> Response:
        part = asked.text("part", "G")
        if part not in PARTS:
            raise unknown("part", part, PARTS)
        loaded = self.shelf.load(asked.text("model"))
        mark = fingerprint(loaded.found.folder)
        with self._lock:
            if (mark, part) not in self._written:
                self._written[mark, part] = PARTS[part](loaded.gan)
            self._written.move_to_end((mark, part))
            body = self._written[mark, part]
            while sum(map(len, self._written.values())) > KEPT and len(self._written) > 1:
                self._written.popitem(last=False)
        keep = "private, max-age=31536000, immutable" if asked.text("mark") == mark else "no-cache"
        return Response(body, media_type="application/octet-stream", headers={"Cache-Control": keep})


def about(loaded: Loaded) -> dict[str, object]:
    found = loaded.found
    return about_model(loaded.gan, found.key, found.name, found.step, fingerprint(found.folder))


def graph_routes(studio: Studio) -> list[BaseRoute]:
    shelf, graphs = studio.shelf, Graphs(studio.shelf)
    one = Lock()  # judge at a time: of 64 pictures of 256 pixels D's features take a gigabyte

    def paint(body: Posted) -> Response:
        loaded = shelf.load(body.text("model"))
        pixels = torch.cat(list(shelf.paint(loaded.gan, *body.latents(loaded.gan, MOST))))
        return Response(pixels.permute(0, 2, 3, 1).numpy().tobytes(), media_type="application/octet-stream")

    def opinions(body: Posted) -> Response:
        loaded = shelf.load(body.text("model"))
        gan = loaded.gan
        z, y = body.latents(gan, MOST)
        x = to_unit(torch.cat(list(shelf.paint(gan, z, y))).to(gan.device))
        with one, torch.inference_mode():
            logits, felt = gan.D(x, y), features(gan.D, x)
            apart = distance(felt[1:], felt[:-1]).sqrt()
        return JSONResponse({"logits": logits.tolist(), "apart": apart.tolist()})

    return [
        Route(f"{ROUTES}/lab/about", answer(graphs.about)),
        Route(f"{ROUTES}/lab/part.onnx", answer(graphs.part)),
        Route(f"{ROUTES}/lab/paint", posted(paint), methods=["POST"]),
        Route(f"{ROUTES}/lab/opinions", posted(opinions), methods=["POST"]),
    ]
