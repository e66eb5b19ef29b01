"""A run that nobody plays gets another name, or is taken away. A watcher sees the whole of it, or nothing."""

import shutil
from contextlib import suppress
from secrets import token_hex

from gan_core.training.folder import RunFolder, run_folder
from gan_core.ui.text import PageError

TRASH = ".trash"  # in the folder of runs, where nobody looks for one


def rename(folder: RunFolder, to: str) -> RunFolder:
    """Raises UserError for a name that is taken or none, and for a run that somebody plays."""
    new = run_folder(folder.path.parent, to)
    with folder.locked():
        if new.path.exists():
            raise PageError("train_name_taken", name=to)
        folder.path.rename(new.path)
    return new


def delete(folder: RunFolder) -> None:
    """Raises UserError for a run that somebody plays."""
    trash = folder.path.parent / TRASH
    with folder.locked():
        while folder.path.is_dir():
            trash.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):  # another app has just emptied it: once more
                folder.path.rename(trash / f"{folder.name}-{token_hex(4)}")
    shutil.rmtree(trash, ignore_errors=True)  # and what an app that was killed has left there
