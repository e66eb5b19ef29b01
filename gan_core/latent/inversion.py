"""Which z paints this picture? The nearest that G comes to a picture from outside, by descent from many starts.

Gradient descent on z (Lipton & Tripathi, arXiv:1702.04782; Creswell & Bharath, arXiv:1611.05644), in pixels and in the
features of D (`perception`). A single start gets stuck where G's pictures are of another kind; so hundreds of random
latents are looked at, the nearest few dozen descend for a few steps, the better half goes on, and so forth: successive
halving (Jamieson & Talwalkar, arXiv:1502.07943). Labels are searched too: the starts are of every class, and twice the
nearest one tries on all the others.

What counts can be a part of the picture: `Task` masks it (Yeh et al., arXiv:1607.07539, semantic inpainting), makes it
smaller, or takes it for noisy, and G fills in the rest.
"""

from collections.abc import Generator
from copy import deepcopy
from dataclasses import dataclass
from math import cos, pi, sqrt
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_core.gan import GAN
from gan_core.latent.perception import features
from gan_core.training.trainer import cpu_has_bf16

SCREEN = 32  # pixels a side at which the first starts are compared: what differs there differs
BATCH = 64
AT_ONCE = 16 * 3 * 64 * 64  # numbers in the pictures that descend at once: the memory of two searches is 1 GB
FEEL = 1.0  # weight of what D feels beside the mean squared pixel: on natural pictures the two are then about as large
# Weight of (|z| / sqrt(nz) - 1)^2: keeps z where G was trained, and moves no pixel (|z| itself varies by 7 %)
NEAR = 0.02
RATE = 0.1  # Adam's first step, of a z whose numbers are about 1; it falls along a cosine
LAST_RATE = 0.002  # and ends so small that z stands still
BETAS = (0.9, 0.99)
BLUNT = 0.1  # of a noisy picture's pixels: beyond this difference, of 2, a pixel pulls no harder (Charbonnier's loss)


@dataclass(frozen=True)
class Effort:
    """How many starts there are, and for each round how many of them descend for how many steps."""

    starts: int = 512
    rounds: tuple[tuple[int, int], ...] = ((32, 10), (12, 20), (6, 30), (3, 80), (2, 150))
    dressed: int = 4  # of the other classes, those in which the nearest start's z looks best, and join rounds 2 and 3

    def joining(self, turn: int, classes: int) -> int:
        return min(self.dressed, classes - 1) if classes and turn in (1, 2) else 0

    def work(self, classes: int = 0) -> int:
        """Pictures that are painted and judged."""
        return sum((keep + self.joining(i, classes)) * steps for i, (keep, steps) in enumerate(self.rounds))


# 6.5 s a picture at 64 pixels, ngf 64, on one core with bfloat16; calibrations are made with the same
EFFORT = Effort()


@dataclass(frozen=True)
class Task:
    """What of the picture is to be met. By default all of it."""

    known: Tensor | None = None  # (S, S): 1 where the picture is to be met, 0 in the hole
    smaller: int = 1  # so many times: only what is left when both are shrunk
    noisy: bool = False  # pixels lie, some of them badly: what D feels in noise is no guide

    def seen(self, x: Tensor) -> Tensor:
        """(N, nc, S, S) -> the same shape, only what counts."""
        if self.known is not None:
            x = x * self.known.to(x.device)
        if self.smaller > 1:
            x = F.interpolate(F.avg_pool2d(x, self.smaller), scale_factor=float(self.smaller))
        return x

    @property
    def share(self) -> float:
        """Of the pixels that count; of none, a share that divides nothing by zero."""
        return 1.0 if self.known is None else max(float(self.known.mean()), 1e-3)


@dataclass(frozen=True)
class Progress:
    """How far the search is: after every step."""

    done: int  # of `of`: pictures painted so far
    of: int
    images: Tensor  # (N, K, nc, S, S) in [-1, 1]: what the K starts that are left paint for each of N pictures
    distance: Tensor  # (N, K) from the picture


