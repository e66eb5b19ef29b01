"""python -m gan_core: train, sample, interpolate, look. Bad input ends with exit code 2 and one sentence."""

import argparse
import logging
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch
from tqdm import tqdm

from gan_core.commands import calibrate, directions, doctor, export, look, measure, steer
from gan_core.commands.forecast import Forecast
from gan_core.commands.options import add_fields, given
from gan_core.config import DEFAULT_PRESET, ModelConfig, TrainConfig
from gan_core.data.memory import gib
from gan_core.errors import UserError
from gan_core.training import session
from gan_core.training.distributed import joined, launcher
from gan_core.training.folder import RunFolder, default_runs, run_folder
from gan_core.training.trainer import Trainer
from gan_core.training.until import Steps, Until, parse

USER_ERROR = 2
MEMORY_HELP = "pictures that need more than this lie in a file; default: half of what is free, or $GAN_CORE_MEMORY"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit code: 0, or 2 for something that a person can put right."""
    logging.basicConfig(format="%(message)s")
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except UserError as error:
        print(f"gan-core: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130  # as the shell says it
    except OSError as error:  # a full disk, a folder without permission
        where, why = error.filename or "the output", error.strerror or error
        print(f"gan-core: {UserError('cannot_write', where=where, why=why)}", file=sys.stderr)
        return USER_ERROR
    return 0


class _Parser(argparse.ArgumentParser):
    """One sentence on bad usage, without the page of options that argparse prints before it."""

    def error(self, message: str) -> NoReturn:
        print(f"gan-core: {message}. See `{self.prog} --help`.", file=sys.stderr)
        raise SystemExit(USER_ERROR)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gan-core", description="Train, sample and explore a DCGAN.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    look.add_commands(commands)
    export.add_commands(commands)
    directions.add_commands(commands)
    measure.add_commands(commands)
    calibrate.add_commands(commands)
    doctor.add_commands(commands)
    steer.add_commands(commands)
    return parser


def _add_train(commands: Any) -> None:
    """train, and two shorter ways to it: resume RUN, fork RUN --run NEW."""
    train = commands.add_parser("train", help="train a GAN on pictures", argument_default=argparse.SUPPRESS)
    _add_name(train)
    _add_at(train)
    begin = train.add_mutually_exclusive_group()
    begin.add_argument("--resume", action="store_true", default=False, help="go on from the newest checkpoint")
    begin.add_argument(
        "--from", dest="source", default=None, metavar="RUN[@STEP]", help="begin as a copy of a run; also RUN@best"
    )
    _add_options(train)
    resume = commands.add_parser(
        "resume", help="wake a paused run, or go on with one that ended", argument_default=argparse.SUPPRESS
    )
    resume.add_argument("run", metavar="RUN")
    _add_at(resume)
    _add_options(resume)
    resume.set_defaults(command=_resume, resume=True, source=None)
    fork = commands.add_parser(
        "fork", help="a new run that begins as a copy of another", argument_default=argparse.SUPPRESS
    )
    fork.add_argument("source", metavar="RUN[@STEP]", help="also RUN@best")
    _add_name(fork)
    _add_options(fork)
    fork.set_defaults(resume=False)


def _add_name(parser: Any) -> None:
    parser.add_argument(  # torchrun takes --run, wherever it stands, for its own --run-path
        "--run", "--name", required=True, metavar="NAME", help="the run's folder is RUNS/NAME; --name under torchrun"
    )


def _add_at(parser: Any) -> None:
    parser.add_argument(
        "--at", dest="back_to", type=int, metavar="STEP", help="resume by going back to this step, and wait there"
    )


def _add_options(parser: Any) -> None:
    parser.set_defaults(command=_train)
    parser.add_argument("--data", default=None, metavar="D", help="set name, folder, ZIP or Hub id; see `data`")
    parser.add_argument("--data-root", type=Path, default=None, help="where a named set already lies")
    steer.add_place(parser)
    parser.add_argument("--preset", default=None, help=f"default: {DEFAULT_PRESET}; see `presets`")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--until", default="", help="5000 (steps), 10m, 1h30m, or 'no better for 5'")
    target.add_argument("--minutes", type=float, default=None, help="short for --until Nm: minutes of training in all")
    parser.add_argument(
        "--conditional", action="store_true", default=False, help="give G and D the classes of the data"
    )
    parser.add_argument(
        "--doctor",
        choices=("advise", "act", "off"),
        default="advise",
        help="watch the run: say what goes wrong, or go back and take smaller steps by itself; default: advise",
    )
    parser.add_argument("--memory-limit", type=float, default=None, metavar="GIB", help=MEMORY_HELP)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; one core fewer keeps a page responsive")
    for kind in (ModelConfig, TrainConfig):
        add_fields(parser.add_argument_group(kind.__name__), kind)


@dataclass(frozen=True)
class Plan:
    """A sitting at a run, as a command asked for it."""

    folder: RunFolder
    request: session.Request
    until: Until | None
    resume: bool
    source: RunFolder | None = None  # of a fork
    at: str = ""  # the checkpoint with which a fork begins

    def begin(self, progress: session.Progress) -> Trainer:
        """Read the pictures, and stand where the first step is to be played. Raises as `session` does."""
        if self.source:
            return session.fork(self.folder, self.request, self.source, self.at, progress)
        return (session.resume if self.resume else session.start)(self.folder, self.request, progress)


def plan(arguments: Sequence[str]) -> Plan:
    """What a command that trains asks for, for whoever plays it otherwise than `main`. Raises UserError."""
    return _plan(_parser().parse_args(arguments))


def _plan(options: argparse.Namespace) -> Plan:
    model, train = given(options, ModelConfig), given(options, TrainConfig)
    folder = run_folder(options.runs, options.run)
    if launcher() and folder.config.get("launcher") == launcher():  # torchrun repeats the command of a run it began
        options.resume, options.source, options.back_to = True, None, None
    phrase = f"{options.minutes}m" if options.minutes is not None else options.until
    name, _, at = (options.source or "").partition("@")
    source = None if options.source is None else run_folder(options.runs, name)
    before = ""
    if begun := folder if options.resume else source:
        _refuse_changes(options, begun.config)
        before = begun.config.get("until", "")
        if "steps" not in train:
            phrase = phrase or before  # a run on the clock stays on it
    until = parse(phrase) if phrase else None
    if isinstance(until, Steps):
        train["steps"], until, phrase = until.steps, None, ""
    elif until is not None and phrase != before:
        train.setdefault("steps", 10**9)  # the clock decides
    request = session.Request(
        data=options.data,
        preset=options.preset or DEFAULT_PRESET,
        model=model,
        train=train,
        device=options.device,
        data_root=options.data_root,
        conditional=options.conditional,
        until=phrase,
        at=getattr(options, "back_to", None),
        memory=None if options.memory_limit is None else gib(options.memory_limit, "memory-limit"),
        command=shlex.join(["python", "-m", "gan_core", *sys.argv[1:]]),
    )
    return Plan(folder, request, until, options.resume, source, at)


def _train(options: argparse.Namespace) -> None:
    asked = _plan(options)
    look.use_threads(options.threads)
    with joined(torch.cuda.is_available() and options.device in ("auto", "cuda")) as ranks:
        asked = replace(asked, request=replace(asked.request, ranks=ranks))
        if ranks.first:
            _lead(options, asked)
        else:
            with _gentle():  # rank 0 decides when to stop
                session.follow(asked.request)


def _lead(options: argparse.Namespace, asked: Plan) -> None:
    """Play as the one that writes, listens and decides."""
    folder = asked.folder
    with (
        _gentle() as stopping,
        session.opened(folder, not asked.resume, asked.request.ranks),
        tqdm(unit="picture", delay=1) as bar,
    ):
        forecast = Forecast(partial(bar.write, file=sys.stderr))

        def progress(done: int, total: int, what: str) -> None:
            forecast(done, total, what)
            bar.total = total
            bar.set_description_str(what, refresh=False)
            bar.update(done - bar.n)
            folder.beat("preparing", 0)
            if stopping():
                raise KeyboardInterrupt

        trainer = asked.begin(progress)
        bar.close()
        ended = session.play(trainer, folder, asked.until, stopping, options.doctor, asked.request.at)
    elsewhere = [] if options.runs == default_runs() else ["--runs", str(options.runs)]
    where = f"{folder.path} (snapshot {trainer.steps_done:06d})"
    if ended == "discarded":
        print(f"Discarded {folder.name} at step {trainer.steps_done:,}: its folder {folder.path} is gone.")
    elif ended == "finished":
        print(f"Finished at step {trainer.steps_done:,}. The weights are in {where}.")
    else:
        go_on = shlex.join(["python", "-m", "gan_core", "train", "--run", folder.name, *elsewhere, "--resume"])
        print(f"Stopped at step {trainer.steps_done:,}; everything is saved in {where}. To go on: {go_on}")


def _resume(options: argparse.Namespace) -> None:
    folder = run_folder(options.runs, options.run)
    if not steer.wake(folder, getattr(options, "back_to", None)):
        _train(options)


def _refuse_changes(options: argparse.Namespace, config: dict[str, Any]) -> None:
    """Raises UserError for a choice that was made for good when the run began."""
    started, how = config.get("preset"), "resume_model" if options.resume else "fork_model"
    if config and options.preset not in (None, started):
        raise UserError(how, field="preset", got=options.preset, wanted=started)
    if config and options.conditional and not config.get("model", {}).get("num_classes"):
        raise UserError(how, field="conditional", got="true", wanted="false")


@contextmanager
def _gentle() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM only ask: the step in hand is finished and saved. A second Ctrl-C means now."""
    asked = False

    def ask(signum: int, frame: object) -> None:
        nonlocal asked
        if asked and signum == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
