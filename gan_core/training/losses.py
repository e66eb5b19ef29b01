"""The game, and the forms it is played in.

    min_G max_D   E[log D(x)] + E[log(1 - D(G(z)))]        D(.) = sigmoid(logit)

(Goodfellow et al., arXiv:1406.2661, equation 1.) Each form is a pair of functions that return what their player
minimises. All logits are (N,); since -log sigmoid(l) = softplus(-l) and -log(1 - sigmoid(l)) = softplus(l), no
logarithm is ever taken of a rounded-off zero. G's loss also takes D's logits of real pictures: only `rpgan` looks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Game:
    """One form of the game: what D minimises, what G minimises, and how it is written."""

    d_loss: Callable[[Tensor, Tensor, float], Tensor]  # (real, fake, smoothing) -> scalar
    g_loss: Callable[[Tensor, Tensor], Tensor]  # (real, fake) -> scalar
    formula_D: str  # LaTeX
    formula_G: str
    needs_real_in_G: bool = False
    probabilistic: bool = True  # is sigmoid(logit) D's belief that a picture is real?


def bce_d(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))]: the max over D, as a loss (arXiv:1406.2661, equation 1).

    With `smoothing` a, D's target for real is 1 - a: -(1-a) log D(x) - a log(1 - D(x)) (arXiv:1606.03498, section 3.4).
    """
    # softplus(l) - softplus(-l) = l, so that the smoothed target costs one more mean
    return F.softplus(-real).mean() + smoothing * real.mean() + F.softplus(fake).mean()


def minimax_g(real: Tensor, fake: Tensor) -> Tensor:
    """E[log(1 - D(G(z)))]: the min over G as it stands in the formula (arXiv:1406.2661, equation 1).

    It saturates: its slope in the logit is -D(G(z)), gone just when D rejects every fake and G most needs it.
    """
    return -F.softplus(fake).mean()


def ns_g(real: Tensor, fake: Tensor) -> Tensor:
    """-E[log D(G(z))]: the non-saturating twin (arXiv:1406.2661, section 3). Its slope is 1 - D(G(z))."""
    return F.softplus(-fake).mean()


def lsgan_d(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2, on raw logits (arXiv:1611.04076, equation 9)."""
    return ((real - (1 - smoothing)).square().mean() + fake.square().mean()) / 2


def lsgan_g(real: Tensor, fake: Tensor) -> Tensor:
    """E[(D(G(z)) - 1)^2] / 2 (arXiv:1611.04076, equation 9)."""
    return (fake - 1).square().mean() / 2


def hinge_d(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (arXiv:1802.05957, equation 16)."""
    return F.relu(1 - smoothing - real).mean() + F.relu(1 + fake).mean()


def wgan_d(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """E[D(G(z))] - E[D(x)]: minus the Wasserstein estimate (arXiv:1701.07875, equation 2). D must be Lipschitz.

    There is no target that smoothing could soften.
    """
    return fake.mean() - real.mean()


def wgan_g(real: Tensor, fake: Tensor) -> Tensor:
    """-E[D(G(z))] (arXiv:1701.07875, algorithm 1; also the G of the hinge game, arXiv:1802.05957, equation 17)."""
    return -fake.mean()


def rpgan_d(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """E[softplus(D(G(z)) - D(x))]: real must beat the fake it is paired with (arXiv:2501.05441, equation 2)."""
    return F.softplus(fake - real).mean()


def rpgan_g(real: Tensor, fake: Tensor) -> Tensor:
    """E[softplus(D(x) - D(G(z)))]: the fake must beat the real it is paired with (arXiv:2501.05441, equation 2)."""
    return F.softplus(real - fake).mean()


_BCE_D = r"-\log D(x) - \log(1 - D(G(z)))"

GAMES: dict[str, Game] = {
    "minimax": Game(bce_d, minimax_g, _BCE_D, r"\log(1 - D(G(z)))"),
    "ns": Game(bce_d, ns_g, _BCE_D, r"-\log D(G(z))"),
    "lsgan": Game(
        lsgan_d,
        lsgan_g,
        r"\tfrac12 (D(x) - 1)^2 + \tfrac12 D(G(z))^2",
        r"\tfrac12 (D(G(z)) - 1)^2",
        probabilistic=False,
    ),
    "hinge": Game(
        hinge_d, wgan_g, r"\max(0, 1 - D(x)) + \max(0, 1 + D(G(z)))", r"-D(G(z))", probabilistic=False
    ),
    "wgan": Game(wgan_d, wgan_g, r"D(G(z)) - D(x)", r"-D(G(z))", probabilistic=False),
    "rpgan": Game(
        rpgan_d,
        rpgan_g,
        r"\log(1 + e^{D(G(z)) - D(x)})",
        r"\log(1 + e^{D(x) - D(G(z))})",
        needs_real_in_G=True,
        probabilistic=False,
    ),
}  # fmt: skip
