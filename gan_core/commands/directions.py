"""The command that finds directions in latent space: directions."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan_core.commands.look import add_weights, saving, use_threads
from gan_core.files import write_text
from gan_core.gan import GAN, find_weights
from gan_core.latent import direction_file
from gan_core.latent.directions import Direction

HEADS = ("", "method", "share", "length", "trust", "like", "name")


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    parser = commands.add_parser("directions", help="find the directions of a model, and keep them beside its weights")
    parser.set_defaults(command=_directions)
    add_weights(parser)
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write them there, too")


def _directions(options: Namespace) -> None:
    use_threads(options.threads)
    folder = find_weights(options.weights)
    gan = GAN.from_pretrained(folder)
    with tqdm(unit="picture", delay=1, leave=False) as bar:

        def progress(done: int, total: int, what: str) -> None:
            bar.total = total
            bar.set_description_str(what, refresh=False)
            bar.update(done - bar.n)

        found = direction_file.find(gan, folder, progress)
    found = direction_file.with_names_of(found, direction_file.read(folder, gan.config))
    with saving(folder / direction_file.FILE):
        direction_file.write(folder, found)
    for row in [HEADS, *(_row(i, d, found) for i, d in enumerate(found.directions))]:
        print("{:>3} {:8} {:>6} {:>6} {:>6} {:>8}  {}".format(*row).rstrip())
    print("like: the direction whose pictures change most alike, and how much, as a |cosine|;", end=" ")
    print(f"directions at random have {found.floor:.2f}. Wrote {folder / direction_file.FILE}.")
    if options.json:
        with saving(options.json):
            write_text(options.json, json.dumps(direction_file.told(found), ensure_ascii=False) + "\n")


def _row(i: int, d: Direction, found: direction_file.Found) -> tuple[str, ...]:
    others = found.matrix[i].clone()
    others[i] = -1
    nearest = int(others.argmax()) if len(others) > 1 else i
    numbers = [f"{d.share:.1%}" if d.share is not None else ""]
    numbers += [f"{x:.2f}" if x is not None else "" for x in (d.length, d.trust)]
    return (
        str(i),
        d.method,
        *numbers,
        f"{float(found.matrix[i, nearest]):.2f} #{nearest}",
        d.names.get("en", ""),
    )
