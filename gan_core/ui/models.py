"""The models that the page offers, by keys that a stranger may send.

    shipped:fruits      run:NAME      run:NAME@000500      hub:user/model

A key is looked up among what is there; no path from a visitor is ever opened.
"""

import os
import re
import socket
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

import torch
from torch import Tensor

from gan_core.config import ModelConfig
from gan_core.errors import UserError
from gan_core.export.about import loss_of
from gan_core.gan import CONFIG, GAN, WEIGHTS, from_hub, newest_snapshot, read_config
from gan_core.latent import paint
from gan_core.networks import Discriminator, Generator
from gan_core.training.folder import list_runs
from gan_core.training.losses import GAMES
from gan_core.ui.text import PageError
from gan_core.ui.zero import here

BEST = ("fruits", "fashion", "digits")  # the shipped models, the one to open with first
KEPT = 6  # GANs in memory; a shipped one takes about 30 MB
AT_ONCE = 16  # pictures painted before somebody else may paint: a long film keeps nobody waiting for more than a moment
HUB_MB = 512  # the largest model that a visitor may make this machine fetch
HUB_WAIT = 3.0  # seconds for a sign of the Hub; without a network its library tries for 23


@dataclass(frozen=True)
class Found:
    """A model that is there: what it is called on the wire, where it lies, and what is known before it is loaded."""

    key: str
    name: str
    folder: Path
    config: ModelConfig
    step: int | None = None  # of a run's snapshot


@dataclass(frozen=True)
class Loaded:
    """A model that can paint."""

    found: Found
    gan: GAN

    @property
    def loss(self) -> str:
        """The game that D was trained in; "" where config.json does not say."""
        return loss_of(self.gan)

    @property
    def believes(self) -> bool:
        """Is sigmoid(logit) D's belief that a picture is real?"""
        return bool(self.loss) and GAMES[self.loss].probabilistic


def list_models(weights: Path, runs: Path) -> Iterator[Found]:
    """Shipped models, the best first, then runs that have a snapshot, the latest first. Damaged ones are left out."""
    folders = {path.name: path for path in sorted(weights.glob("*")) if (path / WEIGHTS).is_file()}
    for name in sorted(folders, key=lambda name: BEST.index(name) if name in BEST else len(BEST)):
        yield from _readable(f"shipped:{name}", name, folders[name])
    for run in list_runs(runs):
        if snapshot := newest_snapshot(run.path):
            yield from _readable(f"run:{run.name}", run.name, snapshot, int(snapshot.name))


def find(key: str, weights: Path, runs: Path) -> Found:
    """The model of that key. Raises UserError where there is none."""
    kind, _, name = key.partition(":")
    if kind == "shipped":
        folder = next((path for path in weights.glob("*") if path.name == name and path.is_dir()), None)
        if folder:
            return _found(key, name, folder)
    elif kind == "run":
        name, _, wanted = name.partition("@")
        run = next((run.path for run in list_runs(runs) if run.name == name), None)
        snapshot = run and (_snapshot(run, wanted) if wanted else newest_snapshot(run))
        if run and not wanted and not snapshot:
            raise UserError("no_snapshot", where=name)
        if snapshot:
            return _found(key, name, snapshot, int(snapshot.name))
    else:
        repo = name if kind == "hub" else key.strip()
        if re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repo):
            folder = _from_hub(repo)
            return _found(f"hub:{repo}", repo, folder)
    raise PageError("no_such_model", got=key)


