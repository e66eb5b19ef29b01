"""Ways through latent space: from one z to another, through many, and nearer to the middle."""

from collections.abc import Iterator
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_core.errors import UserError, unknown

Method = Literal["lerp", "slerp"]
Easing = Literal["linear", "smooth"]

FLAT = 1e-3  # sine of an angle below which two latents lie on one line: there float32 loses the great circle


def lerp(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """The straight line: a (..., nz) at t = 0, b (..., nz) at t = 1, both exactly. t broadcasts: (N, 1) gives (N, nz).

    Halfway between two latents of N(0, I) it is shorter than either by about sqrt(2): a place that G seldom met.
    """
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """Along the great circle: a (..., nz) at t = 0, b (..., nz) at t = 1, both exactly. t broadcasts as in `lerp`.

    The direction turns at an even pace (Shoemake 1985, section 3.3; for latents White, arXiv:1609.04468, section 2) and
    the length goes evenly from |a| to |b|, so every point is about as likely as the ends. Nearly parallel latents have
    next to nothing to turn: the direction goes straight. Between nearly opposite ones every great circle is as short:
    the turn goes by way of one fixed perpendicular.
    """
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    tiny = torch.finfo(a.dtype).tiny
    norm_a, norm_b = (x.norm(dim=-1, keepdim=True).clamp_min(tiny) for x in (a, b))  # (..., 1)
    u, v = a / norm_a, b / norm_b
    # Kahan's angle: unlike the arc cosine it stays exact near 0 and near pi
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    sine = angle.sin()
    flat, opposite = sine < FLAT, angle > 3
    half = (1 + (torch.pi * t).cos()) / 2
    along_u = torch.where(flat, torch.where(opposite, half, 1 - t), ((1 - t) * angle).sin() / sine)
    along_v = torch.where(flat, torch.where(opposite, 1 - half, t), (t * angle).sin() / sine)
    aside = torch.where(flat & opposite, 2 * (half * (1 - half)).sqrt(), 0)  # sin(pi t), and 0 at both ends
    norm = lerp(norm_a, norm_b, t)
    point: Tensor = along_u * (norm / norm_a) * a + along_v * (norm / norm_b) * b + aside * norm * _perpendicular(u)
    return point


def walk(
    keyframes: Tensor, frames: int, method: Method = "slerp", loop: bool = False, easing: Easing = "linear"
) -> Tensor:
    """A film's latents (frames, nz) through `keyframes` (K, nz): from the first to the last, or round and round.

    Every keyframe is itself a frame, exactly; the frames between are spread evenly, so that two segments differ by one
    frame at most. A loop ends one step before its first keyframe comes again: played round, no frame is doubled.
    "smooth" rests at every keyframe, "linear" goes on at one pace. Raises UserError for fewer than two keyframes, fewer
    frames than keyframes, or an unknown method or easing.
    """
    if method not in get_args(Method):
        raise unknown("method", method, get_args(Method))
    if easing not in get_args(Easing):
        raise unknown("easing", easing, get_args(Easing))
    between = slerp if method == "slerp" else lerp
    parts = []
    for start, end, t in _segments(len(keyframes), frames, loop):
        parts.append(between(keyframes[start], keyframes[end], _eased(t, easing).to(keyframes)[:, None]))
    return torch.cat(parts)


def walk_labels(labels: Tensor, classes: int, frames: int, loop: bool = False, easing: Easing = "linear") -> Tensor:
    """The weights of classes (frames, classes) beside `walk`'s latents: from the label of one keyframe to the next's.

    `labels` (K,) are whole numbers; between two of them both have a share, so that one class melts into the other.
    """
    weights = F.one_hot(labels, classes).float()  # (K, classes)
    parts = []
    for start, end, t in _segments(len(labels), frames, loop):
        parts.append(lerp(weights[start], weights[end], _eased(t, easing).to(weights)[:, None]))
    return torch.cat(parts)


def truncate(z: Tensor, psi: float) -> Tensor:
    """z (..., nz) drawn towards the mean latent, which is 0: fewer surprises, less variety.

    psi lies in (0, 1], and 1 changes nothing; UserError for another. It is the truncation of StyleGAN (Karras et al.,
    arXiv:1812.04948, appendix B), in z.
    """
    if not 0 < psi <= 1:
        raise UserError("truncation", got=psi)
    return z * psi


def _segments(keyframes: int, frames: int, loop: bool) -> Iterator[tuple[int, int, Tensor]]:
    """From which keyframe to which, and how far (m,) in [0, 1) each of that segment's frames is."""
    if keyframes < 2:
        raise UserError("too_few_keyframes", got=keyframes)
    if frames < keyframes:
        raise UserError("too_few_frames", got=frames, keyframes=keyframes)
    segments, steps = (keyframes, frames) if loop else (keyframes - 1, frames - 1)
    for k in range(segments):
        length = (k + 1) * steps // segments - k * steps // segments
        yield k, (k + 1) % keyframes, torch.arange(length) / length
    if not loop:
        yield keyframes - 1, keyframes - 1, torch.zeros(1)


def _eased(t: Tensor, easing: Easing) -> Tensor:
    return t * t * (3 - 2 * t) if easing == "smooth" else t


def _perpendicular(u: Tensor) -> Tensor:
    """A unit vector at a right angle to each unit vector of u (..., nz): of all axes the least like u, straightened.

    In one dimension there is none, and it is 0.
    """
    least = u.abs().argmin(dim=-1, keepdim=True)
    axis = torch.zeros_like(u).scatter_(-1, least, 1)
    aside: Tensor = axis - u * u.gather(-1, least)
    return F.normalize(aside, dim=-1)
