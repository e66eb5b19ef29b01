"""Ways through latent space: from one z to another, through many, and nearer to the middle."""

from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_core.errors import UserError, unknown

Method = Literal["lerp", "slerp", "matched"]
Easing = Literal["linear", "smooth"]

FLAT = 1e-3  # sine of an angle below which two latents lie on one line: there float32 loses the great circle
NOWHERE = 1e-3  # share of its due length below which a point is the origin: there float32 loses its direction


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


def matched(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """The straight line, lifted: a (..., nz) at t = 0, b (..., nz) at t = 1, both exactly. t broadcasts as in `lerp`.

    Latents of N(0, I) lie in a thin shell of radius sqrt(nz), and halfway between two of them the straight line leaves
    it for a place that G never met. Here each of its points is rescaled so that the length goes evenly from |a| to |b|
    (for Gaussian latents the matching of Agustsson et al., arXiv:1711.01970, section 3: lerp / sqrt(t^2 + (1 - t)^2)).
    It turns on the same great circle as `slerp`, but faster halfway. Between opposite latents the line runs through the
    origin, which has no direction: there the point is aside, at a right angle.
    """
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    line = lerp(a, b, t)
    due = lerp(a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True), t)  # (..., 1)
    length = line.norm(dim=-1, keepdim=True)
    lost = length < NOWHERE * due
    point: Tensor = torch.where(
        lost,
        due * _perpendicular(F.normalize(a, dim=-1)),
        line * (due / torch.where(length > 0, length, 1)),
    )
    return point


BETWEEN = {"lerp": lerp, "slerp": slerp, "matched": matched}


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
    between = BETWEEN[method]
    parts = []
    for start, end, t in _segments(len(keyframes), frames, loop):
        parts.append(between(keyframes[start], keyframes[end], _eased(t, easing).to(keyframes)[:, None]))
    return torch.cat(parts)


def walk_labels(labels: Tensor, classes: int, frames: int, loop: bool = False, easing: Easing = "linear") -> Tensor:
    """The weights of classes (frames, classes) beside `walk`'s latents: from the label of one keyframe to the next's.

    `labels` are whole numbers (K,), or already weights (K, classes), for keyframes that lie between classes themselves.
    Between two keyframes both have a share, so that one class melts into the other.
    """
    weights = labels if labels.is_floating_point() else F.one_hot(labels, classes).float()  # (K, classes)
    parts = []
    for start, end, t in _segments(len(labels), frames, loop):
        parts.append(lerp(weights[start], weights[end], _eased(t, easing).to(weights)[:, None]))
    return torch.cat(parts)


def retime(distances: Tensor | Sequence[float], frames: int, loop: bool = False) -> Tensor:
    """When to look at a path, (frames,) in [0, 1], so that from frame to frame the picture changes by the same amount.

    `distances` (N,) are those between the neighbours of N + 1 pictures, evenly spaced in time along the path. The time
    of each frame is the inverse of the length covered so far, straight between those pictures. A loop, whose last
    distance leads back to the start, ends one step before 1. Where nothing changes at all, time goes on as it is.

    Latent space is curved unevenly as seen by the eye (Karras et al., arXiv:1812.04948, section 4.1, measure it as
    perceptual path length), so that steps of one length in z make a film that creeps and jumps. Raises UserError for
    fewer than two frames, ValueError for distances that are none.
    """
    steps = torch.as_tensor(distances, dtype=torch.float64)
    if frames < 2:
        raise UserError("too_few_frames", got=frames, keyframes=2)
    if not len(steps) or not steps.isfinite().all() or (steps < 0).any():
        raise ValueError("distances are finite, and none is below 0")
    wanted = torch.arange(frames, dtype=torch.float64) / (frames if loop else frames - 1)
    covered = F.pad(steps.cumsum(0), (1, 0))  # (N + 1,), from 0 to the whole length
    if not covered[-1]:
        return wanted
    covered = covered / covered[-1]
    after = torch.searchsorted(covered, wanted).clamp(1, len(steps))
    before = after - 1
    way = (covered[after] - covered[before]).clamp_min(torch.finfo(torch.float64).tiny)
    times = (before + ((wanted - covered[before]) / way).clamp(0, 1)) / len(steps)
    if not loop:
        times[-1] = 1  # the last keyframe itself, where a standstill leads up to it
    return times


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
