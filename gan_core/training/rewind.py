"""Back to an earlier step: what a person asks for, and what the doctor does when a run has gone wrong."""

from collections.abc import Iterable
from dataclasses import asdict

import torch

from gan_core.errors import UserError
from gan_core.gan import GAN, mark_best
from gan_core.training.changes import Change, written
from gan_core.training.checkpoint import checkpoints, load_checkpoint, steps_kept
from gan_core.training.events import Resumed
from gan_core.training.folder import RunFolder
from gan_core.training.trainer import Trainer


def go_back(trainer: Trainer, folder: RunFolder, to: int) -> Resumed:
    """Bring the run to its newest checkpoint up to `to`, or to its beginning: played on, it comes to `to` as before.

    What was changed by hand when `to` rounds had been played, or later, is forgotten.
    Raises UserError, with nothing done, if the run did not begin from its seed and has no checkpoint so old.
    """
    changes, trainer.changes = trainer.changes, [change for change in trainer.changes if change.step < to]
    passed_over: tuple[str, ...] = ()
    try:
        passed_over = load_checkpoint(trainer, folder.checkpoints, until=to)
    except UserError:
        if "parent" in folder.config:
            trainer.changes = changes
            kept = ", ".join(f"{step:,}" for step in steps_kept(folder.checkpoints)) or "none"
            raise UserError("no_way_back", name=folder.name, got=f"{to:,}", known=kept) from None
        begin_again(trainer)
    if trainer.ranks.playing:  # else they are still waiting to be told where it begins
        trainer.go_back()
    return leave_behind(trainer, folder, passed_over, to)


def begin_again(trainer: Trainer) -> None:
    """Bring a trainer to where it was before its first step: its seed decides everything."""
    torch.manual_seed(trainer.began.seed)
    fresh = GAN(trainer.gan.config).to(trainer.device)
    random = torch.Generator(trainer.device).manual_seed(trainer.began.seed)
    tensors = {f"gan.{name}": t for name, t in fresh.state_dict().items()}
    tensors |= {"random.own": random.get_state(), "random.cpu": torch.get_rng_state()}
    trainer.load_state(tensors, {"step": 0, "batches_drawn": 0, "seconds": 0.0})


def leave_behind(
    trainer: Trainer, folder: RunFolder, passed_over: tuple[str, ...] = (), to: int | None = None
) -> Resumed:
    """Forget what the run did after the step where it stands now, in its folder too.

    Killed at any moment, it leaves a run that can be resumed: one that is on its way back, or back already. So
    checkpoints go first, the newest before the others; changes when no checkpoint holds them any more; then events.
    """
    for path in checkpoints(folder.checkpoints):
        if int(path.stem) > trainer.steps_done:
            path.unlink(missing_ok=True)
    write_settings(trainer, folder)
    resumed = Resumed(trainer.steps_done, passed_over, to)
    folder.append(resumed)
    folder.forget_after(trainer.steps_done)
    mark_best(folder.path, trainer.best)
    return resumed


def write_settings(trainer: Trainer, folder: RunFolder, more: Iterable[Change] = ()) -> None:
    """What the run began with, and what was changed since; `more` are just about to be made."""
    changes = [*trainer.changes[: trainer.changed], *more, *trainer.changes[trainer.changed :]]
    folder.write_config(folder.config | {"train": asdict(trainer.began), "changes": written(changes)})
