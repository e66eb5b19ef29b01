"""A checkpoint: one safetensors file with everything a run needs to go on. Never a pickle, never half a file."""

import json
import logging
from pathlib import Path

from safetensors import SafetensorError, safe_open

from gan_core.errors import UserError
from gan_core.files import replace_file, write_tensors
from gan_core.training.trainer import Trainer

KEEP = 2  # the newest: one to go on from, and one in case the newest is damaged

log = logging.getLogger(__name__)


def save_checkpoint(trainer: Trainer, folder: Path) -> None:
    """Write `<step>.safetensors` into `folder`, then drop all but the two newest."""
    tensors, numbers = trainer.state()
    with replace_file(folder / f"{trainer.steps_done:06d}.safetensors") as part:
        write_tensors(part, tensors, {"numbers": json.dumps(numbers)})
    kept = [path for path in checkpoints(folder) if int(path.stem) <= trainer.steps_done][:KEEP]
    for old in set(checkpoints(folder)) - set(kept):  # one of a later step was damaged, and passed over on loading
        old.unlink(missing_ok=True)


def load_checkpoint(trainer: Trainer, folder: Path) -> None:
    """Go on from the newest checkpoint that can be read; a damaged one is passed over, and said.

    Raises UserError when there is none.
    """
    for path in checkpoints(folder):
        try:
            with safe_open(path, framework="pt") as file:
                numbers = json.loads(file.metadata()["numbers"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("Checkpoint %s is damaged (%s); trying the one before.", path, error)
            continue
        trainer.load_state(tensors, numbers)
        return
    raise UserError("no_checkpoint", where=folder)


def checkpoints(folder: Path) -> list[Path]:
    """Newest first."""
    found = [path for path in folder.glob("*.safetensors") if path.stem.isdigit()]
    return sorted(found, key=lambda path: int(path.stem), reverse=True)
