"""Endless shuffled batches, wherever the pictures lie: on the device, in host memory, or in a file."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from typing import Literal
from weakref import finalize

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_core.data.store import Images
from gan_core.errors import UserError

Tier = Literal["device", "host", "disk"]
Batch = tuple[Tensor, Tensor | None]
Take = Callable[[NDArray[np.int64], NDArray[np.uint8]], None]  # rows -> their pictures, written into the second

DEVICE_SHARE = 0.5  # of the GPU memory that is free before training: the rest is for weights and activations
AHEAD = 2  # batches gathered in advance: one that is ready, one in the making, should the disk hesitate


class Batches:
    """Draws `size` pictures at a time from `images`, on `device`. Seed and epoch alone decide the order.

    The same in every `tier`: "device" keeps all pixels there; "host" (they do not fit) and "disk" (they are mapped from
    a file) gather the coming batches in a thread while this one is used. The last pictures of an epoch, too few for a
    batch, are left out of it.

    `share` (rank, world): of each batch of `size`, this process gets the rank-th of `world` equal parts.
    `memory`: bytes of pixels that the device may hold; None: half of what is free on a GPU, any amount on a CPU.
    `rows` (n,): where the pictures lie that may be drawn; None: all.

    Raises UserError if `world` does not divide `size`, or the pictures cannot fill one batch.
    """

    def __init__(
        self,
        images: Images,
        size: int,
        seed: int,
        device: torch.device,
        share: tuple[int, int] = (0, 1),
        memory: int | None = None,
        rows: Tensor | None = None,
    ) -> None:
        rank, world = share
        self._n = len(images) if rows is None else len(rows)
        if size % world:
            raise UserError("batch_uneven", size=size, world=world, near=max(1, round(size / world)) * world)
        if self._n < size:
            raise UserError("batch_too_large", n=self._n, batch_size=size)
        self._size, self._seed, self._device, self._rows = size, seed, device, rows
        self._part = slice(rank * size // world, (rank + 1) * size // world)
        self._order = (-1, torch.empty(0))  # an epoch, and its shuffled rows
        self._drawn = 0
        self._thread: ThreadPoolExecutor | None = None
        self._ahead: dict[int, Future[Batch]] = {}  # by the number of the batch
        self.tier = _tier(images, device, memory)
        self._gather: Callable[[Tensor], Batch]
        if self.tier == "device" and device.type != "cpu":
            pixels, labels = images.pixels.to(device), None if images.labels is None else images.labels.to(device)
            self._gather = lambda chosen: (pixels[chosen], None if labels is None else labels[chosen])
        else:
            self._gather = _gatherer(images, self._take(images), pinned=device.type == "cuda")

    @property
    def drawn(self) -> int:
        """How many batches have been drawn. Set it to go on from any place; what was gathered in advance is dropped."""
        return self._drawn

    @drawn.setter
    def drawn(self, drawn: int) -> None:
        self._drawn = drawn
        for future in self._ahead.values():
            future.cancel()
        self._ahead.clear()

    def draw(self) -> Batch:
        """The next batch: pixels (size / world, nc, S, S) uint8, and labels (size / world,) where there are any.

        Raises whatever the thread met, such as an OSError; the same batch can be asked for again.
        """
        if self.tier == "device":
            x, y = self._gather(self._chosen(self._drawn))
        else:
            x, y = self._prefetched()
            x = x.to(self._device, non_blocking=True)
            y = None if y is None else y.to(self._device, non_blocking=True)
        self._drawn += 1
        return x, y

    def close(self) -> None:
        """End the thread, and wait for that. A later draw starts another."""
        if self._thread:
            self._thread.shutdown(cancel_futures=True)
        self._thread = None
        self._ahead.clear()

    def _take(self, images: Images) -> Take:
        if self.tier != "disk" or images.mapped is None:
            return _from_memory(images.pixels.contiguous().numpy())
        file = os.open(images.mapped, os.O_RDONLY)  # held, so that the run outlives a cleaned cache
        finalize(self, os.close, file)
        return _from_file(file, images.pixels[0].nbytes)

    def _prefetched(self) -> Batch:
        # An executor, since its worker ends by itself once nobody holds it, and nobody ever waits for a full queue.
        self._thread = self._thread or ThreadPoolExecutor(1, "batches")
        for number in range(self._drawn, self._drawn + 1 + AHEAD):
            if number not in self._ahead:
                self._ahead[number] = self._thread.submit(lambda at: self._gather(self._chosen(at)), number)
        return self._ahead.pop(self._drawn).result()

    def _chosen(self, number: int) -> Tensor:
        """The rows of batch `number`. In any one tier, always called by the same thread."""
        epoch, place = divmod(number, self._n // self._size)
        if self._order[0] != epoch:
            order = torch.randperm(self._n, generator=torch.Generator().manual_seed(self._seed + epoch))
            order = order if self._rows is None else self._rows.cpu()[order]
            self._order = epoch, order.to(self._device) if self.tier == "device" else order
        return self._order[1][place * self._size : (place + 1) * self._size][self._part]


def _tier(images: Images, device: torch.device, memory: int | None) -> Tier:
    if memory is None:
        room = torch.cuda.mem_get_info(device)[0] * DEVICE_SHARE if device.type == "cuda" else inf
    else:
        room = memory
    at_hand = device.type != "cpu" or images.mapped is None  # on a CPU, what is mapped stays in its file
    if images.pixels.nbytes <= room and at_hand:
        return "device"
    return "disk" if images.mapped else "host"


def _gatherer(images: Images, take: Take, pinned: bool) -> Callable[[Tensor], Batch]:
    """Pinned buffers are fresh each time: torch's allocator hands one out again only when the copy from it is over."""
    shape, labels = images.pixels.shape[1:], images.labels

    def gather(chosen: Tensor) -> Batch:
        x = torch.empty(len(chosen), *shape, dtype=torch.uint8, pin_memory=pinned)
        take(chosen.numpy(), x.numpy())
        if labels is None:
            return x, None
        y = labels[chosen]
        return x, y.pin_memory() if pinned else y

    return gather


def _from_memory(pixels: NDArray[np.uint8]) -> Take:
    """By numpy, which copies without the GIL and in one thread: torch would wake a team beside training's."""

    def take(rows: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        np.take(pixels, rows, axis=0, out=out, mode="clip")  # "raise" would copy once more

    return take


def _from_file(file: int, each: int) -> Take:
    """Pictures of `each` bytes out of an open file; through a map, every touch would read 30 neighbours along.

    All are asked for before the first is waited for, so that the disk serves them side by side.
    """
    advise = getattr(os, "posix_fadvise", None)  # macOS has none
    if advise:
        advise(file, 0, 0, os.POSIX_FADV_RANDOM)

    def take(rows: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        places = (rows * each).tolist()
        if advise:
            for place in places:
                advise(file, place, each, os.POSIX_FADV_WILLNEED)
        for place, picture in zip(places, out, strict=True):
            if os.preadv(file, [picture], place) != each:
                raise OSError("the file of prepared pictures was cut short")

    return take
