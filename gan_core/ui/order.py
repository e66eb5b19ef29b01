"""What a person asks for on the page, before anything is started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan_core.config import DEFAULT_PRESET, preset
from gan_core.training.until import parse
from gan_core.ui.text import PageError


@dataclass(frozen=True)
class Order:
    """What a person asks for on the page. Fields left out of `model` and `train` follow preset and data."""

    data: str = ""  # a set's name or a Hub id; "" where there are uploads
    uploads: tuple[Path, ...] = ()  # one ZIP, or pictures
    preset: str = DEFAULT_PRESET
    until: str = ""  # "5000", "10m"
    name: str = ""  # "": the next free one
    conditional: bool = False
    model: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raises UserError for what can be known to fail before a process is started."""
        preset(self.preset).configs(dict(self.model), dict(self.train))
        if self.until:
            parse(self.until)
        if not self.data and not self.uploads:
            raise PageError("train_no_data")
        if len(self.uploads) > 1 and any(path.suffix.lower() == ".zip" for path in self.uploads):
            raise PageError("train_one_zip")

    @property
    def title(self) -> str:
        """What a run on this data is called, before its number."""
        if not self.uploads:
            return self.data.rsplit("/", 1)[-1].split(":")[0]
        return self.uploads[0].stem if len(self.uploads) == 1 else "pictures"

    def options(self, data: str) -> list[str]:
        made = [f"--data={data}", f"--preset={self.preset}"]
        made += [f"--until={self.until}"] if self.until else []
        made += ["--conditional"] if self.conditional else []
        return made + options_of(self.model) + options_of(self.train)


def options_of(values: Mapping[str, Any]) -> list[str]:
    """Fields of a config as the command line spells them: `lr_D` is --lr-d."""
    made: list[str] = []
    for name, value in values.items():
        flag = name.replace("_", "-").lower()
        if isinstance(value, bool):
            made.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, tuple):
            made += [f"--{flag}", *map(str, value)]
        else:
            made.append(f"--{flag}={value}")
    return made
