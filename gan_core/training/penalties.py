"""What keeps D's slope in check. Each takes D as a plain function, and knows neither networks nor optimisers."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]  # (N, nc, S, S) -> logits (N,)


def zero_centred(critic: Critic, x: Tensor) -> Tensor:
    """E[|grad_x D(x)|^2] / 2: keeps D flat around x (Mescheder et al., arXiv:1801.04406, equation 9).

    On real pictures this is R1, on fakes R2. `critic` must score pictures one by one (no batch norm): the gradient
    of the summed logits is then the gradient of each.
    """
    return _slope(critic, x).square().sum(dim=1).mean() / 2


def one_centred(critic: Critic, x: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """E[(|grad D(m)| - 1)^2] at m = share * x + (1 - share) * fake: WGAN-GP (arXiv:1704.00028, equation 3).

    `share` (N, 1, 1, 1) in 0..1 is drawn by the caller.
    """
    # the tiny constant keeps the slope of the norm finite where the gradient is zero
    return ((_slope(critic, share * x + (1 - share) * fake).square().sum(dim=1) + 1e-12).sqrt() - 1).square().mean()


@torch.no_grad()
def clip_(parameters: Iterable[Tensor], limit: float) -> None:
    """Clamp every weight to [-limit, limit]: the crude Lipschitz bound of WGAN (arXiv:1701.07875, algorithm 1)."""
    torch._foreach_clamp_min_(parameters := list(parameters), -limit)
    torch._foreach_clamp_max_(parameters, limit)


def _slope(critic: Critic, x: Tensor) -> Tensor:
    """grad_x D(x), flattened to (N, nc * S * S), ready to be differentiated once more."""
    x = x.detach().requires_grad_(True)
    (grad,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return grad.flatten(1)
