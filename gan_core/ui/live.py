"""Runs, live: one hub of server-sent events. However many watch a run, its folder is read once.

    GET /gradio_api/gan/runs                        every run, the one that moved last first
    GET /gradio_api/gan/runs/{name}/events          "run", "history" or "told", "status"; then what is new
    GET /gradio_api/gan/runs/{name}/samples/{file}  a sheet

All disk work happens in threads; the event loop only hands messages on.
"""

import asyncio
import json
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, list_runs, run_folder, standing
from gan_core.training.losses import GAMES
from gan_core.training.until import NoBetter, Seconds, Until, parse
from gan_core.ui.formula import mathml
from gan_core.ui.jobs import Jobs, log_tail, resumable
from gan_core.ui.story import Story, Tail, whole
from gan_core.ui.studio import ROUTES

LOOK_EVERY = 0.3  # seconds between two looks at a folder
KEEP_ALIVE = 15.0  # seconds of silence after which a proxy might hang up
BACKLOG = 500  # messages that a slow viewer may be behind; then it is let go, and comes back with its last line
RETRY = 1500  # milliseconds until a browser comes back
LIST_FOR = 1.0  # seconds for which one list of runs serves everybody

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """How a run stands. Sent whenever it differs from the last."""

    state: str  # folder.standing()
    wish: str
    step: int
    why: str
    why_zh: str
    log: tuple[str, ...]  # of one that ended badly
    can_go_on: bool
    can_open: bool

    @classmethod
    def at(cls, folder: RunFolder, jobs: Jobs) -> "Look":
        state = standing(folder, jobs.alive(folder))
        status = folder.status
        bad = state in ("failed", "dead")
        return cls(
            state=state,
            wish=folder.wish,
            step=status.step if status else 0,
            why=_without_places(status.why, folder) if status else "",
            why_zh=_without_places(status.why_zh, folder) if status else "",
            log=tuple(_without_places(line, folder) for line in log_tail(folder)) if bad else (),
            can_go_on=state in ("stopped", "failed", "dead") and resumable(folder),
            can_open=any(folder.snapshots.glob("[0-9]*")),
        )


def facts(folder: RunFolder) -> dict[str, Any]:
    """What a page wants to know of a run that does not change while it lasts. Empty parts are missing parts."""
    config = folder.config
    model, train, data = (_dict(config.get(key)) for key in ("model", "train", "data"))
    game, target = GAMES.get(str(train.get("loss"))), _target(config.get("until"))
    return {
        "name": folder.name,
        "preset": config.get("preset"),
        "data": _data_name(str(data.get("name") or "")),
        "pictures": data.get("pictures"),
        "unreadable": data.get("unreadable"),
        "machine": config.get("machine"),
        "image_size": model.get("image_size"),
        "batch_size": train.get("batch_size"),
        "loss": train.get("loss"),
        "steps": None if isinstance(target, NoBetter) else train.get("steps"),
        "seconds": target.seconds if isinstance(target, Seconds) else None,
        "probabilistic": game.probabilistic if game else True,
        "formula_D": mathml(game.formula_D) if game else "",
        "formula_G": mathml(game.formula_G) if game else "",
    }


class Watch:
    """One run, looked at for all who watch it."""

    def __init__(self, folder: RunFolder, jobs: Jobs) -> None:
        self.folder, self.jobs = folder, jobs
        self.story = Story()
        self.look: Look | None = None
        self.facts: dict[str, Any] = {}
        self.guests = 0  # the watch goes on as long as there are any
        self.ready = asyncio.Event()
        self.queues: set[asyncio.Queue[str | None]] = set()
        self.task: asyncio.Task[None] | None = None
        self._tail = Tail(folder.events)

    async def go(self) -> None:
        while self.guests:
            try:
                await self._look_once()
            except Exception:  # one bad look must not leave everybody waiting
                log.exception("Cannot look at run %s", self.folder.path)
            self.ready.set()
            await asyncio.sleep(LOOK_EVERY)

    async def _look_once(self) -> None:
        news, look, told = await asyncio.to_thread(self._see)
        known = self.story.last
        self.story.take(news)
        if told != self.facts:
            self.facts = told
            self._tell(message("run", told))
        if news.afresh:
            self._tell(self.history())
        elif news.lines:
            self._tell(message("told", self.story.since(known), self.id))
        if look != self.look:
            self.look = look
            self._tell(message("status", asdict(look)))

    def _see(self) -> Any:
        # the status last: when it says "finished", the last lines have been read, or will be at the next look
        return self._tail.read(), Look.at(self.folder, self.jobs), facts(self.folder)

    def _tell(self, text: str | None) -> None:
        for queue in list(self.queues):
            if queue.full():
                self.queues.discard(queue)
                queue.get_nowait()
                text = None  # hang up
            queue.put_nowait(text)

    def hang_up(self) -> None:
        self._tell(None)

    @property
    def id(self) -> str:
        """What a browser sends back as Last-Event-ID: the run, which file it was, and how many lines were told."""
        return f"{quote(self.folder.name)}-{self.story.mark}-{self.story.last}"

    def history(self) -> str:
        return message("history", whole(self.story.since(0)), self.id)

    def greeting(self, last_id: str) -> str:
        """What a new viewer hears first: all of it, or only what it missed."""
        name, mark, number = [*last_id.rsplit("-", 2), "", "", ""][:3]
        if name == quote(self.folder.name) and number.isdigit() and self.story.knows(mark, int(number)):
            story = message("told", self.story.since(int(number)), self.id)
        else:
            story = self.history()
        look = message("status", asdict(self.look)) if self.look else ""
        return f"retry: {RETRY}\n\n" + message("run", self.facts) + story + look


