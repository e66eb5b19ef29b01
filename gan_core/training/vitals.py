"""Looks at the players from outside, now and then: what no loss tells. The doctor reads it, and the page draws it."""

from collections.abc import Callable, Generator, Iterable, Iterator
from copy import deepcopy
from time import perf_counter

import torch
from torch import Tensor, nn

from gan_core.images import to_unit
from gan_core.metrics import FeatureNet
from gan_core.training.events import Event, Report, Vitals
from gan_core.training.trainer import Trainer

PICTURES = 256  # by G, and real: a share is then known to 3 %
ASKED = 128  # of each kind that D is asked about: a rank is then known to 3 %, and a look costs one or two steps
BATCH = 64  # G and D see them in such batches, as in training
LIKELY_TWINS = 0.05  # share of real pictures that have a neighbour as near as what is called a twin
BEGIN = 5.0  # seconds of training before the first look: the first sheet comes first, and all is odd until then
SHARE = 0.025  # of the time of training that looking may take
SEED = 0x_D0C


class Watch:
    """Takes the vital signs of `trainer`, with the eyes of `net`: always by the same pictures and latents.

    Copies of the players are looked at, and nothing is drawn from a random state of training: a game that is watched
    is, bit for bit, the game that is not.
    """

    def __init__(self, trainer: Trainer, net: FeatureNet, n: int = PICTURES) -> None:
        self.trainer, self.net = trainer, net.to(trainer.device)
        random = torch.Generator().manual_seed(SEED)
        everything = torch.arange(len(trainer.images))
        learned = everything if trainer.learned is None else trainer.learned.cpu()
        self.learned, self.held_out = (_some(rows, min(n, ASKED), random) for rows in (learned, trainer.held_out.cpu()))
        self.order = torch.randperm(len(self.learned) + len(self.held_out), generator=random)
        rows = _some(everything, n, random)
        self.z = torch.randn(len(rows), trainer.gan.config.nz, generator=random).to(trainer.device)
        labels = trainer.images.labels
        self.y = labels[rows].to(trainer.device) if labels is not None and trainer.gan.config.num_classes else None
        self.real, self.classes = self._see(to_unit(trainer.images.pixels[rows]))
        self.near = nearest(self.real)
        apart = self.near[self.near > 0]  # a set may hold the same picture many times
        self.twin = apart.quantile(LIKELY_TWINS) if len(apart) else self.near.max()
        self.mean: Tensor | None = None  # of G's features, at the last look

    @torch.no_grad()
    def look(self) -> Vitals:
        """The signs at this step."""
        started = perf_counter()
        trainer = self.trainer
        G, D = alone(trainer.gan.G), alone(trainer.gan.D)
        with trainer.autocast():
            fake = _in_batches(G, self.z, self.y).float()
        features, classes = self._see(fake)
        near, mean = nearest(features), features.mean(dim=0)
        unit = spread(self.real).clamp_min(1e-12)  # a set may hold one picture alone
        before, self.mean = mean if self.mean is None else self.mean, mean
        opinions, strangers = self._opinions(D), len(self.held_out)
        logits_fake = self._judge(D, fake[:ASKED], None if self.y is None else self.y[:ASKED])
        return Vitals(
            step=trainer.steps_done,
            spread=float(spread(features) / unit),
            apart=float(near.median() / self.near.median().clamp_min(1e-12)),
            twins=float((near < self.twin).float().mean()),
            off=float((mean - self.real.mean(dim=0)).norm() / unit),
            moved=float((mean - before).norm() / unit),
            missing=len(self.classes - classes) if self.classes else None,
            classes=len(self.classes) or None,
            strangers=strangers,
            knows=ranked_above(opinions[strangers:], opinions[:strangers]) if strangers else None,
            passes=ranked_above(opinions[:strangers], logits_fake) if strangers else None,
            logits=float(torch.cat([opinions, logits_fake]).abs().max()),
            weights_G=_length(G),
            weights_D=_length(D),
            seconds=perf_counter() - started,
        )

    def latents(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The z and y that G is asked to paint, in batches."""
        return _batches(self.z, self.y)

    def _opinions(self, D: nn.Module) -> Tensor:
        """D's logits of held-out pictures, then of those it learns from.

        Both are shuffled into the same batches, as batch norm would otherwise give each kind a scale of its own.
        """
        images, rows = self.trainer.images, torch.cat([self.held_out, self.learned])[self.order]
        y = images.labels[rows].to(self.trainer.device) if self.y is not None and images.labels is not None else None
        logits = self._judge(D, to_unit(images.pixels[rows].to(self.trainer.device)), y)
        return torch.empty_like(logits).index_copy(0, self.order, logits)

    def _judge(self, D: nn.Module, x: Tensor, y: Tensor | None) -> Tensor:
        with self.trainer.autocast():
            return _in_batches(D, x, y).float().cpu()

    @torch.no_grad()
    def _see(self, x: Tensor) -> tuple[Tensor, set[int]]:
        """(n, nc, S, S) in [-1, 1] -> features (n, F), on the CPU, and the classes seen, if the net tells any."""
        features = torch.cat([self.net(part.to(self.trainer.device)) for part in x.split(BATCH)])
        classes = self.net.head(features).argmax(dim=1).tolist() if self.net.classes else ()
        return features.cpu(), set(classes)


def watch(
    events: Iterable[Event],
    trainer: Trainer,
    eyes: Callable[[], FeatureNet],
    share: float = SHARE,
    begin: float = BEGIN,
) -> Generator[Event]:
    """Yield Vitals after a Report, as often as `share` of the time of training pays for.

    `eyes` makes or finds the feature network, and is asked once, at the first look.
    """
    watcher: Watch | None = None
    spent = cost = 0.0
    for event in events:
        yield event
        due = trainer.seconds >= begin and spent + cost <= share * trainer.seconds
        if isinstance(event, Report) and due:
            watcher = watcher or Watch(trainer, eyes())
            vitals = watcher.look()
            cost, spent = vitals.seconds, spent + vitals.seconds
            if vitals.sane:  # else the next Report ends the run
                yield vitals


def spread(features: Tensor) -> Tensor:
    """How far features (n, F) lie from their mean: the root of the trace of their covariance, a scalar."""
    return features.var(dim=0, correction=0).sum().sqrt()


def nearest(features: Tensor) -> Tensor:
    """The distance of each of (n, F) to the nearest other: (n,)."""
    apart: Tensor = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    return apart.fill_diagonal_(torch.inf).min(dim=1).values


def ranked_above(a: Tensor, b: Tensor) -> float:
    """How often one of a (n,) is larger than one of b (m,), half of the ties counted: 0.5 = no difference.

    The area under the ROC curve (Mann and Whitney's U over n m).
    """
    difference = a[:, None] - b
    return float(((difference > 0).float() + (difference == 0).float() / 2).mean())


def alone(player: nn.Module) -> nn.Module:
    """A copy that plays as in training, without dropout's dice and without waiting for other processes."""
    copy = deepcopy(player).train()
    for module in copy.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = nn.BatchNorm2d  # one that shares its statistics would wait for the other ranks
        elif isinstance(module, nn.Dropout):
            module.eval()
    return copy


def _in_batches(player: nn.Module, x: Tensor, y: Tensor | None) -> Tensor:
    return torch.cat([player(part, labels) for part, labels in _batches(x, y)])


def _batches(x: Tensor, y: Tensor | None) -> Iterator[tuple[Tensor, Tensor | None]]:
    parts = x.split(BATCH)
    labels: Iterable[Tensor | None] = [None] * len(parts) if y is None else y.split(BATCH)
    return zip(parts, labels, strict=True)


def _length(player: nn.Module) -> float:
    return float(torch.nn.utils.get_total_norm(list(player.parameters())))


def _some(rows: Tensor, n: int, random: torch.Generator) -> Tensor:
    return rows[torch.randperm(len(rows), generator=random)[:n]]
