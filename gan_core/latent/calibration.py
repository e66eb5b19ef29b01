"""What is usual for a model: how near its own pictures and real ones come when they are sought, what D says of them.

A distance alone says nothing; the share of real pictures that come no nearer does. Measured once for each model, with
the very settings that a search uses, and kept beside the weights in calibration.json.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from gan_core.files import read_bytes, write_text
from gan_core.gan import GAN, fingerprint
from gan_core.images import to_uint8, to_unit
from gan_core.latent.inversion import EFFORT, Found, invert
from gan_core.latent.reference import Kind, Reference
from gan_core.metrics.spectrum import spectrum

FILE = "calibration.json"
VERSION = 1  # of its meaning: another number, another Effort, and it is measured anew
SOUGHT = 32  # pictures of each kind that are sought: the percentile of one is known to about 3 %
JUDGED = 512  # pictures of each kind that D judges, which costs next to nothing
TOGETHER = 4  # pictures sought at once; a word of progress for each
OWN_SEED = 100_000  # pictures of G are these seeds on: none of them is a start of a search
MOST_BYTES = 256 * 1024
BAND = (0.1, 0.9)  # of the spectra: what four of five pictures keep to
OWN_SHARE, OWN_SLACK = 0.9, 1.5  # of its own pictures, and how much farther a picture may end to count as one

Verdict = Literal["own", "near", "usual", "far", "foreign"]


@dataclass(frozen=True)
class Heap:
    """Pictures of one kind, G's own or real."""

    found: tuple[float, ...]  # distances at which a search ended, sorted
    logits: tuple[float, ...]  # what D says, sorted
    spectrum: tuple[tuple[float, ...], ...]  # low, mean and high, each (S/2 + 1,); see `metrics.spectrum`


@dataclass(frozen=True)
class Calibration:
    fingerprint: str  # of the weights
    own: Heap
    real: Heap | None  # None: no pictures were at hand
    kind: Kind = "learned"  # what the real ones are to the model
    about: str = ""  # which these are
    version: int = VERSION
    work: int = EFFORT.work()


@dataclass(frozen=True)
class Step:
    """How far a calibration is."""

    done: int
    of: int


def calibrate(gan: GAN, mark: str, reference: Reference | None, about: str = "") -> Iterator[Step | Calibration]:
    """Measure `gan`, whose weights have the fingerprint `mark`. Yields Steps, at last a Calibration.

    Real pictures are the reference's strangers; there are none without one. Stop listening to give up.
    """
    own, parts = _own(gan, JUDGED), []
    heaps = [own] if reference is None else [own, reference.strangers[:JUDGED]]
    total, done = sum(min(SOUGHT, len(heap)) for heap in heaps), 0
    for heap in heaps:
        found: list[float] = []
        for some in heap[:SOUGHT].split(TOGETHER):
            for event in invert(gan, to_unit(some)):
                if isinstance(event, Found):
                    found += event.distance.tolist()
                else:
                    yield Step(done * event.of + event.done * len(some), total * event.of)
            done += len(some)
        parts.append(Heap(_sorted(found), _sorted(opinions(gan, to_unit(heap)).tolist()), _band(heap)))
    real = parts[1] if reference else None
    yield Calibration(mark, parts[0], real, reference.kind if reference else "learned", about)


@torch.no_grad()
def opinions(gan: GAN, x: Tensor) -> Tensor:
    """x (N, nc, S, S) in [-1, 1] -> D's logits (N,). With classes, of the class that D finds it most like."""
    scores = torch.cat([gan.D.net(part.to(gan.device)).flatten(1) for part in x.split(64)]).float().cpu()
    return scores[:, 0] if scores.shape[1] == 1 else scores[:, 0] + scores[:, 1:].amax(dim=1)


def percentile(value: float, heap: Sequence[float]) -> float:
    """The share of a sorted heap that is no larger, in [0, 1]."""
    return bisect_right(heap, value) / max(len(heap), 1)


def verdict(distance: float, calibration: Calibration) -> Verdict:
    """Where a search ended that far from its picture, what is that picture to G?

    own: hardly farther than nine of ten of its own pictures come (a search may fail, so the farthest say little), or
    by ratio nearer to these than to the nearest real one.
    near, usual, far: nearer than half of the real ones, than four of five, than the farthest. foreign: farther than all
    of them. Without real ones what is not its own is far or, beyond ten times the farthest of its own, foreign.
    """
    own, real = calibration.own.found, calibration.real.found if calibration.real else ()
    most = own[int(OWN_SHARE * (len(own) - 1))]
    if distance <= max(OWN_SLACK * most, sqrt(most * real[0]) if real else 0):
        return "own"
    if not real:
        return "far" if distance <= 10 * own[-1] else "foreign"
    if distance <= real[len(real) // 2]:
        return "near"
    if percentile(distance, real) <= 0.8:
        return "usual"
    return "far" if distance <= real[-1] else "foreign"


def load_calibration(folder: Path) -> Calibration | None:
    """What is kept beside the weights; None where it is missing, damaged, or of other weights or settings."""
    path = folder / FILE
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return _checked(json.loads(read_bytes(path)), fingerprint(folder))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError, OSError):
        return None


def save_calibration(calibration: Calibration, folder: Path) -> bool:
    """Returns whether it could be written: weights may lie where nobody may write."""
    with suppress(OSError):
        write_text(folder / FILE, json.dumps(asdict(calibration), ensure_ascii=False) + "\n")
        return True
    return False


def _own(gan: GAN, n: int) -> Tensor:
    """(n, nc, S, S) uint8: what a visitor would bring, rounded to pixels."""
    with torch.no_grad():
        z, y = gan.sample_z(n, OWN_SEED), gan.sample_y(n, OWN_SEED)
        parts = [gan(z[at : at + 64], None if y is None else y[at : at + 64]) for at in range(0, n, 64)]
    return to_uint8(torch.cat(parts)).cpu()


def _sorted(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(sorted(float(f"{value:.5g}") for value in values))


def _band(pixels: Tensor) -> tuple[tuple[float, ...], ...]:
    power = spectrum(to_unit(pixels))
    low, high = (power.quantile(share, dim=0) for share in BAND)
    return tuple(tuple(round(value, 4) for value in row.tolist()) for row in (low, power.mean(dim=0), high))


def _checked(values: Any, mark: str) -> Calibration:
    """From anybody's JSON. Raises one of four errors for what this program never writes."""
    own = _heap(values["own"])
    real = None if values["real"] is None else _heap(values["real"])
    about = values["about"]
    if values["fingerprint"] != mark or (values["version"], values["work"]) != (VERSION, EFFORT.work()):
        raise ValueError("of other weights, or made otherwise")
    if values["kind"] not in get_args(Kind) or not isinstance(about, str) or len(about) > 500:
        raise ValueError("not ours")
    return Calibration(mark, own, real, values["kind"], about)


def _heap(values: Any) -> Heap:
    found, logits = (_numbers(values[name]) for name in ("found", "logits"))
    bands = tuple(_numbers(row) for row in values["spectrum"])
    if not found or not logits or len(bands) != 3 or len({len(row) for row in bands}) != 1:
        raise ValueError("empty, or uneven")
    return Heap(tuple(sorted(found)), tuple(sorted(logits)), bands)


def _numbers(values: Any) -> tuple[float, ...]:
    numbers = tuple(map(float, values))
    if isinstance(values, str) or not all(map(isfinite, numbers)):
        raise ValueError("not numbers")
    return numbers
