"""What the tabs share: where models and runs lie, the GANs in memory, and what must end when the app ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from starlette.routing import BaseRoute

from gan_core.ui.kept import Kept
from gan_core.ui.limits import Limits
from gan_core.ui.models import Shelf
from gan_core.ui.rights import Rights
from gan_core.ui.stream import Slots

ROOT = Path(__file__).parents[2]
ROUTES = "/gradio_api/gan"  # Gradio's server-side rendering lets only paths under /gradio_api reach Python


@dataclass
class Studio:
    """One app. Tabs add their routes while they are built, and whatever has to be ended with the app to `at_close`."""

    runs: Path
    weights: Path = ROOT / "weights"
    key: str = ""  # the teacher's
    open: bool = True  # whoever reaches the page may steer every run
    address: str = ""  # at which others on the network reach the page; "" where it is the one in their browser
    public: bool = False  # strangers come: what they start is bounded
    routes: list[BaseRoute] = field(default_factory=list)
    at_close: list[Callable[[], None]] = field(default_factory=list)
    # films written at once: each takes a core, and as GIF all its frames in memory
    films: Slots = field(default_factory=lambda: Slots(2, "film_busy", wait=0, last="token"))

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(self.weights, self.runs)

    @property
    def limits(self) -> Limits | None:
        """What strangers may ask for; None where none come."""
        return Limits() if self.public else None

    @property
    def rights(self) -> Rights:
        return Rights(self.key, self.open)

    @cached_property
    def kept(self) -> Kept:
        kept = Kept()
        self.at_close.append(kept.close)
        return kept

    def close(self) -> None:
        self.films.close()
        for end in reversed(self.at_close):
            end()
