"""Directions for the laboratory: found once for a model, in a thread of their own, and kept beside its weights.

GET  lab/directions?model=KEY          directions.json, or {"wait": {"done", "of", "what", "left"}} while they are found
POST lab/jacobian {model, z, y}        {"directions": [...]}: what changes the picture most at this z
POST lab/names {model, names}          {"id": {"en", "zh"}} for everybody; {"kept": false} where the asker may not
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gan_core.errors import UserError
from gan_core.gan import fingerprint
from gan_core.latent import direction_file
from gan_core.latent.direction_file import Found
from gan_core.latent.directions import local
from gan_core.training.folder import RunFolder
from gan_core.ui.answers import Asked, answer, sentence
from gan_core.ui.ask import json_of
from gan_core.ui.models import Loaded, Shelf
from gan_core.ui.posted import Posted, posted
from gan_core.ui.rights import Visitor
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError

PATIENCE = 0.8  # seconds an answer waits for what is nearly found
DESERTED = 8.0  # seconds without a question, after which nobody waits any more: every page asks once a second
LAST = 5.0  # seconds until a search hears that the app ends: it is asked at every batch of pictures
KEPT = 32  # of models whose folder cannot be written; 30 kB each


@dataclass
class Search:
    """Directions on their way."""

    began: float = field(default_factory=time.monotonic)
    asked: float = field(default_factory=time.monotonic)
    done: int = 0
    of: int = 1
    what: str = "waiting"
    found: Found | None = None
    error: Exception | None = None
    over: Event = field(default_factory=Event)

    @property
    def told(self) -> dict[str, Any]:
        took = time.monotonic() - self.began
        left = took * (self.of - self.done) / self.done if self.done else None
        return {"done": self.done, "of": self.of, "what": self.what, "left": left and round(left, 1)}


class Directions:
    """The directions of every model: read, or found by one search at a time. Safe in any thread."""

    def __init__(self, find: Callable[..., Found] = direction_file.find) -> None:
        self._find = find
        self._searches: dict[str, Search] = {}
        self._kept: OrderedDict[str, Found] = OrderedDict()  # where they cannot be written
        self._lock, self._one, self._writing = Lock(), Lock(), Lock()
        self._over = Event()

    def close(self) -> None:
        """Give the search up: a thread that computes while Python ends takes the whole process down with it."""
        self._over.set()
        with self._lock:
            searches = list(self._searches.values())
        for search in searches:
            search.over.wait(LAST)

    def of(self, loaded: Loaded) -> Found | Search:
        """They, or how far the search is. Raises what went wrong with it."""
        found = self.known(loaded)
        if found:
            return found
        mark = fingerprint(loaded.found.folder)
        with self._lock:
            search = self._searches.get(mark)
            if search is None:
                search = self._searches[mark] = Search()
                Thread(target=self._search, args=(loaded, mark, search), daemon=True, name="directions").start()
        search.asked = time.monotonic()
        search.over.wait(PATIENCE)
        if search.error:
            raise search.error
        return search.found or search

    def known(self, loaded: Loaded) -> Found | None:
        folder = loaded.found.folder
        with self._lock:
            kept = self._kept.get(fingerprint(folder))
        return kept or direction_file.read(folder, loaded.gan.config)

    def name(self, loaded: Loaded, names: dict[str, dict[str, str]]) -> Found:
        """Gives names by id, for everybody. Raises UserError where nothing has been found, or for an id that is not."""
        with self._writing:
            found = self.known(loaded)
            if found is None:
                raise PageError("directions_not_yet")
            ids = [row["id"] for row in direction_file.told_all(found.directions)]
            for key in names:
                if key not in ids:
                    raise PageError("directions_no_such", got=str(key)[:40])
            found = direction_file.named(found, {ids.index(key): values for key, values in names.items()})
            self._keep(loaded.found.folder, found)
            return found

    def _search(self, loaded: Loaded, mark: str, search: Search) -> None:
        def progress(done: int, of: int, what: str) -> None:
            search.done, search.of, search.what = done, of, what
            if self._over.is_set() or time.monotonic() - search.asked > DESERTED:
                raise PageError("directions_left")

        try:
            with self._one:
                search.began = time.monotonic()
                found = self._find(loaded.gan, loaded.found.folder, progress)
                if found.mark == mark:  # the weights are those that were loaded
                    self._keep(loaded.found.folder, found)
                search.found = found
        except Exception as error:
            search.error = error
        finally:
            with self._lock:
                del self._searches[mark]
            search.over.set()

    def _keep(self, folder: Path, found: Found) -> None:
        try:
            direction_file.write(folder, found)
        except OSError:
            with self._lock:
                self._kept[found.mark] = found
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        else:
            with self._lock:
                self._kept.pop(found.mark, None)


def direction_routes(studio: Studio) -> list[BaseRoute]:
    shelf, directions = studio.shelf, Directions()
    studio.at_close.append(directions.close)
    one = Lock()  # Jacobian at a time: it takes 200 MB and more

    def find(asked: Asked) -> Response:
        found = directions.of(_model(shelf, asked))
        return _fresh({"wait": found.told} if isinstance(found, Search) else direction_file.told(found))

    def jacobian(body: Posted) -> Response:
        loaded = _model(shelf, body)
        z, y = body.latents(loaded.gan, most=1)
        with one:
            found = local(loaded.gan, z[0], None if y is None else y[0])
        return _fresh({"directions": direction_file.told_all(found)})

    def name(body: dict[str, Any], visitor: Visitor, lang: str) -> Response:
        loaded = _model(shelf, Posted(body, lang))
        if not may_name(studio, visitor, loaded):
            return _fresh({"kept": False})
        directions.name(loaded, _names(body.get("names")))
        return _fresh({"kept": True})

    async def names(request: Request) -> Response:
        lang = Asked.of(request).lang
        try:
            visitor = studio.rights.visitor(request.headers)
            return await run_in_threadpool(name, await json_of(request), visitor, lang)
        except Exception as error:
            return sentence(error, lang)

    return [
        Route(f"{ROUTES}/lab/directions", answer(find)),
        Route(f"{ROUTES}/lab/jacobian", posted(jacobian), methods=["POST"]),
        Route(f"{ROUTES}/lab/names", names, methods=["POST"]),
    ]


def may_name(studio: Studio, visitor: Visitor, loaded: Loaded) -> bool:
    """May this visitor name directions for everybody? Of a run, whoever may steer it; of other models, the teacher."""
    if loaded.found.key.startswith("run:"):
        return studio.rights.may_steer(visitor, RunFolder(studio.runs / loaded.found.name))
    return studio.rights.open or visitor.teacher


def _model(shelf: Shelf, asked: Asked) -> Loaded:
    return shelf.load(asked.text("model") or shelf.best().key)


def _names(given: object) -> dict[str, dict[str, str]]:
    """Raises UserError for what is not {id: {language: name}}."""
    if not isinstance(given, dict) or not all(isinstance(names, dict) for names in given.values()):
        raise UserError("config_type", field="names", got=repr(given)[:60], wanted='{"sefa-1": {"en": "..."}}')
    return given


def _fresh(told: dict[str, Any]) -> Response:
    return JSONResponse(told, headers={"Cache-Control": "no-store"})
