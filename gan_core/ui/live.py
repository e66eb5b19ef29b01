"""Runs, live: one hub of server-sent events. However many watch a run, its folder is read once.

    GET /gradio_api/gan/live?run=a&run=b      for a whole page: "runs", and what follows of each run, with its name
    GET /gradio_api/gan/runs/{name}/events    one run: "run", "history" or "told", "status"; then what is new
    GET /gradio_api/gan/runs                  every run, the one that moved last first

All disk work happens in threads; the event loop only hands messages on. A message is put into words once, for all.
"""

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gan_core.errors import UserError
from gan_core.training.folder import RunFolder, run_folder
from gan_core.ui.cards import LIST_FOR, Cards
from gan_core.ui.jobs import Jobs
from gan_core.ui.look import Facts, Look, Scale
from gan_core.ui.story import Story, Tail, whole
from gan_core.ui.studio import ROUTES

LOOK_EVERY = 0.3  # seconds between two looks at a folder
MISSING_EVERY = 3.0  # between two looks for one that is not there, and may come
STEPS_EVERY = 2.0  # seconds between two lists that differ in nothing but how far the runs have come
# a page that hears none for long knows that nobody is there; comments it cannot hear
PING = "event: ping\ndata: {}\n\n"
KEEP_ALIVE = 15.0  # seconds of silence after which a proxy might hang up
BACKLOG = 500  # messages that a slow viewer may be behind; then it is let go, and comes back with its last line
RETRY = 1500  # milliseconds until a browser comes back
MOST_RUNS = 8  # that one page may watch; it shows four
MOST_WATCHED = 200  # by all pages, beyond which none is looked for that is not there: anybody can invent names

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Note:
    """One thing to say of one run, or of all ("")."""

    run: str
    event: str
    data: dict[str, Any] | list[Any]
    line: str = ""  # what a browser sends back as Last-Event-ID: see Watch.id

    @cached_property
    def text(self) -> str:
        """For a viewer of this run alone."""
        return f"event: {self.event}\ndata: {self._json}\n\n"

    @cached_property
    def named(self) -> str:
        """For a viewer of several."""
        data = f'{{"run":{json.dumps(self.run, ensure_ascii=False)},"data":{self._json}}}' if self.run else self._json
        return f"event: {self.event}\ndata: {data}\n\n"

    @cached_property
    def _json(self) -> str:  # without a bare newline, so one data line will do
        return json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))


class Viewer:
    """One browser: what it has heard of each run, and what it is still to hear."""

    def __init__(self, names: Iterable[str], heard: str = "", alone: bool = False) -> None:
        self.names, self.alone = list(names), alone
        self.over = False
        known = {quote(name) for name in self.names}
        self.lines = {name_of(line): line for line in heard.split(",") if line and name_of(line) in known}
        self._waiting: list[str] = []
        self._messages = 0
        self._news = asyncio.Event()

    def hear(self, notes: Iterable[Note]) -> None:
        for note in notes:
            if note.line:
                self.lines[name_of(note.line)] = note.line
                self._waiting.append(f"id: {','.join(self.lines.values())}\n")
            self._waiting.append(note.text if self.alone else note.named)
            self._messages += 1
        if self._messages > BACKLOG:
            self.hang_up()
        self._news.set()

    def hang_up(self) -> None:
        self.over = True
        self._waiting.clear()
        self._news.set()

    async def listen(self) -> AsyncIterator[str]:
        """Whatever there is to say, as often as there is something, until somebody hangs up."""
        yield f"retry: {RETRY}\n\n"
        while not self.over:
            try:
                await asyncio.wait_for(self._news.wait(), KEEP_ALIVE)
            except asyncio.TimeoutError:
                yield PING
            text = "".join(self._waiting)
            self._waiting.clear()
            self._messages = 0
            self._news.clear()
            if text and not self.over:
                yield text


