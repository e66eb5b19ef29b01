"""What the user named -> Images."""

import re
from pathlib import Path

from gan_core.config import IMAGE_SIZES
from gan_core.data.collect import collect
from gan_core.data.files import folder_source, zip_source
from gan_core.data.hub import hub_source, parquet_files, parquet_source
from gan_core.data.named import known_sets, load_named
from gan_core.data.store import Images, Progress
from gan_core.errors import UserError, unknown

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*(:[\w.-]+){0,2}", re.ASCII)  # see hub_source


def load_images(
    name: str,
    image_size: int | None = None,
    nc: int | None = None,
    *,
    data_root: Path | None = None,
    progress: Progress | None = None,
    memory: int | None = None,
) -> Images:
    """Read every picture of a data set, as squares of uint8: into memory, or into a file if it would not hold them.

    `name` is one of `known_sets()`, a folder or ZIP of pictures, a folder of parquet files, or a Hub id (`hub_source`),
    and is looked for in that order: "mnist" is the set, "./mnist" a folder. `image_size` and `nc` None mean the set's
    own; for all others 64 pixels, and grey if no picture shows a colour. `data_root` is the folder in which a named set
    lies already; without it, what is not on this machine is downloaded. `memory` is how many bytes of
    pixels may lie in memory, see `collect`.

    Raises UserError for everything a person can put right.
    """
    if image_size is not None and image_size not in IMAGE_SIZES:
        raise unknown("image_size", str(image_size), IMAGE_SIZES)
    if nc not in (None, 1, 3):
        raise unknown("nc", str(nc), (1, 3))
    sets = known_sets()
    if name in sets:
        info = sets[name]
        return load_named(name, image_size or info.image_size, nc or info.nc, data_root, progress, memory)

    size, path = image_size or 64, _existing(name)
    if path and (files := parquet_files(path)):
        return collect(parquet_source(name, files), size, nc, progress, memory)
    if path:
        source = folder_source(name, path) if path.is_dir() else zip_source(name, path)
        return collect(source, size, nc, progress, memory)
    if HUB_ID.fullmatch(name) and not name.lower().endswith(".zip"):
        return collect(hub_source(name), size, nc, progress, memory)
    if "/" in name or name.startswith("~") or name.lower().endswith(".zip"):
        raise UserError("path_missing", path=name)
    raise unknown("data set, folder or ZIP", name, sets)


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except OSError as error:  # a name too long for any disk, a folder that may not be entered
        raise UserError("data_unreadable", path=name, reason=error.strerror) from None
    except RuntimeError:  # the home of a user who does not exist
        return None
