"""The time line of a run, for a page of its own: its sheets, thinned until they fit, and its curves."""

import json
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any

from PIL import Image

from gan_core.errors import UserError
from gan_core.training.folder import RunFolder
from gan_core.training.losses import GAMES

Progress = Callable[[int, int, str], None]  # done, total, what

COLUMNS = (  # as in static/record.js; seconds and speed are not shown
    "step", "", "", "loss_D", "loss_G", "D_x", "D_Gz", "grad_D", "grad_G", "",
)  # fmt: skip
POINTS = 600  # of a curve: as many as a wide screen has columns for it
MARKS = 60  # of what happened besides: the newest, as many as the list shows
FEWEST = 4  # sheets: of fewer nobody sees how it went
# how many sheets, pixels a side, WebP quality: from the best to the least, each about a quarter smaller
LADDER = (
    (48, 512, 80), (40, 512, 70), (40, 512, 55), (40, 512, 40), (36, 448, 40), (32, 384, 40), (28, 320, 40),
    (24, 256, 40), (20, 256, 30), (16, 192, 30), (12, 160, 30), (8, 128, 30), (FEWEST, 96, 20),
)  # fmt: skip


def training_of(run: RunFolder, budget: int, progress: Progress | None = None) -> dict[str, bytes]:
    """run/run.json and run/samples/000500.webp ..., together at most `budget` bytes where that can be had.

    Raises UserError for a run without sheets, or what is no run.
    """
    if not run.events.is_file():
        raise UserError("page_run", got=str(run.path))
    events = run.history()
    sheets = _sheets(run, events)
    if not sheets:
        raise UserError("page_no_sheets", name=run.name)
    told = curves(events)
    kept = _fitted(sheets, budget - len(_json(told)) - 2_000, progress)
    told["told"] = [*told["told"], *(["sample", step, str(len(data))] for step, data in kept.items())]
    summary = {"name": run.name, "facts": facts(run.config), "whole": told}
    return {"run/run.json": _json(summary)} | {f"run/samples/{step:06d}.webp": data for step, data in kept.items()}


def facts(config: dict[str, Any]) -> dict[str, Any]:
    """What the curves and the sheet need to know of the run."""
    train, model, data = (
        value if isinstance(value := config.get(key), dict) else {} for key in ("train", "model", "data")
    )
    loss = train.get("loss")
    loss = loss if isinstance(loss, str) and loss in GAMES else next(iter(GAMES))
    seed, classes, size = train.get("seed"), model.get("num_classes"), model.get("image_size")
    return {
        "loss": loss,
        "probabilistic": GAMES[loss].probabilistic,
        "seed": seed if isinstance(seed, int) else 0,
        "classes": classes if isinstance(classes, int) else 0,
        "image_size": size if isinstance(size, int) else 64,
        "data": str(data.get("name", "")),
    }


def curves(events: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    """{reports: columns of static/record.js, told: what else happened}, as the hub tells a run to whoever arrives."""
    reports = [event for event in events if event.get("event") == "report"]
    columns = [[_number(report.get(name)) for report in reports] if name else None for name in COLUMNS]
    told = [line for event in events if (line := _told(event))]
    marks = [line for line in told if line[0] not in ("measure", "vitals", "snapshot")]
    passed = {id(line) for line in marks[:-MARKS]}
    told = [line for line in told if id(line) not in passed]
    return {"reports": [column and _joined(column, n == 0) for n, column in enumerate(columns)], "told": told}


def _told(event: dict[str, Any]) -> list[Any] | None:
    """One event besides reports and sheets, as ui/story.py puts it on the wire; None for what no page shows."""
    step, kind = event["step"], event.get("event")
    try:
        if kind == "measure":
            numbers = [_number(event[side]["frechet"]) for side in ("scores", "floor")]
            return [kind, step, *numbers, int(event["n"])] if None not in numbers else None
        if kind == "vitals":
            return [kind, step, *(_number(event.get(name)) for name in ("spread", "apart", "twins"))]
        if kind == "snapshot":
            return [kind, step]
        if kind in ("advice", "action"):
            sentences = [str(event[lang]) for lang in ("en", "zh")]
            return [kind, step, str(event["key"]), *sentences] if kind == "advice" else [kind, step, *sentences]
        if kind == "changed":
            return [kind, step, dict(event["was"]), dict(event["now"])]
        if kind == "resumed":
            return [kind, step, int(event["to"]) if event.get("to") is not None else None]
    except (KeyError, TypeError, ValueError):
        return None
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.4g}")


def _joined(column: list[Any], last: bool) -> list[Any]:
    """At most POINTS of them: the mean of neighbours, or of steps the last."""
    size = -(-len(column) // POINTS) or 1
    groups = [column[start : start + size] for start in range(0, len(column), size)]
    if last:
        return [group[-1] for group in groups]
    known = [[value for value in group if value is not None] for group in groups]
    return [_number(sum(group) / len(group)) if group else None for group in known]


def _sheets(run: RunFolder, events: Iterable[dict[str, Any]]) -> list[tuple[int, Path]]:
    steps = sorted({event["step"] for event in events if event.get("event") == "sample"})
    return [(step, path) for step in steps if (path := run.samples / f"{step:06d}.webp").is_file()]


def _fitted(sheets: Sequence[tuple[int, Path]], budget: int, progress: Progress | None) -> dict[int, bytes]:
    """The first rung of LADDER on which they fit; a look at three of them passes over those that cannot do."""
    made: dict[int, bytes] = {}
    for count, side, quality in LADDER:
        chosen = spread(sheets, count)
        looked = [_encoded(path, side, quality) for _, path in spread(sheets, 3)]
        mean = sum(map(len, looked)) / len(looked)
        if mean * len(chosen) > budget and (count, side, quality) != LADDER[-1]:
            continue
        made = {}
        for n, (step, path) in enumerate(chosen, 1):
            if data := _encoded(path, side, quality):
                made[step] = data
            if progress:
                progress(n, len(chosen), "sheets")
        if sum(map(len, made.values())) <= budget:
            break
    return made


def _encoded(path: Path, side: int, quality: int) -> bytes:
    """Nothing for a sheet that cannot be read: a run is written while it is read."""
    try:
        with Image.open(path, formats=["WEBP"]) as opened:
            sheet: Image.Image = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return b""
    if max(sheet.size) > side:
        sheet = sheet.resize((side, round(side * sheet.height / sheet.width)), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    sheet.save(buffer, "webp", quality=quality, method=4)
    return buffer.getvalue()


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most `most` of them, evenly, the first and the last always."""
    if len(items) <= most:
        return list(items)
    return [items[round(k * (len(items) - 1) / (most - 1))] for k in range(most)]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
