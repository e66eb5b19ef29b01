"""The routes behind Interpolate, the laboratory and the page's head: films as sprites to play, as files to keep."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt
from pathlib import Path
from typing import Literal, cast

import torch
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route
from torch import Tensor

from gan_core.errors import UserError
from gan_core.export import save_film
from gan_core.images import check_pixels, to_sheet
from gan_core.latent import Easing, Method, truncate, walk, walk_labels
from gan_core.ui.answers import Asked, answer
from gan_core.ui.kept import Kept
from gan_core.ui.models import Loaded, Shelf
from gan_core.ui.pictures import MOST_SEED, classes_of, file_name_of, sprite
from gan_core.ui.posted import Posted, posted
from gan_core.ui.studio import ROUTES, Studio

MOST_FRAMES = 240
MOST_KEYFRAMES = 8
FILM_SIDE = 256  # pixels a film's side is brought to where nobody says otherwise: 28 is a speck
MOST_SCALE = 8  # times; 64 pixels become 512, which fills a slide
FPS = 24  # frames a second, where nobody says otherwise
HERO = (8, 96)  # keyframes and frames of the walk at the head of the page

Format = Literal["gif", "mp4", "webp"]
KINDS = {"gif": "image/gif", "mp4": "video/mp4", "webp": "image/webp"}
Progress = Callable[[int, int], None]
Latents = tuple[Tensor, Tensor | None]  # z (frames, nz) and, where the model has classes, weights (frames, num_classes)


@dataclass(frozen=True)
class Walk:
    """A film that somebody asks for."""

    loaded: Loaded
    seeds: tuple[int, ...]
    truncations: tuple[float, ...]
    labels: tuple[int, ...]  # -1, or one that the model lacks: the seed's own
    frames: int
    method: Method
    loop: bool
    easing: Easing

    def latents(self) -> Latents:
        gan = self.loaded.gan
        keys = [truncate(gan.sample_z(1, seed), psi) for seed, psi in zip(self.seeds, self.truncations, strict=True)]
        z = walk(torch.cat(keys), self.frames, self.method, self.loop, self.easing)
        classes = gan.config.num_classes
        if not classes:
            return z, None
        known = [y if 0 <= y < classes else None for y in self.labels]  # a keyframe may have come from another model
        ys = [gan.sample_y(1, seed, y) for seed, y in zip(self.seeds, known, strict=True)]
        labels = torch.cat([y for y in ys if y is not None])
        return z, walk_labels(labels, classes, self.frames, self.loop, self.easing)


@dataclass(frozen=True)
class Print:
    """How a film is written down."""

    kind: str
    fps: float
    scale: int  # 0: so that a side has about FILM_SIDE pixels
    smooth: bool

    @classmethod
    def of(cls, asked: Asked) -> "Print":
        """Raises UserError for an unknown format and numbers out of range."""
        return cls(
            asked.one_of("format", Format),
            asked.number("fps", 1, 60, FPS),
            asked.whole("scale", 0, MOST_SCALE, 0),
            bool(asked.whole("smooth", 0, 1, 1)),
        )


def walk_of(shelf: Shelf, asked: Asked) -> Walk:
    """Raises UserError for a model that is not there, and for numbers out of range."""
    loaded = shelf.load(asked.text("model") or shelf.best().key)
    seeds = asked.wholes("seeds", 0, MOST_SEED, MOST_KEYFRAMES)
    truncations = asked.wholes("truncations", 1, 100, MOST_KEYFRAMES) or [100] * len(seeds)  # per cent
    labels = asked.wholes("labels", -1, 10**6, MOST_KEYFRAMES) or [-1] * len(seeds)
    if not len(seeds) == len(truncations) == len(labels):
        raise UserError("out_of_range", field="keyframes", got=len(truncations), low=len(seeds), high=len(seeds))
    return Walk(
        loaded, tuple(seeds), tuple(psi / 100 for psi in truncations), tuple(labels),
        frames=asked.whole("frames", 2, MOST_FRAMES, 60),
        method=cast(Method, asked.one_of("method", Method)),
        loop=bool(asked.whole("loop", 0, 1, 0)),
        easing=cast(Easing, asked.one_of("easing", Easing)),
    )  # fmt: skip


def film_routes(studio: Studio) -> list[BaseRoute]:
    shelf, kept = studio.shelf, studio.kept

    @lru_cache(maxsize=4)
    def hero_of(key: str, mark: int) -> Response:
        seeds = tuple(range(HERO[0]))
        loaded = shelf.load(key)
        full, own = (1.0,) * len(seeds), (-1,) * len(seeds)
        return film_sprite(shelf, Walk(loaded, seeds, full, own, HERO[1], "slerp", True, "smooth"))

    def hero(asked: Asked) -> Response:
        """The walk through the best model, made once."""
        best = shelf.best()
        return hero_of(best.key, (best.folder / "model.safetensors").stat().st_mtime_ns)

    def fetch(asked: Asked) -> Response:
        path, name = kept.find(asked.text("token"))
        return FileResponse(path, media_type=KINDS[path.suffix[1:]], filename=name)

    return [
        Route(f"{ROUTES}/hero", answer(hero)),
        Route(f"{ROUTES}/film", answer(lambda asked: film_sprite(shelf, walk_of(shelf, asked)))),
        Route(f"{ROUTES}/film/make", answer(lambda asked: make(studio, asked))),
        Route(f"{ROUTES}/film/file", answer(fetch)),
        Route(f"{ROUTES}/lab/film", posted(lambda body: make_of_latents(studio, body)), methods=["POST"]),
    ]


def paint_walk(shelf: Shelf, walk: Walk) -> Tensor:
    """Frames of uint8 (frames, nc, S, S)."""
    return torch.cat(list(shelf.paint(walk.loaded.gan, *walk.latents())))


def film_sprite(shelf: Shelf, walk: Walk) -> Response:
    """All frames in one picture, for the page's player."""
    found = walk.loaded.found
    columns = ceil(sqrt(walk.frames))
    about: dict[str, object] = {
        "model": found.key, "name": found.name, "step": found.step, "n": walk.frames, "columns": columns,
        "size": found.config.image_size, "classes": classes_of(walk.loaded),
    }  # fmt: skip
    return sprite(to_sheet(paint_walk(shelf, walk), columns), about)


