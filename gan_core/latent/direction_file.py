"""A model's directions, found once and kept beside its weights: directions.json.

    {"format": 1, "fingerprint": of the weights, "nz": 100, "matrix": (k, k), "floor": 0.3,
     "directions": [{"id": "sefa-1", "method", "z", "share", "length", "trust", "of", "name": {"en", "zh"}}, ...]}

Vectors are little-endian float32 in base64. The file may come with a stranger's model: whatever does not fit, or was
made for other weights, is passed over, and the directions are found again.
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from gan_core.config import ModelConfig
from gan_core.files import read_json, write_text
from gan_core.gan import GAN, fingerprint
from gan_core.latent.directions import (
    FOUND,
    LABELLED,
    LOOKS,
    SAMPLES,
    Direction,
    Method,
    Progress,
    by_class,
    chance,
    closed_form,
    entangled,
    principal,
)
from gan_core.metrics.features import FILE as NET
from gan_core.metrics.features import NETS, FeatureNet, load_net

FILE = "directions.json"
FORMAT = 1
MOST_BYTES = 1 << 21  # 64 directions of 4096 numbers, the longest z there is, are 1.4 MB
MOST = 64  # directions in one file
LONGEST_NAME = 40  # letters
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Found:
    """All directions of one model, how entangled they are (k, k), and how entangled directions at random would be."""

    mark: str  # fingerprint of the weights
    directions: tuple[Direction, ...]
    matrix: Tensor
    floor: float


def find(gan: GAN, folder: Path, progress: Progress | None = None) -> Found:
    """Find the directions of `gan`, which was loaded from `folder`. Seconds; `progress` counts painted pictures."""
    net = None if gan.config.num_classes else net_of(gan, folder)
    looks = LOOKS * 4 * FOUND  # as many pictures as are painted to compare, about
    whole = SAMPLES + (LABELLED if net else 0) + looks
    done = _Counted(progress, whole)
    directions = [*closed_form(gan), *principal(gan, progress=done.part(SAMPLES))]
    if net:
        directions += by_class(gan, net, progress=done.part(LABELLED))
    directions = directions[:MOST]
    matrix = entangled(gan, [d.z for d in directions], progress=done.part(looks))
    return Found(fingerprint(folder), tuple(directions), matrix, chance(gan))


def net_of(gan: GAN, folder: Path) -> FeatureNet | None:
    """A network that tells the classes of what `gan` learned from: the run's own, or a shipped one; None without."""
    data = gan.info.get("data")
    classes = data.get("classes") if isinstance(data, dict) else None
    if not isinstance(classes, list) or len(classes) < 2:
        return None
    wanted = gan.config.nc, tuple(map(str, classes))
    for path in (folder.parent.parent / NET, *sorted(NETS.glob("*.safetensors"))):
        net = load_net(path)
        if net and (net.nc, net.classes) == wanted:
            return net.to(gan.device)
    return None


def read(folder: Path, config: ModelConfig) -> Found | None:
    """What is kept beside the weights; None where there is nothing, or not for these weights."""
    path = folder / FILE
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        return _found(read_json(path), fingerprint(folder), config.nz)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, Base64Error, OverflowError):
        return None


def write(folder: Path, found: Found) -> None:
    """All or nothing. Raises OSError."""
    write_text(folder / FILE, json.dumps(told(found), ensure_ascii=False, separators=(",", ":")) + "\n")


def told(found: Found) -> dict[str, Any]:
    """As JSON."""
    return {
        "format": FORMAT, "fingerprint": found.mark, "nz": found.directions[0].z.numel() if found.directions else 0,
        "directions": told_all(found.directions),
        "matrix": _packed(found.matrix), "floor": round(found.floor, 4),
    }  # fmt: skip


def told_all(directions: Sequence[Direction]) -> list[dict[str, Any]]:
    """As JSON, each with an id of its own: its way of being found, and its number among those."""
    counts: Counter[str] = Counter()
    rows = []
    for d in directions:
        counts[d.method] += 1
        rows.append({"id": f"{d.method}-{counts[d.method]}", **_told(d)})
    return rows


