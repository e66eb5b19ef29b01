"""control.json: what people ask of a run. Written by pages and commands, read by whoever plays.

    {"wish": "slow", "pace": 4.0, "orders": [{"n": 7, "do": "move", "who": "D"}, {"n": 8, "do": "back", "step": 400}]}

A wish holds until there is another; an order is done, or refused, once. status.json tells the number of the last one.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout

from gan_core.files import read_json, write_text

Wish = Literal["run", "slow", "pause", "stop", "discard"]
ENDS: tuple[Wish, ...] = ("stop", "discard")
Do = Literal["move", "set", "back"]

PACE, QUICKEST, SLOWEST = 4.0, 0.5, 30.0  # seconds between two rounds in slow motion: time to look at eight pictures
PATIENCE = 5.0  # seconds for the lock: its holders write one small file, so one that lasts longer is a broken disk


@dataclass(frozen=True)
class Order:
    """Something to do once. `values` is whatever came with it."""

    n: int
    do: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Control:
    """What is asked. A file that is torn, or not of this kind, asks for nothing."""

    wish: Wish = "run"
    pace: float = PACE
    orders: tuple[Order, ...] = ()

    def after(self, served: int) -> list[Order]:
        """Orders that are still to be done, in turn."""
        return sorted((order for order in self.orders if order.n > served), key=lambda order: order.n)


def read(path: Path) -> Control:
    values = read_json(path)
    wish: Wish = next((wish for wish in get_args(Wish) if wish == values.get("wish")), "run")
    return Control(wish, _pace(values.get("pace")), tuple(_orders(values.get("orders"))))


def change(path: Path, how: Callable[[Control], Control]) -> Control:
    """Put another in the place of what is asked. Two pages and a command may do so at once."""
    with _alone(path):
        control = how(read(path))
        orders = [{"n": order.n, "do": order.do} | order.values for order in control.orders]
        write_text(path, json.dumps({"wish": control.wish, "pace": control.pace, "orders": orders}))
    return control


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = FileLock(path.with_name(f".{path.stem}.lock"))
    try:
        lock.acquire(timeout=PATIENCE)
    except (Timeout, NotImplementedError):  # a disk that cannot lock: better now and then a wish lost than none heard
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _orders(found: object) -> Iterator[Order]:
    for line in found if isinstance(found, list) else ():
        if isinstance(line, dict) and type(line.get("n")) is int and isinstance(line.get("do"), str):
            yield Order(line["n"], line["do"], {key: v for key, v in line.items() if key not in ("n", "do")})


def _pace(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        return PACE
    return min(max(float(value), QUICKEST), SLOWEST)
