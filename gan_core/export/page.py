"""A page of its own: a folder that any static host can serve, in which the visitor's browser paints with the model.

    index.html  page.js (words, model)  static/ (scripts, styles, vendored libraries)  G.onnx  D.onnx  inside.onnx
    directions.json  preview.webp  about.json (what this is, and the list of files)
    README.md (also the front matter of a Static Space)  run/ (with a run: its sheets, thinned, and its curves)

All addresses are relative, and no other host is asked for anything.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from pathlib import Path
from posixpath import dirname, join, normpath
from string import Template
from typing import Any

from gan_core.errors import UserError
from gan_core.export.about import about_model, part_of
from gan_core.export.onnx import Part, to_onnx
from gan_core.export.onnx_inside import to_onnx_inside
from gan_core.files import read_json
from gan_core.gan import GAN
from gan_core.images import to_sheet
from gan_core.latent.paint import paint
from gan_core.texts import TABLES

STATIC = Path(__file__).parents[1] / "ui" / "static"
ENTRY, FIRST, TEMPLATE = "lab/site.js", "lab/first.js", "lab/site.html"
WORKERS = {"lab/worker.js"}  # got when there is work
MADE_BY = "gan_core export --format page"
LANGUAGES = ("en", "zh")
OURS = ("static/*", "run/*", "*.onnx", "directions.json", "page.js", "preview.webp")  # what an older page may have left
OWN_WORDS = {
    "server_gone": "site_gone", "went_wrong": "site_wrong", "run_newest": "site_last", "time_newest": "site_end",
}  # fmt: skip
BEYOND = 1e15  # no number of a card is so large
PREVIEW = 4  # pictures a side
PARTS: tuple[Part, ...] = ("G", "D")
MOST_INSIDE = 16_000_000  # bytes: more than that is too much for a look
LIMIT = 1_000_000  # bytes beside the graphs and what runs them

IMPORT = re.compile(
    r"""(?:^|[;}\s])(?:import|export)\s*(?:[\w*${}\s,]+?\s*from\s*)?\(?\s*["'](?P<module>\.[^"']+)["']"""
    r"""|new\s+URL\(\s*["'`](?P<url>[^"'`$]+)["'`]\s*,\s*(?:import\.meta\.url|base)\s*\)"""
)


@dataclass(frozen=True)
class Page:
    """What a page shows, before any of it is written."""

    gan: GAN
    name: str
    title: str
    words: str = ""  # a paragraph of the author's own
    mark: str = ""  # of the weights, see gan.fingerprint
    directions: Mapping[str, Any] | None = None  # as directions.json
    run: Mapping[str, bytes] = field(default_factory=dict)  # path -> what lies there, see training_of


@dataclass(frozen=True)
class Written:
    """What was written, in bytes."""

    files: tuple[str, ...]
    graphs: int
    runtime: int
    rest: int


def write_page(page: Page, out: Path) -> Written:
    """Write the page into `out`: a new folder at once; into an older page's file by file, and what is gone goes.

    Raises UserError where `out` holds something else.
    """
    before = check(out)
    painters = graphs(page)
    made = painters | light(page, "inside.onnx" in painters)
    made["about.json"] = _json(about_of(page) | {"files": sorted({*made, "about.json"})})
    _place(made, out, before)
    size = sum(map(len, made.values()))
    model = sum(map(len, painters.values()))
    runtime = sum(len(data) for name, data in made.items() if _runtime(name))
    return Written(tuple(sorted(made)), model, runtime, size - model - runtime)


def weight(page: Page) -> int:
    """Bytes beside the graphs and what runs them, of which LIMIT are allowed."""
    return sum(len(data) for name, data in light(page).items() if not _runtime(name)) + 4_000  # of about.json


def _runtime(name: str) -> bool:
    return name.startswith("static/vendor/ort/")


def check(out: Path) -> list[str]:
    """The files of the page that lies there already. Raises UserError where something else does."""
    if out.exists() and not out.is_dir():
        raise UserError("page_file", where=out)
    about = read_json(out / "about.json") if out.is_dir() else {}
    if about.get("made_by") == MADE_BY:
        listed = about.get("files")
        return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    if out.is_dir() and any(not path.name.startswith(".") for path in out.iterdir()):  # a new repository has a .git
        raise UserError("page_foreign", where=out)
    return []


def light(page: Page, inside: bool = True) -> dict[str, bytes]:
    """Every file but the graphs and about.json: its path -> what lies there. `inside`: can one look into this G?"""
    made = {f"static/{name}": (STATIC / name).read_bytes() for name in sorted(closure() | {FIRST} | styles())}
    made["directions.json"] = _json(page.directions)
    made["preview.webp"] = preview(page.gan)
    made["page.js"] = said(page, inside)
    made["index.html"] = index(page)
    made["README.md"] = readme(page).encode()
    return made | dict(page.run)


def graphs(page: Page) -> dict[str, bytes]:
    """The players, and G with its stages open: got only by whoever looks inside, so it may weigh as much again."""
    made = {f"{part}.onnx": to_onnx(page.gan, part, name=page.name) for part in PARTS}
    inside = to_onnx_inside(page.gan, name=page.name)
    return made | ({"inside.onnx": inside} if len(inside) <= MOST_INSIDE else {})


# scripts and styles


def closure(entry: str = ENTRY) -> set[str]:
    """Every file that `entry` leads to, by imports, workers and addresses beside a script; paths under static/.

    A vendored library comes with its licence. Raises UserError for one that is missing.
    """
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if not (STATIC / name).is_file():
            raise UserError("page_part", part=name)
        found.add(name)
        if "vendor/" in name:
            waiting += _licence(name)
        elif name.endswith((".js", ".mjs")):
            waiting += references(name)
    return found


def references(name: str) -> Iterator[str]:
    """The files that one script of ours names; of a vendored folder, all that is in it."""
    for match in IMPORT.finditer(_code((STATIC / name).read_text(encoding="utf-8"))):
        target = normpath(join(dirname(name), match["module"] or match["url"]))
        if target.startswith("vendor/") and (STATIC / target).is_dir():
            yield from (f"{target}/{path.name}" for path in (STATIC / target).iterdir() if path.is_file())
        elif match["module"] or not (STATIC / target).is_dir():  # an address to start from is no file
            yield target


def _code(text: str) -> str:
    """Without comments on lines of their own, in which examples of imports may stand."""
    return re.sub(r"^\s*(//|/?\*).*$", "", text, flags=re.MULTILINE)


def _licence(name: str) -> list[str]:
    return [path.relative_to(STATIC).as_posix() for path in (STATIC / name).parent.glob("LICENSE*")]


def styles() -> set[str]:
    """Every style sheet of ours."""
    return {p.relative_to(STATIC).as_posix() for p in STATIC.rglob("*.css") if "vendor" not in p.parts}


# what the page says


def about_of(page: Page) -> dict[str, Any]:
    """about.json: for people and programs, and for the next export into the same folder."""
    return {"made_by": MADE_BY, "title": page.title, "model": model_of(page), "card": card(page)}


def model_of(page: Page) -> dict[str, Any]:
    step = page.gan.info.get("step")
    return about_model(page.gan, page.name, page.title, step if isinstance(step, int) else None, page.mark)


def card(page: Page) -> dict[str, Any]:
    """The model card's facts; what is not known is left out. Neither the command nor the machine: both name places."""
    info, data, train = page.gan.info, part_of(page.gan, "data"), part_of(page.gan, "train")
    seconds = info.get("seconds")
    facts = {
        "words": page.words,
        "data": data.get("name"),
        "pictures": data.get("pictures"),
        "licence": data.get("licence"),
        "steps": info.get("step"),
        "minutes": round(seconds / 60) if isinstance(seconds, int | float) and _known(seconds) else None,
        "loss": train.get("loss"),
        "preset": info.get("preset"),
        "seed": train.get("seed"),
    }
    return {key: value for key, value in facts.items() if _known(value)}


def _known(value: object) -> bool:
    """config.json may be anyone's, and JSON as Python reads it holds infinite numbers, and some of 4,000 digits."""
    return abs(value) < BEYOND if isinstance(value, int | float) else isinstance(value, str) and value != ""


def words() -> dict[str, dict[str, str]]:
    """The words of every tool, by language; where the studio's would speak of its server or of a live run, a page's."""
    table = {key: pair for one in TABLES.values() for key, pair in one.items()}
    table |= {key: table[own] for key, own in OWN_WORDS.items()}
    return {lang: {key: pair[n] for key, pair in table.items()} for n, lang in enumerate(LANGUAGES)}


def said(page: Page, inside: bool) -> bytes:
    """page.js: the words, and the model, for the scripts."""
    site = {"about": model_of(page), "card": card(page), "inside": inside, "training": "run/run.json" in page.run}
    return b"window.STUDIO_TEXT = %s;\nwindow.STUDIO_SITE = %s;\n" % (_json(words()), _json(site))


def index(page: Page) -> bytes:
    ours = sorted(styles(), key=lambda name: (name != "studio.css", name))  # the others lean on its colours
    links = "\n".join(f'<link rel="stylesheet" href="static/{name}">' for name in ours)
    scripts = sorted(name for name in closure() if name.endswith(".js") and "vendor/" not in name)
    links += "".join(f'\n<link rel="modulepreload" href="static/{name}">' for name in scripts if name not in WORKERS)
    about = page.words or f"{page.title}: pictures that a small neural network paints in this very browser."
    template = Template((STATIC / TEMPLATE).read_text(encoding="utf-8"))
    filled = template.substitute(
        title=escape(page.title),
        about=escape(about[:200]),
        links=links,
        first=f"static/{FIRST}",
        entry=f"static/{ENTRY}",
    )
    return filled.encode()


def readme(page: Page) -> str:
    """README.md, with the front matter by which the Hub knows a Static Space."""
    front = {
        "title": _line(page.title)[:80],
        "emoji": "🎨",
        "colorFrom": "indigo",
        "colorTo": "gray",
        "sdk": "static",
        "pinned": False,
        "short_description": "Walk through the latent space of a GAN",
        "license": licence_id(str(card(page).get("licence", ""))),
    }
    yaml = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items() if value != "")
    facts = "\n".join(f"- {key}: {_line(value)}" for key, value in card(page).items() if key != "words")
    return f"""---
{yaml}
---

# {_line(page.title)}

{page.words or "A GAN trained with DCGAN Studio, in the visitor's own browser: no server computes anything."}

{facts}

Made by `python -m gan_core export --format page`. To look at it here: `python -m http.server`, then http://localhost:8000.
"""


def licence_id(licence: str) -> str:
    """The Hub's name for a licence; nothing where it has none, since it refuses names that it does not know."""
    match = re.match(r"(mit|apache[- ]2\.0|cc0|cc by(?:-sa|-nc|-nd|-nc-sa|-nc-nd)? [1-4]\.0)\b", licence.lower())
    return match[1].replace(" ", "-").replace("cc0", "cc0-1.0") if match else ""


def _line(value: object) -> str:
    """On one line, so that nothing of it begins a heading or ends the front matter."""
    return " ".join(str(value).split())


def preview(gan: GAN) -> bytes:
    """The first seeds as one picture: seen while the model loads, and where nothing can be run."""
    n = PREVIEW * PREVIEW
    sheet = to_sheet(paint(gan, gan.sample_z(n, seed=0), gan.sample_y(n, seed=0)), columns=PREVIEW)
    buffer = BytesIO()
    sheet.save(buffer, "webp", quality=80, method=6)
    return buffer.getvalue()


def _json(value: object) -> bytes:
    """As a script may hold it too."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


# on the disk


def _place(made: Mapping[str, bytes], out: Path, before: list[str]) -> None:
    """A new folder appears whole. In one that is there each file is replaced whole, the page that opens them last."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.resolve().with_name(f".{out.resolve().name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for name, data in made.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(data)
        if not out.is_dir():
            part.rename(out)
            return
        for name in sorted(made, key=lambda name: name in ("index.html", "about.json")):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).replace(out / name)
        for name in set(before) - set(made):
            _forget(out, name)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _forget(out: Path, name: str) -> None:
    """Take away a file of an older page, and the folders that it leaves empty. A forged list leads nowhere else."""
    path = (out / name).resolve()
    if out.resolve() not in path.parents or not path.is_file():
        return
    path.unlink()
    for folder in path.parents:
        if folder == out.resolve() or any(folder.iterdir()):
            return
        folder.rmdir()
