"""Directions in latent space: unit vectors d (nz,), along which z + s d is moved; s counts standard deviations of z.

Four ways to find them, each with its share of what it explains: by the weights alone (`closed_form`), by what G's
activations do (`principal`), at one z by the Jacobian (`local`), and between two groups (`difference`, `by_class`).
The sign is arbitrary in the first three, so it is settled: the largest number of d is positive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

import torch
from torch import Tensor, nn

from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.latent.inside import stage_ends
from gan_core.latent.paint import BATCH
from gan_core.metrics.features import FeatureNet

Method = Literal["sefa", "pca", "jacobian", "means"]
Progress = Callable[[int, int, str], None]  # done, total, what

FOUND = 8  # directions by each method: what comes after explains little, and more sliders are not looked at
SAMPLES = 1024  # of activations: ten for each number of z
PLACES = 8  # a side, of activations: their fine grain is not what one wants to steer
LABELLED = 4096  # samples for the means of classes
LOOKS = 12  # latents at which directions are compared
STEP = 1.0  # standard deviations to either side, when they are compared: about what a hand does
FEWEST = 16  # samples of a class; of fewer the mean is noise
TANGENTS = 32  # steps at once: at 128 pixels and ngf 64 they take 200 MB


@dataclass(frozen=True)
class Direction:
    """A unit vector in z, and how it was found.

    `share` is the part of the whole that it explains: of the squared weights (sefa), of the variance of the activations
    (pca), of the squared Jacobian (jacobian). A difference of means has none; it has a `length` in standard deviations
    of z, freed of chance, and `trust`: the cosine to be expected between it and the true difference.
    """

    method: Method
    z: Tensor  # (nz,)
    share: float | None = None
    length: float | None = None
    trust: float | None = None
    of: str = ""  # the class that it leads to
    names: Mapping[str, str] = field(default_factory=dict)  # language -> what people call it


def closed_form(gan: GAN, k: int = FOUND) -> list[Direction]:
    """What G's first layer passes on most strongly: eigenvectors of A^T A, A (outputs, nz) its weight before z.

    SeFa, Shen & Zhou, arXiv:2007.06600, equations 3 to 5. The batch norm after the layer is folded in; what a
    conditional G hears of the class is left out.
    """
    A = _first_weight(gan.G_ema)[: gan.config.nz].double()  # (nz, outputs)
    values, vectors = torch.linalg.eigh(A @ A.T)
    return _largest("sefa", values, vectors, k)


@torch.no_grad()
def principal(
    gan: GAN, k: int = FOUND, n: int = SAMPLES, seed: int = 0, progress: Progress | None = None
) -> list[Direction]:
    """PCA of G's activations over n samples, carried to z by least squares: GANSpace, arXiv:2004.02546, section 2.1.

    Of the last stage. The first is one linear layer: its principal components are those that `closed_form` finds.
    With classes, each class's mean is taken away, or the classes would be all that is found.
    """
    z, labels = _samples(gan, n, seed)
    x = _activations(gan, z, labels, progress)  # (n, F)
    x = x - (x.mean(dim=0) if labels is None else _class_means(x, labels, gan.config.num_classes)[labels])
    coordinates, shares = _components(x, min(k, gan.config.nz))  # (n, k)
    U = torch.linalg.lstsq(
        coordinates.cpu(), (z - z.mean(dim=0)).cpu()
    ).solution  # (k, nz), the least of |coordinates U - z|
    lengths = U.norm(dim=1)
    return [
        Direction("pca", _settled(u / length), share)
        for u, length, share in zip(U, lengths, shares.tolist(), strict=True)
        if length > 0
    ]


@torch.no_grad()
def local(gan: GAN, z: Tensor, y: Tensor | None = None, k: int = FOUND) -> list[Direction]:
    """What changes the picture most at this z (nz,): right singular vectors of the Jacobian of G, exactly.

    Ramesh et al., arXiv:1812.01161; Wang & Ponce, arXiv:2101.06006. y (num_classes,) are the weights of the classes,
    for a model that has them.
    """
    x = gan.G_ema.heard(z[None].to(gan.device), None if y is None else y[None].to(gan.device))
    axes = torch.eye(z.numel(), x.shape[1], device=gan.device)  # one small step along each number of z
    J = torch.cat([_carried(gan.G_ema.net, x, part)[1].flatten(1) for part in axes.split(TANGENTS)])  # (nz, pixels)
    values, vectors = torch.linalg.eigh((J @ J.T).double())
    return _largest("jacobian", values, vectors, k)


def _carried(net: nn.Module, x: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """x (1, ...) through a network in evaluation mode, and small steps (N, ...) from it: the forward derivative.

    By hand: all layers but two are affine, so that many steps cost no more than as many pictures; torch.func would
    paint the picture anew for each, and takes four seconds to be imported.
    """
    for module in net.children():
        if isinstance(module, nn.Sequential):
            x, steps = _carried(module, x, steps)
            continue
        out = module(x)
        match module:
            case nn.ReLU():
                steps = steps * (out > 0)
            case nn.Tanh():
                steps = steps * (1 - out.square())
            case _:
                steps = module(steps) - module(torch.zeros_like(x))
        x = out
    return x, steps


def difference(plus: Tensor, minus: Tensor, of: str = "") -> Direction:
    """From the mean of one group of latents (n, nz) to that of another; freed of the bias of few samples.

    An attribute vector, White, arXiv:1609.04468, section 3. A mean of n samples is off by nz / n in the square, which
    makes a difference longer than the truth by nz (1/n+ + 1/n-): that is taken off. Raises UserError for an empty one.
    """
    if not len(plus) or not len(minus):
        raise UserError("direction_empty_group", plus=len(plus), minus=len(minus))
    return _difference(plus.mean(dim=0) - minus.mean(dim=0), 1 / len(plus) + 1 / len(minus), of)


@torch.no_grad()
def by_class(
    gan: GAN, net: FeatureNet, n: int = LABELLED, seed: int = 0, progress: Progress | None = None
) -> list[Direction]:
    """For a model without classes of its own: from the mean of all other classes to each class, as `net` tells them.

    All other classes count the same, however often G paints them, so that what is common in one of them does not
    leak into the direction (White, arXiv:1609.04468, section 3). A class with too few samples has none.
    """
    z = gan.sample_z(n, seed)
    seen = _labelled(gan, net, z, progress)
    groups = {c: group for c in range(len(net.classes)) if len(group := z[seen == c]) >= FEWEST}
    means = {c: group.mean(dim=0) for c, group in groups.items()}
    found = []
    for c, group in groups.items() if len(groups) > 1 else ():
        others = [o for o in groups if o != c]
        rest = torch.stack([means[o] for o in others]).mean(dim=0)
        noise = 1 / len(group) + sum(1 / len(groups[o]) for o in others) / len(others) ** 2
        found.append(_difference(means[c] - rest, noise, net.classes[c]))
    return found


@torch.no_grad()
def entangled(
    gan: GAN, directions: list[Tensor], n: int = LOOKS, seed: int = 0, progress: Progress | None = None
) -> Tensor:
    """How alike the changes are that directions make in the pictures: |cosine| (k, k), averaged over n latents.

    1 on the diagonal; two directions that change different pixels, or the same ones independently, are near 0.
    """
    moves = torch.stack(directions).to(gan.device)  # (k, nz)
    z, labels = _samples(gan, n, seed)
    total = torch.zeros(len(moves), len(moves), device=gan.device)
    for i in range(n):
        y = None if labels is None else labels[i].expand(2 * len(moves))
        ends = torch.cat([z[i] + STEP * moves, z[i] - STEP * moves])
        above, below = gan(ends, y).flatten(1).chunk(2)
        change = nn.functional.normalize(above - below)
        total += (change @ change.T).abs()
        if progress:
            progress(i + 1, n, "entangled")
    mean = (total / n).cpu()
    return mean.fill_diagonal_(1).clamp_(0, 1)


def chance(gan: GAN, n: int = LOOKS, seed: int = 0) -> float:
    """The floor of `entangled`: what directions at random have in common."""
    random = torch.randn(6, gan.config.nz, generator=torch.Generator().manual_seed(seed))
    drawn = torch.linalg.qr(random.T).Q.T
    matrix = entangled(gan, list(drawn), n, seed)
    apart = ~torch.eye(len(drawn), dtype=torch.bool)
    return float(matrix[apart].mean()) if apart.any() else 0.0


def _first_weight(G: nn.Module) -> Tensor:
    """The weight before all inputs (inputs, outputs * places) of G's first layer, its batch norm folded in."""
    layers = [module for module in G.modules() if isinstance(module, nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d)]
    first, after = layers[0], layers[1]
    weight = first.weight.detach().float()
    if isinstance(first, nn.Linear):
        return weight.T
    if isinstance(after, nn.BatchNorm2d) and after.running_var is not None:
        weight = weight * (after.weight.detach() * (after.running_var + after.eps).rsqrt()).view(-1, 1, 1)
    return weight.flatten(1)