@dataclass(frozen=True)
class Found:
    """The nearest of all, for each picture."""

    z: Tensor  # (N, nz)
    y: Tensor | None  # (N, num_classes), one 1 in each row unless a start of one's own had other weights
    images: Tensor  # (N, nc, S, S) in [-1, 1], whole, whatever the task
    pixel: Tensor  # (N,) mean squared difference of what counts, of 4 from black to white
    feel: Tensor  # (N,) what D feels of it, see `perception`

    @property
    def distance(self) -> Tensor:
        return self.pixel + FEEL * self.feel

    @property
    def levels(self) -> Tensor:
        """(N,) Root mean square difference of a pixel, in levels of 0..255."""
        return 127.5 * self.pixel.sqrt()


Start = tuple[Tensor, Tensor | None]  # z (M, nz), and y (M, num_classes) where the model has classes


def invert(
    gan: GAN, x: Tensor, task: Task = Task(), near: Start | None = None, effort: Effort = EFFORT
) -> Generator[Progress | Found]:
    """Find latents that paint x (N, nc, S, S), in [-1, 1]. Yields Progress after every step, and at last a Found.

    `near` are starts of one's own beside the random ones. The same pictures find the same latents, alone or together,
    within float tolerance. Stop listening to give up. `gan` is left as it is; its G_ema paints.
    """
    players = _players(gan)
    x = x.to(gan.device).float()
    with torch.no_grad(), players.autocast():
        wanted = task.seen(x)
        felt = None if task.noisy else features(players.D, wanted)
    state = _Descent.begin(players, wanted, task, near, effort)
    total, done, step = sum(steps for _, steps in effort.rounds), 0, 0
    classes = gan.config.num_classes
    for i, (keep, steps) in enumerate(effort.rounds):
        state = state.best(keep)
        if joining := effort.joining(i, classes):
            state = state.dress(players, wanted, felt, task, joining)
        for _ in range(steps):
            rate = LAST_RATE + (RATE - LAST_RATE) * (1 + cos(pi * step / total)) / 2
            step += 1
            images, distance = state.descend(players, wanted, felt, task, rate, step)
            done += state.kept
            yield Progress(done, effort.work(classes), images.unflatten(0, (len(x), -1)), distance.view(len(x), -1))
    yield _judge(players, state, wanted, task)