def _told(d: Direction) -> dict[str, Any]:
    numbers = {name: getattr(d, name) for name in ("share", "length", "trust")}
    return {
        "method": d.method, "z": _packed(d.z), **{name: round(x, 5) for name, x in numbers.items() if x is not None},
        **({"of": d.of} if d.of else {}), **({"name": dict(d.names)} if d.names else {}),
    }  # fmt: skip


def named(found: Found, names: Mapping[int, Mapping[str, str]]) -> Found:
    """With these names: number of the direction -> language -> name. An empty name takes it away."""
    directions = [
        replace(d, names=clean_names({**d.names, **names[i]})) if i in names else d
        for i, d in enumerate(found.directions)
    ]
    return replace(found, directions=tuple(directions))


def with_names_of(found: Found, older: Found | None) -> Found:
    """Names that people gave stay with their directions: those found in the same way, with nearly the same z."""
    if older is None or not older.directions:
        return found

    def names(d: Direction) -> Mapping[str, str]:
        same = [o for o in older.directions if o.method == d.method and o.names and abs(float(o.z @ d.z)) > 0.99]
        return same[0].names if same else d.names

    return replace(found, directions=tuple(replace(d, names=names(d)) for d in found.directions))


def clean_names(names: Mapping[str, str]) -> dict[str, str]:
    """Language -> name: plain, of one line, not too long."""
    short = {lang: " ".join(str(names.get(lang, "")).split())[:LONGEST_NAME] for lang in LANGUAGES}
    return {lang: name for lang, name in short.items() if name and name.isprintable()}


def _found(values: dict[str, Any], mark: str, nz: int) -> Found | None:
    """Raises ValueError, KeyError or TypeError for what is not as it should be."""
    if values.get("format") != FORMAT or values.get("fingerprint") != mark or values.get("nz") != nz:
        return None
    entries = values["directions"]
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST:
        return None
    k = len(entries)
    matrix = _unpacked(values["matrix"], k * k).view(k, k)
    floor = _share(values["floor"])
    if floor is None or not bool(((matrix >= 0) & (matrix <= 1)).all()):
        return None
    return Found(mark, tuple(_direction(entry, nz) for entry in entries), matrix, floor)


def _direction(entry: dict[str, Any], nz: int) -> Direction:
    z = _unpacked(entry["z"], nz)
    if entry["method"] not in get_args(Method) or abs(float(z.norm()) - 1) > 1e-3:
        raise ValueError("no direction")
    names = entry.get("name", {})
    length = entry.get("length")
    return Direction(
        entry["method"], z, _share(entry.get("share")),
        None if length is None else min(max(0.0, float(length)), 1e3), _share(entry.get("trust")),
        " ".join(str(entry.get("of", "")).split())[:100], clean_names(names if isinstance(names, dict) else {}),
    )  # fmt: skip


def _share(value: object) -> float | None:
    if value is None:
        return None
    number = float(str(value))
    if not isfinite(number) or not 0 <= number <= 1:
        raise ValueError("no share")
    return number


def _packed(t: Tensor) -> str:
    return b64encode(t.detach().cpu().contiguous().numpy().astype("<f4").tobytes()).decode()


def _unpacked(text: object, length: int) -> Tensor:
    numbers = np.frombuffer(b64decode(str(text), validate=True), "<f4")
    if len(numbers) != length or not np.isfinite(numbers).all():
        raise ValueError("no numbers")
    return torch.from_numpy(numbers.copy())


class _Counted:
    """One count over several pieces of work."""

    def __init__(self, progress: Progress | None, whole: int) -> None:
        self.progress, self.whole, self.before = progress, whole, 0

    def part(self, size: int) -> Progress:
        """The progress of the next piece, which is `size` of the whole."""
        before, self.before = self.before, self.before + size

        def told(done: int, of: int, what: str) -> None:
            if self.progress:
                self.progress(before + size * done // of, self.whole, what)

        return told
