"""A checkpoint: one safetensors file with everything a run needs to go on. Never a pickle, never half a file."""

import json
import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from gan_core.errors import UserError
from gan_core.files import replace_file, write_tensors
from gan_core.gan import best_snapshot
from gan_core.training.folder import RunFolder
from gan_core.training.trainer import Trainer

KEEP = 2  # the newest: one to go on from, and one in case the newest is damaged

log = logging.getLogger(__name__)


def save_checkpoint(trainer: Trainer, folder: Path) -> None:
    """Write `<step>.safetensors` into `folder`, then drop all but the newest, the best and some others."""
    tensors, numbers = trainer.state()
    with replace_file(folder / f"{trainer.steps_done:06d}.safetensors") as part:
        write_tensors(part, tensors, {"numbers": json.dumps(numbers)})
    steps = steps_kept(folder)
    for later in [step for step in steps if step > trainer.steps_done]:  # damaged, and passed over on loading
        _drop(folder, later)
    best = trainer.best.step if trainer.best else -1
    steps = [step for step in steps if step <= trainer.steps_done]
    for old in thinned(steps, {best, *steps[-KEEP:]}, trainer.config.keep):
        _drop(folder, old)


def thinned(steps: Sequence[int], kept: Collection[int], most: int) -> list[int]:
    """Which of `steps`, the smallest first, to drop, so that `most` are left beside those `kept`, spread evenly."""
    left, dropped = list(steps), list[int]()
    while len(loose := [step for step in left if step not in kept]) > most:
        places = {step: left.index(step) for step in loose}
        around = [0, *left, left[-1]]
        dropped.append(min(loose, key=lambda step: around[places[step] + 2] - around[places[step]]))
        left.remove(dropped[-1])
    return dropped


def load_checkpoint(
    trainer: Trainer, folder: Path, step: int | None = None, until: int | None = None
) -> tuple[str, ...]:
    """Go on from the newest checkpoint that can be read, or from the one of `step`.

    `until`: from the newest in which no more has been played than `until` rounds; nor has anything been changed after.
    Returns the names of those that were damaged and passed over. Raises UserError when there is none.
    """
    passed_over: tuple[str, ...] = ()
    for path in checkpoints(folder):
        if step not in (None, int(path.stem)) or (until is not None and int(path.stem) > until):
            continue
        try:
            with safe_open(path, framework="pt") as file:
                numbers = json.loads(file.metadata()["numbers"])
                if numbers["step"] == until and numbers.get("changed"):
                    continue
                # copies: one number left in the optimiser would hold the whole file, and its place on the disk
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a dict
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("Checkpoint %s is damaged (%s); trying the one before.", path, error)
            passed_over += (path.name,)
            continue
        trainer.load_state(tensors, numbers)
        return passed_over
    raise UserError("no_checkpoint", where=folder)


def numbers_of(path: Path) -> dict[str, Any]:
    """The plain numbers of a checkpoint; none for one that is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(json.loads(file.metadata()["numbers"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return {}


def kept_step(run: RunFolder, at: str) -> int | None:
    """The step that `at` means: its number, "best", or None for "", the newest. Raises UserError if it is not kept."""
    steps = [int(path.stem) for path in checkpoints(run.checkpoints)]
    if not at and steps:
        return None
    best = best_snapshot(run.path) if at == "best" else None
    step = best.name if best else at
    if step.isdecimal() and int(step) in steps:
        return int(step)
    raise UserError("no_such_checkpoint", name=run.name, got=at or "newest", known=", ".join(map(str, steps)) or "none")


def checkpoints(folder: Path) -> list[Path]:
    """Newest first."""
    found = [path for path in folder.glob("*.safetensors") if path.stem.isdigit()]
    return sorted(found, key=lambda path: int(path.stem), reverse=True)


def steps_kept(folder: Path) -> list[int]:
    """Oldest first."""
    return [int(path.stem) for path in reversed(checkpoints(folder))]


def _drop(folder: Path, step: int) -> None:
    (folder / f"{step:06d}.safetensors").unlink(missing_ok=True)
