"""The commands that look: sample, interpolate, info, presets, data."""

import json
from argparse import BooleanOptionalAction, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from textwrap import fill
from typing import Any, get_args

import torch
from torch import nn
from tqdm import tqdm

from gan_core.config import DEFAULT_PRESET, PRESETS, preset
from gan_core.data import known_sets
from gan_core.errors import UserError, unknown
from gan_core.export import FORMATS, MOST_SCALE, Recipe, parents, save_film, save_png
from gan_core.files import replace_file
from gan_core.gan import GAN, WEIGHTS, find_weights
from gan_core.images import check_pixels, enlarge, to_pictures, to_sheet
from gan_core.latent import Easing, Method, paint, truncate, walk, walk_labels
from gan_core.training.session import pick_device

SHEETS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
SEEDS = (-(2**63), 2**63 - 1)  # what torch takes
CHUNK = 256  # pictures that wait in memory to be written one by one


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    sample = commands.add_parser("sample", help="paint pictures: a sheet, or one file each")
    sample.set_defaults(command=_sample)
    add_weights(sample)
    sample.add_argument("--n", type=int, default=64, help="how many pictures; default: 64")
    sample.add_argument("--seed", type=int, default=0, help="of the first; picture i has seed SEED + i; default: 0")
    sample.add_argument("--out", type=Path, default=None, metavar="FILE", help="the sheet: .png, .jpg or .webp")
    sample.add_argument("--each", type=Path, default=None, metavar="DIR", help="one PNG each, with its recipe inside")
    sample.add_argument("--columns", type=int, default=None, help="of the sheet; default: as square as can be")
    _add_look(sample)

    film = commands.add_parser("interpolate", help="walk from picture to picture, as a film or a strip")
    film.set_defaults(command=_interpolate)
    add_weights(film)
    film.add_argument("--seeds", required=True, metavar="1,5,9", help="the keyframes, two at least")
    film.add_argument("--frames", type=int, default=60, help="in the whole film; default: 60")
    film.add_argument("--method", default="slerp", metavar="|".join(get_args(Method)), help="default: slerp")
    film.add_argument("--easing", default="linear", metavar="|".join(get_args(Easing)), help="default: linear")
    film.add_argument("--loop", action="store_true", help="and back to the first keyframe")
    film.add_argument("--fps", type=float, default=25, help="frames a second; default: 25")
    film.add_argument(
        "--out", type=Path, default=Path("film.mp4"), metavar="FILE", help=".mp4 .gif .webp .png (a strip)"
    )
    _add_look(film)

    info = commands.add_parser("info", help="what a model is, and how it was trained")
    info.set_defaults(command=_info)
    add_weights(info)
    info.add_argument("--json", action="store_true", help="for programs")

    presets = commands.add_parser("presets", help="every preset with every number")
    presets.set_defaults(command=_presets)
    presets.add_argument("names", nargs="*", metavar="NAME", help="default: all")

    data = commands.add_parser("data", help="the data sets that have a name")
    data.set_defaults(command=_data)


def add_weights(parser: Any) -> None:
    parser.add_argument("--weights", required=True, metavar="W", help="a folder, RUN, RUN@5000, RUN@best or Hub id")


def _add_look(parser: Any) -> None:
    parser.add_argument("--truncation", type=float, default=1.0, help="in (0, 1]: less is tamer; default: 1")
    parser.add_argument("--label", type=int, default=None, help="the class, for a model that has them")
    parser.add_argument("--scale", type=int, default=1, help="enlarge so many times; default: 1")
    parser.add_argument("--smooth", action=BooleanOptionalAction, default=False, help="enlarge smoothly, not crisply")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")


