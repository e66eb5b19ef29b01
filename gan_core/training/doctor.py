"""The doctor: hears what a run tells, and says in one sentence what is wrong with it, why, and what to change.

No tensors, no files, no clock: events in, Advice out. It goes by how G's pictures spread beside real ones, by how D
ranks pictures (`sure`, `knows`), and by lengths beside their own earlier values; never by a loss alone, as each form
of the game has a scale of its own. Every threshold stands below with its reason.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean
from typing import Any, get_args

from gan_core.config import Augment, ModelConfig, TrainConfig
from gan_core.errors import UserError
from gan_core.metrics.scores import Scores
from gan_core.training.events import Advice, Event, Measure, Report, Vitals
from gan_core.words import ADVICE

# What Adam can have moved a weight by is lr * steps; weights start at a length of 0.02 (DCGAN, section 4). Until G may
# have moved ten times as far it has had no chance to paint anything, and all its pictures are alike.
WARM_UP = 0.2

COLLAPSED_SPREAD, SOUND_SPREAD = 0.35, 0.5  # healthy runs lie above 0.6 once warm
COLLAPSED_TWINS, SOUND_TWINS = 0.6, 0.3  # 0.05 among real pictures, by the definition of a twin
MOST_CLASSES = 25  # of which 256 pictures show each ten times, if all are painted
GONE_CLASSES, KEPT_CLASSES = 0.5, 0.3  # share of the classes missing
LOST = 0.5  # of the widest spread so far: who had learned to vary, and has half of it left, is losing modes
GROWING = 1.25  # times wider than half-way through the run so far: who is late, but learning, is not stuck

SURE = 0.98
SATURATED = 0.02  # minimax: the slope of G's loss is D(G(z)), 0.5 at the start (arXiv:1406.2661, section 3)
GONE = 0.01  # of the longest gradient that ever reached G
RELIEF = 3.0  # times the threshold, before a gradient counts as back

BY_HEART, BY_CHANCE = 0.75, 0.65  # how often a learned picture ranks above a stranger; healthy runs stay near 0.5
SIGMAS = 3.0  # standard errors above 0.5, as few strangers rank by chance

LOUD = 50.0  # loss of a game whose logits have a target or a bound: sigmoid(17) is 1 in float32 already
STEEP = 2.0  # the slope of a WGAN's D that is let pass: a young penalty holds it to 1 only about

LAST_LOOKS = 4  # by which movement is judged
RESTLESS, CALM = 0.7, 0.5  # of all G's pictures between two looks, in spreads of real pictures; healthy: 0.05 to 0.4

USUAL = 2e-4  # the learning rate of DCGAN, section 4
SLOWER = 4.0  # times smaller steps, as a cure
FALLING = 0.95  # a distance from 2,000 samples is steady to a few per cent
NO_BETTER = 5  # evaluations; noise alone hides progress once or twice in a row

# What is told: how grave it is, and the bad signs in a row that it takes. Of two equally grave ones the first is told.
GRAVITY = {
    "diverging": (0, 1),  # a Report is an average already
    "saturated": (1, 1),
    "vanishing": (1, 3),
    "collapse": (2, 2),
    "collapse_classes": (2, 2),
    "oscillating": (2, 1),  # judged by several looks already
    "overfitting": (3, 2),
    "no_better": (4, 1),
}


@dataclass(frozen=True)
class Sign:
    """Whether something is seen (None: neither nor), and the numbers that tell it."""

    key: str
    ill: bool | None
    values: dict[str, Any]


@dataclass
class Alarm:
    """Rings once, after `patience` bad signs in a row; may ring again after `recovery` good ones in a row."""

    patience: int = 2
    recovery: int = 3
    bad: int = 0
    good: int = 0
    on: bool = False

    def hear(self, ill: bool | None) -> bool:
        """True when it rings. None is neither good nor bad, and leaves everything as it is."""
        if ill is not None:
            self.bad, self.good = (self.bad + 1, 0) if ill else (0, self.good + 1)
        if self.on:
            self.on = self.good < self.recovery
            return False
        self.on = self.bad >= self.patience
        return self.on


class Doctor:
    """Watches one run of `model` under `train`. Tell it every event; it answers with what has just become plain.

    One cause at a time: until all is well again, only something graver is told, as the rest may well follow from it.
    """

    def __init__(self, model: ModelConfig, train: TrainConfig) -> None:
        self.model, self.train = model, train
        self.longest = 0.0  # gradient that reached G
        self.spreads: list[tuple[int, float]] = []  # step, the widest so far
        self.looks: list[Vitals] = []
        self.measures: list[Measure] = []
        self.sound = 0  # the last step at which nothing was wrong
        self.illness: int | None = None  # how grave the alarm that rang is, until all is well again
        self.alarms = {key: Alarm(patience) for key, (_, patience) in GRAVITY.items()}

    def hear(self, event: Event) -> list[Advice]:
        """What this event makes plain; mostly nothing."""
        if isinstance(event, Report):
            return self._ring(event.step, self._of_report(event))
        if isinstance(event, Vitals):
            return self._ring(event.step, self._of_vitals(event))
        if isinstance(event, Measure):
            return self._ring(event.step, self._of_measure(event))
        return []

    def diverged(self, step: int) -> Advice:
        """What to say when losses or weights are no longer numbers."""
        return self._say(step, Sign("diverged", True, {}))

    def _of_report(self, now: Report) -> Iterator[Sign]:
        loud = self._loudness(now)
        values = {"loss_D": now.loss_D, "loss_G": now.loss_G, "sure": now.sure, "slope": now.D_Gz}
        yield Sign("diverging", _beyond(loud, 1.0, 0.5), values)
        if self.train.loss == "minimax":
            ill = _beyond(-now.D_Gz, -SATURATED, -RELIEF * SATURATED)
            yield Sign("saturated", ill and now.sure > SURE, values)
        self.longest = max(self.longest, now.grad_G)
        left = now.grad_G / self.longest if self.longest else 1.0
        ill = _beyond(-left, -GONE, -RELIEF * GONE)
        yield Sign("vanishing", ill and now.sure > SURE, values | {"left": left})

    def _of_vitals(self, now: Vitals) -> Iterator[Sign]:
        warm = self._warm(now.step)
        widest = max(now.spread, self.spreads[-1][1] if self.spreads else 0.0)
        self.spreads.append((now.step, widest))
        lost = widest > SOUND_SPREAD and now.spread < LOST * widest and now.twins > SOUND_TWINS
        before = [spread for step, spread in self.spreads if step <= now.step / 2]
        stuck = warm and (widest > SOUND_SPREAD or widest < GROWING * max(before, default=widest))
        alike = now.spread < COLLAPSED_SPREAD or now.twins > COLLAPSED_TWINS
        sound = now.spread > SOUND_SPREAD and now.twins < SOUND_TWINS
        self.looks = [*self.looks, now][-LAST_LOOKS:]
        moved = fmean(look.moved for look in self.looks)
        jumps = moved > RESTLESS  # from one place to the next: not stuck in one, and told as what it is

        values: dict[str, Any] = {"spread": now.spread, "twins": now.twins}
        ill = lost or (stuck and alike and not jumps)
        yield Sign("collapse", True if ill else False if sound else None, values)
        if now.missing is not None and now.classes and now.classes <= MOST_CLASSES:
            few = _beyond(now.missing / now.classes, GONE_CLASSES, KEPT_CLASSES)
            values = {"missing": now.missing, "classes": now.classes}
            yield Sign("collapse_classes", ((stuck and not jumps) or None) if few else few, values)

        settled = len(self.looks) == LAST_LOOKS and self._warm(self.looks[0].step)
        yield Sign("oscillating", _beyond(moved, RESTLESS, CALM) if settled else False, {"moved": moved})

        bar = max(BY_HEART, 0.5 + SIGMAS * error_of_rank(now.strangers)) if now.strangers else 2.0
        if now.knows is not None and bar <= 1.0:  # else the strangers are too few to be sure by
            values = {"knows": now.knows, "strangers": now.strangers}
            yield Sign("overfitting", _beyond(now.knows, bar, BY_CHANCE), values)

    def _of_measure(self, now: Measure) -> Iterator[Sign]:
        self.measures.append(now)
        frechets = [measure.scores.frechet for measure in self.measures]
        best = frechets.index(min(frechets))
        after = frechets[best + 1 :]
        half = len(after) // 2
        falling = half > 0 and fmean(after[-half:]) < FALLING * fmean(after[:half])  # so the best was mere luck
        values = {"since": len(after), "best": self.measures[best].step, "frechet": frechets[best]}
        ill = len(after) >= NO_BETTER and not falling
        yield Sign("no_better", ill, values | {"now": now.scores.frechet})

    def _loudness(self, report: Report) -> float:
        """How D's scores compare with the largest that make sense: above 1, they are running away."""
        if self.train.loss == "wgan":  # 1-Lipschitz: scores lie no farther apart than pictures do (arXiv:1701.07875)
            farthest = 2 * sqrt(self.model.nc) * self.model.image_size  # black to white
            return abs(report.D_x - report.D_Gz) / (STEEP * farthest)
        return max(abs(report.loss_D), abs(report.loss_G)) / LOUD

    def _warm(self, step: int) -> bool:
        return step * self.train.lr_G >= WARM_UP

    def _ring(self, step: int, signs: Iterable[Sign]) -> list[Advice]:
        said = []
        for sign in signs:
            gravity, _ = GRAVITY[sign.key]
            if self.alarms[sign.key].hear(sign.ill) and (self.illness is None or gravity < self.illness):
                self.illness = gravity
                said.append(self._say(step, sign))
        if not any(alarm.on or alarm.bad for alarm in self.alarms.values()):
            self.sound, self.illness = step, None
        return said

    def _say(self, step: int, sign: Sign) -> Advice:
        change = cure(sign.key, self.model, self.train)
        values = {"step": step, "cure": options(change)} | sign.values
        en, zh = (sentence.format(**values) for sentence in ADVICE[sign.key])
        return Advice(step, sign.key, en, zh, change, self.sound)


