"""The idx files of the MNIST family, gzipped or not (format: yann.lecun.com/exdb/mnist)."""

import gzip
import zlib
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from gan_core.config import DATA_LIMITS
from gan_core.errors import UserError


def read_idx(path: Path) -> Tensor:
    """uint8 (N,) labels or (N, H, W) pictures. Raises UserError for a file that is cut short or something else."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            magic = file.read(4)  # 0, 0, 8 for uint8, number of dimensions
            if magic[:3] != b"\0\0\x08" or magic[3] not in (1, 3):
                raise UserError("idx_broken", path=path)
            shape = [int.from_bytes(file.read(4), "big") for _ in range(magic[3])]
            if prod(shape) > DATA_LIMITS.stored_bytes:
                raise UserError("idx_broken", path=path)
            data = bytearray(file.read(prod(shape) + 1))  # one more, so that gzip reaches its checksum
    except (EOFError, gzip.BadGzipFile, zlib.error, IndexError):
        raise UserError("idx_broken", path=path) from None
    except OSError as error:
        raise UserError("data_unreadable", path=path, reason=error.strerror) from None
    if not data or len(data) != prod(shape):
        raise UserError("idx_broken", path=path)
    return torch.frombuffer(data, dtype=torch.uint8).view(shape)


def find_idx(folders: list[Path], stem: str) -> Path | None:
    """The first of `stem`, `stem`.gz in these folders; both spellings, "images-idx3" and "images.idx3"."""
    for folder in folders:
        for name in (stem, stem.replace("-idx", ".idx")):
            for path in (folder / name, folder / f"{name}.gz"):
                if path.is_file():
                    return path
    return None