def _labelled(gan: GAN, net: FeatureNet, z: Tensor, progress: Progress | None) -> Tensor:
    """The likeliest class (N,) of each of G's pictures, as `net` sees it."""
    seen: list[Tensor] = []
    for part in z.split(BATCH):
        seen.append(net.classify(gan(part)).argmax(dim=1))
        if progress:
            progress(min(len(seen) * BATCH, len(z)), len(z), "labels")
    return torch.cat(seen)


def _activations(gan: GAN, z: Tensor, y: Tensor | None, progress: Progress | None = None) -> Tensor:
    """z (N, nz) -> what G's last stage gives on (N, channels * places), of no more than 8 x 8 places."""
    net = gan.G_ema.net[: 1 + stage_ends(gan.G_ema)[-1]]
    parts = []
    for start in range(0, len(z), BATCH):
        part = slice(start, start + BATCH)
        x = net(gan.G_ema.heard(z[part], None if y is None else y[part]))
        if x.dim() == 4:
            x = nn.functional.adaptive_avg_pool2d(x, min(PLACES, x.shape[-1]))
        parts.append(x.flatten(1))
        if progress:
            progress(min(start + BATCH, len(z)), len(z), "activations")
    return torch.cat(parts)


def _samples(gan: GAN, n: int, seed: int) -> tuple[Tensor, Tensor | None]:
    """Latents (n, nz), and labels (n,) that take turns: all classes equally often, whatever z is."""
    classes = gan.config.num_classes
    labels = torch.arange(n, device=gan.device) % classes if classes else None
    return gan.sample_z(n, seed), labels