def advised(events: Iterable[Event], doctor: Doctor) -> Generator[Event]:
    """Say what the doctor finds, after the event by which it is found. What ends the run is explained, then raised."""
    try:
        for event in events:
            yield event
            yield from doctor.hear(event)
    except UserError as error:
        if error.key == "diverged":
            yield doctor.diverged(int(str(error.values["step"])))
        raise


def told(lines: Iterable[dict[str, Any]]) -> Iterator[Event]:
    """What the doctor goes by, back from the lines of events.jsonl. Older lines, which lack a number, are left out."""
    kinds = {"report": Report, "vitals": Vitals, "measure": Measure}
    for line in lines:
        values = {key: value for key, value in line.items() if key != "event"}
        try:
            if line["event"] == "measure":
                values |= {key: Scores(**values[key]) for key in ("scores", "floor")}
            if kind := kinds.get(line["event"]):
                yield kind(**values)
        except (KeyError, TypeError):
            continue


def cure(key: str, model: ModelConfig, train: TrainConfig) -> dict[str, Any]:
    """The settings to change first, for that finding in a run of these; by their names in the configs."""
    slower = {"lr_D": train.lr_D / SLOWER, "lr_G": train.lr_G / SLOWER}
    if key == "saturated":
        return {"loss": "ns"}
    if key == "vanishing":
        moves = {"d_moves": 1} if train.d_moves > 1 and train.loss != "wgan" else {}
        return {"lr_D": train.lr_D / SLOWER} | moves
    if key in ("diverging", "diverged"):
        bound = train.clip_D or train.penalised or model.norm_D == "spectral"
        if train.loss == "wgan" and not bound:
            return {"clip_D": 0.01} if model.norm_D == "batch" else {"gp_weight": 10.0}
        return slower
    if key == "overfitting":
        if not train.augment:
            return {"augment": get_args(Augment)}
        return (
            dict(r1_gamma=2.0, r2_gamma=2.0) if model.norm_D != "batch" and not train.penalised else {"dropout_D": 0.3}
        )
    if key in ("collapse", "collapse_classes"):
        if train.batch_size < 32:
            return {"batch_size": 64}
        if train.lr_G > 2 * train.lr_D:
            return dict.fromkeys(("lr_D", "lr_G"), max(train.lr_D, USUAL))
        if model.norm_D != "batch" and not train.penalised:
            return dict(r1_gamma=2.0, r2_gamma=2.0)
        return slower
    if key == "oscillating" and train.betas[0] > 0.5:
        return {"betas": (0.5, 0.999)}
    return slower


def options(settings: dict[str, Any]) -> str:
    """Settings as they are typed after `train`: --lr-d 5e-05 --augment color cutout."""

    def typed(value: object) -> str:
        if isinstance(value, tuple):
            return " ".join(typed(part) for part in value)
        return f"{value:g}" if isinstance(value, float) else str(value)

    return " ".join(f"--{name.replace('_', '-').lower()} {typed(value)}" for name, value in settings.items())


def error_of_rank(n: int) -> float:
    """The standard error of a rank statistic around 0.5, n strangers among many (Mann and Whitney's U, m >> n)."""
    return 1 / sqrt(12 * n)


def _beyond(value: float, ill: float, well: float) -> bool | None:
    """True from `ill` on, False up to `well`, None in between: an alarm must not flutter."""
    return True if value >= ill or not isfinite(value) else False if value <= well else None
