"""Work that takes seconds, told in lines of JSON while it is done: how far it is, at last what came of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import BoundedSemaphore, Event, Thread, current_thread

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gan_core.ui.answers import spoken
from gan_core.ui.text import PageError

WAIT = 3.0  # seconds for a free slot: whoever changes the picture has just given up the search for the last one
QUEUE = 8  # who may wait for one: each keeps a thread of the page, which has 40
PATIENCE = 5.0  # seconds until a thread hears that the app ends: it is asked a few times a second

Line = dict[str, object]
Tell = Callable[[Line], None]  # one line of progress; raises Left where nobody listens any more


class Left(Exception):
    """Whoever asked has gone."""


class Told(StreamingResponse):
    """Lines of JSON, and word to whoever writes them when nobody listens any more."""

    media_type = "application/x-ndjson"

    def __init__(self, left: Event, lines: Iterator[str]) -> None:
        super().__init__(lines)
        self.left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.left.set()


class Slots:
    """So much of one kind of work at once, in this whole app; one more gets the sentence `busy`.

    `last` is what the last line calls that which came of it.
    """

    def __init__(self, count: int, busy: str, wait: float = WAIT, last: str = "result") -> None:
        self.free, self.busy, self.wait, self.last = BoundedSemaphore(count), busy, wait, last
        self._queue = BoundedSemaphore(QUEUE)
        self.over = Event()
        self._threads = set[Thread]()

    def close(self) -> None:
        """Give everything up: a thread that computes while Python ends takes the whole process down with it."""
        self.over.set()
        for thread in list(self._threads):
            thread.join(PATIENCE)

    def told(self, work: Callable[[Tell], object], lang: str) -> Told:
        left = Event()
        return Told(left, self.lines(work, left, lang))

    def lines(self, work: Callable[[Tell], object], left: Event, lang: str) -> Iterator[str]:
        """Lines of `work`, in a thread of its own: what it tells, then what it returns as {last: ...}, or {"error"}.

        It is given up at its next word once `left` is set: the client has gone.
        """
        lines: SimpleQueue[str | None] = SimpleQueue()  # None: that was the last

        def tell(line: Line) -> None:
            if left.is_set() or self.over.is_set():
                raise Left
            lines.put(_written(line))

        def go() -> None:
            last = _written({"error": ""})
            self._threads.add(current_thread())
            try:
                with suppress(Left):
                    last = _written({self.last: work(tell)})
            except Exception as error:
                last = _written({"error": spoken(error, lang)})
            finally:
                self.free.release()
                self._threads.discard(current_thread())
                lines.put(last)
                lines.put(None)

        if self._taken():
            try:
                Thread(target=go, daemon=True, name="told").start()
            except RuntimeError:  # the machine gives no more threads
                self.free.release()
                raise
        else:
            lines.put(_written({"error": PageError(self.busy).said(lang)}))
            lines.put(None)
        while (line := lines.get()) is not None:
            yield line

    def _taken(self) -> bool:
        """A free slot, at once or after a moment in the queue."""
        if self.free.acquire(blocking=False):
            return True
        if not self._queue.acquire(blocking=False):
            return False
        try:
            return self.free.acquire(timeout=self.wait)
        finally:
            self._queue.release()


def _written(line: Line) -> str:
    """Raises ValueError for what is no number: a browser cannot read it, and a model with broken weights tells it."""
    return json.dumps(line, allow_nan=False) + "\n"
