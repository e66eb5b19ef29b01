"""Small feature networks: one for each data set, shipped with it or made from its own pictures in seconds on a CPU.

Such a network knows its data set and no other: distances between its features compare runs on one set. They are not
the published FID, whose Inception network saw a million photographs and no digit.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from gan_core.data import Images
from gan_core.errors import UserError
from gan_core.files import replace_file, write_tensors
from gan_core.images import to_unit
from gan_core.training.augment import augment, mirror
from gan_core.training.draws import Draws

WIDTHS = (16, 32, 64, 128)  # the last is the length of a feature
PROJECTION = 64  # numbers that the contrast compares
CONTRASTED = 32  # pictures a step, each seen twice
NOISE = 0.2  # standard deviation, of 2 from black to white
LARGEST = 64  # pixels a side; larger pictures are seen at this size, or measuring them would cost too much
BATCH = 128
STEPS = 200  # 2 s on one core at 28 pixels, 10 s at 64
RATE = 4e-3  # Adam's at the start; it falls to nothing in a straight line
CONTRAST_RATE = 1e-3  # at four times that, it never learned to see blur in drawings
TEMPERATURE = 0.2  # of the contrast (Chen et al., arXiv:2002.05709, table 5: 0.1 to 0.5)
CHANGES = ("color", "translation", "cutout")
NETS = Path(__file__).parent / "nets"  # the shipped ones
FILE = "features.safetensors"

Features = Callable[[Tensor], Tensor]  # (N, nc, S, S) in [-1, 1] -> (N, F)
Progress = Callable[[int, int, str], None]  # done, total, "features"


class FeatureNet(nn.Module):
    """Four strided convolutions, an average over places, and the head that it learned with."""

    def __init__(self, nc: int, classes: Sequence[str] = ()) -> None:
        super().__init__()
        self.nc, self.classes = nc, tuple(classes)
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2))
                for a, b in pairwise((nc, *WIDTHS))
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        length = WIDTHS[-1]
        self.head: nn.Module = (
            nn.Linear(length, len(classes))
            if classes
            else nn.Sequential(nn.Linear(length, length), nn.ReLU(), nn.Linear(length, PROJECTION + 3))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, nc, S, S) in [-1, 1], of any size from 16 -> features (N, 128)."""
        if x.shape[-1] > LARGEST:
            x = F.interpolate(x, (LARGEST, LARGEST), mode="bilinear", antialias=True)
        features: Tensor = self.body(x)
        return features

    def classify(self, x: Tensor) -> Tensor:
        """(N, nc, S, S) in [-1, 1] -> logits (N, classes). Only where there are `classes`."""
        logits: Tensor = self.head(self(x))
        return logits


def features_for(images: Images, keep: Path | None = None, progress: Progress | None = None) -> FeatureNet:
    """The network to see `images` with: the one kept in the folder `keep`, else a shipped one, else one made now.

    A shipped one is taken for the set it learned (the bundled sets, and the large ones they come from), told by its
    channels and the names of its classes. Any other set gets one by its classes, or without classes by contrast; the
    same pictures make the same network. It is written into `keep`, so that a run is always measured by one ruler.
    """
    kept = keep / FILE if keep else None
    net = load_net(kept) if kept else None
    if net:
        return net
    known = (load_net(path) for path in sorted(NETS.glob("*.safetensors")))
    wanted = images.pixels.shape[1], images.classes
    net = next((net for net in known if net and images.classes and (net.nc, net.classes) == wanted), None)
    if net is None:
        net = by_classes([images], progress=progress) if len(images.classes) > 1 else by_contrast(images, progress)
    if kept:
        save_net(net, kept)
    return net


def by_classes(
    sets: Sequence[Images], steps: int = STEPS, seed: int = 0, progress: Progress | None = None
) -> FeatureNet:
    """Learn to tell the classes. `sets` hold the same classes, say at different sizes, and take turns.

    Raises UserError for a set without classes.
    """
    first = sets[0]
    with _own_randomness(seed) as random:
        net = FeatureNet(first.pixels.shape[1], first.classes)

        def loss(step: int) -> Tensor:
            images = sets[step % len(sets)]
            if images.labels is None:
                raise UserError("no_classes", got=images.name)
            chosen = _some(images, BATCH, random)
            return F.cross_entropy(net.classify(to_unit(images.pixels[chosen])), images.labels[chosen])

        return _learn(net, loss, steps, RATE, progress)


def by_contrast(images: Images, progress: Progress | None = None, steps: int = STEPS, seed: int = 0) -> FeatureNet:
    """Learn without classes: what a picture shows, and how clean it is.

    What it shows: to tell a picture, changed as DiffAugment does, from all others (SimCLR, Chen et al.,
    arXiv:2002.05709, section 2.1). That alone is blind to blur, so the network also tells pictures as they are from
    blurred and from noisy ones.
    """
    with _own_randomness(seed) as random:
        net, draws = FeatureNet(images.pixels.shape[1]), Draws(random)

        def loss(step: int) -> Tensor:
            x = to_unit(images.pixels[_some(images, CONTRASTED, random)])
            views = torch.cat([augment(mirror(x, draws), CHANGES, draws) for _ in range(2)])
            few = x[: 3 * (len(x) // 4)]
            clean, blurred, noisy = few.chunk(3)
            blurred = F.interpolate(F.avg_pool2d(blurred, 2), scale_factor=2.0, mode="bilinear")
            noisy = noisy + NOISE * torch.randn(noisy.shape, generator=random)
            told = net.classify(torch.cat([views, clean, blurred, noisy]))
            kinds = torch.arange(3).repeat_interleave(len(clean))
            return contrast(told[: len(views), :PROJECTION]) + F.cross_entropy(told[len(views) :, PROJECTION:], kinds)

        return _learn(net, loss, steps, CONTRAST_RATE, progress)


def contrast(views: Tensor) -> Tensor:
    """NT-Xent of 2n views (2n, F), of which i and i + n show one picture (arXiv:2002.05709, equation 1)."""
    views = F.normalize(views)
    n = len(views) // 2
    likeness = (views @ views.T / TEMPERATURE).fill_diagonal_(-torch.inf)
    partner = torch.arange(2 * n, device=views.device).roll(n)
    return F.cross_entropy(likeness, partner)


def save_net(net: FeatureNet, path: Path) -> None:
    with replace_file(path) as part:
        write_tensors(part, net.state_dict(), {"nc": str(net.nc), "classes": json.dumps(net.classes)})


def load_net(path: Path) -> FeatureNet | None:
    """None for a file that is missing or damaged: the network can be made again."""
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        with _own_randomness(0):  # first weights are drawn, and thrown away
            net = FeatureNet(int(about["nc"]), json.loads(about["classes"]))
        net.load_state_dict(tensors)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return net.eval().requires_grad_(False)


def _learn(
    net: FeatureNet, loss: Callable[[int], Tensor], steps: int, rate: float, progress: Progress | None
) -> FeatureNet:
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimizer.zero_grad()
        loss(step).backward()
        optimizer.step()
        if progress:
            progress(step + 1, steps, "features")
    return net.eval().requires_grad_(False)


def _some(images: Images, n: int, random: torch.Generator) -> Tensor:
    """At most n indices, none twice: to the contrast a picture must not be its own stranger."""
    return torch.randperm(len(images), generator=random)[:n]


@contextmanager
def _own_randomness(seed: int) -> Iterator[torch.Generator]:
    """A generator of one's own, and first weights by `seed`; the random states of the training stay as they are."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach every GPU
        yield torch.Generator().manual_seed(seed)
