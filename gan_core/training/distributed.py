"""Many processes, one game: what the ranks that torchrun started say to each other.

    torchrun --nproc-per-node 4 -m gan_core train --data ... --run ...

Each rank plays on its rows of every batch. Gradients are averaged and batch norm takes the statistics of the whole
batch, so that N ranks make the same moves as one. Rank 0 alone writes, listens and decides; the others follow.
"""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from gan_core.training.draws import Draws

PATIENCE = timedelta(days=365)  # for rank 0, which may be pausing; a rank that ended is noticed at once
CPU = torch.device("cpu")  # where words go, whatever the device: asking must not wait for the GPU

T = TypeVar("T")


class Ranks:
    """This process among the others. Alone, every method does nothing, at no cost."""

    def __init__(self, rank: int = 0, world: int = 1) -> None:
        self.rank, self.world = rank, world
        self.playing = False  # do the others know what is played?

    @property
    def first(self) -> bool:
        """Does this one write and decide?"""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.world == 1

    def draws(self, generator: torch.Generator) -> Draws:
        return Draws(generator, self.rank, self.world)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Each rank's gradient is that of its own rows' mean; their mean is that of the whole batch's."""
        if self.alone:
            return
        grads = [p.grad for p in parameters if p.grad is not None]
        together = self.mean(torch.cat([grad.flatten() for grad in grads]))  # one message instead of thirty
        for grad, part in zip(grads, together.split([grad.numel() for grad in grads]), strict=True):
            grad.copy_(part.view_as(grad))

    def mean(self, t: Tensor) -> Tensor:
        """The mean of t over all ranks, in place."""
        if not self.alone:
            dist.all_reduce(t)
            t /= self.world
        return t

    def go_on(self) -> Any:
        """Before each step: rank 0 says yes by asking. The others hear that; no, if it called stop(); or another word
        that it told before it went on, after which they ask again."""
        return self.tell(True)

    def stop(self) -> None:
        """Rank 0 leaves the game, and all others with it, before the same step."""
        self.tell(False)

    def tell(self, value: T) -> T:
        """Rank 0's value, on every rank."""
        if self.alone:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=CPU)
        return box[0]

    def gather(self, value: T) -> list[T]:
        """Every rank's value, on every rank."""
        values: list[Any] = [value] * self.world
        if not self.alone:
            for rank in range(self.world):
                box = [value]
                dist.broadcast_object_list(box, src=rank, device=CPU)
                values[rank] = box[0]
        return values

    def share_statistics(self, *players: nn.Module) -> None:
        """Let batch norm in `players` see the whole batch. Their weights keep names and values."""
        if not self.alone:
            for module in (m for player in players for m in player.modules()):
                if isinstance(module, nn.BatchNorm2d):
                    module.__class__ = _SharedBatchNorm


ALONE = Ranks()


@contextmanager
def joined(cuda: bool) -> Iterator[Ranks]:
    """Meet the others, if torchrun started this process; else be alone."""
    if not dist.is_torchelastic_launched():
        yield ALONE
        return
    store, rank, world = next(rendezvous("env://"))
    # torchrun keeps its store over restarts, with the addresses of those that ended: on one machine it counts them
    place = f"start-{os.environ['TORCHELASTIC_RESTART_COUNT']}" if world == int(os.environ["LOCAL_WORLD_SIZE"]) else ""
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    dist.init_process_group(backend, store=PrefixStore(place, store), rank=rank, world_size=world, timeout=PATIENCE)
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def launcher() -> str:
    """Who started this process: the same word after a torchrun has started it again; nothing without one."""
    if not dist.is_torchelastic_launched():
        return ""
    return f"{socket.gethostname()}:{os.getppid()}"


class _SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the rows of all ranks. torch.nn.SyncBatchNorm does this on GPUs only."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        rows = x.float()
        sums = _AllReduce.apply(torch.stack([rows.mean(dim=(0, 2, 3)), rows.square().mean(dim=(0, 2, 3))]))
        mean, square = sums / dist.get_world_size()
        var = (square - mean.square()).clamp_min(0)
        self._remember(mean.detach(), var.detach(), x.numel() // x.shape[1] * dist.get_world_size())
        scale = self.weight * (var + self.eps).rsqrt()
        shift = self.bias - mean * scale
        y: Tensor = rows * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)
        return y.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, var: Tensor, n: int) -> None:
        """The running statistics, as torch's own keeps them: the variance without bias."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(var * n / max(n - 1, 1), momentum)


class _AllReduce(Function):
    """The sum over all ranks, through which gradients flow: what every rank owes, summed."""

    @staticmethod
    def forward(ctx: Any, t: Tensor) -> Tensor:
        t = t.clone()
        dist.all_reduce(t)
        return t

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        grad = grad.clone()
        dist.all_reduce(grad)
        return grad
