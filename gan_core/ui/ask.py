"""What a person asks of a run, whoever plays it: it goes through the run folder, or to a process that is started.

POST /gradio_api/gan/runs/{name}/ask         {"what": "pause", ...} -> {} or {"error"} or {"name": of a new run}
GET  /gradio_api/gan/runs/{name}/settings    what the form needs to start the same again
GET  /gradio_api/gan/me                      who is asking, and what they may do here
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gan_core.config import LIVE, ModelConfig, TrainConfig, from_dict, preset
from gan_core.errors import UserError, unknown
from gan_core.training.control import PACE, QUICKEST, SLOWEST
from gan_core.training.folder import RunFolder, run_folder
from gan_core.training.until import Steps, parse
from gan_core.ui.answers import Asked, sentence
from gan_core.ui.jobs import Jobs
from gan_core.ui.look import kept_steps
from gan_core.ui.move import delete, rename
from gan_core.ui.rights import Visitor
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError, language

MOST_BYTES = 16_384  # of a question
MOST_STEP = 10**9
PLAYERS = ("D", "G", "both")


class Question(Asked):
    """What was asked of one run, by whom."""

    def __init__(self, jobs: Jobs, folder: RunFolder, visitor: Visitor, body: Mapping[str, Any], lang: str) -> None:
        super().__init__({key: str(value) for key, value in body.items()}, lang)
        self.jobs, self.folder, self.visitor, self.body = jobs, folder, visitor, body

    def settings(self, allowed: tuple[str, ...] = ()) -> dict[str, Any]:
        """Fields of TrainConfig, checked beside the run's own. Raises UserError for one that cannot be."""
        given = self.body.get("train") or {}
        if not isinstance(given, dict):
            raise UserError("config_type", field="train", got=repr(given), wanted="{...}")
        for name in given:
            if allowed and name not in allowed:
                raise unknown("setting", str(name), allowed)
        from_dict(TrainConfig, self.folder.config.get("train", {}) | given)
        return given


def ask_routes(studio: Studio, jobs: Jobs) -> list[BaseRoute]:
    async def ask(request: Request) -> Response:
        lang = language(request.cookies, request.query_params, request.headers.get("accept-language", ""))
        try:
            body = await json_of(request)
            visitor = studio.rights.visitor(request.headers)
            return await run_in_threadpool(_answer, request.path_params["name"], visitor, body, lang)
        except Exception as error:
            return sentence(error, lang)

    def _answer(name: str, visitor: Visitor, body: dict[str, Any], lang: str) -> Response:
        folder = run_folder(jobs.runs, name)
        what = str(body.get("what"))
        if what not in DEEDS:
            raise unknown("wish", what, DEEDS)
        if not folder.path.is_dir():
            raise PageError("ask_no_run", name=name)
        if not studio.rights.may_steer(visitor, folder):
            raise PageError("ask_not_yours", name=name)
        try:
            return JSONResponse(DEEDS[what](Question(jobs, folder, visitor, body, lang)) or {})
        except OSError as error:
            raise UserError("cannot_write", where=folder.name, why=error.strerror) from None

    def me(request: Request) -> Response:
        visitor, rights = studio.rights.visitor(request.headers), studio.rights
        return _fresh({
            "id": visitor.id, "teacher": visitor.teacher, "open": rights.open, "address": studio.address,
            "public": jobs.limits.told if jobs.limits else None, "zero": jobs.slices,
        })  # fmt: skip

    def settings(request: Request) -> Response:
        lang = language(request.cookies, request.query_params, request.headers.get("accept-language", ""))
        try:
            return _fresh(settings_of(run_folder(jobs.runs, request.path_params["name"])))
        except Exception as error:
            return sentence(error, lang)

    return [
        Route(f"{ROUTES}/me", me),
        Route(f"{ROUTES}/runs/{{name}}/ask", ask, methods=["POST"]),
        Route(f"{ROUTES}/runs/{{name}}/settings", settings),
    ]