class Shelf:
    """The models in memory: loaded once, used by every visitor, the least used put away. Safe in any thread."""

    def __init__(self, weights: Path, runs: Path) -> None:
        self.weights, self.runs = weights, runs
        # where a GPU comes in slices, out of a visitor's quota, the CPU paints: a sheet takes it a moment
        self.device = "cuda" if torch.cuda.is_available() and not here() else "cpu"
        self._gans: OrderedDict[tuple[str, int, int], GAN] = OrderedDict()
        self._shelf, self._brush = Lock(), Lock()

    def models(self) -> list[Found]:
        return list(list_models(self.weights, self.runs))

    def best(self) -> Found:
        """The model to open with. Raises UserError where there is none at all."""
        for found in list_models(self.weights, self.runs):
            with suppress(UserError):  # damaged: the next one
                return self.load(found.key).found
        raise PageError("no_model_at_all")

    def load(self, key: str) -> Loaded:
        """The model of that key; a run's newest snapshot, and weights that were replaced, are seen at once."""
        found = find(key, self.weights, self.runs)
        try:
            stat = (found.folder / WEIGHTS).stat()
        except OSError:
            raise UserError("weights_incomplete", where=found.name, missing=WEIGHTS) from None
        mark = str(found.folder), stat.st_mtime_ns, stat.st_size
        with self._shelf:
            if mark not in self._gans:
                self._gans[mark] = _load(found, self.device)
            self._gans.move_to_end(mark)
            while len(self._gans) > KEPT:
                self._gans.popitem(last=False)
            return Loaded(found, self._gans[mark])

    def paint(self, gan: GAN, z: Tensor, y: Tensor | None) -> Iterator[Tensor]:
        """z (N, nz), y (N,) or None -> uint8 pictures, (up to AT_ONCE, nc, S, S) at a time, one painter at a time."""
        for start in range(0, len(z), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            with self._brush:
                pixels = paint(gan, z[part], None if y is None else y[part])
            yield pixels


def _readable(key: str, name: str, folder: Path, step: int | None = None) -> Iterator[Found]:
    try:
        yield _found(key, name, folder, step)
    except UserError:
        return


def _snapshot(run: Path, wanted: str) -> Path | None:
    return next((path for path in run.glob("snapshots/*") if path.name == wanted and (path / WEIGHTS).is_file()), None)


def _found(key: str, name: str, folder: Path, step: int | None = None) -> Found:
    with _named(name, folder):
        return Found(key, name, folder, read_config(folder)[0], step)


def _load(found: Found, device: str) -> GAN:
    with _named(found.name, found.folder):
        return GAN.from_pretrained(found.folder, device)


@contextmanager
def _named(name: str, folder: Path) -> Iterator[None]:
    """A UserError from within names the model, not the place on this machine where it lies."""
    try:
        yield
    except UserError as error:
        values = {key: _short(value, name, folder) for key, value in error.values.items()}
        raise type(error)(error.key, **values) from None


def _short(value: object, name: str, folder: Path) -> object:
    if isinstance(value, Path) and value.is_relative_to(folder):
        return Path(name) / value.relative_to(folder)
    return value


def _from_hub(repo: str) -> Path:
    """The folder of a Hub model: from the cache, else from the network, if there is one and it is not too large."""
    from huggingface_hub import constants, try_to_load_from_cache

    cached = [try_to_load_from_cache(repo, file) for file in (CONFIG, WEIGHTS)]
    if not all(isinstance(path, str) for path in cached):
        if constants.HF_HUB_OFFLINE or not _answers(constants.ENDPOINT):
            raise PageError("hub_no_network", got=repo)
        _check_size(repo)
    folder = from_hub(repo)
    _check_promise(folder)
    return folder


def _check_promise(folder: Path) -> None:
    """A stranger's config.json must not ask for more memory than its weights fill. Raises UserError."""
    config = read_config(folder)[0]
    with torch.device("meta"):  # shapes without memory
        wanted = sum(p.numel() for player in (Generator(config), Discriminator(config)) for p in player.parameters())
    if 2 * wanted > 1.1 * (folder / WEIGHTS).stat().st_size:  # float16 takes two bytes
        raise UserError("weights_config", where=CONFIG, why="it describes a larger model than the weights fill.")


def _answers(address: str) -> bool:
    """Does a network lead there? Behind a proxy that cannot be known so quickly."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    parts = urlsplit(address)
    try:
        port = parts.port or (80 if parts.scheme == "http" else 443)
        socket.create_connection((parts.hostname or "", port), HUB_WAIT).close()
    except OSError:
        return False
    return True


def _check_size(repo: str) -> None:
    from huggingface_hub import HfApi

    try:
        files = HfApi().model_info(repo, files_metadata=True, timeout=10).siblings or []
    except Exception as error:  # the Hub has a dozen names for it
        raise UserError("hub", got=repo, why=str(error).splitlines()[0]) from None
    size = sum(file.size or 0 for file in files if file.rfilename in (CONFIG, WEIGHTS))
    if size > HUB_MB * 2**20:
        raise PageError("hub_too_large", got=repo, size=size // 2**20, limit=HUB_MB)
