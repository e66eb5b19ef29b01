"""One z through all snapshots of a run: training time as a latent axis."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import TypeVar

from safetensors import SafetensorError, safe_open
from torch import Tensor

from gan_core.errors import UserError
from gan_core.gan import GAN, WEIGHTS, read_config, snapshots
from gan_core.latent import truncate
from gan_core.training.folder import RunFolder
from gan_core.ui.models import Shelf
from gan_core.ui.text import PageError

MOST = 120  # snapshots in a row; a screen shows fewer at a time
KEPT = 64 * 2**20  # bytes of pictures in memory: 5,000 of 64 pixels, 340 of 256

T = TypeVar("T")


class Rows:
    """Paints rows, and remembers each picture, so that a row grows by one picture with every snapshot."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._pictures: OrderedDict[tuple[object, ...], Tensor] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def paint(self, folder: RunFolder, seed: int, label: int | None, truncation: float) -> list[tuple[int, Tensor]]:
        """(step, uint8 picture (nc, S, S)), oldest first; damaged snapshots are left out. Raises UserError for none.

        One GAN is built and given one G_ema after the other: the models that the page has in hand stay in memory.
        """
        found = snapshots(folder.path)
        if not found:
            raise UserError("no_snapshot", where=folder.name)
        painter: GAN | None = None
        row = []
        for snapshot in spread(found[::-1], MOST):
            try:
                stat = (snapshot / WEIGHTS).stat()
                mark = str(snapshot), stat.st_mtime_ns, stat.st_size, seed, label, truncation
                picture = self._known(mark)
                if picture is None:
                    painter = painter or GAN(read_config(found[0])[0]).to(self.shelf.device)
                    z, y = truncate(painter.sample_z(1, seed), truncation), painter.sample_y(1, seed, label)
                    painter.G_ema.load_state_dict(_weights(snapshot))
                    picture = next(self.shelf.paint(painter, z, y))[0]
                    self._keep(mark, picture)
            except (OSError, RuntimeError, SafetensorError):  # deleted in between, torn, or of another shape
                continue
            row.append((int(snapshot.name), picture))
        if not row:
            raise PageError("row_damaged", name=folder.name)
        return row

    def _known(self, mark: tuple[object, ...]) -> Tensor | None:
        with self._lock:
            if mark in self._pictures:
                self._pictures.move_to_end(mark)
            return self._pictures.get(mark)

    def _keep(self, mark: tuple[object, ...], picture: Tensor) -> None:
        with self._lock:
            known = self._pictures.pop(mark, None)  # two may have painted it at once
            self._bytes += picture.nbytes - (0 if known is None else known.nbytes)
            self._pictures[mark] = picture
            while self._bytes > KEPT:
                self._bytes -= self._pictures.popitem(last=False)[1].nbytes


def spread(all_of: Sequence[T], most: int) -> list[T]:
    """At most so many, evenly spread, the first and the last among them."""
    if len(all_of) <= most:
        return list(all_of)
    return [all_of[round(i * (len(all_of) - 1) / (most - 1))] for i in range(most)]


def _weights(snapshot: object) -> dict[str, Tensor]:
    """G_ema's alone: D is as large."""
    with safe_open(f"{snapshot}/{WEIGHTS}", framework="pt") as file:
        return {name[6:]: file.get_tensor(name) for name in file.keys() if name.startswith("G_ema.")}  # noqa: SIM118
