"""The command that measures what is usual for a model, so that Find and Check can say how unusual a picture is."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan_core.commands.look import add_weights, saving, use_threads
from gan_core.errors import UserError
from gan_core.gan import GAN, find_weights, fingerprint
from gan_core.latent.calibration import FILE, Calibration, calibrate, save_calibration
from gan_core.latent.reference import Place, Reference, find_set, load_reference

KINDS = {
    "held_out": "{n} pictures that were kept from it, of {name}",
    "test": "{n} pictures of {name}, which it never saw",
    "learned": "{n} pictures that it learned from, of {name}, since no others are at hand",
}


def add_commands(commands: Any) -> None:
    """`commands` is what argparse's add_subparsers returned."""
    parser = commands.add_parser("calibrate", help="measure what is usual for a model, for Find and Check on the page")
    parser.set_defaults(command=_calibrate)
    add_weights(parser)
    parser.add_argument("--data", default=None, metavar="D", help="what it learned from; default: as config.json says")
    parser.add_argument("--unseen", default="", metavar="D", help="pictures of the same kind that it never saw")
    parser.add_argument("--about", default="", help="what to call these; default: the name of the set")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")


def _calibrate(options: Namespace) -> None:
    use_threads(options.threads)
    folder = find_weights(options.weights)
    gan = GAN.from_pretrained(folder)
    reference = reference_for(gan, options.data, options.unseen)
    about = options.about or (reference.test or reference.name if reference else "")
    with tqdm(total=1.0, leave=False, bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:
        for event in calibrate(gan, fingerprint(folder), reference, about):
            if isinstance(event, Calibration):
                _keep(event, folder)
            else:
                bar.update(event.done / event.of - bar.n)


def _keep(calibration: Calibration, folder: Path) -> None:
    with saving(folder / FILE):
        if not save_calibration(calibration, folder):
            raise UserError("cannot_save", where=folder / FILE, why="nobody may write there")
    tqdm.write(f"Wrote {folder / FILE}: {told(calibration)}.")


def reference_for(gan: GAN, data: str | None, unseen: str) -> Reference | None:
    """The pictures to compare with; None where those that the model learned from are not on this machine."""
    named = gan.info.get("data")
    if data is not None:
        place: Place | None = Place(data)
    else:
        place = find_set(named if isinstance(named, Mapping) else {}, ours=True)
    if place is None and unseen:
        place = Place(unseen)
    return load_reference(gan, place, unseen) if place else None


def told(calibration: Calibration) -> str:
    if calibration.real is None:
        return "its own pictures alone, since what it learned from is not on this machine"
    return KINDS[calibration.kind].format(n=len(calibration.real.logits), name=calibration.about)
