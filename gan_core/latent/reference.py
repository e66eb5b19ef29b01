"""The pictures that a model learned from, and some that it never saw, where they lie on this machine already.

Nothing is downloaded here, and of a model from elsewhere no path is opened: its config.json is a stranger's.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from gan_core.config import TrainConfig, from_dict
from gan_core.data import Images, known_sets, load_images
from gan_core.data.memory import memory_room
from gan_core.data.store import Progress
from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.training.trainer import split

Kind = Literal["held_out", "test", "learned"]  # what the strangers are: "learned" means that there are none

MOST = 1000  # strangers: their distances are sorted, and a thousandth is fine enough
MEMORY = 2**30  # bytes of pictures in memory, beyond which they lie in a file: an app keeps those of two sets
PARTS = {"fruits64.zip": "fruits-mini"}  # bundled sets that are a part of what a shipped model learned from
TESTS = {"fashion-mnist": "fashion-mini"}  # bundled sets that a model of this set never saw
ROOT = Path(__file__).parents[2]
PLACES = (Path(), ROOT / "shared" / "data", ROOT.parent / "shared" / "data")  # where a set named without a path may lie


@dataclass(frozen=True, eq=False)
class Reference:
    """What a picture is compared with."""

    images: Images
    learned: Tensor  # (M,) rows of `images` that the model learned from
    strangers: Tensor  # (K, nc, S, S) uint8, of those it never saw; of "learned" ones where there are none
    kind: Kind
    of: int  # how many pictures it learned from in truth; more than M where only a part is at hand
    test: str = ""  # the set of the strangers, where they are of another one

    @property
    def name(self) -> str:
        return Path(self.images.name).name


@dataclass(frozen=True)
class Place:
    """Where a set lies."""

    name: str
    root: Path | None = None
    test: str = ""

    def load(self, gan: GAN, progress: Progress | None = None) -> Images:
        config = gan.config
        room = min(memory_room(), MEMORY)
        return load_images(self.name, config.image_size, config.nc, data_root=self.root, progress=progress, memory=room)


def find_set(data: Mapping[str, Any], ours: bool) -> Place | None:
    """Where the set lies that a config.json's "data" names; None where it is not on this machine.

    `ours`: the file was written here, and paths in it may be opened.
    """
    name, root = data.get("source") or data.get("name"), data.get("root")
    if not isinstance(name, str) or not name:
        return None
    sets = known_sets()
    if name in sets:
        if sets[name].offline:
            return Place(name, test=TESTS.get(name, ""))
        lies = ours and isinstance(root, str) and (here := _first(root)) is not None
        return Place(name, here, TESTS.get(name, "")) if lies else None
    if ours and (path := _first(name)):
        return Place(str(path))
    return Place(PARTS[name]) if name in PARTS else None


def load_reference(gan: GAN, place: Place, strangers: str = "", progress: Progress | None = None) -> Reference:
    """The pictures there, and `strangers`, a set that the model never saw, or what is known to be one.

    Which were held out is known only of the very pictures that the run had. Raises UserError where they cannot be read.
    """
    images = place.load(gan, progress)
    rows = torch.arange(len(images))
    data = gan.info.get("data")
    data = data if isinstance(data, dict) else {}
    of = data.get("pictures")
    of = max(of, len(images)) if isinstance(of, int) else len(images)
    if named := strangers or place.test:
        unseen = _some(Place(named).load(gan, progress).pixels)
        return Reference(images, rows, unseen, "test", of, Path(named).name)
    same = of == len(images) and data.get("fingerprint") in (None, images.fingerprint)
    kept = _held_out(gan, len(images)) if same else rows[:0]
    if len(kept):
        seen = torch.ones(len(images), dtype=torch.bool)
        seen[kept] = False
        return Reference(images, rows[seen], images.pixels[kept[:MOST]], "held_out", int(seen.sum()))
    return Reference(images, rows, _some(images.pixels), "learned", of)


def _held_out(gan: GAN, n: int) -> Tensor:
    """The rows that a run kept from its D, as its config.json tells; none where that is older than held_out."""
    train = gan.info.get("train")
    if not isinstance(train, dict) or "held_out" not in train:
        return torch.arange(0)
    try:
        return split(n, from_dict(TrainConfig, train))[1]
    except UserError:
        return torch.arange(0)


def _some(pixels: Tensor) -> Tensor:
    """At most MOST, at random: files lie sorted by class."""
    return pixels[torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))[:MOST]]


def _first(name: str) -> Path | None:
    with suppress(OSError, RuntimeError):  # a name too long for any disk, the home of nobody
        return next((path for place in PLACES if (path := place / Path(name).expanduser()).exists()), None)
    return None
