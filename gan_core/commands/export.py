"""The command that takes a model elsewhere: export."""

from argparse import Namespace
from pathlib import Path
from time import perf_counter
from typing import Any

from gan_core.commands.look import add_weights, model_name, saving
from gan_core.export.card import publish
from gan_core.export.onnx import to_onnx
from gan_core.files import replace_file
from gan_core.gan import GAN


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    export = commands.add_parser("export", help="a folder to share: weights with their card, or a graph for a browser")
    export.set_defaults(command=_export)
    add_weights(export)
    export.add_argument(
        "--format",
        choices=("weights", "onnx"),
        default="weights",
        help="weights, model card and sample sheet; or G as an ONNX graph; default: weights",
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder, made if it is not there")
    export.add_argument("--title", default=None, help="of the card; default: the name of DIR")
    export.add_argument("--words", default="", help="a paragraph of your own for the card")


def _export(options: Namespace) -> None:
    gan = GAN.from_pretrained(options.weights)
    if options.format == "onnx":
        _onnx(options, gan)
        return
    with saving(options.out):
        publish(gan, options.out, options.title or options.out.resolve().name, options.words)
    print(f"Wrote {options.out}: config.json, model.safetensors, README.md (the card) and samples.webp.")


def _onnx(options: Namespace, gan: GAN) -> None:
    began = perf_counter()
    data = to_onnx(
        gan, name=model_name(options.weights), **{key: gan.info[key] for key in ("step",) if key in gan.info}
    )
    took = perf_counter() - began
    file = options.out / "G.onnx"
    with saving(file), replace_file(file) as part:
        part.write_bytes(data)
    inputs = f"z (N, {gan.config.nz})" + (f", y (N, {gan.config.num_classes})" if gan.config.num_classes else "")
    print(f"Wrote {file}: {len(data) / 2**20:.1f} MB in {took:.2f} s. {inputs} -> image in [-1, 1].")