class _Players:
    """G_ema and D of their own: laid out for speed, no gradients of weights, and nobody else's to change."""

    def __init__(self, gan: GAN) -> None:
        self.G = deepcopy(gan.G_ema).eval().requires_grad_(False)
        self.D = deepcopy(gan.D).eval().requires_grad_(False)
        if gan.config.architecture == "dcgan":
            self.G.to(memory_format=torch.channels_last)
            self.D.to(memory_format=torch.channels_last)
        self.rounded = gan.device.type == "cpu" and cpu_has_bf16()
        classes = gan.config.num_classes
        self.z = gan.sample_z(EFFORT.starts, seed=0)
        self.y = None
        if classes:  # every class in its turn, begun anywhere
            order = torch.randperm(classes, generator=torch.Generator().manual_seed(0)).to(gan.device)
            self.y = F.one_hot(order[torch.arange(EFFORT.starts, device=gan.device) % classes], classes).float()
        self.screen = self._screen(gan.config.image_size)  # (starts, nc, s, s)

    @property
    def dresses(self) -> Tensor:
        """Every class once (T, num_classes); of more than there are starts, those of the starts: a stranger's model may
        have 100,000."""
        if self.y is None:
            raise ValueError("this model has no classes")
        return self.y[: self.y.shape[1]]

    def autocast(self) -> torch.autocast:
        """A fresh one for each use: it keeps the weights that it has rounded."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.rounded)

    @torch.no_grad()
    def _screen(self, size: int) -> Tensor:
        parts = []
        for at in range(0, len(self.z), BATCH):
            with self.autocast():
                part = self.G(self.z[at : at + BATCH], None if self.y is None else self.y[at : at + BATCH]).float()
            parts.append(F.avg_pool2d(part, max(1, size // SCREEN)))
        return torch.cat(parts)


@dataclass(frozen=True)
class _Descent:
    """K starts for each of N pictures, picture by picture, and what Adam remembers of each."""

    pictures: int  # N
    z: Tensor  # (N * K, nz)
    y: Tensor | None  # (N * K, num_classes)
    mean: Tensor  # as z
    square: Tensor  # as z
    distance: Tensor  # (N * K,) of the last look

    @property
    def kept(self) -> int:
        return len(self.z) // self.pictures

    @classmethod
    def begin(cls, players: _Players, wanted: Tensor, task: Task, near: Start | None, effort: Effort) -> "_Descent":
        """The nearest starts at small size, more than will descend only if there are that many."""
        n, keep, starts = len(wanted), effort.rounds[0][0], min(effort.starts, len(players.z))
        shrink = wanted.shape[-1] // players.screen.shape[-1]
        screen = players.screen[:starts]
        if task.known is not None:
            screen = screen * F.avg_pool2d(task.known[None], shrink).to(screen.device)
        apart = torch.cdist(F.avg_pool2d(wanted, shrink).flatten(1), screen.flatten(1))  # (N, starts)
        rank, chosen = (part.flatten() for part in apart.topk(min(keep, starts), largest=False))
        z, y = players.z[chosen], None if players.y is None else players.y[chosen]
        if near is not None:  # they go first, and so are never cut off
            own = len(near[0])
            z = torch.cat([near[0].repeat(n, 1).view(n, own, -1), z.view(n, -1, z.shape[1])], dim=1).flatten(0, 1)
            if y is not None and near[1] is not None:
                y = torch.cat([near[1].repeat(n, 1).view(n, own, -1), y.view(n, -1, y.shape[1])], dim=1).flatten(0, 1)
            rank = torch.cat([rank.new_zeros(n, own), rank.view(n, -1)], dim=1).flatten()
        return cls(n, z, y, torch.zeros_like(z), torch.zeros_like(z), rank)

    def best(self, keep: int) -> "_Descent":
        """Go on with the nearest of each picture."""
        chosen = self.distance.view(self.pictures, -1).topk(min(keep, self.kept), largest=False).indices
        rows = (chosen + torch.arange(self.pictures, device=chosen.device)[:, None] * self.kept).flatten()
        y = None if self.y is None else self.y[rows]
        return _Descent(self.pictures, self.z[rows], y, self.mean[rows], self.square[rows], self.distance[rows])

    def dress(self, players: _Players, wanted: Tensor, felt: Tensor | None, task: Task, joining: int) -> "_Descent":
        """The nearest z of each picture tries on every class; those that suit it best join, from where it stands.

        A start of the wrong class cannot leave it by descending, and classes may differ by a shade.
        """
        if self.y is None:
            return self
        n, kept = self.pictures, self.kept
        first = torch.arange(n, device=self.z.device) * kept  # `best` has put the nearest there
        tried = players.dresses  # (T, classes)
        apart = torch.cat([
            _try_on(players, self.z[row], wanted[i : i + 1], None if felt is None else felt[i : i + 1], task, tried)
            for i, row in enumerate(first.tolist())
        ])  # (N, T)  # fmt: skip
        apart[self.y[first].argmax(dim=1, keepdim=True) == tried.argmax(dim=1)] = torch.inf
        distance, chosen = apart.topk(joining, largest=False)
        y = tried[chosen]  # (N, joining, classes)

        def joined(mine: Tensor, theirs: Tensor) -> Tensor:
            return torch.cat([mine.unflatten(0, (n, kept)), theirs], dim=1).flatten(0, 1)

        def again(t: Tensor) -> Tensor:
            return joined(t, t[first, None].expand(-1, joining, -1))

        return _Descent(
            n, again(self.z), joined(self.y, y), again(self.mean), again(self.square), joined(self.distance, distance)
        )

    def descend(
        self, players: _Players, wanted: Tensor, felt: Tensor | None, task: Task, rate: float, step: int
    ) -> tuple[Tensor, Tensor]:
        """One step of Adam for every start, in place. Returns the images and distances that it began with."""
        whose = torch.arange(self.pictures, device=self.z.device).repeat_interleave(self.kept)
        together = max(1, AT_ONCE // wanted[0].numel())
        parts = []
        for rows in torch.arange(len(self.z), device=self.z.device).split(together):
            mine = whose[rows]
            y = None if self.y is None else self.y[rows]
            parts.append(_slope(players, self.z[rows], y, wanted[mine], None if felt is None else felt[mine], task))
        images, distance, slope = (torch.cat(part) for part in zip(*parts, strict=True))
        self.mean.lerp_(slope, 1 - BETAS[0])
        self.square.lerp_(slope.square(), 1 - BETAS[1])
        length = (self.square / (1 - BETAS[1] ** step)).sqrt() + 1e-8
        self.z.sub_(rate * self.mean / (1 - BETAS[0] ** step) / length)
        self.distance.copy_(distance)
        return images, distance


@torch.no_grad()
def _try_on(players: _Players, z: Tensor, wanted: Tensor, felt: Tensor | None, task: Task, tried: Tensor) -> Tensor:
    """How far z (nz,) in each of the classes tried (T, num_classes) is from one picture: (1, T)."""
    parts = []
    for y in tried.split(BATCH):
        with players.autocast():
            seen = task.seen(players.G(z.expand(len(y), -1), y).float())
            distance = _pixels(seen, wanted, task)
            if felt is not None:
                distance = distance + FEEL * (features(players.D, seen) - felt).square().sum(dim=1) / task.share
        parts.append(distance)
    return torch.cat(parts)[None]


@torch.enable_grad()
def _slope(
    players: _Players, z: Tensor, y: Tensor | None, wanted: Tensor, felt: Tensor | None, task: Task
) -> tuple[Tensor, Tensor, Tensor]:
    """What z (M, nz) paint, how far that is from what is wanted (M,), and which way it gets farther (M, nz)."""
    z = z.detach().requires_grad_()
    with players.autocast():
        images = players.G(z, y).float()
        seen = task.seen(images)
        distance = _pixels(seen, wanted, task)
        if felt is not None:
            apart = (features(players.D, seen) - felt).square().sum(dim=1)
            distance = distance + FEEL * apart / task.share
    far = (z.norm(dim=1) / sqrt(z.shape[1]) - 1).square()
    (slope,) = torch.autograd.grad((distance + NEAR * far).sum(), z)
    return images.detach(), distance.detach(), slope


def _pixels(seen: Tensor, wanted: Tensor, task: Task) -> Tensor:
    """(N,) Mean over the pixels that count."""
    apart = (seen - wanted).square()
    if task.noisy:
        apart = 2 * BLUNT * ((apart + BLUNT**2).sqrt() - BLUNT)  # the square, up to BLUNT; straight beyond
    return apart.flatten(1).mean(dim=1) / task.share


@torch.no_grad()
def _judge(players: _Players, state: _Descent, wanted: Tensor, task: Task) -> Found:
    """In float32, as whoever paints the latent will see it."""
    images = players.G(state.z, state.y)
    seen, many = task.seen(images), wanted.repeat_interleave(state.kept, dim=0)
    pixel = (seen - many).square().flatten(1).mean(dim=1) / task.share
    feel = (features(players.D, seen) - features(players.D, many)).square().sum(dim=1) / task.share
    ranked = _pixels(seen, many, task) if task.noisy else pixel + FEEL * feel
    best = (
        ranked.view(state.pictures, -1).argmin(dim=1) + torch.arange(state.pictures, device=pixel.device) * state.kept
    )
    y = None if state.y is None else state.y[best]
    return Found(state.z[best], y, images[best], pixel[best], feel[best])


_known: "WeakKeyDictionary[GAN, tuple[object, _Players]]" = WeakKeyDictionary()


def _players(gan: GAN) -> _Players:
    """Made once for each GAN in memory, and again where it was moved or has learned: a second search begins at once."""
    now = gan.device, sum(t._version for player in (gan.G_ema, gan.D) for t in player.state_dict().values())
    known = _known.get(gan)
    if known is None or known[0] != now:
        known = _known[gan] = now, _Players(gan)
    return known[1]
