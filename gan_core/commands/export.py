"""The command that takes a model elsewhere: export."""

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from tqdm import tqdm

from gan_core import hub
from gan_core.commands.look import add_weights, model_name, saving
from gan_core.commands.steer import add_place
from gan_core.config import ModelConfig
from gan_core.errors import UserError
from gan_core.export import page, training
from gan_core.export.card import ONNX_USE, SHEET, publish, publish_card
from gan_core.export.onnx import to_onnx
from gan_core.files import replace_file
from gan_core.gan import CONFIG, GAN, WEIGHTS, find_weights, fingerprint
from gan_core.latent import direction_file
from gan_core.training.folder import RunFolder, run_folder

CARD = "README.md"


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    export = commands.add_parser(
        "export", help="something to share: weights with their card, graphs for a browser, or a page of its own"
    )
    export.set_defaults(command=_export)
    add_weights(export)
    export.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="weights",
        help="weights, model card and sample sheet; G and D as ONNX graphs; or a page that any static host can serve; "
        "default: weights",
    )
    export.add_argument("--out", type=Path, metavar="DIR", help="the folder, made if it is not there")
    export.add_argument(
        "--push",
        metavar="USER/NAME",
        help="put it on the Hugging Face Hub: a page as a Static Space, others as a model",
    )
    export.add_argument("--run", metavar="RUN", help="a page also shows how this run learned; a name, or a folder")
    add_place(export)
    export.add_argument("--title", default=None, help="of the card or page; default: the name of DIR")
    export.add_argument("--words", default="", help="a paragraph of your own for the card or page")


def _export(options: Namespace) -> None:
    if options.out is None and options.push is None:
        raise UserError("export_nowhere")
    if options.run and options.format != "page":
        raise UserError("export_run")
    if options.push:
        hub.check(options.push)  # before the work
    if options.out is not None:
        _into(options, options.out)
        return
    with TemporaryDirectory() as folder:
        _into(options, Path(folder) / "out")


def _into(options: Namespace, out: Path) -> None:
    files = FORMATS[options.format](options, GAN.from_pretrained(options.weights), out)
    if options.push:
        _push(options, files, out)


def _title(options: Namespace, out: Path) -> str:
    return options.title or (options.push.split("/")[-1] if options.push else out.resolve().name)


def _place(options: Namespace) -> str:
    return str(options.out or "a folder that is gone when it is pushed")


def _name(options: Namespace) -> str:
    """The model's name, for those who have never seen this disk."""
    if re.fullmatch(r"[\w.-]+/[\w.-]+", options.weights) and not Path(options.weights).exists():
        return str(options.weights)  # a Hub id
    return model_name(str(find_weights(options.weights)))


def _push(options: Namespace, files: list[str], out: Path) -> None:
    size = sum((out / name).stat().st_size for name in files)
    print(f"Pushing {len(files)} files, {size / 1e6:.1f} MB, to {options.push} ...", flush=True)
    found = {name: out / name for name in files}
    if options.format == "page":
        address = hub.push(found, options.push, "space", "Export a page of gan_core", page.OURS)
    else:
        address = hub.push(found, options.push, "model", f"Export {options.format} of gan_core")
    print(f"Pushed: {address}")


def _weights(options: Namespace, gan: GAN, out: Path) -> list[str]:
    with saving(out):
        publish(gan, out, _title(options, out), options.words)
    print(f"Wrote {_place(options)}: {CONFIG}, {WEIGHTS}, {CARD} (the card) and {SHEET}.")
    return [CONFIG, WEIGHTS, CARD, SHEET]


def _onnx(options: Namespace, gan: GAN, out: Path) -> list[str]:
    about: Mapping[str, Any] = {key: gan.info[key] for key in ("step",) if key in gan.info}
    for part in page.PARTS:
        began = perf_counter()
        data = to_onnx(gan, part, name=_name(options), **about)
        took = perf_counter() - began
        with saving(out), replace_file(out / f"{part}.onnx") as file:
            file.write_bytes(data)
        size = f"{len(data) / 2**20:.1f} MB in {took:.2f} s"
        print(f"Wrote {part}.onnx to {_place(options)}: {size}. {SIGNATURES[part](gan.config)}")
    files = [f"{part}.onnx" for part in page.PARTS]
    if not options.push:
        return files
    publish_card(gan, out, _title(options, out), options.words, ONNX_USE)
    return [*files, CARD, SHEET]


def _page(options: Namespace, gan: GAN, out: Path) -> list[str]:
    page.check(out)
    run = _run(options) if options.run else None
    folder = find_weights(options.weights)
    with tqdm(total=1, delay=1, bar_format="{desc}: {percentage:3.0f}% {bar} {remaining}") as bar:

        def progress(done: int, total: int, what: str) -> None:
            bar.set_description_str({"sheets": "sample sheets"}.get(what, "directions"), refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        kept = direction_file.read(folder, gan.config) or direction_file.find(gan, folder, progress)
        name = _name(options)
        title = options.title or name.rpartition("/")[2].replace("-", " ").capitalize()
        made = page.Page(gan, name, title, options.words, fingerprint(folder), direction_file.told(kept))
        if run:
            made = replace(made, run=training.training_of(run, page.LIMIT - page.weight(made), progress))
        with saving(out):
            written = page.write_page(made, out)
    print(
        f"Wrote {_place(options)}: {len(written.files)} files. The model {written.graphs / 1e6:.1f} MB, what runs it "
        f"{written.runtime / 1e6:.1f} MB, all else {written.rest / 1e6:.2f} MB."
    )
    if options.out:
        print(f"To open it: python -m http.server -d {out}, then http://localhost:8000. Any static host can serve it.")
    return list(written.files)


def _run(options: Namespace) -> RunFolder:
    path = Path(options.run).expanduser()
    run = RunFolder(path.resolve()) if path.is_dir() else run_folder(options.runs, options.run)
    if not run.events.is_file():
        raise UserError("page_run", got=str(run.path))
    return run


def _labelled(config: ModelConfig) -> str:
    return f", y (N, {config.num_classes})" if config.num_classes else ""


SIGNATURES: dict[str, Callable[[ModelConfig], str]] = {
    "G": lambda c: f"z (N, {c.nz}){_labelled(c)} -> image in [-1, 1].",
    "D": lambda c: f"x (N, {c.nc}, {c.image_size}, {c.image_size}){_labelled(c)} -> logit, feel.",
}
FORMATS: dict[str, Callable[[Namespace, GAN, Path], list[str]]] = {"weights": _weights, "onnx": _onnx, "page": _page}
