"""What a training run tells the world. Plain data: no tensors, no devices, safe to log, keep or draw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

from PIL import Image

from gan_core.metrics.scores import Scores

Who = Literal["D", "G", "both"]  # "both": a whole round


@dataclass(frozen=True)
class Step:
    """One round has been played, and all that was due at this step is told: here the run may be stopped or steered."""

    step: int


@dataclass(frozen=True)
class Report:
    """How the game stands, averaged since the last report."""

    step: int
    steps: int  # of how many
    seconds: float  # of training so far; the clock stops in pause
    images_per_second: float
    loss_D: float
    loss_G: float
    D_x: float  # D's belief that real images are real; 0.5 = D is guessing
    D_Gz: float  # D's belief that fakes are real
    grad_D: float  # length of the gradient of D's loss, over all its weights
    grad_G: float  # the same of G: what D lets through to it
    sure: float  # how often D ranks a real picture above a fake of its batch; 0.5 = never knows, 1 = always


@dataclass(frozen=True)
class Sample:
    """What G_ema paints from the same 64 latents each time (8 x 8, no gaps), so that progress can be seen."""

    step: int
    image: Image.Image


@dataclass(frozen=True)
class Snapshot:
    """G_ema is worth keeping at this step; whoever listens reads it from the trainer now, before the next step."""

    step: int


@dataclass(frozen=True)
class Checkpoint:
    """Everything needed to go on is worth keeping at this step."""

    step: int


@dataclass(frozen=True)
class Vitals:
    """How the players look from outside, by 256 pictures of each kind at most, in the features of this data set.

    Lengths and distances in feature space are in those of real pictures: 1 = as among real ones.
    """

    step: int
    spread: float  # how far G's pictures lie from their mean
    apart: float  # how far each lies from its nearest neighbour: the median
    twins: float  # share of them whose neighbour is nearer than that of 95 in 100 real pictures
    off: float  # from the mean of G's features to that of real pictures
    moved: float  # from the mean of G's features at the last look to that at this one
    missing: int | None  # classes seen in real pictures and not in G's; None where none are known
    classes: int | None  # of how many
    strangers: int  # held-out pictures that D was shown
    knows: float | None  # how often D ranks a picture it learns from above a stranger; 0.5 = no difference
    passes: float | None  # how often D ranks a stranger above a fake; 0.5 = takes it for one
    logits: float  # the largest of D's, either sign
    weights_G: float  # the length of all weights
    weights_D: float
    seconds: float  # that looking took

    @property
    def sane(self) -> bool:
        """Are they numbers? Weights that have just overflowed make none."""
        return isfinite(self.spread + self.off + self.moved + self.logits + self.weights_G + self.weights_D)


@dataclass(frozen=True)
class Advice:
    """What is seen, why it happens and what to change, in one sentence."""

    step: int
    key: str
    en: str
    zh: str
    cure: dict[str, Any] = field(default_factory=dict)  # the settings to change, by name
    sound: int = 0  # the last step at which nothing was wrong


@dataclass(frozen=True)
class Action:
    """What the doctor did by itself, and why, in one sentence. It comes after the Resumed of a way back."""

    step: int  # where the run stands now
    seen: int  # the step at which it acted
    key: str  # of the advice that it followed
    did: Literal["back", "stop"]
    lr_D: float  # as they are from now on
    lr_G: float
    en: str
    zh: str


@dataclass(frozen=True)
class Resumed:
    """The run goes on from this step: what was told of later steps no longer holds."""

    step: int
    passed_over: tuple[str, ...] = ()  # newer checkpoints, which were damaged
    to: int | None = None  # a person went back to this step: the run is played again up to it, and pauses there


@dataclass(frozen=True)
class Changed:
    """A person set something else while the run played. It holds from the next step on."""

    step: int
    was: Mapping[str, Any]  # fields of TrainConfig
    now: Mapping[str, Any]
    order: int = 0  # the number of the order that it answers; 0: of none, it is repeated as it was written down


@dataclass(frozen=True)
class Moved:
    """One move by hand, or one round in slow motion, seen from close: a few pictures of its batch before the move."""

    step: int
    who: Who
    slow: bool
    sprite: Image.Image  # 3 rows: x, G(z), and dD/dx at G(z), in which grey means that D would leave it as it is
    pictures: int  # in a row
    size: int  # pixels a side
    z: list[list[float]]  # the first numbers of each latent
    D_x: list[float]  # beliefs, or raw scores where the game knows no beliefs
    D_Gz: list[float]
    logits_x: list[float]
    logits_Gz: list[float]
    loss_D: float
    loss_G: float
    grad_D: float  # lengths of the gradients
    grad_G: float
    layers_D: list[tuple[str, float]]  # the same, layer by layer
    layers_G: list[tuple[str, float]]
    shift_D: float  # how far the weights moved: exactly 0 for a player that did not
    shift_G: float
    order: int = 0  # as in Changed; 0: in slow motion


@dataclass(frozen=True)
class Refused:
    """What a person asked for cannot be done, and why. Nothing has changed."""

    step: int
    en: str
    zh: str
    order: int = 0  # as in Changed


@dataclass(frozen=True)
class Parent:
    """The run began as a copy of another at this step. The first event of such a run; config.json says the same."""

    step: int
    run: str
    path: str


@dataclass(frozen=True)
class Forked:
    """Another run began as a copy of this one at this step."""

    step: int
    into: str


@dataclass(frozen=True)
class Measure:
    """How good G_ema's samples are beside real pictures. Chooses the best snapshot, and drives "no better for N"."""

    step: int
    n: int  # samples
    scores: Scores
    floor: Scores  # real pictures beside real pictures
    best: bool  # is this the smallest Frechet distance so far?


Event = (
    Step | Report | Sample | Snapshot | Checkpoint | Vitals | Advice | Action | Resumed | Parent | Forked | Measure
    | Changed | Moved | Refused
)  # fmt: skip
