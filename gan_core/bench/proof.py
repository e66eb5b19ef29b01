"""The doctor on trial: runs whose illness is known beforehand, healthy ones among them. `doctor --prove` prints it.

The thresholds in `training/doctor.py` were chosen on other seeds (101, 202 and 404) than these, and by reasons, not
fitted to this table. Every run is small and its seed fixed; where a processor rounds otherwise, a step may differ.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from math import pi
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from gan_core.config import preset
from gan_core.data import Images, load_images
from gan_core.errors import UserError
from gan_core.files import write_text
from gan_core.gan import GAN
from gan_core.metrics import FeatureNet, Ruler, features_for
from gan_core.training.doctor import COLLAPSED_SPREAD, COLLAPSED_TWINS, SOUND_SPREAD, SOUND_TWINS, Doctor, advised
from gan_core.training.events import Advice, Event, Step, Vitals
from gan_core.training.listeners import measured
from gan_core.training.trainer import Trainer
from gan_core.training.vitals import Watch, nearest, spread, watch

REPORTS = 24  # in each run, each with a look
MEASURES = 10  # in each run, of so many samples:
SAMPLES = 512
WIDTH = 16  # ngf and ndf
COLLAPSED = ("collapse", "collapse_classes")  # two names of one illness
VANISHED = ("saturated", "vanishing")


@dataclass(frozen=True)
class Case:
    """One run: what it learns from, how it is played, and what is to be found."""

    name: str
    data: str  # fashion, fruits or shapes; with :n, only n of its pictures
    wanted: tuple[str, ...] = ()  # any of these, and nothing else; () = healthy
    preset: str = "dcgan2015"
    model: Any = None
    train: Any = None
    later: Any = None  # what changes in `train` half-way
    steps: int = 1200
    seed: int = 1
    quick: bool = False  # is it among the few?


@dataclass(frozen=True)
class Outcome:
    """What was said of a case, beside what had become of its sheet."""

    name: str
    wanted: str
    said: tuple[str, ...]  # key@step
    alarm: int | None  # the step of the first right one
    broken: int | None  # the step from which G_ema's pictures are no longer sound; None: they stay so
    ever_sound: bool
    steps: int
    spread: float  # of G_ema's pictures at the end, beside real ones
    twins: float

    @property
    def verdict(self) -> str:
        keys = {said.partition("@")[0] for said in self.said}
        wanted = set(self.wanted.split(" or ")) if self.wanted else set()
        if keys - wanted:
            return "false alarm"
        if wanted and not keys:
            return "miss"
        if self.alarm is not None and self.broken is not None and self.alarm > self.broken:
            return "late"
        return "hit" if wanted else "quiet"


NO_NORM = {"norm_D": "none"}
STRONG_D = {"loss": "minimax", "lr_D": 1e-3, "d_moves": 3}
G_FLEES = {"lr_G": 2e-3, "lr_D": 2e-5}
OVER, RUNAWAY, CIRCLES, END = ("overfitting",), ("diverging", "diverged"), ("oscillating",), ("no_better",)

CASES = (
    Case("healthy, dcgan2015", "fashion", seed=11, quick=True),
    Case("healthy, lsgan", "fashion", preset="lsgan", seed=12),
    Case("healthy, modern", "fashion", preset="modern", seed=13),
    Case("healthy, hinge, spectral norm", "fashion", model={"norm_D": "spectral"}, train={"loss": "hinge"}, seed=14),
    Case("healthy, wgan-gp", "fashion", preset="wgan-gp", seed=15, steps=400),
    Case("healthy, dcgan2015", "fruits", seed=16),
    Case("healthy, lsgan", "fruits", preset="lsgan", seed=17),
    Case("healthy, modern", "fruits", preset="modern", seed=18),
    Case("healthy, wgan-gp", "fruits", preset="wgan-gp", seed=19, steps=400),
    Case("healthy, dcgan2015", "shapes", seed=20),
    Case("healthy, hinge, spectral norm", "shapes", model={"norm_D": "spectral"}, train={"loss": "hinge"}, seed=21,
         quick=True),
    Case("healthy, modern", "shapes", preset="modern", seed=22),
    Case("minimax, strong D", "fashion", VANISHED, train=STRONG_D | {"lr_G": 5e-5}, steps=300, seed=31),
    Case("minimax, strong D", "shapes", VANISHED, train=STRONG_D, steps=300, seed=32, quick=True),
    Case("minimax, strong D", "fruits", VANISHED, train=STRONG_D | {"d_moves": 5}, steps=300, seed=33),
    Case("100 pictures, wide D", "fashion:100", OVER, model={"ndf": 64}, steps=800, seed=34),
    Case("120 pictures, wide D", "fruits:120", OVER, model={"ndf": 64}, train={"held_out": 0.2}, seed=35),
    Case("60 pictures", "shapes:60", OVER, steps=1000, seed=36, quick=True),
    Case("wgan, D unbounded", "shapes", RUNAWAY, model=NO_NORM, train={"loss": "wgan", "lr_D": 1e-3, "lr_G": 1e-3},
         steps=600, seed=37, quick=True),
    Case("wgan, D unbounded", "fashion", RUNAWAY, model=NO_NORM, train={"loss": "wgan"}, steps=600, seed=38),
    Case("lsgan, lr 0.05, no norm", "fruits", RUNAWAY, model=NO_NORM,
         train={"loss": "lsgan", "lr_D": 0.05, "lr_G": 0.05}, steps=400, seed=39),
    Case("D hardly learns, G fast", "fashion", COLLAPSED, model=NO_NORM | {"ndf": 4},
         train={"lr_D": 2e-5, "lr_G": 1e-3}, steps=800, seed=40, quick=True),
    Case("half-way G 10 times faster, D slower", "fruits", COLLAPSED, later=G_FLEES, steps=1200, seed=41),
    Case("half-way G 10 times faster, D slower", "shapes", COLLAPSED, later=G_FLEES, steps=1200, seed=48),
    Case("one picture for each class", "fashion", COLLAPSED, model={"num_classes": 10}, steps=1600, seed=42),
    Case("G fast, no norm in D", "shapes", CIRCLES, model=NO_NORM, train={"lr_G": 4e-3}, steps=800, seed=43),
    Case("lsgan, betas 0.9, no norm", "shapes", CIRCLES, model=NO_NORM,
         train={"loss": "lsgan", "betas": (0.9, 0.999), "lr_D": 1e-3, "lr_G": 1e-3}, steps=800, seed=44),
    Case("lsgan, G fast, no norm", "fruits", CIRCLES, model=NO_NORM, train={"loss": "lsgan", "lr_G": 1e-3},
         steps=800, seed=45),
    Case("learning rates 0", "fashion", END, train={"lr_D": 0.0, "lr_G": 0.0}, steps=300, seed=46, quick=True),
    Case("learning rate of G 0", "fruits", END, train={"lr_G": 0.0}, steps=300, seed=47),
)  # fmt: skip


def prove(quick: bool = False, processes: int = 2, json_file: Path | None = None) -> list[Outcome]:
    """Run the cases, print the table, and count hits, misses and false alarms."""
    cases = [case for case in CASES if case.quick or not quick]
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(processes, get_context("spawn"), _one_thread) as pool:
        print(row("what is done", "data", "wanted", "said", "sheet breaks", "G_ema at the end", "verdict"))
        print(row(*["---"] * 7))
        for case, outcome in zip(cases, tqdm(pool.map(examine, cases), total=len(cases)), strict=True):
            outcomes.append(outcome)
            tqdm.write(_told(case, outcome))
    print(tally(outcomes))
    if json_file:
        rows = [asdict(outcome) | {"verdict": outcome.verdict} for outcome in outcomes]
        write_text(json_file, json.dumps(rows, indent=2) + "\n")
    return outcomes


def examine(case: Case) -> Outcome:
    """Play one case to its end, with a doctor beside it who only talks."""
    images = pictures(case.data)
    size = {"nc": images.pixels.shape[1], "image_size": images.pixels.shape[2], "ngf": WIDTH, "ndf": WIDTH, "nz": 32}
    configs = preset(case.preset).configs(
        size | (case.model or {}),
        {"batch_size": 32, "precision": "float32", "steps": case.steps, "seed": case.seed}
        | {"report_every": max(1, case.steps // REPORTS), "snapshot_every": max(1, case.steps // MEASURES)}
        | {"sample_every": 10**9, "checkpoint_every": 10**9}
        | (case.train or {}),
    )
    torch.manual_seed(case.seed)
    trainer = Trainer(GAN(configs.model), images, configs.train)
    net = _net(case.data)
    sheet, ruler = Sheet(trainer, net), Ruler(images, net, SAMPLES)
    said: list[str] = []
    for event in _events(trainer, ruler, Doctor(configs.model, configs.train), case.later):
        if isinstance(event, Vitals):
            sheet.look(event.step)
        elif isinstance(event, Advice):
            said.append(f"{event.key}@{event.step}")
    right = [int(key.partition("@")[2]) for key in said if key.partition("@")[0] in case.wanted]
    return Outcome(
        case.name, " or ".join(case.wanted), tuple(said), min(right, default=None), sheet.broken, sheet.ever_sound,
        case.steps, sheet.spread, sheet.twins,
    )  # fmt: skip


def _events(trainer: Trainer, ruler: Ruler, doctor: Doctor, later: Any) -> Iterator[Event]:
    played = _spoiled(trainer, later) if later else trainer.run()
    watched = watch(played, trainer, lambda: ruler.net, share=float("inf"), begin=0.0)
    try:
        yield from advised(measured(watched, trainer, lambda: ruler), doctor)
    except UserError as error:
        if error.key != "diverged":
            raise


def _spoiled(trainer: Trainer, later: dict[str, Any]) -> Iterator[Event]:
    """The run, whose learning rates change half-way, as if somebody had gone on with others."""
    for event in trainer.run():
        if isinstance(event, Step) and event.step == trainer.config.steps // 2:
            trainer.relearn(replace(trainer.config, **later))
        yield event


class Sheet:
    """Whether what people see, the pictures of G_ema, is sound, and since when not."""

    def __init__(self, trainer: Trainer, net: FeatureNet) -> None:
        self.trainer, self.watch = trainer, Watch(trainer, net)
        self.ever_sound = False
        self.broken: int | None = None
        self.spread = self.twins = 0.0

    def look(self, step: int) -> None:
        features = self._features()
        self.spread = float(spread(features) / spread(self.watch.real))
        self.twins = float((nearest(features) < self.watch.twin).float().mean())
        if self.spread > SOUND_SPREAD and self.twins < SOUND_TWINS:
            self.ever_sound, self.broken = True, None
        elif self.ever_sound and (self.spread < COLLAPSED_SPREAD or self.twins > COLLAPSED_TWINS):
            self.broken = self.broken or step

    @torch.no_grad()
    def _features(self) -> Tensor:
        self.trainer.calibrate()
        watch = self.watch
        return torch.cat([watch.net(self.trainer.gan(z, y)) for z, y in watch.latents()])


def pictures(name: str) -> Images:
    """A bundled set, or drawn shapes; with :n, n of its pictures, always the same."""
    name, _, n = name.partition(":")
    images = shapes() if name == "shapes" else load_images(f"{name}-mini", 28 if name == "fashion" else 32)
    if not n:
        return images
    rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[: int(n)]
    labels = None if images.labels is None else images.labels[rows]
    return replace(images, name=f"{name} ({n})", pixels=images.pixels[rows], labels=labels)


def shapes(n: int = 2000, size: int = 32) -> Images:
    """Discs, squares, crosses and rings: bright, somewhere on a dark ground, turned at random. Made by formulas."""
    random = torch.Generator().manual_seed(0)

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *(shape or (1, 1)), generator=random)

    axis = torch.linspace(-1, 1, size)
    x, y = axis - between(-0.4, 0.4), axis[:, None] - between(-0.4, 0.4)
    radius, angle = between(0.25, 0.5), between(0, pi)
    a, b = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    round_, box, bar = (x**2 + y**2).sqrt(), torch.maximum(a.abs(), b.abs()), torch.minimum(a.abs(), b.abs())
    outside = torch.stack([  # how far a place lies outside of each shape
        round_ - radius,
        box - radius,
        torch.maximum(bar - radius / 3, box - radius),
        (round_ - 0.8 * radius).abs() - 0.2 * radius,
    ])  # fmt: skip
    labels = torch.arange(n) % len(outside)
    ink = (0.5 - outside[labels, torch.arange(n)] * size / 2).clamp(0, 1)[:, None]
    colours = ink * between(0.5, 1, 3, 1, 1) + (1 - ink) * between(0, 0.5, 3, 1, 1)
    pixels = (255 * colours).round().to(torch.uint8)
    return Images("shapes", pixels, labels, ("disc", "square", "cross", "ring"))


def tally(outcomes: list[Outcome]) -> str:
    """The counts, in one sentence."""
    verdicts = [outcome.verdict for outcome in outcomes]
    sick = sum(bool(outcome.wanted) for outcome in outcomes)
    return (
        f"{sick} sick runs: {verdicts.count('hit')} found in time, {verdicts.count('late')} late, "
        f"{verdicts.count('miss')} missed; {len(outcomes) - sick} healthy runs: {verdicts.count('quiet')} left in "
        f"peace; {verdicts.count('false alarm')} false alarms."
    )


@cache
def _net(data: str) -> FeatureNet:
    return features_for(pictures(data))


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _told(case: Case, outcome: Outcome) -> str:
    broken = "never" if outcome.ever_sound else "never was whole"
    return row(
        f"{case.name}, {case.steps:,} steps",
        case.data,
        outcome.wanted or "nothing",
        ", ".join(outcome.said) or "nothing",
        f"{outcome.broken:,}" if outcome.broken else broken,
        f"spread {outcome.spread:.2f}, twins {outcome.twins:.0%}",
        outcome.verdict,
    )


def _one_thread() -> None:
    torch.set_num_threads(1)
