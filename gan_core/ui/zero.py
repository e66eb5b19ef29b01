"""ZeroGPU, as the Hub's package `spaces` knows it: a GPU that is there for a slice of time, in a process of its own.

Elsewhere its decorator gives a function back as it is. It must be imported before CUDA is begun with; there it makes
torch say that there is a GPU while there is none yet, so whatever is not in a slice has to name the CPU.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import spaces
from spaces.config import Config

SLICE = 60  # seconds that are asked for; the visitor's quota pays for those that are used

T = TypeVar("T", bound=Callable[..., Any])


def here() -> bool:
    """Is this a Space on ZeroGPU?"""
    return bool(Config.zero_gpu)


def sliced(function: T) -> T:
    """The function, played where a GPU is for SLICE seconds at most. Arguments and answer have to be picklable."""
    decorated: T = spaces.GPU(duration=SLICE)(function)
    return decorated