def _class_means(x: Tensor, labels: Tensor, classes: int) -> Tensor:
    """(classes, F) of x (N, F); zeros for a class without samples."""
    sums = torch.zeros(classes, x.shape[1], device=x.device).index_add_(0, labels, x)
    return sums / labels.bincount(minlength=classes).clamp_min(1)[:, None]


def _components(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Centred x (n, F) -> coordinates (n, k) along its principal components, and their shares of the variance (k,).

    From the products of samples (n, n): F is eight thousand, and nobody needs components of that length.
    """
    products = x @ x.T
    values, vectors = torch.linalg.eigh(products)
    values, vectors = values.flip(0)[:k].clamp_min(0), vectors.flip(1)[:, :k]
    whole = products.trace().clamp_min(torch.finfo(x.dtype).tiny)
    return vectors * values.sqrt(), (values / whole).cpu()


def _largest(method: Method, values: Tensor, vectors: Tensor, k: int) -> list[Direction]:
    """Of eigenvalues in rising order (nz,) and their vectors (nz, nz), the last k, the largest first."""
    whole = float(values.clamp_min(0).sum()) or 1.0
    return [
        Direction(method, _settled(vectors[:, -i].float().cpu()), max(0.0, float(values[-i])) / whole)
        for i in range(1, min(k, len(values)) + 1)
    ]


def _settled(d: Tensor) -> Tensor:
    return d * d[d.abs().argmax()].sign()


def _difference(d: Tensor, noise: float, of: str) -> Direction:
    """d (nz,), each number of which is off by a variance of `noise`."""
    squared = float(d.square().sum())
    true = max(0.0, squared - d.numel() * noise)
    unit = d / d.norm() if squared else d
    trust = sqrt(true / squared) if squared else 0.0
    return Direction(
        "means", unit.cpu(), length=sqrt(true), trust=trust, of=of, names={"en": of, "zh": of} if of else {}
    )
