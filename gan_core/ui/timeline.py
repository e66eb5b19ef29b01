"""The routes behind the time line: what a run has painted so far, step by step.

    GET /gradio_api/gan/runs/{name}/samples/{file}    a sheet
    GET /gradio_api/gan/runs/{name}/moves/{file}      a move, watched from close by
"""

import re

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gan_core.errors import UserError
from gan_core.training.folder import run_folder
from gan_core.ui.studio import ROUTES, Studio

SHEET, MOVE = r"\d{6,}\.webp", r"\d{6,}-\d+\.webp"


def timeline_routes(studio: Studio) -> list[BaseRoute]:
    def files(folder: str, pattern: str) -> Route:
        """Pictures in one folder of a run, by names that can lead nowhere else."""

        def route(request: Request) -> Response:
            name, file = request.path_params["name"], request.path_params["file"]
            try:
                path = run_folder(studio.runs, name).path / folder / file
            except UserError as error:
                return JSONResponse({"error": str(error)}, 404)
            if not re.fullmatch(pattern, file) or not path.is_file():
                return JSONResponse({"error": f"no picture {file!r}"}, 404)
            kept = "max-age=31536000, immutable" if request.query_params.get("v") else "no-cache"
            return FileResponse(path, media_type="image/webp", headers={"Cache-Control": kept})

        return Route(f"{ROUTES}/runs/{{name}}/{folder}/{{file}}", route)

    return [files("samples", SHEET), files("moves", MOVE)]
