"""A run that nobody plays gets another name, or is taken away. A watcher sees the whole of it, or nothing."""

import shutil
from contextlib import suppress
from pathlib import Path
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
        config = folder.config
        _move_source(folder, new)  # before: a crash between them leaves a run that knows its own pictures all the same
        try:
            folder.path.rename(new.path)
        except OSError:
            if config:
                folder.write_config(config)
            raise
    return new


def _move_source(folder: RunFolder, new: RunFolder) -> None:
    """Pictures that were brought move with the folder: let its config, which says where they lie, know."""
    config, old = folder.config, folder.path.resolve()
    data = config.get("data")
    if isinstance(data, dict) and (source := Path(str(data.get("source", ""))).resolve()).is_relative_to(old):
        moved = str(new.path.resolve() / source.relative_to(old))
        folder.write_config(config | {"data": data | {"source": moved}})


def delete(folder: RunFolder) -> None:
    """Raises UserError for a run that somebody plays."""
    trash = folder.path.parent / TRASH
    with folder.locked():
        while folder.path.is_dir():
            trash.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):  # another app has just emptied it: once more
                folder.path.rename(trash / f"{folder.name}-{token_hex(4)}")
    shutil.rmtree(trash, ignore_errors=True)  # and what an app that was killed has left there