def _sample(options: Namespace) -> None:
    out, each = options.out, options.each
    if out is None and each is None:
        out = Path("samples.png")
    if out is not None and out.suffix.lower() not in SHEETS:
        raise unknown("picture format", out.suffix or out.name, SHEETS)
    between("n", options.n, 1, 1_000_000)
    between("seed", options.seed, SEEDS[0], SEEDS[1] - options.n)
    between("scale", options.scale, 1, MOST_SCALE)
    if options.columns is not None:
        between("columns", options.columns, 1, options.n)
    gan = GAN.from_pretrained(options.weights, pick_device(options.device))
    side = gan.config.image_size * options.scale
    check_pixels(side, side, options.n if out else 1)
    name, step = model_name(options.weights), _known(gan.info, "step", int)
    parts = []
    with _bar("picture") as progress:
        for start in range(0, options.n, CHUNK):
            n, seed = min(CHUNK, options.n - start), options.seed + start
            z, y = gan.sample_z(n, seed), gan.sample_y(n, seed, options.label)
            pixels = paint(gan, truncate(z, options.truncation), y)
            if out is not None:
                parts.append(pixels)
            for i, picture in enumerate(to_pictures(pixels) if each is not None else ()):
                label = None if y is None else int(y[i])
                recipe = Recipe(name, tuple(z[i].tolist()), seed + i, options.truncation, label, step)
                file = each / f"{seed + i:06d}.png"
                with saving(file):
                    save_png(enlarge(picture, options.scale, options.smooth), file, recipe)
            progress(start + n, options.n, "paint")
    if each is not None:
        print(f"Wrote {options.n:,} pictures into {each}, each with its recipe.")
    if out is not None:
        sheet = enlarge(to_sheet(torch.cat(parts), options.columns), options.scale, options.smooth)
        with saving(out), replace_file(out) as part:
            sheet.save(part, SHEETS[out.suffix.lower()], quality=95)
        print(f"Wrote {out}: {options.n:,} pictures, {sheet.width} x {sheet.height} pixels.")


def _interpolate(options: Namespace) -> None:
    if options.out.suffix.lower() not in FORMATS:
        raise unknown("film format", options.out.suffix or options.out.name, FORMATS)
    try:
        seeds = [int(seed) for seed in options.seeds.split(",")]
    except ValueError:
        raise UserError("seeds", got=options.seeds) from None
    for seed in seeds:
        between("seed", seed, *SEEDS)
    between("frames", options.frames, 2, 100_000)
    between("fps", options.fps, 1, 120)
    between("scale", options.scale, 1, MOST_SCALE)
    gan = GAN.from_pretrained(options.weights, pick_device(options.device))
    keyframes = truncate(torch.cat([gan.sample_z(1, seed) for seed in seeds]), options.truncation)
    z = walk(keyframes, options.frames, options.method, options.loop, options.easing)
    labels = [y for seed in seeds if (y := gan.sample_y(1, seed, options.label)) is not None]
    y = None
    if labels:
        classes = gan.config.num_classes
        y = walk_labels(torch.cat(labels), classes, options.frames, options.loop, options.easing)
    check_pixels(gan.config.image_size, gan.config.image_size, options.frames)
    with _bar("frame") as progress:
        pixels = paint(gan, z, y, progress)
    with _bar("frame") as progress, saving(options.out):
        save_film(pixels, options.out, options.fps, options.scale, options.smooth, progress=progress)
    print(f"Wrote {options.out}: {len(z)} frames through {len(seeds)} keyframes.")


