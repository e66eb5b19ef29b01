"""What a run leaves when nobody plays it: can it be gone on with, how, and what did its process say last?"""

import os
import re
from contextlib import suppress
from pathlib import Path

from gan_core.training.folder import RunFolder
from gan_core.ui.uploads import uploads_of

LOG_LINES = 8  # of a log, shown when a training died


def resumable(folder: RunFolder) -> bool:
    """Is there a checkpoint to go on from? One that ended before its first can begin again: its seed decides all."""
    if uploads_gone(folder):
        return False
    return bool(folder.config) and (any(folder.checkpoints.glob("*.safetensors")) or not folder.ever_saved)


def resuming(folder: RunFolder) -> list[str]:
    """The command that goes on with a run as it was asked for."""
    until = folder.config.get("until")
    return ["train", "--resume", *([f"--until={until}"] if until else [])]


def uploads_gone(folder: RunFolder) -> bool:
    """Did it learn from pictures that were brought, and that are deleted by now?

    An empty folder is what a sweep leaves as a sign; of a run that has not even that, its config tells.
    """
    if uploads_of(folder):
        return False
    return (folder.path / "data").is_dir() or (_brought(folder) and not Path(_source(folder)).exists())


def _brought(folder: RunFolder) -> bool:
    """Did its pictures lie in a run folder: this one, by whatever name it went then?"""
    with suppress(ValueError):
        return Path(_source(folder)).resolve().relative_to(folder.path.parent.resolve()).parts[1:2] == ("data",)
    return False


def _source(folder: RunFolder) -> str:
    data = folder.config.get("data")
    return str(data.get("source", "")) if isinstance(data, dict) else ""


def log_tail(folder: RunFolder, lines: int = LOG_LINES) -> list[str]:
    """The last lines that a training printed, without the bars that it drew and redrew."""
    try:
        with folder.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 16_384))
            text = log.read().decode(errors="replace")
    except OSError:
        return []
    said_last = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line.rsplit("\r", 1)[-1]).rstrip() for line in text.split("\n")]
    return [line for line in said_last if line.strip() and not re.search(r"\d%\|", line)][-lines:]
