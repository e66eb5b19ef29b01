"""What a training run tells the world. Plain data: no tensors, no devices, safe to log, keep or draw."""

from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class Step:
    """One round has been played. Comes after every round: it is where a listener may stop or pause the run."""

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
class Advice:
    """What is seen, why it happens and what to change, in one sentence."""

    step: int
    key: str
    en: str
    zh: str


@dataclass(frozen=True)
class Resumed:
    """The run goes on from this step: what was told of later steps no longer holds."""

    step: int
    passed_over: tuple[str, ...] = ()  # newer checkpoints, which were damaged


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
    """How good the samples are by one number, less is better. Drives "no better for N"; metrics come to yield it."""

    step: int
    name: str
    value: float
    floor: float  # the same measure between real pictures and real pictures


Event = Step | Report | Sample | Snapshot | Checkpoint | Advice | Resumed | Parent | Forked | Measure