class Post(ABC):
    """Somebody who looks at a part of the disk for all who want to know, as long as there is anybody."""

    every = LOOK_EVERY

    def __init__(self) -> None:
        self.guests = 0
        self.ready = asyncio.Event()  # has looked once
        self.viewers: set[Viewer] = set()
        self.task: asyncio.Task[None] | None = None

    async def go(self) -> None:
        while self.guests:
            try:
                await self.look()
            except Exception:  # one bad look must not leave everybody waiting
                log.exception("Cannot look at %s", self)
            self.ready.set()
            await asyncio.sleep(self.every)

    @abstractmethod
    async def look(self) -> None:
        """Look once, and tell what is new."""

    @abstractmethod
    def greeting(self, viewer: Viewer) -> list[Note]:
        """What a new viewer hears first."""

    def tell(self, notes: list[Note]) -> None:
        for viewer in list(self.viewers) if notes else ():
            viewer.hear(notes)
            if viewer.over:
                self.viewers.discard(viewer)


class Watch(Post):
    """One run."""

    def __init__(self, folder: RunFolder, jobs: Jobs) -> None:
        super().__init__()
        self.folder, self.jobs = folder, jobs
        self.story = Story()
        self.status: Look | None = None
        self.facts: dict[str, Any] = {}
        self._tail, self._facts, self._scale = Tail(folder.events), Facts(folder), Scale(folder)
        self._history: Note | None = None  # the last that was told: many come at once after the app was away

    def __str__(self) -> str:
        return str(self.folder.path)

    async def look(self) -> None:
        news, status, facts = await asyncio.to_thread(self._see)
        known, notes = self.story.last, []
        self.story.take(news)
        if facts != self.facts:
            self.facts = facts
            notes.append(self._note("run", facts))
        if news.afresh:
            notes.append(self.history())
        elif news.lines:
            notes.append(self._note("told", self.story.since(known), self.id))
        self.every = MISSING_EVERY if status.state == "gone" else LOOK_EVERY
        if status != self.status:
            self.status = status
            notes.append(self._note("status", asdict(status)))
        self.tell(notes)

    def _see(self) -> Any:
        # the status last: when it says "finished", the last lines have been read, or will be at the next look
        facts, size = self._facts.read(), self._scale.read()
        news = self._tail.read()
        return news, Look.at(self.folder, self.jobs, size), facts

    @property
    def id(self) -> str:
        """The run, which file it was, and how many lines were told."""
        return f"{quote(self.folder.name)}-{self.story.mark}-{self.story.last}"

    def history(self) -> Note:
        if self._history is None or self._history.line != self.id:
            self._history = self._note("history", whole(self.story.since(0)), self.id)
        return self._history

    def greeting(self, viewer: Viewer) -> list[Note]:
        """All of it, or only what the viewer missed."""
        _, mark, number = [*viewer.lines.get(quote(self.folder.name), "").rsplit("-", 2), "", ""][:3]
        if number.isdigit() and self.story.knows(mark, int(number)):
            story = self._note("told", self.story.since(int(number)), self.id)
        else:
            story = self.history()
        looks = [self._note("status", asdict(self.status))] if self.status else []
        return [self._note("run", self.facts), story, *looks]

    def _note(self, event: str, data: dict[str, Any] | list[Any], line: str = "") -> Note:
        return Note(self.folder.name, event, data, line)


class Board(Post):
    """The list of runs."""

    every = LIST_FOR

    def __init__(self, cards: Cards) -> None:
        super().__init__()
        self.cards = cards
        self.note = Note("", "runs", [])
        self._told = 0.0

    def __str__(self) -> str:
        return str(self.cards.jobs.runs)

    async def look(self) -> None:
        cards = await asyncio.to_thread(self.cards.all)
        now = asyncio.get_running_loop().time()
        due = now - self._told > STEPS_EVERY
        if cards != self.note.data and (due or _without_steps(cards) != _without_steps(self.note.data)):
            self.note, self._told = Note("", "runs", cards), now
            self.tell([self.note])

    def greeting(self, viewer: Viewer) -> list[Note]:
        return [self.note]


