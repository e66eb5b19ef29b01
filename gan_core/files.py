"""Writing so that a power cut leaves either the old or the new, never a half."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yields a name beside `path` to write to; then flushes and renames it. On an error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(path)
    try:
        yield part
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """The same for a folder of files. In one that exists they take their places one by one; its other files stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _beside(path)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
        files = sorted(part.iterdir())
        for file in files:
            _sync(file)
        if path.is_dir():
            for file in files:
                file.replace(path / file.name)
        else:
            part.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    with replace_file(path) as part:
        part.write_text(text, encoding="utf-8")


def read_bytes(path: Path) -> bytes:
    """What is there; nothing, where nothing can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def read_json(path: Path) -> dict[str, Any]:
    """An object; an empty one for a file that is missing, torn or something else."""
    try:
        value = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """As safetensors. Raises OSError for a full disk, as all writing does; safetensors has a name of its own for it."""
    # contiguous() alone would keep channels_last, which safetensors does not know
    plain = {name: t.cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    try:
        save_file(plain, path, metadata=metadata)
        path.chmod(0o666 & ~_umask())  # safetensors shuts out everybody else, the app of another user too
    except SafetensorError as error:
        code = re.search(r"os error (\d+)", str(error))
        raise OSError(int(code[1]), os.strerror(int(code[1]))) if code else OSError(str(error)) from None


def _umask() -> int:
    mask = os.umask(0o077)  # it can only be read by setting it
    os.umask(mask)
    return mask


def _beside(path: Path) -> Path:
    """A hidden name that no other process or thread uses."""
    return path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}.part")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some file systems cannot sync a folder
        if not path.is_dir():
            raise
    finally:
        os.close(handle)
