"""The command doctor: read a run after the fact, or prove the doctor on runs whose illness is known."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from gan_core.config import ModelConfig, TrainConfig, from_dict
from gan_core.errors import UserError
from gan_core.training.doctor import Doctor, told
from gan_core.training.events import Measure, Vitals
from gan_core.training.folder import RunFolder, default_runs, run_folder
from gan_core.words import ADVICE


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    parser = commands.add_parser("doctor", help="what was wrong with a run, and when; --prove tries the doctor itself")
    parser.set_defaults(command=_doctor)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("run", nargs="?", metavar="RUN", help="a run's name, or its folder")
    what.add_argument("--prove", action="store_true", help="healthy and sick runs: hits, misses, false alarms")
    parser.add_argument("--runs", type=Path, default=None, help="default: ./runs, or $GAN_CORE_RUNS")
    parser.add_argument("--quick", action="store_true", help="of --prove: a few of them, in under three minutes")
    parser.add_argument("--processes", type=int, default=2, help="of --prove: at a time, one thread each; default: 2")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="of --prove: write the rows there, too")


def _doctor(options: Namespace) -> None:
    if options.prove:
        from gan_core.bench.proof import prove

        prove(options.quick, options.processes, options.json)
    else:
        for line in findings(_find(options.run, options.runs)):
            print(line)


def findings(run: RunFolder) -> list[str]:
    """What a doctor would have said of the run, each with its step, and what one did; one sentence if all is well.

    Reads events.jsonl and config.json alone. Raises UserError if there is no such run, or config.json is no run's.
    """
    config, history = run.config, run.history()
    if not config:
        raise UserError("no_such_run", name=run.name, where=run.path.parent)
    try:
        model, train = from_dict(ModelConfig, config["model"]), from_dict(TrainConfig, config["train"])
    except KeyError as error:
        raise UserError("weights_config", where=run.path / "config.json", why=f"it has no {error}.") from None
    doctor, events = Doctor(model, train), list(told(history))
    said = [(advice.step, advice.en) for event in events for advice in doctor.hear(event)]
    # what no replay can find: numbers that are none are not kept, and deeds are not repeated
    noted = (line for line in history if line["event"] == "action" or line.get("key") == "diverged")
    said += [(line["step"], line["en"]) for line in noted]
    if said:
        return [f"Step {step:,}: {sentence}" for step, sentence in sorted(said, key=lambda found: found[0])]
    looks = sum(isinstance(event, Vitals) for event in events)
    reports = sum(not isinstance(event, Vitals | Measure) for event in events)
    return [ADVICE["healthy"][0].format(reports=reports, looks=looks)]


def _find(name: str, runs: Path | None) -> RunFolder:
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return RunFolder(path)
    return run_folder(runs or default_runs(), name)
