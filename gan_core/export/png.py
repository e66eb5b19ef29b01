"""A picture that remembers how it was made: model and z in the PNG's own metadata."""

import json
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from io import BytesIO
from math import isfinite
from pathlib import Path
from struct import error as StructError
from struct import iter_unpack, pack
from typing import Any, BinaryIO

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from gan_core.errors import UserError
from gan_core.files import replace_file

KEY = "dcgan-studio"  # the tEXt chunk that holds the recipe, as JSON in ASCII
SOFTWARE = "DCGAN Studio"
MOST_TEXT = 64 * 1024  # characters; the longest z there is, 4096 numbers, takes 22 thousand
MOST_NZ = 4096  # as in ModelConfig


@dataclass(frozen=True)
class Recipe:
    """What a picture was made of: it is `gan(truncate(z, truncation), label)`."""

    model: str  # a name to look up among the models one has; from a stranger's file, so never a path to open
    z: tuple[float, ...]  # as drawn, before truncation
    seed: int | None = None  # None: z has no seed, as between two keyframes
    truncation: float = 1.0
    label: int | None = None
    step: int | None = None  # of the snapshot
    software: str = SOFTWARE
    y: tuple[float, ...] | None = None  # weights of classes, for a picture between them; None: `label` says it all

    def latent(self, nz: int) -> Tensor:
        """z (1, nz) for a model of that nz. Raises UserError if the recipe's z is of another length."""
        if len(self.z) != nz:
            raise UserError("recipe_z", got=len(self.z), wanted=nz)
        return torch.tensor([self.z])

    def weights(self, classes: int) -> Tensor | None:
        """y (1, classes) for a picture between classes, else None. Raises UserError if it is of another length."""
        if self.y is None:
            return None
        if len(self.y) != classes:
            raise UserError("recipe_y", got=len(self.y), wanted=classes)
        return torch.tensor([self.y])


def save_png(image: Image.Image, target: str | Path | BinaryIO, recipe: Recipe) -> None:
    """Write a PNG with its recipe to a file, all or nothing, or into an open buffer."""
    info = PngInfo()
    text = asdict(recipe) | {"z": _packed(recipe.z), "y": recipe.y and _packed(recipe.y)}
    info.add_text(KEY, json.dumps({key: value for key, value in text.items() if key != "y" or value}))
    if isinstance(target, str | Path):
        with replace_file(Path(target)) as part:
            image.save(part, "PNG", pnginfo=info)
    else:
        image.save(target, "PNG", pnginfo=info)


def read_recipe(source: str | Path | bytes) -> Recipe:
    """The recipe in a PNG, from anyone. Pixels are not decoded, and nothing that the file names is opened.

    Raises UserError if it is no PNG, has no recipe, or has one that cannot be true.
    """
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=["PNG"]) as image:
            text = image.info.get(KEY)
    except FileNotFoundError:
        raise UserError("path_missing", path=source) from None
    except Exception:  # Pillow has a dozen names for a broken or oversized PNG
        raise UserError("not_png") from None
    if not isinstance(text, str):
        raise UserError("no_recipe")
    if len(text) > MOST_TEXT:
        raise UserError("bad_recipe", why=f"{len(text):,} characters")
    try:
        return _checked(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError, StructError) as error:
        raise UserError("bad_recipe", why=str(error) or type(error).__name__) from None


def _checked(values: Any) -> Recipe:
    """A recipe from a stranger's JSON. Raises one of four errors for anything that ours never holds."""
    z = _numbers("z", values["z"])
    y = _numbers("y", values["y"]) if values.get("y") is not None else None
    model, truncation = values["model"], values["truncation"]
    if not isinstance(model, str) or not 1 <= len(model) <= 200 or not model.isprintable():
        raise ValueError("model is not a name")
    if isinstance(truncation, bool) or not isinstance(truncation, int | float) or not 0 < truncation <= 1:
        raise ValueError("truncation is not in (0, 1]")
    seed, label, step = (_whole(values, name, low) for name, low in (("seed", -(2**63)), ("label", 0), ("step", 0)))
    return Recipe(model, z, seed, float(truncation), label, step, y=y)


def _packed(numbers: tuple[float, ...]) -> str:
    """float32 in base64: a quarter of what digits take."""
    return b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()


def _numbers(name: str, text: str) -> tuple[float, ...]:
    numbers = tuple(number for (number,) in iter_unpack("<f", b64decode(text, validate=True)))
    if not 1 <= len(numbers) <= MOST_NZ or not all(map(isfinite, numbers)):
        raise ValueError(f"{name} has {len(numbers)} numbers, or some that are not finite")
    return numbers


def _whole(values: dict[str, Any], name: str, low: int) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < 2**63:
        raise ValueError(f"{name} is not a whole number")
    return value
