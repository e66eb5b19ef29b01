"""One sentence, early on, about work that takes long."""

from collections.abc import Callable
from time import monotonic

SURE_AFTER = 1.0  # seconds of work, before which its pace is a guess
WORTH_A_WORD = 5.0  # seconds in all, below which nobody minds


class Forecast:
    """Hears the progress of `load_images`, and says once how long it will take, if that is long."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = monotonic) -> None:
        self._say, self._clock = say, clock
        self._began: float | None = None
        self._over = False

    def __call__(self, done: int, total: int, what: str) -> None:
        if self._over or what not in ("read", "prepare"):
            return
        if done == 0 or self._began is None:
            self._began = self._clock()
            return
        gone = self._clock() - self._began
        if gone < SURE_AFTER:
            return
        self._over = True
        whole = gone * total / done
        if whole < WORTH_A_WORD:
            return
        if what == "prepare":
            self._say(f"Preparing {total:,} pictures takes {about(whole)}; the next start finds them ready.")
        else:
            self._say(f"Reading {total:,} pictures takes {about(whole)}.")


def about(seconds: float) -> str:
    """As a person would say it: 47 -> "about 45 seconds", 170 -> "about 3 minutes"."""
    if seconds < 57.5:
        return f"about {5 * max(1, round(seconds / 5))} seconds"
    minutes, hours = max(1, round(seconds / 60)), round(seconds / 3600)
    count, unit = (minutes, "minute") if minutes <= 90 else (hours, "hour")
    return f"about {count} {unit}{'s' if count > 1 else ''}"
