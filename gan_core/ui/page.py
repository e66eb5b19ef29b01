"""The page around the tabs: what stands in its <head>, its colours, its static files."""

import json
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gan_core.ui.studio import ROUTES, Studio
from gan_core.ui.text import LANGUAGES, TEXT

STATIC = Path(__file__).parent / "static"


def head() -> str:
    """The words, the visitor's choices (before Gradio looks at the browser), our style and scripts."""
    words = {lang: {key: entry[n] for key, entry in TEXT.items()} for n, lang in enumerate(LANGUAGES)}
    table = json.dumps(words, ensure_ascii=False).replace("</", "<\\/")
    early = (STATIC / "early.js").read_text(encoding="utf-8")
    return f"""
        <script>window.STUDIO_TEXT = {table};</script>
        <script>{early}</script>
        {styles()}
        <script type="module" src=".{ROUTES}/static/studio.js"></script>
    """


def styles() -> str:
    """Every style sheet of ours, the studio's first: the others lean on its colours."""
    ours = sorted(path.relative_to(STATIC) for path in STATIC.rglob("*.css") if "vendor" not in path.parts)
    ours.sort(key=lambda path: path.name != "studio.css")
    return "\n".join(f'<link rel="stylesheet" href=".{ROUTES}/static/{path.as_posix()}">' for path in ours)


class Head:
    """Puts `head()` into the page on its way out.

    Gradio's own `launch(head=...)` is run by Gradio's script, after it has chosen the language.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or "/gradio_api/" in scope["path"]:
            await self.app(scope, receive, send)
            return
        held: list[Message] = []

        async def insert(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_html(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body"):
                    for part in _with_head(held):
                        await send(part)

        await self.app(scope, receive, insert)


def _is_html(start: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in start["headers"])


def _with_head(held: list[Message]) -> list[Message]:
    """The messages of one page, made into two, with our head at the end of Gradio's."""
    start, *parts = held
    body = b"".join(part.get("body", b"") for part in parts)
    body = body.replace(b"</head>", head().encode() + b"</head>", 1)  # Gradio's script is a module and runs later
    headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
    headers.append((b"content-length", str(len(body)).encode()))
    return [{**start, "headers": headers}, {"type": "http.response.body", "body": body}]


HEAD = Middleware(Head)


def theme() -> gr.themes.Base:
    """Grey, with one accent; fonts that every system has, so that nothing is fetched."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    # indigo: the four colours of the game are green, pink, blue and orange
    return gr.themes.Base(primary_hue="indigo", neutral_hue="gray", font=sans, font_mono=mono).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        color_accent="*primary_600",
        slider_color="*primary_600",
        slider_color_dark="*primary_300",
        body_text_color_subdued="*neutral_500",  # Gradio's is too pale on white for WCAG AA
    )


class Fresh(StaticFiles):
    """Files that a browser asks about each time, for a 304: after an update old and new scripts must not mix."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files(studio: Studio) -> None:
    studio.routes.append(Mount(f"{ROUTES}/static", Fresh(directory=STATIC)))
