"""The audience of `bench --viewers`: HTTP clients as browsers are, in a process of their own, by the standard library.

    python audience.py PORT RUN EVENTS VIEWERS      and then, line by line: join, leave, cut SECONDS, tell, quit

Each is an EventSource on live?run=RUN: it comes back after a broken line with the last id that it heard, and draws what
it hears. A thread looks into events.jsonl a hundred times a second, so that it is known when each line was there. As
many lines as an id counts have arrived with it: the time between the two is the delay.
"""

import asyncio
import json
import sys
import threading
import time
from bisect import insort
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

LOOK_EVERY = 0.01  # seconds; a delay is told too short by at most that
RETRY = 1.5  # seconds, as the server asks of browsers

Event = tuple[str, int, float]  # what it is, its step, and of a report the loss of D, as it goes over the wire


class Ink:
    """When each line of a file was there, by our own clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.since = len(path.read_bytes().splitlines())  # of earlier lines it is not known
        self.times: list[float] = []
        self._size = path.stat().st_size
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            self._look()

    def _look(self) -> None:
        with self._lock:
            if self.path.stat().st_size == self._size:
                return
            with self.path.open("rb") as file:
                file.seek(self._size)
                whole = file.read().rpartition(b"\n")[0]
            if whole:
                self._size += len(whole) + 1
                self.times += [time.monotonic()] * (whole.count(b"\n") + 1)

    def written(self, line: int) -> float | None:
        """`line` is counted from 1."""
        at = line - 1 - self.since
        if at >= len(self.times):  # it has arrived before we looked
            self._look()
        return self.times[at] if 0 <= at < len(self.times) else None


class Viewer:
    """One browser."""

    def __init__(self, port: int, run: str, ink: Ink) -> None:
        self.port, self.run, self.ink = port, run, ink
        self.drawn: list[Event] = []
        self.delays: list[float] = []
        self.lines = 0  # heard of
        self.last_id = ""
        self.joined = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None
        self._catching_up = True  # what is heard first after a break was not late: nobody was there

    async def live(self) -> None:
        while True:
            await self.joined.wait()
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):  # until the line breaks
                await self._listen()
            self.writer = None
            if self.joined.is_set():
                await asyncio.sleep(RETRY)

    def leave(self) -> None:
        self.joined.clear()
        if self.writer:
            self.writer.close()

    async def _listen(self) -> None:
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
        last = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        address = f"/gradio_api/gan/live?run={quote(self.run)}"
        ask = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{last}\r\n"
        self.writer.write(ask.encode())
        self._catching_up = True
        while (await reader.readuntil(b"\r\n")).strip():
            pass  # headers
        text = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            text += await reader.readexactly(size)
            await reader.readexactly(2)
            *messages, text = text.split(b"\n\n")
            for message in messages:
                self._hear(message.decode())

    def _hear(self, message: str) -> None:
        now, parts = time.monotonic(), dict(line.partition(": ")[::2] for line in message.split("\n"))
        event = parts.get("event")
        if event not in ("history", "told"):
            return
        self.last_id = parts["id"]
        data = json.loads(parts["data"])["data"]
        if event == "history":
            steps, losses = data["reports"][0], data["reports"][3]
            self.drawn = [("report", step, loss) for step, loss in zip(steps, losses, strict=True)]
        for kind, step, *rest in data["told"] if event == "history" else data:
            if kind == "resumed":
                self.drawn = [drawn for drawn in self.drawn if drawn[1] <= step]
            else:
                self.drawn.append((kind, step, rest[2] if kind == "report" else 0.0))
        heard = int(self.last_id.rpartition("-")[2])
        if not self._catching_up:
            for line in range(self.lines + 1, heard + 1):
                if (written := self.ink.written(line)) is not None:
                    self.delays.append(max(0.0, now - written))
        self.lines, self._catching_up = heard, False


class Audience:
    """All of them, and what is asked of them."""

    def __init__(self, port: int, run: str, events: Path, viewers: int) -> None:
        self.events = events
        ink = Ink(events)
        self.viewers = [Viewer(port, run, ink) for _ in range(viewers)]

    async def go(self) -> None:
        tasks = [asyncio.create_task(viewer.live()) for viewer in self.viewers]
        asked = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
        while line := (await asked.readline()).decode().split():
            what = line[0]
            if what in ("leave", "cut", "quit"):
                for viewer in self.viewers:
                    viewer.leave()
            if what == "cut":
                await asyncio.sleep(float(line[1]))
            if what in ("join", "cut"):
                for viewer in self.viewers:
                    viewer.joined.set()
            print(json.dumps(self.told() if what == "tell" else {}), flush=True)
            if what == "quit":
                break
        for task in tasks:
            task.cancel()

    def told(self) -> dict[str, Any]:
        """How it stands; the delays are those since the last time."""
        wanted = expected(self.events)
        delays: list[float] = []
        for viewer in self.viewers:
            delays += viewer.delays
            viewer.delays = []
        delays.sort()
        return {
            "events": len(wanted),
            "connected": sum(viewer.writer is not None for viewer in self.viewers),
            "complete": sum(sorted(viewer.drawn) == wanted for viewer in self.viewers),
            "heard": len(delays),
            "median": delays[len(delays) // 2] if delays else None,
            "late": delays[int(len(delays) * 0.95)] if delays else None,
            "latest": delays[-1] if delays else None,
            "cpu": time.process_time(),
        }


def expected(path: Path) -> list[Event]:
    """Everything in the file that still holds, in order of kind and step."""
    events: list[Event] = []
    for line in path.read_bytes().splitlines():
        event = json.loads(line)
        kind, step = event["event"], event["step"]
        if kind == "resumed":
            events = [old for old in events if old[1] <= step]
        else:
            insort(events, (kind, step, float(f"{event['loss_D']:.5g}") if kind == "report" else 0.0))
    return events


if __name__ == "__main__":
    port, run, events, viewers = sys.argv[1:]
    asyncio.run(Audience(int(port), run, Path(events), int(viewers)).go())
