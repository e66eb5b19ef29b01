"""The commands that measure: bench, score."""

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gan_core.bench.data import bench_data
from gan_core.bench.learn import bench_learn
from gan_core.bench.presets import bench_presets
from gan_core.bench.scores import score_weights
from gan_core.bench.speed import WORKERS, bench_speed
from gan_core.bench.table import print_rows
from gan_core.bench.viewers import bench_viewers
from gan_core.bench.walk import bench_walk
from gan_core.commands.look import add_weights, between, use_threads
from gan_core.config import PRESETS
from gan_core.data import load_images
from gan_core.files import write_text
from gan_core.gan import GAN, find_weights, snapshots
from gan_core.training.session import pick_device


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    bench = commands.add_parser("bench", help="measure our step against the usual one, or presets against each other")
    bench.set_defaults(command=_bench)
    bench.add_argument("--presets", nargs="*", help="compare these presets instead (all if none is named)")
    bench.add_argument("--learn", action="store_true", help="train from a cold start, and look after 15 to 120 s")
    bench.add_argument(
        "--data-tiers", action="store_true", help="what a step loses with pictures in host memory or on disk"
    )
    bench.add_argument(
        "--viewers", type=int, default=None, metavar="N", help="what N viewers of a live run cost, and what each hears"
    )
    bench.add_argument("--minutes", type=float, default=5, help="for which the viewers watch; default: 5")
    bench.add_argument("--walk", action="store_true", help="how closely a picture follows a hand in the browser")
    bench.add_argument("--data", default="fashion-mini", help="what is learned; for --learn it needs classes")
    bench.add_argument("--seconds", type=float, default=180, help="training time for each preset")
    bench.add_argument(
        "--batch-sizes", type=int, nargs="*", metavar="N", help="of the step; default: 64, on a GPU larger ones too"
    )
    bench.add_argument("--workers", type=int, default=WORKERS, help=f"of the usual loop's loader; default: {WORKERS}")
    bench.add_argument("--quick", action="store_true", help="under a minute, less exact")
    bench.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    _add_output(bench)

    score = commands.add_parser(
        "score", help="how near a model's pictures are to a data set, by that set's own features"
    )
    score.set_defaults(command=_score)
    add_weights(score)
    score.add_argument("--data", required=True, metavar="D", help="what it learned from")
    score.add_argument("--data-root", type=Path, default=None, help="where a named set already lies")
    score.add_argument("--n", type=int, default=2000, help="samples; default: 2000")
    score.add_argument("--last", type=int, default=1, help="of a run: its newest so many snapshots; default: 1")
    _add_output(score)


def _add_output(parser: Any) -> None:
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the rows there, too")


def _bench(options: Namespace) -> None:
    use_threads(options.threads)
    between("seconds", options.seconds, 1, 86_400)
    device = pick_device(options.device)
    if options.viewers is not None:
        between("viewers", options.viewers, 1, 1000)
        between("minutes", options.minutes, 0.5, 600)
        _tell(options, bench_viewers(options.viewers, options.minutes))
    elif options.walk:
        _tell(options, bench_walk())
    elif options.learn:
        _tell(options, list(bench_learn(options.data, device)))
    elif options.data_tiers:
        _tell(options, list(bench_data(device, *((4, 0.8) if options.quick else (20, 1.5)))))
    elif options.presets is not None:
        _tell(options, bench_presets(options.presets or list(PRESETS), options.data, options.seconds, device))
    else:
        sizes = options.batch_sizes or ([64, 512, 2048] if device.type == "cuda" else [64])
        _tell(options, list(bench_speed(device, *((2, 1.0) if options.quick else (7, 4.0)), sizes, options.workers)))


def _score(options: Namespace) -> None:
    use_threads(options.threads)
    between("n", options.n, 256, 100_000)  # a covariance of 128 features needs more pictures than features
    between("last", options.last, 1, 1000)
    run = Path(options.weights)
    folders = snapshots(run)[: options.last] or [find_weights(options.weights)]
    model = GAN.from_pretrained(folders[0]).config
    images = load_images(options.data, model.image_size, model.nc, data_root=options.data_root)
    _tell(options, score_weights(folders, images, options.n))


def _tell(options: Namespace, rows: list[Any]) -> None:
    print_rows(rows)
    if options.json:
        write_text(options.json, json.dumps([asdict(row) for row in rows], indent=2) + "\n")
