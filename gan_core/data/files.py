"""A folder or a ZIP of pictures. First-level folders become classes; a ZIP is never unpacked to disk."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from PIL import Image

from gan_core.config import DATA_LIMITS
from gan_core.data.pictures import SUFFIXES, TooManyPixels, open_picture, read_picture
from gan_core.data.store import Source, stamp_of
from gan_core.errors import UserError


def folder_source(name: str, root: Path) -> Source:
    """Every picture under `root`, sorted. Raises UserError if it cannot be read or holds none."""
    try:
        next(root.iterdir(), None)  # os.walk would pass over a locked folder in silence
    except OSError as error:
        raise UserError("data_unreadable", path=root, reason=error.strerror) from None
    # Linked folders are not entered: a ring of them would never end.
    found = (Path(place, file).relative_to(root).as_posix() for place, _, files in os.walk(root) for file in files)
    files = sorted(filter(_is_picture, found))
    if not files:
        raise UserError("folder_empty", path=root, suffixes=" ".join(SUFFIXES))
    classes, labels = _classes(files)

    def open_file(index: int) -> tuple[Image.Image, int]:
        return read_picture(root / files[index]), labels[index]

    stamp = partial(stamp_of, [root / file for file in files])
    return Source(name, [_printable(file) for file in files], open_file, classes, stamp=stamp)


def zip_source(name: str, path: Path, licence: str = "") -> Source:
    """Every picture in the archive, sorted. The file stays open as long as the Source lives.

    Raises UserError for what is no ZIP, is cut short, locked with a password, empty, or over a limit; the limits
    on members and bytes are read from the archive's table, the one on pixels from a picture's first bytes, so what
    is over a limit is never decompressed.
    """
    archive = _open_zip(path)
    _check_limits(archive.infolist(), path)
    members = {info.filename.replace("\\", "/"): info for info in archive.infolist()}
    files = sorted(file for file in members if _is_picture(file))
    if not files:
        raise UserError("zip_empty", path=path, suffixes=" ".join(SUFFIXES))
    if any(members[file].flag_bits & 1 for file in files):
        raise UserError("zip_locked", path=path)
    classes, labels = _classes(files)
    lock = Lock()  # ZipFile counts its readers without one

    def open_member(index: int) -> tuple[Image.Image, int]:
        with lock:
            data = _unpack(archive, members[files[index]])
        try:
            return open_picture(data), labels[index]
        except TooManyPixels:
            limit = f"{DATA_LIMITS.pixels:,}"
            raise UserError("zip_pixels", path=path, member=_printable(files[index]), limit=limit) from None

    return Source(name, [_printable(file) for file in files], open_member, classes, licence, partial(stamp_of, [path]))


def _open_zip(path: Path) -> ZipFile:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise UserError("data_unreadable", path=path, reason=error.strerror) from None
    try:
        return ZipFile(path)
    except Exception:  # BadZipFile, and whatever else its parser meets in a broken table
        raise UserError("zip_broken" if head.startswith(b"PK") else "zip_not", path=path) from None


def _check_limits(members: Sequence[ZipInfo], path: Path) -> None:
    """The table may lie about the sizes; then `_unpack` takes no more than it says."""
    limits = DATA_LIMITS
    if len(members) > limits.members:
        raise UserError("zip_members", path=path, got=f"{len(members):,}", limit=f"{limits.members:,}")
    for info in members:
        if info.file_size > limits.member_bytes and _is_picture(info.filename):
            size, limit = _mib(info.file_size), _mib(limits.member_bytes)
            raise UserError("zip_member_bytes", path=path, member=_printable(info.filename), got=size, limit=limit)
    unpacked, packed = sum(info.file_size for info in members), sum(info.compress_size for info in members)
    if unpacked > limits.total_bytes:
        raise UserError("zip_total_bytes", path=path, got=_mib(unpacked), limit=_mib(limits.total_bytes))
    if unpacked > limits.ratio_bytes and unpacked > limits.ratio * packed:
        raise UserError("zip_ratio", path=path, got=unpacked // max(packed, 1), limit=limits.ratio)


def _unpack(archive: ZipFile, member: ZipInfo) -> bytes:
    """As many bytes as the table says. `ZipFile.read` would inflate all there are first, and cut then."""
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # zipfile sets the others no bound
        raise ValueError("packed in an unusual way; use plain ZIP compression")
    with archive.open(member) as file:
        return file.read(member.file_size)


def _is_picture(file: str) -> bool:
    """By its name alone, and not hidden: macOS adds __MACOSX/ and ._ twins that end in .png and are none."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in file.split("/"))
    return not hidden and file.lower().endswith(SUFFIXES)


def _classes(files: Sequence[str]) -> tuple[tuple[str, ...], list[int]]:
    """Class names and one label a file, from the first folder in which the paths differ.

    A folder that holds everything is looked through. There are no classes if a picture lies beside the folders, or all
    lie in one.
    """
    places = [file.split("/")[:-1] for file in files]
    for names in zip(*places, strict=False):  # level by level, as deep as the shallowest picture lies
        classes = sorted(set(names))
        if len(classes) > 1:
            number = {name: label for label, name in enumerate(classes)}
            return tuple(_printable(name) for name in classes), [number[name] for name in names]
    return (), [0] * len(files)


def _printable(name: str) -> str:
    """A name from a stranger's archive or an old disk may hold control characters, or bytes that are no text."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
