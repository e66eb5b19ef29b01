"""Mixing and editing inside G by the server, for a browser that cannot run the graph itself.

POST lab/inside {model, z, y, gates, masks}   two latents; all gates, and all masks, one stage after the other
    -> {"image": uint8 (S, S, nc), "strengths": float32 (2, C) of each stage}, in base64
"""

from base64 import b64encode
from itertools import accumulate, pairwise

import torch
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from torch import Tensor

from gan_core.gan import GAN
from gan_core.images import to_uint8
from gan_core.latent.inside import inside, stages
from gan_core.ui.posted import Posted, posted
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError


def inside_routes(studio: Studio) -> list[BaseRoute]:
    def paint(body: Posted) -> Response:
        gan = studio.shelf.load(body.text("model")).gan
        z, y = body.latents(gan, most=2)
        if len(z) != 2:
            raise PageError("posted_rows", field="z", got=len(z), wanted=2)
        found = stages(gan.config)
        gates = _parts(body, "gates", [(stage.channels,) for stage in found], gan)
        masks = _parts(body, "masks", [(stage.side, stage.side) for stage in found], gan)
        images, strengths = inside(gan, z, y, gates, [mask.clamp(0, 1) for mask in masks])
        pixels = to_uint8(images[0]).permute(1, 2, 0)
        return JSONResponse({"image": _packed(pixels), "strengths": [_packed(part) for part in strengths]})

    return [Route(f"{ROUTES}/lab/inside", posted(paint), methods=["POST"])]


def _parts(body: Posted, name: str, shapes: list[tuple[int, ...]], gan: GAN) -> list[Tensor]:
    """Numbers that came one stage after the other. Raises UserError where they are too few or too many."""
    numbers = torch.from_numpy(body.floats(name).copy()).to(gan.device)
    sizes = [torch.Size(shape).numel() for shape in shapes]
    if len(numbers) != sum(sizes):
        raise PageError("posted_length", field=name, got=len(numbers), wanted=sum(sizes))
    ends = pairwise(accumulate(sizes, initial=0))
    return [numbers[start:end].view(shape) for (start, end), shape in zip(ends, shapes, strict=True)]


def _packed(t: Tensor) -> str:
    return b64encode(t.cpu().contiguous().numpy().tobytes()).decode()
