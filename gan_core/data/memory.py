"""How much memory pictures may take, here and now."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gan_core.errors import UserError

MEMORY_SHARE = 0.5  # of what is available: the rest is for weights, activations, and whatever else runs here
GROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
GIB = 2**30


def memory_room() -> int:
    """Bytes of pictures that memory should hold: $GAN_CORE_MEMORY (in GiB), else half of what is available.

    Raises UserError for a value that is no size.
    """
    said = os.environ.get("GAN_CORE_MEMORY")
    if not said:
        return int(available() * MEMORY_SHARE)
    try:
        size = float(said)
    except ValueError:
        raise UserError("config_type", field="$GAN_CORE_MEMORY", got=repr(said), wanted="a number of GiB") from None
    return gib(size, "$GAN_CORE_MEMORY")


def gib(size: float, field: str) -> int:
    """GiB -> bytes. Raises UserError for what is no size."""
    if not 0 <= size <= 2**20:
        raise UserError("out_of_range", field=field, got=size, low=0, high=2**20)
    return int(size * GIB)


def available() -> int:
    """Bytes that this process could still take: of the machine, and of every container that it runs in."""
    return max(0, min([_machine(), *_containers()]))


def _machine() -> int:
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")  # macOS tells no more


def _containers() -> Iterator[int]:
    """What each control group (cgroup v2, kernel.org/doc: "Memory Interface Files") around this process has left.

    Files that it has read count as used until somebody needs their place; the inactive ones are given up at once.
    """
    with suppress(OSError, ValueError, IndexError):
        group = OWN.read_text().partition("0::/")[2].splitlines()[0]
        inner = GROUPS / group
        for folder in (inner, *inner.parents):
            if not folder.is_relative_to(GROUPS):
                return
            with suppress(OSError, ValueError):  # no limit is the word "max", and the outermost has no file
                limit, used = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                yield limit - used + int(stat["inactive_file"])
