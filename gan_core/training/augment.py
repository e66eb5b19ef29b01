"""DiffAugment: the same random changes on real and fake, in D's move and in G's (Zhao et al., arXiv:2006.10738).

D then never sees an unchanged picture and cannot learn a small set by heart; the changes are differentiable, so
G still feels D's slope through them. All pictures are (N, nc, S, S) in [-1, 1].
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_core.training.draws import Draws

ANY = Draws()  # whatever torch draws next


def augment(x: Tensor, kinds: Sequence[str], draws: Draws = ANY) -> Tensor:
    """Each picture changed by its own draw of every kind named: "color", "translation", "cutout"."""
    for kind in kinds:
        x = _KINDS[kind](x, draws)
    return x


def mirror(x: Tensor, draws: Draws = ANY) -> Tensor:
    """Half of the pictures flipped left to right."""
    return torch.where(draws.uniform(x) < 0.5, x.flip(3), x)


def _color(x: Tensor, draws: Draws) -> Tensor:
    """Brightness +-0.5, saturation 0..2 and contrast 0.5..1.5 times (the paper's ranges, appendix A)."""
    x = x + (draws.uniform(x) - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * (draws.uniform(x) * 2)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (x - mean) * (draws.uniform(x) + 0.5)


def _translation(x: Tensor, draws: Draws) -> Tensor:
    """Shifted by up to an eighth of the width, both ways. What moves in is grey, as in the paper's code."""
    n, _, size, _ = x.shape
    reach = max(1, size // 8)
    dy, dx = (draws.integers(-reach, reach + 1, x).view(n, 1, 1) for _ in range(2))
    at = torch.arange(size, device=x.device)
    rows, columns = (at.view(1, -1, 1) + dy + 1).clamp(0, size + 1), (at.view(1, 1, -1) + dx + 1).clamp(0, size + 1)
    padded = F.pad(x, (1, 1, 1, 1))  # whatever is read beyond a border lies in this frame
    return padded.permute(0, 2, 3, 1)[torch.arange(n, device=x.device).view(-1, 1, 1), rows, columns].permute(
        0, 3, 1, 2
    )


def _cutout(x: Tensor, draws: Draws) -> Tensor:
    """A square of half the width, centred anywhere, greyed out."""
    n, _, size, _ = x.shape
    side = size // 2
    at = torch.arange(size, device=x.device)
    top, left = (draws.integers(-(side // 2), size - side // 2, x).view(n, 1) for _ in range(2))
    rows, columns = ((at >= start) & (at < start + side) for start in (top, left))
    hole = rows[:, None, :, None] & columns[:, None, None, :]  # (N, 1, S, S)
    return x.masked_fill(hole, 0.0)


_KINDS = {"color": _color, "translation": _translation, "cutout": _cutout}
