"""What was changed by hand while a run played: config.json keeps the list, so that whoever resumes repeats it exactly.

    "changes": [{"step": 400, "train": {"lr_D": 0.0001}}, {"step": 450, "move": "D"}]

Each was done when `step` rounds had been played, before the next one. "train" beside it stays what the run began with.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from gan_core.config import LIVE, TrainConfig
from gan_core.errors import UserError, unknown


@dataclass(frozen=True)
class Change:
    """Other settings from the next step on, or one move of a single player."""

    step: int
    train: dict[str, Any] = field(default_factory=dict)
    move: Literal["D", "G"] | None = None


def read_changes(config: dict[str, Any]) -> list[Change]:
    """Those that config.json of a run tells. Raises TypeError, ValueError or KeyError for what are none."""
    return [
        Change(int(line["step"]), train=_tuples(line.get("train", {})), move=_player(line.get("move")))
        for line in config.get("changes", [])
    ]


def written(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """As config.json holds them."""
    return [
        {"step": change.step} | ({"move": change.move} if change.move else {"train": change.train})
        for change in changes
    ]


def settings(began: TrainConfig, changes: Iterable[Change]) -> TrainConfig:
    """What holds after these changes."""
    for change in changes:
        began = replace(began, **change.train)
    return began


def without(changes: Iterable[Change], fields: Collection[str]) -> list[Change]:
    """The same, silent on these settings. None is left out: checkpoints count them."""
    return [
        replace(change, train={name: value for name, value in change.train.items() if name not in fields})
        for change in changes
    ]


def live(config: TrainConfig, wanted: object) -> dict[str, Any]:
    """What of `wanted`, as JSON gave it, differs from `config`. Raises UserError for what cannot be set on the way."""
    if not isinstance(wanted, dict):
        raise UserError("config_type", field="train", got=repr(wanted), wanted="{...}")
    for name in wanted:
        if name not in LIVE:
            raise unknown("live setting", str(name), LIVE)
    given = _tuples(wanted)
    replace(config, **given)  # says what is wrong with it
    return {name: value for name, value in given.items() if value != getattr(config, name)}


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {str(name): tuple(v) if isinstance(v, list) else v for name, v in values.items()}


def _player(name: object) -> Literal["D", "G"] | None:
    if name not in ("D", "G", None):
        raise ValueError(f"{name!r} is no player")
    return name
