"""The routes behind the time line: what a run has painted so far, step by step.

GET /gradio_api/gan/runs/{name}/samples/{file}    a sheet
GET /gradio_api/gan/runs/{name}/moves/{file}      a move, watched from close by
GET /gradio_api/gan/runs/{name}/row               one z through all snapshots, as one sprite
GET /gradio_api/gan/runs/{name}/film              the sheets as a film: lines of JSON, then a token for film/file
GET /gradio_api/gan/qr                            an address as a QR code
"""

import re
from collections.abc import Callable, Sequence
from io import BytesIO
from math import ceil, sqrt
from typing import Literal, overload

import segno
import torch
from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gan_core.errors import UserError
from gan_core.export import save_film
from gan_core.images import to_sheet
from gan_core.training.folder import RunFolder, run_folder
from gan_core.ui.answers import Asked, answer, sentence
from gan_core.ui.films import Progress, told_while
from gan_core.ui.jobs import Jobs
from gan_core.ui.pictures import MOST_SEED, plain, sprite
from gan_core.ui.row import Rows, spread
from gan_core.ui.story import Story, Tail
from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import PageError

SHEET, MOVE = r"\d{6,}\.webp", r"\d{6,}-\d+\.webp"
MOST_SHEETS = 240  # of a film: ten seconds
FILM_FPS = 12
MOST_SCALE = 8  # a sheet of 8 x 8 pictures of 64 pixels becomes 4096 wide
MOST_TEXT = 500  # characters of an address; a QR code of more is hard to read from a screen

Format = Literal["mp4", "webp", "gif"]


def timeline_routes(studio: Studio, jobs: Jobs) -> list[BaseRoute]:
    rows = Rows(studio.shelf)

    def files(folder: str, pattern: str, private: bool) -> Route:
        """Pictures in one folder of a run, by names that can lead nowhere else."""

        def route(request: Request) -> Response:
            name, file = request.path_params["name"], request.path_params["file"]
            try:
                run = run_folder(studio.runs, name)
            except UserError as error:
                return JSONResponse({"error": str(error)}, 404)
            path = run.path / folder / file
            if not re.fullmatch(pattern, file) or not path.is_file():
                return JSONResponse({"error": f"no picture {file!r}"}, 404)
            rights = studio.rights
            if private and jobs.private(run) and not rights.may_steer(rights.visitor(request.headers), run):
                return JSONResponse({"error": "these pictures are their owner's alone"}, 403)
            kept = "max-age=31536000, immutable" if request.query_params.get("v") else "no-cache"
            kept = f"private, {kept}" if private else kept
            return FileResponse(path, media_type="image/webp", headers={"Cache-Control": kept})

        return Route(f"{ROUTES}/runs/{{name}}/{folder}/{{file}}", route)

    def of_run(path: str, handler: Callable[[RunFolder, Asked], Response]) -> Route:
        def route(request: Request) -> Response:
            asked = Asked.of(request)
            try:
                return handler(run_folder(studio.runs, request.path_params["name"]), asked)
            except Exception as error:
                return sentence(error, asked.lang)

        return Route(f"{ROUTES}/runs/{{name}}/{path}", route)

    return [
        files("samples", SHEET, private=False),
        files("moves", MOVE, private=True),  # real pictures are on them
        of_run("row", lambda folder, asked: row(rows, folder, asked)),
        of_run("film", lambda folder, asked: film(studio, folder, asked)),
        Route(f"{ROUTES}/qr", answer(qr)),
    ]


def row(rows: Rows, folder: RunFolder, asked: Asked) -> Response:
    seed = asked.whole("seed", 0, MOST_SEED, 0)
    painted = rows.paint(folder, seed, asked.label(), asked.number("truncation", 0.01, 1, 1.0))
    columns = ceil(sqrt(len(painted)))
    pixels = torch.stack([picture for _, picture in painted])
    about: dict[str, object] = {
        "n": len(painted), "columns": columns, "size": pixels.shape[-1], "steps": [step for step, _ in painted],
    }  # fmt: skip
    return sprite(to_sheet(pixels, columns), about)


def film(studio: Studio, folder: RunFolder, asked: Asked) -> Response:
    kind, fps = asked.one_of("format", Format), asked.number("fps", 1, 60, FILM_FPS)
    scale = asked.whole("scale", 1, studio.limits.film_scale if studio.limits else MOST_SCALE, 1)
    sheets = Sheets(folder)

    def write(progress: Progress) -> str:
        token, path = studio.kept.place(kind)
        save_film(sheets, path, fps, scale, progress=lambda done, of, _: progress(done, of))
        studio.kept.add(token, path, f"{plain(folder.name)}.{kind}")
        return token

    return told_while(studio, write, asked.lang)


class Sheets(Sequence[Image.Image]):
    """The sheets of a run that still hold, opened when their turn comes: together they may be gigabytes.

    Raises PageError where there is none.
    """

    def __init__(self, folder: RunFolder) -> None:
        story = Story()
        story.take(Tail(folder.events, ("sample", "resumed")).read())
        steps = sorted({line.step for line in story.lines if line.told[0] == "sample"})
        paths = [path for step in steps if (path := folder.samples / f"{step:06d}.webp").is_file()]
        if not paths:
            raise PageError("film_no_sheets", name=folder.name)
        self.paths = spread(paths, MOST_SHEETS)

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, at: int) -> Image.Image: ...
    @overload
    def __getitem__(self, at: slice) -> list[Image.Image]: ...
    def __getitem__(self, at: int | slice) -> Image.Image | list[Image.Image]:
        if isinstance(at, slice):
            return [self._open(n) for n in range(*at.indices(len(self)))]
        return self._open(at)

    def _open(self, at: int) -> Image.Image:
        try:
            return Image.open(BytesIO(self.paths[at].read_bytes()))  # which decodes it when it is painted
        except OSError:
            raise PageError("film_sheet_lost", step=int(self.paths[at].stem)) from None


def qr(asked: Asked) -> Response:
    """Black on white with the margin that readers want, whatever the page's light."""
    text = asked.query.get("text", "")
    if not 0 < len(text) <= MOST_TEXT:
        raise UserError("out_of_range", field="text", got=len(text), low=1, high=MOST_TEXT)
    buffer = BytesIO()
    segno.make(text, error="m", micro=False).save(buffer, "svg", xmldecl=False, border=4, light="#fff", omitsize=True)
    return Response(buffer.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})
