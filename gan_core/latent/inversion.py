"""Which z paints this picture? The nearest that G comes to a picture from outside, by descent from many starts.

Gradient descent on z (Lipton & Tripathi, arXiv:1702.04782; Creswell & Bharath, arXiv:1611.05644), in pixels and in the
features of D (`perception`). A single start gets stuck where G's pictures are of another kind; so hundreds of random
latents are looked at, the nearest few dozen descend for a few steps, the better half goes on, and so forth: successive
halving (Jamieson & Talwalkar, arXiv:1502.07943). Labels are searched in the same way: the starts are of every class.

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
FEEL = 1.0  # weight of what D feels beside the mean squared pixel: on natural pictures the two are then about as large
NEAR = (
    0.02  # weight of (|z| / sqrt(nz) - 1)^2: keeps z where G was trained, and moves no pixel (|z| varies by 7 % itself)
)
RATE = 0.1  # Adam's first step, of a z whose numbers are about 1; it falls along a cosine
LAST_RATE = 0.002  # and ends so small that z stands still
BETAS = (0.9, 0.99)
BLUNT = 0.1  # of a noisy picture's pixels: beyond this difference, of 2, a pixel pulls no harder (Charbonnier's loss)


@dataclass(frozen=True)
class Effort:
    """How many starts there are, and for each round how many of them descend for how many steps."""

    starts: int = 512
    rounds: tuple[tuple[int, int], ...] = ((32, 10), (12, 25), (6, 40), (3, 80), (2, 150))

    @property
    def work(self) -> int:
        """Pictures that are painted and judged."""
        return sum(keep * steps for keep, steps in self.rounds)


EFFORT = (
    Effort()
)  # 4.4 s a picture at 64 pixels, ngf 64, on one core with bfloat16; calibrations are made with the same


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
    for keep, steps in effort.rounds:
        state = state.best(keep)
        for _ in range(steps):
            rate = LAST_RATE + (RATE - LAST_RATE) * (1 + cos(pi * step / total)) / 2
            step += 1
            images, distance = state.descend(players, wanted, felt, task, rate, step)
            done += state.kept
            yield Progress(done, effort.work, images.unflatten(0, (len(x), -1)), distance.view(len(x), -1))
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

    def descend(
        self, players: _Players, wanted: Tensor, felt: Tensor | None, task: Task, rate: float, step: int
    ) -> tuple[Tensor, Tensor]:
        """One step of Adam for every start, in place. Returns the images and distances that it began with."""
        with torch.enable_grad():
            z = self.z.detach().requires_grad_()
            with players.autocast():
                images = players.G(z, self.y).float()
                seen = task.seen(images)
                pixel = _pixels(seen, wanted.repeat_interleave(self.kept, dim=0), task)
                distance = pixel
                if felt is not None:
                    apart = features(players.D, seen) - felt.repeat_interleave(self.kept, dim=0)
                    distance = pixel + FEEL * apart.square().sum(dim=1) / task.share
            far = (z.norm(dim=1) / sqrt(z.shape[1]) - 1).square()
            (slope,) = torch.autograd.grad((distance + NEAR * far).sum(), z)
        self.mean.lerp_(slope, 1 - BETAS[0])
        self.square.lerp_(slope.square(), 1 - BETAS[1])
        length = (self.square / (1 - BETAS[1] ** step)).sqrt() + 1e-8
        self.z.sub_(rate * self.mean / (1 - BETAS[0] ** step) / length)
        self.distance.copy_(distance.detach())
        return images.detach(), distance.detach()


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


_known: "WeakKeyDictionary[GAN, _Players]" = WeakKeyDictionary()


def _players(gan: GAN) -> _Players:
    """Made once for each GAN in memory: a second search begins at once."""
    if gan not in _known:
        _known[gan] = _Players(gan)
    return _known[gan]
