"""The routes behind Generate: sheets, D's opinion of them, single pictures with their recipe, and back again."""

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt
from zipfile import ZIP_STORED, ZipFile

import torch
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from torch import Tensor

from gan_core.export import Recipe, read_recipe, save_png
from gan_core.export.about import class_names
from gan_core.gan import GAN
from gan_core.images import enlarge, to_pictures, to_sheet, to_unit
from gan_core.latent import truncate
from gan_core.ui.answers import Asked, answer, sentence
from gan_core.ui.models import Found, Loaded, Shelf
from gan_core.ui.posted import body_of
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError

MOST = 256  # pictures on a sheet
MOST_SEED = 2**31 - 1  # what a number field can hold without rounding, and to spare
RECIPE_MB = 16  # of a PNG that is dropped on the page; ours have a hundredth of that
EXACT_PIXELS = 2**18  # in a sprite sent without loss, at most 300 kB; with loss, colours of neighbours run together
SAVED_SIDE = 256  # pixels; a saved picture of 28 is a speck


@dataclass(frozen=True)
class Wish:
    """Pictures that somebody asks for: all of one model, row after row from one seed."""

    loaded: Loaded
    seed: int
    n: int
    truncation: float
    label: int | None

    def latents(self) -> tuple[Tensor, Tensor | None]:
        """z (n, nz) as drawn, and the labels (n,) where the model has classes."""
        gan = self.loaded.gan
        return gan.sample_z(self.n, self.seed), gan.sample_y(self.n, self.seed, self.label)


def picture_routes(studio: Studio) -> list[BaseRoute]:
    shelf = studio.shelf

    def route(path: str, answers: Callable[[Shelf, Wish], Response]) -> Route:
        return Route(f"{ROUTES}/{path}", answer(lambda asked: answers(shelf, wish(shelf, asked))))

    return [
        route("sheet", sheet),
        route("opinions", opinions),
        route("picture.png", picture),
        route("pictures.zip", pictures),
        Route(f"{ROUTES}/recipe", recipe_route(shelf), methods=["POST"]),
    ]


def wish(shelf: Shelf, asked: Asked) -> Wish:
    """Raises UserError for a model that is not there, and for numbers out of range."""
    loaded = shelf.load(asked.text("model") or shelf.best().key)
    label = asked.label() if loaded.gan.config.num_classes else None
    return Wish(
        loaded,
        seed=asked.whole("seed", 0, MOST_SEED, 0),
        n=asked.whole("n", 1, MOST, 1),
        truncation=asked.number("truncation", 0.01, 1, 1.0),
        label=label,
    )


def paint(shelf: Shelf, wish: Wish) -> tuple[Tensor, Tensor | None]:
    """Pictures of uint8 (n, nc, S, S), and their labels."""
    z, y = wish.latents()
    return torch.cat(list(shelf.paint(wish.loaded.gan, truncate(z, wish.truncation), y))), y


def sheet(shelf: Shelf, wish: Wish) -> Response:
    """One sprite, and in a header what is on it."""
    pixels, y = paint(shelf, wish)
    columns = ceil(sqrt(wish.n))
    found = wish.loaded.found
    labels = None if y is None else y.tolist()
    about: dict[str, object] = {
        "model": found.key, "name": found.name, "step": found.step, "n": wish.n, "columns": columns,
        "size": found.config.image_size, "classes": classes_of(wish.loaded), "labels": labels,
    }  # fmt: skip
    return sprite(to_sheet(pixels, columns), about)


def sprite(image: Image.Image, about: dict[str, object]) -> Response:
    """A WebP, exact unless it is large, and a JSON header beside it."""
    buffer = BytesIO()
    exact = image.width * image.height <= EXACT_PIXELS
    image.save(buffer, "WEBP", lossless=exact, quality=0 if exact else 95, method=0)
    return Response(buffer.getvalue(), media_type="image/webp", headers={"X-About": json.dumps(about)})


def classes_of(loaded: Loaded) -> list[str]:
    return class_names(loaded.gan)


