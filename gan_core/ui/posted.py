"""What a script on the page posts: JSON, each part checked when it is read. Latents and pictures travel in base64."""

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from torch import Tensor

from gan_core.data.pictures import open_picture, to_square
from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.ui.answers import Asked, sentence
from gan_core.ui.text import PageError

MOST_MB = 16  # of a body; a photograph is made smaller in the browser before it is sent
FARTHEST = 1e4  # from 0; no walk leads there
DECODING = BoundedSemaphore(2)  # pictures at once: one of 50 megapixels takes 700 MB on its way to a square
DATA_URL = re.compile(r"data:image/[a-z+]{3,8};base64,")


class Posted(Asked):
    """The body of a request. What `Asked` reads from a query is read from its plain values."""

    def __init__(self, values: dict[str, Any], lang: str) -> None:
        plain = {name: str(value) for name, value in values.items() if isinstance(value, str | int | float)}
        super().__init__(plain, lang)
        self.values = values

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True

    def floats(self, name: str) -> np.ndarray:
        """Little-endian float32 in base64. Raises UserError, for what is not finite too."""
        try:
            numbers = np.frombuffer(b64decode(str(self.values.get(name) or ""), validate=True), "<f4")
        except (Base64Error, ValueError):
            raise PageError("posted_floats", field=name) from None
        if not np.isfinite(numbers).all() or (np.abs(numbers) > FARTHEST).any():
            raise PageError("posted_far", field=name)
        return numbers

    def latents(self, gan: GAN, most: int = 64, z: str = "z", y: str = "y") -> tuple[Tensor, Tensor | None]:
        """z (N, nz), and where the model has classes their weights (N, num_classes): as z names them if none came."""
        rows = self._rows(z, gan.config.nz, most)
        classes = gan.config.num_classes
        if not classes:
            return rows.to(gan.device), None
        if self.values.get(y):
            weights = self._rows(y, classes, most)
            if len(weights) != len(rows):
                raise PageError("posted_rows", field=y, got=len(weights), wanted=len(rows))
            return rows.to(gan.device), weights.to(gan.device)
        named = cast(Tensor, gan.class_of(rows))
        return rows.to(gan.device), F.one_hot(named, classes).float().to(gan.device)

    def _rows(self, name: str, width: int, most: int) -> Tensor:
        numbers = self.floats(name)
        count, rest = divmod(len(numbers), width)
        if rest or not count:
            raise PageError("posted_length", field=name, got=len(numbers), wanted=width)
        if count > most:
            raise UserError("out_of_range", field=name, got=count, low=1, high=most)
        return torch.from_numpy(numbers.copy()).view(count, width)

    def picture(self, name: str, gan: GAN) -> Tensor:
        """A picture file in base64 or a data URL -> uint8 (nc, S, S), cut to the square in its middle.

        Raises UserError for what is no picture, and for one that is too large.
        """
        text = str(self.values.get(name) or "")
        try:
            data = b64decode(DATA_URL.sub("", text, count=1), validate=True)
            with DECODING:
                pixels = to_square(open_picture(data), gan.config.image_size, gan.config.nc)
        except UserError:
            raise
        except Exception as error:  # a damaged file makes a decoder raise nearly anything
            raise PageError("posted_picture", why=str(error).splitlines()[0] if str(error) else "") from None
        whole = np.broadcast_to(pixels, (gan.config.nc, gan.config.image_size, gan.config.image_size))
        return torch.from_numpy(np.array(whole))


def posted(handler: Callable[[Posted], Response]) -> Callable[[Request], Any]:
    """A route from a function of what was posted. It runs in a thread of its own."""

    async def route(request: Request) -> Response:
        lang = Asked.of(request).lang
        try:
            check_kind(request)
            body = Posted(_object(await body_of(request)), lang)
            return await run_in_threadpool(handler, body)
        except Exception as error:
            return sentence(error, lang)

    return route


def check_kind(request: Request) -> None:
    """Raises UserError for what is not JSON by name: another site cannot make a browser send that without asking."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise PageError("posted_json")


async def body_of(request: Request, most_mb: int = MOST_MB, too_large: str = "posted_large") -> bytes:
    """Raises UserError for one that is too large, in the sentence of that name, as soon as that is seen."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most_mb * 2**20:
            size = int(request.headers.get("content-length", len(body)))
            raise PageError(too_large, got=-(-size // 2**20), limit=most_mb)
    return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise PageError("posted_json")
    return values