class Hub:
    """The routes, and who watches what. Lives in the server's event loop."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.cards = Cards(jobs)
        self._posts: dict[str, Post] = {}  # by the run's name, and the board by ""
        self._viewers: set[Viewer] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def routes(self) -> list[Route]:
        return [
            Route(f"{ROUTES}/live", self.live),
            Route(f"{ROUTES}/runs", self.runs),
            Route(f"{ROUTES}/runs/{{name}}/events", self.events),
        ]

    def close(self) -> None:
        """Let every viewer go, so that the server can end. From any thread."""
        if self._loop and not self._loop.is_closed():
            for viewer in list(self._viewers):
                self._loop.call_soon_threadsafe(viewer.hang_up)

    async def runs(self, request: Request) -> Response:
        cards = await asyncio.to_thread(self.cards.all)
        return JSONResponse({"runs": cards}, headers={"Cache-Control": "no-store"})

    async def events(self, request: Request) -> Response:
        try:
            folder = run_folder(self.jobs.runs, request.path_params["name"])
        except UserError as error:
            return JSONResponse({"error": str(error)}, 404)
        viewer = Viewer([folder.name], request.headers.get("last-event-id", ""), alone=True)
        return _streamed(self.stream(viewer))

    async def live(self, request: Request) -> Response:
        """A line of its own for each run would not do: a browser opens six to one host, for all its windows."""
        names = list(dict.fromkeys(request.query_params.getlist("run")))[:MOST_RUNS]
        # a browser that comes back by itself repeats the address, and knows better in a header
        heard = request.headers.get("last-event-id") or request.query_params.get("last", "")
        return _streamed(self.stream(Viewer(["", *names], heard)))

    async def stream(self, viewer: Viewer) -> AsyncIterator[str]:
        """Messages for one viewer, until it leaves."""
        self._loop = asyncio.get_running_loop()
        posts = [post for name in viewer.names if (post := self._enter(name, viewer))]
        greeters = [asyncio.create_task(self._greet(post, viewer)) for post in posts]
        self._viewers.add(viewer)
        try:
            async for text in viewer.listen():
                yield text
        finally:
            self._viewers.discard(viewer)
            for greeter in greeters:
                greeter.cancel()
            for post in posts:
                post.viewers.discard(viewer)
                self._leave(post)

    async def _greet(self, post: Post, viewer: Viewer) -> None:
        """Each as soon as it can: a folder on a slow disk keeps nobody from hearing of the others."""
        await post.ready.wait()
        viewer.hear(post.greeting(viewer))
        post.viewers.add(viewer)  # with no await between: nothing is told twice, nothing missed

    def _enter(self, name: str, viewer: Viewer) -> Post | None:
        post = self._posts.get(name)
        if post is None or post.task is None or post.task.done():
            try:
                post = self._watch(name) if name else Board(self.cards)
            except UserError:  # no run can have that name
                post = None
            if post is None:
                viewer.hear([Note(name, "status", {"state": "gone"})])
                return None
            self._posts[name] = post
            post.guests = 1
            post.task = asyncio.create_task(post.go())
        else:
            post.guests += 1
        return post

    def _watch(self, name: str) -> Watch | None:
        """None for one too many that is not there. Raises UserError for a name that no run can have."""
        folder = run_folder(self.jobs.runs, name)
        if len(self._posts) >= MOST_WATCHED and not folder.path.is_dir():
            return None
        return Watch(folder, self.jobs)

    def _leave(self, post: Post) -> None:
        post.guests -= 1
        if not post.guests:
            self._posts = {name: other for name, other in self._posts.items() if other is not post}


def name_of(line: str) -> str:
    """The run, as it is written in a Watch.id."""
    return line.rsplit("-", 2)[0]


def _streamed(lines: AsyncIterator[str]) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


def _without_steps(cards: Any) -> list[dict[str, Any]]:
    return [{**card, "step": 0} for card in cards]
