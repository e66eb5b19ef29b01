"""The commands that look after runs through their folders, whoever plays them and wherever: runs, pause, step, back."""

import json
import time
from argparse import SUPPRESS, Namespace
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

from gan_core.commands.options import add_fields, given
from gan_core.config import LIVE, TrainConfig
from gan_core.errors import UserError, unknown
from gan_core.training.control import PACE, QUICKEST, SLOWEST, Do, Wish
from gan_core.training.folder import RunFolder, default_runs, list_runs, parsed, run_folder, standing
from gan_core.training.pulse import alive_among, alive_now

WAIT = 10.0  # seconds for an order to be done: one step of a large network may take as long


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    runs = commands.add_parser("runs", help="every run: how it stands, its step, its best measure")
    runs.set_defaults(command=_runs)
    runs.add_argument("--json", action="store_true", help="as JSON")
    add_place(runs)
    wishes: dict[Wish, str] = {
        "pause": "let a run wait; `resume` wakes it",
        "stop": "end a run; everything is saved",
    }
    for wish, meaning in wishes.items():
        parser = _add(commands, wish, meaning, _asking(wish))
        if wish == "stop":
            parser.add_argument("--discard", action="store_true", help="save nothing, and take the run folder away")
    step = _add(commands, "step", "one move of D or of G by hand, or one whole round; the run pauses for it", _step)
    step.add_argument("who", metavar="D|G|both")
    slow = _add(commands, "slow", "slow motion: one round, a wait, the next; `resume` ends it", _slow)
    slow.add_argument("--pace", type=float, default=PACE, help=f"seconds between two rounds; default: {PACE:g}")
    change = _add(commands, "set", "change settings from the next step on", _set, argument_default=SUPPRESS)
    add_fields(change, TrainConfig, LIVE)
    back = _add(commands, "back", "go back to a step, and wait there: what came after is forgotten", _back)
    back.add_argument("step", type=int, metavar="STEP")


def _add(commands: Any, name: str, meaning: str, command: Callable[[Namespace], None], **more: Any) -> Any:
    parser = commands.add_parser(name, help=meaning, **more)
    parser.set_defaults(command=command)
    parser.add_argument("run", metavar="RUN")
    add_place(parser)
    return parser


def add_place(parser: Any) -> None:
    parser.add_argument("--runs", type=Path, default=default_runs(), help="default: ./runs, or $GAN_CORE_RUNS")


def wake(folder: RunFolder, at: int | None = None) -> bool:
    """Ask a run that is paused to play on, or to go back to step `at`. False if nobody plays it."""
    if not alive_now(folder):
        return False
    if at is None:
        folder.ask("run")
        print(f"{folder.name} plays on.")
    else:
        print(_gone_back(folder, at))
    return True


def _asking(wish: Wish) -> Callable[[Namespace], None]:
    def ask(options: Namespace) -> None:
        folder, asked = _played(options), wish
        if getattr(options, "discard", False):
            asked = "discard"
        folder.ask(asked)
        print(f"Asked {folder.name} to {asked}; it does so after the step in hand.")

    return ask


def _step(options: Namespace) -> None:
    if options.who not in ("D", "G", "both"):
        raise unknown("player", options.who, ("D", "G", "both"))
    folder = _played(options)
    for event in _ordered(folder, "move", who=options.who):
        if event["event"] == "moved":
            who = {"D": "D moved", "G": "G moved", "both": "One round was played"}[event["who"]]
            print(
                f"{who} at step {event['step']:,} of {folder.name}, which is paused: the weights of D moved by "
                f"{event['shift_D']:.3g}, those of G by {event['shift_G']:.3g}."
            )


def _slow(options: Namespace) -> None:
    if not QUICKEST <= options.pace <= SLOWEST:
        raise UserError("out_of_range", field="pace", got=options.pace, low=QUICKEST, high=SLOWEST)
    folder = _played(options)
    folder.ask("slow", options.pace)
    print(f"{folder.name} plays a round every {options.pace:g} seconds. `resume {folder.name}` ends that.")


