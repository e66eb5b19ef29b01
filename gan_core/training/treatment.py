"""What the doctor may do by itself under `--doctor act`: go back and take smaller steps, or end the run."""

from dataclasses import replace
from typing import Any, Literal

from gan_core.training.changes import without
from gan_core.training.checkpoint import load_checkpoint, steps_kept
from gan_core.training.doctor import SLOWER
from gan_core.training.events import Action, Advice
from gan_core.training.folder import RunFolder
from gan_core.training.rewind import leave_behind
from gan_core.training.trainer import Trainer
from gan_core.words import ACTIONS

Care = Literal["advise", "act", "off"]

CURABLE = ("diverged", "diverging", "collapse", "collapse_classes", "oscillating")  # by smaller steps
FINAL = ("no_better",)  # there is nothing to go back for
MOST = 3  # ways back in one run: what three slower starts did not cure, a fourth will not


def treat(advice: Advice, sound: int, trainer: Trainer, folder: RunFolder) -> Action | None:
    """Do what the advice calls for, and write it down. None: nothing can be done, the run is as it was.

    `sound`: the last step at which nothing was wrong. A way back leads to the best checkpoint until then, else to the
    newest until then, else to the oldest; learning rates fall, in config.json too, so that a resume repeats it.
    """
    if advice.key not in (*CURABLE, *FINAL):
        return None
    config, step = trainer.config, _way_back(sound, trainer, folder)
    tried = sum(line["event"] == "action" and line["did"] == "back" for line in folder.history())
    if advice.key in FINAL or tried >= MOST or step is None or not trainer.ranks.alone:
        if advice.key == "diverged":
            return None
        return _noted(advice, "stop", trainer, folder)
    slower: dict[str, Any] = {"lr_D": config.lr_D / SLOWER, "lr_G": config.lr_G / SLOWER}
    trainer.began, trainer.changes = replace(trainer.began, **slower), without(trainer.changes, slower)
    load_checkpoint(trainer, folder.checkpoints, step)
    trainer.changes = trainer.changes[: trainer.changed]
    leave_behind(trainer, folder)
    return _noted(advice, "back", trainer, folder)


def _way_back(sound: int, trainer: Trainer, folder: RunFolder) -> int | None:
    kept = steps_kept(folder.checkpoints)
    until_then = [step for step in kept if step <= sound]
    if trainer.best and trainer.best.step in until_then:
        return trainer.best.step
    return max(until_then, default=min(kept, default=None))


def _noted(advice: Advice, did: Literal["back", "stop"], trainer: Trainer, folder: RunFolder) -> Action:
    lr_D, lr_G = trainer.config.lr_D, trainer.config.lr_G
    values = {"step": trainer.steps_done, "seen": advice.step, "key": advice.key, "lr_D": lr_D, "lr_G": lr_G}
    en, zh = (sentence.format(**values) for sentence in ACTIONS[did])
    action = Action(trainer.steps_done, advice.step, advice.key, did, lr_D, lr_G, en, zh)
    folder.append(action)
    return action
