"""The whole round as one CUDA graph: the host launches it once, instead of a thousand kernels one by one.

On a GPU a DCGAN's kernels are shorter than the time that it takes to launch them; a recorded round needs no Python and
no launches (Gray, "Getting started with CUDA graphs", NVIDIA 2019). It plays the same game, from the same numbers.
"""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

Dealt = list[tuple[Tensor, Tensor | None]]  # for each move of D: pixels (N, nc, S, S) uint8, and labels (N,)
Play = Callable[[Dealt], Tensor]

WARM_UP = 3  # rounds of each kind before it is recorded: libraries choose their algorithms, Adam makes its moments

log = logging.getLogger(__name__)


class Graphed:
    """Plays as `play` does, recorded. Whatever Python decides in a round is its `kind`: each kind has its own graph.

    `generator` is the one that `play` draws from; each replay goes on drawing where the last one ended.
    """

    def __init__(self, play: Play, generator: torch.Generator, cuda: Any = torch.cuda) -> None:
        self.play, self.generator, self.cuda = play, generator, cuda
        self.played = Counter[bool]()
        self.recordings: dict[bool, _Recording] = {}
        self.refused = False

    def __call__(self, dealt: Dealt, kind: bool) -> Tensor:
        """Returns what `play` returns (a copy: the next replay writes over its own)."""
        if kind in self.recordings:
            return self.recordings[kind].replay(dealt)
        self.played[kind] += 1
        if self.refused:
            return self.play(dealt)
        if self.played[kind] > WARM_UP:
            return self._recorded(dealt, kind)
        # on a stream of its own, as recording will be: cuBLAS keeps its workspace by stream
        aside = self.cuda.Stream()
        aside.wait_stream(self.cuda.current_stream())
        with self.cuda.stream(aside):
            means = self.play(dealt)
        self.cuda.current_stream().wait_stream(aside)
        return means

    def _recorded(self, dealt: Dealt, kind: bool) -> Tensor:
        before = self.generator.clone_state()
        try:
            self.recordings[kind] = _Recording(self.play, self.generator, dealt, self.cuda)
        except RuntimeError as error:
            log.warning("The step could not be recorded as a CUDA graph (%s); going on without.", error)
            if self.generator.device.type == "cuda":  # a capture that broke off may have left it waiting for a replay
                self.generator.graphsafe_set_state(before)
            self.refused = True
            return self.play(dealt)
        return self.recordings[kind].replay(dealt)


class _Recording:
    """One graph, the places that it reads its pictures from, and the place that it writes its means to."""

    def __init__(self, play: Play, generator: torch.Generator, dealt: Dealt, cuda: Any) -> None:
        self.dealt: Dealt = [(x.clone(), None if y is None else y.clone()) for x, y in dealt]
        self.graph = cuda.CUDAGraph()
        self.graph.register_generator_state(generator)
        # only this thread's calls are watched: another one may be gathering the next batch
        recording: AbstractContextManager[None] = cuda.graph(self.graph, capture_error_mode="thread_local")
        with recording:
            self.means = play(self.dealt)

    def replay(self, dealt: Dealt) -> Tensor:
        for (x, y), (new_x, new_y) in zip(self.dealt, dealt, strict=True):
            x.copy_(new_x, non_blocking=True)
            if y is not None and new_y is not None:
                y.copy_(new_y, non_blocking=True)
        self.graph.replay()
        return self.means.clone()