def _set(options: Namespace) -> None:
    train = given(options, TrainConfig)
    if not train:
        raise UserError("nothing_set", known=", ".join("--" + name.replace("_", "-").lower() for name in LIVE))
    folder = _played(options)
    changed = [event for event in _ordered(folder, "set", train=train) if event["event"] == "changed"]
    for event in changed:
        what = ", ".join(f"{name} {event['was'][name]} -> {now}" for name, now in event["now"].items())
        print(f"From step {event['step'] + 1:,} of {folder.name} on: {what}.")
    if not changed:
        print(f"{folder.name} has been set so already.")


def _back(options: Namespace) -> None:
    folder = run_folder(options.runs, options.run)
    if folder.config and not alive_now(folder):
        raise UserError("back_idle", name=folder.name, step=options.step)
    print(_gone_back(_played(options), options.step))


def _gone_back(folder: RunFolder, step: int) -> str:
    for event in _ordered(folder, "back", step=step):
        if event["event"] == "resumed" and event.get("to") == step:
            return (
                f"{folder.name} is back at step {event['step']:,}; it is played again up to {step:,}, and waits there."
            )
    return f"{folder.name} stands at step {step:,}, and is paused."


def _played(options: Namespace) -> RunFolder:
    """The run named. Raises UserError if nobody plays it."""
    folder = run_folder(options.runs, options.run)
    status = folder.status
    if status is None:
        raise UserError("no_such_run", name=folder.name, where=options.runs)
    if not alive_now(folder):
        raise UserError("run_idle", name=folder.name, state=standing(folder, False), step=f"{status.step:,}")
    return folder


def _ordered(folder: RunFolder, do: Do, **values: Any) -> list[dict[str, Any]]:
    """Have it done. Returns what was told meanwhile, answers to others left out. Raises UserError if it is refused."""
    before = folder.events.stat().st_size if folder.events.exists() else 0
    n, deadline = folder.order(do, **values), time.monotonic() + WAIT
    while (status := folder.status) is None or status.served < n:
        if status and not status.active:  # it has ended meanwhile
            raise UserError("run_idle", name=folder.name, state=status.state, step=f"{status.step:,}")
        if time.monotonic() > deadline:
            raise UserError("order_waits", name=folder.name, seconds=f"{WAIT:g}")
        time.sleep(0.05)
    with folder.events.open("rb") as log:
        log.seek(before)
        told = [event for event in parsed(log.read()) if event.get("order", n) == n]
    for event in told:
        if event["event"] == "refused":
            raise UserError("order_refused", name=folder.name, why=event["en"])
    return told


def _runs(options: Namespace) -> None:
    folders = list_runs(options.runs)
    alive = alive_among(folders)
    rows = [_row(folder, folder.path in alive) for folder in folders]
    if options.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        print(f"No runs in {options.runs}. Start one: python -m gan_core train --data fashion-mini --run first")
    for row in rows:
        best = "" if row["best"] is None else f"best {row['best']:.2f} at {row['best_step']:,}"
        print(f"{row['name']:24} {row['state']:10} step {row['step']:>9,}  {row['preset']:14} {row['data']:20} {best}")


def _row(folder: RunFolder, alive: bool) -> dict[str, Any]:
    config, status = folder.config, folder.status
    best = min(
        (event for event in folder.history() if event["event"] == "measure" and isfinite(event["scores"]["frechet"])),
        key=lambda event: float(event["scores"]["frechet"]),
        default=None,
    )
    return {
        "name": folder.name,
        "state": standing(folder, alive),
        "step": status.step if status else 0,
        "preset": config.get("preset", ""),
        "data": config.get("data", {}).get("name", ""),
        "best": best and best["scores"]["frechet"],
        "best_step": best and best["step"],
    }
