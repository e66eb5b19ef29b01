"""The commands that look after runs through their folders, whoever plays them and wherever: runs, pause, stop."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gan_core.errors import UserError
from gan_core.training.control import Wish
from gan_core.training.folder import RunFolder, default_runs, list_runs, run_folder, standing


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
        parser = commands.add_parser(wish, help=meaning)
        parser.set_defaults(command=_asking(wish))
        parser.add_argument("run", metavar="RUN")
        add_place(parser)


def add_place(parser: Any) -> None:
    parser.add_argument("--runs", type=Path, default=default_runs(), help="default: ./runs, or $GAN_CORE_RUNS")


def wake(folder: RunFolder) -> bool:
    """Ask a run that is paused to play on. False if nobody plays it."""
    status = folder.status
    if status is None or not status.alive:
        return False
    folder.ask("run")
    return True


def _asking(wish: Wish) -> Callable[[Namespace], None]:
    def ask(options: Namespace) -> None:
        folder = run_folder(options.runs, options.run)
        status = folder.status
        if status is None:
            raise UserError("no_such_run", name=folder.name, where=options.runs)
        if not status.alive:
            raise UserError("run_idle", name=folder.name, state=standing(folder), step=f"{status.step:,}")
        folder.ask(wish)
        print(f"Asked {folder.name} to {wish}; it does so after the step in hand.")

    return ask


def _runs(options: Namespace) -> None:
    rows = [_row(folder) for folder in list_runs(options.runs)]
    if options.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        print(f"No runs in {options.runs}. Start one: python -m gan_core train --data fashion-mini --run first")
    for row in rows:
        best = "" if row["best"] is None else f"best {row['best']:.2f} at {row['best_step']:,}"
        print(f"{row['name']:24} {row['state']:10} step {row['step']:>9,}  {row['preset']:14} {row['data']:20} {best}")


def _row(folder: RunFolder) -> dict[str, Any]:
    config, status = folder.config, folder.status
    best = min(
        (event for event in folder.history() if event["event"] == "measure"),
        key=lambda event: float(event["scores"]["frechet"]),
        default=None,
    )
    return {
        "name": folder.name,
        "state": standing(folder),
        "step": status.step if status else 0,
        "preset": config.get("preset", ""),
        "data": config.get("data", {}).get("name", ""),
        "best": best and best["scores"]["frechet"],
        "best_step": best and best["step"],
    }
