"""How a route of ours answers a script on the page: what was asked is checked, and errors become sentences."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gan_core.errors import UserError, unknown
from gan_core.ui.text import PageError, language

T = TypeVar("T", int, float)

WANTED: dict[type, str] = {int: "a whole number", float: "a number"}

Handler = Callable[["Asked"], Response]


class Asked:
    """The query of a request, each part checked when it is read. Raises UserError for what is not what it must be."""

    def __init__(self, query: Mapping[str, str], lang: str) -> None:
        self.query, self.lang = query, lang

    @classmethod
    def of(cls, request: Request) -> "Asked":
        query = request.query_params
        return cls(query, language(request.cookies, query, request.headers.get("accept-language", "")))

    def text(self, name: str, default: str = "") -> str:
        return self.query.get(name, default)[:200]

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        return _number(int, name, self.query.get(name) or default, low, high)

    def number(self, name: str, low: float, high: float, default: float) -> float:
        return _number(float, name, self.query.get(name) or default, low, high)

    def wholes(self, name: str, low: int, high: int, most: int) -> list[int]:
        """Whole numbers with commas between them."""
        parts = [part for part in self.query.get(name, "").split(",") if part.strip()]
        if len(parts) > most:
            raise UserError("out_of_range", field=name, got=len(parts), low=0, high=most)
        return [_number(int, name, part, low, high) for part in parts]

    def label(self) -> int | None:
        """The class asked for; nothing, or -1, is any."""
        label = self.whole("label", -1, 10**6, -1)
        return None if label < 0 else label

    def one_of(self, name: str, kind: object) -> str:
        """One of a Literal's values; its first where nothing is said."""
        known: Sequence[str] = get_args(kind)
        value = self.text(name, known[0])
        if value not in known:
            raise unknown(name, value, known)
        return value


def answer(handler: Handler) -> Callable[[Request], Response]:
    """A route from a function of what was asked. It runs in a thread of its own."""

    def route(request: Request) -> Response:
        asked = Asked.of(request)
        try:
            return handler(asked)
        except Exception as error:
            return sentence(error, asked.lang)

    return route


def sentence(error: Exception, lang: str) -> Response:
    """What went wrong, as a script expects it. Status 200: browsers write other ones into the console, unasked."""
    return JSONResponse({"error": spoken(error, lang)})


def spoken(error: Exception, lang: str) -> str:
    """A person's sentence for any error. One that is no UserError goes to the log in full."""
    if not isinstance(error, UserError):
        logging.getLogger(__name__).error("an answer failed", exc_info=error)
        error = PageError("went_wrong")
    return error.said(lang)


def _number(kind: type[T], name: str, value: object, low: T, high: T) -> T:
    try:
        number = kind(str(value))
    except ValueError:
        raise UserError("config_type", field=name, got=repr(value), wanted=WANTED[kind]) from None
    if not low <= number <= high:  # nan is in no range
        raise UserError("out_of_range", field=name, got=number, low=low, high=high)
    return number