def opinions(shelf: Shelf, wish: Wish) -> Response:
    """D's raw scores of a sheet's pictures, and whether sigmoid makes a belief of them."""
    pixels, y = paint(shelf, wish)
    gan = wish.loaded.gan
    with torch.inference_mode():
        logits = gan.D(to_unit(pixels).to(gan.device), y)
    return JSONResponse({"logits": logits.tolist(), "believes": wish.loaded.believes, "loss": wish.loaded.loss})


def recipes(wish: Wish) -> list[Recipe]:
    z, y = wish.latents()
    found = wish.loaded.found
    return [
        Recipe(
            found.key.partition("@")[0], tuple(row.tolist()), wish.seed + i, wish.truncation,
            None if y is None else int(y[i]), found.step,
        )
        for i, row in enumerate(z.cpu())
    ]  # fmt: skip


def pngs(shelf: Shelf, wish: Wish) -> list[bytes]:
    """Each picture as a PNG that can be seen without a magnifying glass, with its recipe."""
    pixels, _ = paint(shelf, wish)
    files = []
    for image, recipe in zip(to_pictures(pixels), recipes(wish), strict=True):
        buffer = BytesIO()
        save_png(enlarge(image, max(1, SAVED_SIDE // image.width)), buffer, recipe)
        files.append(buffer.getvalue())
    return files


def picture(shelf: Shelf, wish: Wish) -> Response:
    return download(pngs(shelf, wish)[0], "image/png", f"{file_name_of(wish.loaded.found)}-seed-{wish.seed}.png")


def pictures(shelf: Shelf, wish: Wish) -> Response:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:  # PNGs do not shrink
        for i, png in enumerate(pngs(shelf, wish)):
            archive.writestr(f"{file_name_of(wish.loaded.found)}-seed-{wish.seed + i}.png", png)
    return download(buffer.getvalue(), "application/zip", f"{file_name_of(wish.loaded.found)}-{wish.n}.zip")


def file_name_of(found: Found) -> str:
    return plain(found.name)


def plain(name: str) -> str:
    """A run may be called anything; a header and every file system take this."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)


def download(body: bytes, kind: str, name: str) -> Response:
    return Response(body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def recipe_route(shelf: Shelf) -> Callable[[Request], object]:
    async def route(request: Request) -> Response:
        asked = Asked.of(request)
        try:
            body = await body_of(request, RECIPE_MB, "too_large_file")
            return await run_in_threadpool(restore, shelf, body)
        except Exception as error:
            return sentence(error, asked.lang)

    return route


def restore(shelf: Shelf, png: bytes) -> Response:
    """A PNG that was saved here -> what the controls stood at, and the picture painted anew from its z."""
    recipe = read_recipe(png)
    loaded = model_of(shelf, recipe)
    gan = loaded.gan
    image = to_pictures(torch.cat(list(shelf.paint(gan, *latents_of(recipe, gan)))))[0]
    buffer = BytesIO()
    image.save(buffer, "PNG")
    seed = recipe.seed if recipe.seed is not None and 0 <= recipe.seed <= MOST_SEED else None
    return JSONResponse({
        "model": loaded.found.key, "name": loaded.found.name, "step": loaded.found.step, "seed": seed,
        "truncation": recipe.truncation, "label": recipe.label, "classes": classes_of(loaded),
        "picture": f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}",
    })  # fmt: skip


def latents_of(recipe: Recipe, gan: GAN) -> tuple[Tensor, Tensor | None]:
    """z (1, nz) and, where there are classes, y, on the device of `gan`. Raises UserError if they do not fit it."""
    z = truncate(recipe.latent(gan.config.nz).to(gan.device), recipe.truncation)
    y = recipe.weights(gan.config.num_classes)
    if y is None and gan.config.num_classes:
        y = gan.sample_y(1, label=recipe.label or 0)
    return z, None if y is None else y.to(gan.device)


def model_of(shelf: Shelf, recipe: Recipe) -> Loaded:
    """A run's snapshot as it was, if it is still there; else the run as it is now. Raises UserError."""
    if recipe.step is not None and recipe.model.startswith("run:"):
        now = shelf.load(recipe.model)
        if now.found.step == recipe.step:
            return now
        try:
            return shelf.load(f"{recipe.model}@{recipe.step:06d}")
        except PageError:
            return now
    return shelf.load(recipe.model)