async def json_of(request: Request) -> dict[str, Any]:
    """Raises UserError for what no page of ours sends.

    Only JSON by that name: what another site makes a browser send without asking first cannot bear it.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise PageError("ask_no_json")
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > MOST_BYTES:
            raise PageError("ask_no_json")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise PageError("ask_no_json") from None
    if not isinstance(body, dict):
        raise PageError("ask_no_json")
    return body


# ---- what can be asked ----


def _pause(q: Question) -> None:
    q.jobs.ask(q.folder.name, "pause")


def _go_on(q: Question) -> None:
    q.jobs.go_on(q.folder.name)


def _stop(q: Question) -> None:
    q.jobs.ask(q.folder.name, "stop")


def _slow(q: Question) -> None:
    pace = q.number("pace", QUICKEST, SLOWEST, PACE)
    _refuse_in_slices(q)
    _played(q).ask("slow", pace=pace)


def _discard(q: Question) -> None:
    """Stop, and take the folder away: by whoever plays, else here."""
    if q.jobs.alive(q.folder) or q.jobs.waits(q.folder):
        q.jobs.ask(q.folder.name, "discard")
    else:
        delete(_unplayed(q))


def _move(q: Question) -> dict[str, Any]:
    who = q.text("who", "both")
    if who not in PLAYERS:
        raise unknown("player", who, PLAYERS)
    _refuse_in_slices(q)
    return {"n": _played(q).order("move", who=who)}


def _set(q: Question) -> dict[str, Any]:
    train = q.settings(LIVE)
    if not train:
        raise PageError("ask_nothing_set")
    if q.jobs.limits:
        train = q.jobs.limits.fit_changes(train)
    return {"n": _played(q).order("set", train=train)}


def _back(q: Question) -> dict[str, Any]:
    """To exactly that step; what is played again begins at the newest checkpoint before it, or with the seed."""
    step = q.whole("step", 0, MOST_STEP, 0)
    if "parent" in q.folder.config:
        kept = _kept_before(q.folder, step)
    else:
        kept = max((other for other in kept_steps(q.folder) if other <= step), default=0)
    if q.jobs.alive(q.folder):
        return {"n": q.folder.order("back", step=step), "step": kept}
    status = q.folder.status
    if status and step > status.step:
        raise PageError("ask_not_there_yet", step=f"{step:,}", last=f"{status.step:,}")
    q.jobs.go_on(q.folder.name, at=step)
    return {"step": kept}


def _fork(q: Question) -> dict[str, Any]:
    step = _kept_before(q.folder, q.whole("step", 0, MOST_STEP, MOST_STEP))
    train, until = q.settings(), q.text("until")
    target = parse(until) if until else None
    if isinstance(target, Steps) and target.steps <= step:  # steps are counted from the parent's first
        raise PageError("ask_fork_over", step=f"{step:,}", until=f"{target.steps:,}")
    train = {name: tuple(value) if isinstance(value, list) else value for name, value in train.items()}
    new = q.jobs.fork(q.folder, step, q.text("name"), until, train, q.visitor.id)
    return {"name": new.name, "step": step}


def _rename(q: Question) -> dict[str, Any]:
    return {"name": rename(_unplayed(q), q.text("to").strip()).name}


def _delete(q: Question) -> None:
    delete(_unplayed(q))


DEEDS: dict[str, Callable[[Question], dict[str, Any] | None]] = {
    "pause": _pause, "go_on": _go_on, "slow": _slow, "stop": _stop, "discard": _discard, "move": _move, "set": _set,
    "back": _back, "fork": _fork, "rename": _rename, "delete": _delete,
}  # fmt: skip


def _played(q: Question) -> RunFolder:
    """The run, if somebody plays it. Raises UserError."""
    if not q.jobs.alive(q.folder):
        raise PageError("train_nobody", name=q.folder.name)
    return q.folder


def _refuse_in_slices(q: Question) -> None:
    """Nobody thinks about the next move while a borrowed GPU waits."""
    if q.jobs.slices:
        raise PageError("zero_by_hand")


def _unplayed(q: Question) -> RunFolder:
    """The run, if nobody plays it, on this machine or another, nor is about to. Raises UserError."""
    if q.jobs.alive(q.folder) or q.jobs.waits(q.folder):
        raise PageError("ask_stop_first", name=q.folder.name)
    q.jobs.settle(q.folder)
    return q.folder


def _kept_before(folder: RunFolder, step: int) -> int:
    """The newest checkpoint that is no later. Raises UserError where there is none."""
    kept = kept_steps(folder)
    earlier = [other for other in kept if other <= step]
    if not kept:
        raise PageError("ask_no_checkpoint", name=folder.name)
    if not earlier:
        raise PageError("ask_before_first", step=f"{step:,}", first=f"{kept[0]:,}")
    return earlier[-1]


def settings_of(folder: RunFolder) -> dict[str, Any]:
    """What the form needs to begin such a run again: of the settings, only those that the recipe does not settle."""
    config = folder.config
    if not isinstance(config.get("model"), dict) or not isinstance(config.get("train"), dict):
        raise PageError("ask_no_run", name=folder.name)
    model, train = from_dict(ModelConfig, config["model"]), from_dict(TrainConfig, config["train"])
    recipe = str(config.get("preset"))
    usual = preset(recipe).configs()
    data = config.get("data", {})
    own = {key: value for key, value in asdict(model).items() if value != getattr(usual.model, key)}
    for settled_by_the_data in ("nc", "num_classes", "image_size"):
        own.pop(settled_by_the_data, None)
    until = config.get("until") or str(train.steps)
    return {
        "data": _repeatable(data) if isinstance(data, dict) else "",
        "preset": recipe,
        "image_size": model.image_size,
        "until": until,
        "conditional": bool(model.num_classes),
        "model": own,
        "train": {k: v for k, v in asdict(train).items() if v != getattr(usual.train, k) and k != "steps"},
    }


def _repeatable(data: Mapping[str, Any]) -> str:
    """A set's name or a Hub id. Of what was uploaded, or lies somewhere on this machine, a page can start nothing."""
    name = str(data.get("name") or "")
    return "" if Path(name).is_absolute() or data.get("source", name) != name else name


def _fresh(answer: dict[str, Any]) -> Response:
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})