def make(studio: Studio, asked: Asked) -> Response:
    shelf, kept = studio.shelf, studio.kept
    walk, how = walk_of(shelf, asked), Print.of(asked)
    return told_while(studio, lambda progress: _write_walk(kept, shelf, walk, how, progress), asked.lang)


def make_of_latents(studio: Studio, body: Posted) -> Response:
    """A film of z (frames, nz) as they come, one picture each: all timing was decided where they come from.

    {"model", "z", "y"?, "format", "fps", "scale" 1..8, "smooth" 0 or 1} -> lines as of film/make.
    """
    shelf, kept = studio.shelf, studio.kept
    loaded, how = shelf.load(body.text("model")), Print.of(body)
    z, y = body.latents(loaded.gan, most=MOST_FRAMES)
    if len(z) < 2:
        raise UserError("too_few_frames", got=len(z), keyframes=2)
    name = f"{file_name_of(loaded.found)}-path"
    return told_while(studio, lambda progress: _write(kept, shelf, loaded, (z, y), how, name, progress), body.lang)


def told_while(studio: Studio, write: Callable[[Progress], str], lang: str) -> Response:
    """Lines of JSON while a file is written: how far it is, then its token, or what went wrong."""
    return studio.films.told(lambda tell: write(lambda done, of: tell({"done": done, "of": of})), lang)


def film_file(shelf: Shelf, kept: Kept, asked: Asked) -> Path:
    """The film as a file, for gradio_client."""
    token = _write_walk(kept, shelf, walk_of(shelf, asked), Print.of(asked), lambda done, of: None)
    return kept.find(token)[0]


def _write_walk(kept: Kept, shelf: Shelf, walk: Walk, how: Print, progress: Progress) -> str:
    name = f"{file_name_of(walk.loaded.found)}-{walk.method}"
    return _write(kept, shelf, walk.loaded, walk.latents(), how, name, progress)


def _write(
    kept: Kept, shelf: Shelf, loaded: Loaded, latents: Latents, how: Print, name: str, progress: Progress
) -> str:
    """Painting is the first half, writing the second. Returns the token of the file."""
    z, y = latents
    side = loaded.gan.config.image_size
    scale = how.scale or max(1, FILM_SIDE // side)
    check_pixels(side * scale, side * scale, 1 if how.kind == "mp4" else len(z))  # before the work, not after it
    parts: list[Tensor] = []
    for part in shelf.paint(loaded.gan, z, y):
        parts.append(part)
        progress(sum(map(len, parts)), 2 * len(z))
    token, path = kept.place(how.kind)
    save_film(
        torch.cat(parts), path, how.fps, scale, how.smooth,
        progress=lambda done, of, _: progress(of + done, 2 * of),
    )  # fmt: skip
    kept.add(token, path, f"{name}.{how.kind}")
    return token
