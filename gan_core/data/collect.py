"""A source of pictures -> Images: in memory if they fit there, else in a file."""

import numpy as np
import torch

from gan_core.data.memory import memory_room
from gan_core.data.prepared import prepared
from gan_core.data.store import Images, Progress, Source, check_count, decode_all


def collect(
    source: Source, size: int, nc: int | None, progress: Progress | None = None, memory: int | None = None
) -> Images:
    """Decode everything once to (N, nc, size, size). nc None: 1 if no picture shows a colour, else 3.

    What cannot be read is left out and named. More than `memory` bytes go into a file, see `prepared`; None means
    `memory_room()`. Raises UserError for too few good pictures, and for more than memory and disk should hold.
    """
    total, shape = len(source.files), (nc or 3, size, size)
    room = memory_room() if memory is None else memory
    if total * int(np.prod(shape)) > room:
        return prepared(source, size, nc, room, progress)
    pixels = np.empty((total, *shape), np.uint8)
    read = decode_all(source, size, nc, pixels.__setitem__, progress)
    good = len(read.labels)
    check_count(source.name, good, read.skipped)
    found = torch.from_numpy(pixels[:good])
    return Images(
        source.name,
        found[:, :1].contiguous() if nc is None and read.grey else found,
        torch.tensor(read.labels) if source.classes else None,
        source.classes,
        tuple(read.skipped),
        source.licence,
    )
