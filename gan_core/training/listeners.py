"""Listeners. Each takes events and passes every one on, so they chain: progress_bar(record(trainer.run()))."""

import sys
from collections.abc import Callable, Generator, Iterable
from math import isfinite
from typing import Any

from tqdm import tqdm

from gan_core.gan import Best, mark_best
from gan_core.metrics import Ruler
from gan_core.training.changes import written
from gan_core.training.checkpoint import save_checkpoint
from gan_core.training.events import (
    Action,
    Advice,
    Checkpoint,
    Event,
    Measure,
    Refused,
    Report,
    Resumed,
    Snapshot,
    Step,
)
from gan_core.training.folder import RunFolder
from gan_core.training.trainer import Trainer
from gan_core.training.until import NoBetter, Seconds, Until


def record(events: Iterable[Event], trainer: Trainer, folder: RunFolder, info: dict[str, Any]) -> Generator[Event]:
    """Write the run folder, each file before events.jsonl speaks of it. `info` goes into every snapshot."""
    saved = -1
    for event in events:
        if not isinstance(event, Step):
            folder.check()
        if isinstance(event, Snapshot):
            save_snapshot(trainer, folder, info)
        elif isinstance(event, Checkpoint) or (isinstance(event, Measure) and event.best):
            if saved != event.step:  # both may come at one step
                save_checkpoint(trainer, folder.checkpoints)
            saved = event.step
        if isinstance(event, Measure):
            mark_best(folder.path, trainer.best)
        if isinstance(event, Step):  # too many to keep, and nothing to see
            folder.beat("running", event.step)
        elif not isinstance(event, Resumed):  # whoever went back has written that down
            folder.append(event)
        yield event


def measured(events: Iterable[Event], trainer: Trainer, ruler: Callable[[], Ruler]) -> Generator[Event]:
    """A Measure after every Snapshot. `ruler` is not asked before: making the first must not delay the start.

    The trainer's clock stands still meanwhile, and its random states stay as they are.
    """
    for event in events:
        yield event
        if isinstance(event, Snapshot):
            by = ruler()
            scores = by.measure(trainer.gan)
            # the other way round, so that a best that is no number, as older runs may have, is beaten by any
            better = isfinite(scores.frechet) and not (trainer.best and trainer.best.frechet <= scores.frechet)
            if better:
                trainer.best = Best(event.step, scores.frechet)
            yield Measure(event.step, by.n, scores, by.floor, better)


def save_snapshot(trainer: Trainer, folder: RunFolder, info: dict[str, Any]) -> None:
    step = trainer.steps_done
    changed = {"changes": written(trainer.changes[: trainer.changed])} if trainer.changed else {}
    seconds = round(trainer.seconds, 1)
    trainer.gan.save(folder.snapshots / f"{step:06d}", **info, **changed, step=step, seconds=seconds)


def stop_at(events: Iterable[Event], until: Until | None, trainer: Trainer) -> Generator[Event]:
    """End the run when its target is reached."""
    for event in events:
        yield event
        if until is not None and until.reached(event, trainer.seconds):
            return


def progress_bar(events: Iterable[Event], trainer: Trainer, until: Until | None = None) -> Generator[Event]:
    """A bar on stderr: steps, or minutes where the target is a time; time left, images/s, losses, beliefs, distance.

    Nobody knows how long "no better for N" will take, so there is no bar then, and no time left.
    """
    timed = until.seconds if isinstance(until, Seconds) else None
    total = timed or trainer.config.steps
    shape = "{percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left{postfix}"
    if isinstance(until, NoBetter):
        shape = "{elapsed} gone{postfix}"
    distance = ""
    with tqdm(
        total=total, initial=min(trainer.seconds if timed else trainer.steps_done, total), bar_format=shape
    ) as bar:
        for event in events:
            if isinstance(event, Step):
                bar.update(min(trainer.seconds if timed else event.step, total) - bar.n)
            elif isinstance(event, Report):
                bar.set_postfix_str(
                    f"step {event.step:,}  {event.images_per_second:,.0f} images/s  "
                    f"loss D {event.loss_D:.3f} G {event.loss_G:.3f}  D(x) {event.D_x:.2f} D(G(z)) {event.D_Gz:.2f}"
                    f"{distance}"
                )
            elif isinstance(event, Measure):
                distance = f"  distance {event.scores.frechet:.2f} (real {event.floor.frechet:.2f})"
            elif isinstance(event, Refused) or (isinstance(event, Advice) and event.key != "diverged"):
                say(event)  # "diverged" is said by the error that it comes before
            yield event


def say(event: Advice | Action | Refused) -> None:
    """One line on stderr, above the bar."""
    tqdm.write(f"Step {event.step:,}: {event.en}", file=sys.stderr)