class Hub:
    """The routes, and who watches what. Lives in the server's event loop."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self._watches: dict[str, Watch] = {}
        self._list: tuple[float, list[dict[str, Any]]] = (0.0, [])
        self._listing = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def routes(self) -> list[Route]:
        return [
            Route(f"{ROUTES}/runs", self.runs),
            Route(f"{ROUTES}/runs/{{name}}/events", self.events),
            Route(f"{ROUTES}/runs/{{name}}/samples/{{file}}", self.sample),
        ]

    def close(self) -> None:
        """Let every viewer go, so that the server can end. From any thread."""
        if self._loop and not self._loop.is_closed():
            for watch in list(self._watches.values()):
                self._loop.call_soon_threadsafe(watch.hang_up)

    async def runs(self, request: Request) -> Response:
        async with self._listing:  # many ask, one looks
            if time.monotonic() - self._list[0] > LIST_FOR:
                self._list = time.monotonic(), await asyncio.to_thread(self._all)
        return JSONResponse({"runs": self._list[1]}, headers={"Cache-Control": "no-store"})

    def _all(self) -> list[dict[str, Any]]:
        found = []
        for folder in list_runs(self.jobs.runs):
            status = folder.status
            found.append(
                {
                    "name": folder.name,
                    "state": standing(folder, self.jobs.alive(folder)),
                    "step": status.step if status else 0,
                }
            )
        return found

    async def events(self, request: Request) -> Response:
        try:
            folder = run_folder(self.jobs.runs, request.path_params["name"])
        except UserError as error:
            return JSONResponse({"error": str(error)}, 404)
        last_id = request.headers.get("last-event-id", "")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self.stream(folder, last_id), media_type="text/event-stream", headers=headers)

    async def stream(self, folder: RunFolder, last_id: str) -> AsyncIterator[str]:
        """Messages for one viewer, until it leaves."""
        watch = self._enter(folder)
        queue: asyncio.Queue[str | None] = asyncio.Queue(BACKLOG)
        try:
            await watch.ready.wait()
            watch.queues.add(queue)  # and the greeting with no await between: nothing is told twice, nothing missed
            text: str | None = watch.greeting(last_id)
            while text is not None:
                yield text
                try:
                    text = await asyncio.wait_for(queue.get(), KEEP_ALIVE)
                except asyncio.TimeoutError:
                    text = ": still here\n\n"
        finally:
            watch.queues.discard(queue)
            self._leave(watch)

    def _enter(self, folder: RunFolder) -> Watch:
        self._loop = asyncio.get_running_loop()
        watch = self._watches.get(folder.name)
        if watch is None or watch.task is None or watch.task.done():
            watch = self._watches[folder.name] = Watch(folder, self.jobs)
            watch.guests = 1
            watch.task = asyncio.create_task(watch.go())
        else:
            watch.guests += 1
        return watch

    def _leave(self, watch: Watch) -> None:
        watch.guests -= 1
        if not watch.guests and self._watches.get(watch.folder.name) is watch:
            del self._watches[watch.folder.name]

    async def sample(self, request: Request) -> Response:
        name, file = request.path_params["name"], request.path_params["file"]
        try:
            path = run_folder(self.jobs.runs, name).samples / file
        except UserError as error:
            return JSONResponse({"error": str(error)}, 404)
        if not re.fullmatch(r"\d{6,}\.webp", file) or not await asyncio.to_thread(path.is_file):
            return JSONResponse({"error": f"no sheet {file!r}"}, 404)
        kept = "max-age=31536000, immutable" if request.query_params.get("v") else "no-cache"
        return FileResponse(path, media_type="image/webp", headers={"Cache-Control": kept})


def message(event: str, data: Mapping[str, Any] | list[Any], line: str = "") -> str:
    """One server-sent event. JSON holds no bare newline, so one data line will do."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return (f"id: {line}\n" if line else "") + f"event: {event}\ndata: {text}\n\n"


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _data_name(name: str) -> str:
    """A set's name or Hub id as it is; of a file its own name: where it lies is not every visitor's business."""
    return Path(name).name if Path(name).is_absolute() else name


def _without_places(text: str, folder: RunFolder) -> str:
    """A sentence without the machine's folders, which mean nothing to a visitor."""
    for place in (folder.path / "data", folder.path.parent):
        text = text.replace(f"{place}{os.sep}", "")
    return text


def _target(until: object) -> Until | None:
    """What ends a run that is not to last a number of steps."""
    try:
        return parse(str(until)) if until else None
    except UserError:
        return None