def _info(options: Namespace) -> None:
    folder = find_weights(options.weights)
    gan = GAN.from_pretrained(folder)
    model, info, size = gan.config, gan.info, (folder / WEIGHTS).stat().st_size
    data = _known(info, "data", dict) or {}
    step, seconds = _known(info, "step", int), _known(info, "seconds", (int, float))
    pictures = _known(data, "pictures", int)
    classes = (_known(data, "classes", list) or []) if model.num_classes else []
    facts = {
        "weights": str(folder),
        "model": asdict(model),
        "parameters": {"G": _count(gan.G_ema), "D": _count(gan.D)},
        "bytes": size,
        "step": step,
        "seconds": seconds,
        "preset": info.get("preset"),
        "machine": info.get("machine"),
        "data": data.get("name"),
        "pictures": pictures,
        "classes": classes,
        "licence": data.get("licence"),
        "parents": parents(info),
    }
    if options.json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    lines = {
        "weights": f"{folder} ({size / 1e6:.1f} MB)",
        "architecture": model.architecture,
        "pictures": f"{model.image_size} x {model.image_size}, {'grey' if model.nc == 1 else 'colour'}",
        "z": f"{model.nz} numbers",
        "G": f"{_count(gan.G_ema):,} parameters, ngf {model.ngf}",
        "D": f"{_count(gan.D):,} parameters, ndf {model.ndf}, norm {model.norm_D}",
        "classes": ", ".join(f"{i} {name}" for i, name in enumerate(classes)) or model.num_classes or "none",
        "trained on": facts["data"] if pictures is None else f"{facts['data']} ({pictures:,} pictures)",
        "licence": facts["licence"],
        "preset": facts["preset"],
        **({"from": ", ".join(f"{name} at step {at:,}" for name, at in chain)} if (chain := parents(info)) else {}),
        "steps": None if step is None else f"{step:,}",
        "time": None if seconds is None else _time(seconds),
        "machine": facts["machine"],
    }
    for name, value in lines.items():
        print(fill(f"{name:14}{'unknown' if value is None else value}", 120, subsequent_indent=" " * 14))


def _presets(options: Namespace) -> None:
    print("Every field of every preset; * marks what differs from the field's default.")
    for name in options.names or PRESETS:
        chosen = preset(name)
        configs = chosen.configs()
        print(f"\n{name}" + (" (the default)" if name == DEFAULT_PRESET else ""))
        print(fill(chosen.source, 100, initial_indent="  ", subsequent_indent="  "))
        for config in (configs.model, configs.train):
            print(f"  {type(config).__name__}")
            for field in fields(config):
                value = getattr(config, field.name)
                print(f"  {'*' if value != field.default else ' '} {field.name:22}{_shown(value)}")


def _data(options: Namespace) -> None:
    """`--data` also takes a folder, a ZIP or a Hub id, which have no name to list."""
    rows = [("name", "size", "colour", "here", "licence", "pictures")]
    for info in known_sets().values():
        colour, here = "grey" if info.nc == 1 else "colour", "yes" if info.offline else "no"
        rows.append((info.name, str(info.image_size), colour, here, info.licence, info.about))
    for line in _columns(rows):
        print(line)
    print("\nThose not here are downloaded when first used. --data also takes a folder, a ZIP or a Hub id.")


def model_name(weights: str) -> str:
    """What to call the model in a picture that leaves this machine: no path, and for a snapshot its run's name."""
    path = Path(weights).expanduser()
    if not path.exists():
        return weights  # a Hub id
    path = path.resolve()
    path = path.parent if path.is_file() else path
    return path.parents[1].name if path.parent.name == "snapshots" else path.name


@contextmanager
def _bar(unit: str) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar that shows itself only where there is something to wait for."""
    with tqdm(unit=unit, delay=1, leave=False) as bar:

        def progress(done: int, total: int, what: str) -> None:
            bar.total = total
            bar.set_description_str(what, refresh=False)
            bar.update(done - bar.n)

        yield progress


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """A full disk, a forbidden folder or too large a picture, in one sentence."""
    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError) as error:  # ValueError: Pillow, for a picture larger than its format can hold
        raise UserError("cannot_save", where=path, why=getattr(error, "strerror", None) or error) from None


def between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError("out_of_range", field=name, got=value, low=low, high=high)


def use_threads(threads: int | None) -> None:
    """So many CPU threads for torch; None leaves it the choice. Raises UserError."""
    if threads is not None:
        between("threads", threads, 1, 1024)
        torch.set_num_threads(threads)


def _known(values: dict[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    """A value of config.json, which may be anyone's: None unless it is of that kind."""
    value = values.get(name)
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def _time(seconds: float) -> str:
    """3725 -> 1 h 02 min."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if seconds >= 120 else f"{seconds:.0f} s"


def _shown(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def _columns(rows: Sequence[Iterable[str]]) -> Iterator[str]:
    """Rows of a table, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
