"""A GAN as one thing you can move, save, load, share and sample from."""

import json
import os
import re
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gan_core.config import ModelConfig, from_dict
from gan_core.errors import UserError
from gan_core.files import replace_folder, write_tensors, write_text
from gan_core.hub import push
from gan_core.networks import Discriminator, Generator

CONFIG, WEIGHTS = "config.json", "model.safetensors"
BEST = "best.json"  # beside the snapshots: which of them is the best
HUB_TIMEOUT = 5.0  # seconds for the first answer
PICKLES = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"}


class GAN(nn.Module):
    """G, D, and G_ema: the slow average of G that every picture is made with."""

    def __init__(self, config: ModelConfig = ModelConfig(), info: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.config = config
        self.info = info or {}  # how it was trained: whatever else config.json says
        self.G, self.D = Generator(config), Discriminator(config)
        self.G_ema = deepcopy(self.G).eval().requires_grad_(False)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def train(self, mode: bool = True) -> "GAN":
        """As for every module, but G_ema only ever paints."""
        super().train(mode)
        self.G_ema.eval()
        return self

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z (N, nz), with classes also y (N,) -> images (N, nc, S, S) in [-1, 1], by G_ema.

        A pure function: the same z gives the same picture, alone or in a batch (batch norm has its statistics stored).
        Without y the class follows from z, see `class_of`.
        """
        images: Tensor = self.G_ema(z, self.class_of(z) if y is None else y)
        return images

    def sample_z(self, n: int, seed: int | None = None) -> Tensor:
        """n latents (n, nz) from N(0, I). Row i of seed s is row 0 of seed s + i, whatever n and the device.

        Drawn row by row on the CPU: torch's randn fills a tensor in blocks, so that the end of a row would otherwise
        depend on how many rows follow it.
        """
        if seed is None:
            return torch.randn(n, self.config.nz, device=self.device)
        rows = [torch.randn(self.config.nz, generator=_seeded(seed + i)) for i in range(n)]
        return torch.stack(rows).to(self.device)

    def class_of(self, z: Tensor) -> Tensor | None:
        """The classes (N,) that z (N, nz) names by its first number, all equally likely; None without classes."""
        classes = self.config.num_classes
        if not classes:
            return None
        chosen: Tensor = (classes * torch.special.ndtr(z[:, 0])).long()
        return chosen.clamp_max(classes - 1)  # in float32 the end of the tail rounds to 1

    def sample_y(self, n: int, seed: int | None = None, label: int | None = None) -> Tensor | None:
        """n labels (n,): the one asked for, or those that the latents of `seed` name. None for a model without classes.

        Raises UserError for a label that the model lacks.
        """
        classes = self.config.num_classes
        if label is not None and not 0 <= label < classes:
            raise UserError("no_such_label", got=label, classes=classes)
        if not classes:
            return None
        if label is not None:
            return torch.full((n,), label, device=self.device)
        if seed is None:
            return torch.randint(classes, (n,), device=self.device)
        return self.class_of(self.sample_z(n, seed))

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """G_ema <- decay * G_ema + (1 - decay) * G. Weights only: `recalibrate` sees to the batch-norm statistics."""
        slow: list[Tensor] = list(self.G_ema.parameters())
        fast: list[Tensor] = list(self.G.parameters())
        torch._foreach_lerp_(slow, fast, 1 - decay)

    @torch.no_grad()
    def recalibrate(self, n: int = 512) -> None:
        """Measure G_ema's batch-norm statistics afresh, on the n latents of seeds 0 .. n - 1.

        Averaged weights under statistics gathered with other weights paint wrong colours; this makes z -> image
        a function of the weights alone.
        """
        norms = [m for m in self.G_ema.modules() if isinstance(m, nn.BatchNorm2d)]
        if not norms:
            return
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average over all batches
        self.G_ema.train()
        try:
            for seed in range(0, n, 64):
                self.G_ema(self.sample_z(64, seed), self.sample_y(64, seed))
        finally:
            self.G_ema.eval()

    def save(self, folder: str | Path, **info: object) -> None:
        """Write config.json and model.safetensors (G_ema and D; matrices as float16, half the size, under 1/255 off).

        All or nothing: a half-written file is never left under its name. What else lies in the folder stays.
        """
        config = {"model": asdict(self.config), **self.info, **info}
        state = {name: t for name, t in self.state_dict().items() if not name.startswith("G.")}
        halved = {name: t.half() if t.is_floating_point() and t.dim() > 1 else t for name, t in state.items()}
        with replace_folder(Path(folder)) as part:
            (part / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            write_tensors(part / WEIGHTS, halved, {"format": "pt"})

    @classmethod
    def from_pretrained(cls, path_or_id: str | Path, device: str | torch.device = "cpu") -> "GAN":
        """Rebuild a GAN from a folder, a run folder (its newest snapshot; RUN@5000, RUN@best for others) or a Hub id.

        Local first, then the Hub's cache, then the network.
        Raises UserError when there is nothing there, or it does not fit together. No pickle is ever opened.
        """
        folder = find_weights(str(path_or_id))
        config, info = read_config(folder)
        try:
            state = load_file(folder / WEIGHTS)
        except FileNotFoundError:
            raise UserError("weights_incomplete", where=folder, missing=WEIGHTS) from None
        except (SafetensorError, OSError) as error:
            raise UserError("weights_damaged", where=folder / WEIGHTS, why=error) from None
        with torch.device("meta"):  # shapes alone: a stranger's config may ask for more than the memory holds
            expected = {name: t.shape for name, t in cls(config).state_dict().items() if not name.startswith("G.")}
        for name, shape in expected.items():
            if name not in state:
                raise UserError("weights_misfit", where=folder, name=name, got="nothing", wanted=list(shape))
            if state[name].shape != shape:
                raise UserError(
                    "weights_misfit", where=folder, name=name, got=list(state[name].shape), wanted=list(shape)
                )
        if extra := sorted(set(state) - set(expected)):
            raise UserError("weights_misfit", where=folder, name=extra[0], got="a tensor", wanted="none of that name")
        gan = cls(config, info)
        G = {f"G.{name[6:]}": t for name, t in state.items() if name.startswith("G_ema.")}  # so that it can train on
        gan.load_state_dict(state | G)
        return gan.to(device).eval()

    def push_to_hub(self, repo_id: str, **info: object) -> str:
        """Upload config.json and model.safetensors as a model on the Hugging Face Hub. Returns its address.

        Raises UserError where nobody is logged in, or may not write there, or nothing answers.
        """
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            self.save(folder, **info)
            files = {name: Path(folder) / name for name in (CONFIG, WEIGHTS)}
            return push(files, repo_id, "model", "Save a model of gan_core")


def read_config(folder: Path) -> tuple[ModelConfig, dict[str, Any]]:
    """What config.json of a weights folder says: the model, and the rest. Raises UserError."""
    try:
        values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        model = values.pop("model")
    except FileNotFoundError:
        raise UserError("weights_incomplete", where=folder, missing=CONFIG) from None
    except (KeyError, AttributeError, TypeError):
        raise UserError("weights_config", where=folder / CONFIG, why="it has no 'model'.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError("weights_config", where=folder / CONFIG, why=f"{error}.") from None
    try:
        return from_dict(ModelConfig, model), values
    except UserError as error:
        raise UserError("weights_config", where=folder / CONFIG, why=error) from None


def fingerprint(folder: Path) -> str:
    """16 hex digits that tell these weights from all others: what was found for them must not be taken for others'.

    Raises UserError where there are none.
    """
    try:
        stat = (folder / WEIGHTS).stat()
    except OSError:
        raise UserError("weights_incomplete", where=folder, missing=WEIGHTS) from None
    return _fingerprint(folder / WEIGHTS, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _fingerprint(path: Path, when: int, size: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]


def snapshots(run: Path) -> list[Path]:
    """The complete snapshots of a run folder, the newest first."""
    whole = [
        p for p in run.glob("snapshots/*") if p.name.isdigit() and (p / CONFIG).is_file() and (p / WEIGHTS).is_file()
    ]
    return sorted(whole, key=lambda p: int(p.name), reverse=True)


def newest_snapshot(run: Path) -> Path | None:
    return next(iter(snapshots(run)), None)


@dataclass(frozen=True)
class Best:
    """The best snapshot of a run so far: its step, and its in-domain Frechet distance."""

    step: int
    frechet: float


def mark_best(run: Path, best: Best | None) -> None:
    """Write down which snapshot is the best; None where none has been measured."""
    if best:
        write_text(run / "snapshots" / BEST, json.dumps(asdict(best)) + "\n")
    else:
        (run / "snapshots" / BEST).unlink(missing_ok=True)


def best_snapshot(run: Path) -> Path | None:
    """The best snapshot of a run folder; None where none has been measured, or where it is gone."""
    try:
        step = json.loads((run / "snapshots" / BEST).read_text(encoding="utf-8"))["step"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next((path for path in snapshots(run) if int(path.name) == step), None)


def snapshot_at(run: Path, at: str) -> Path:
    """The snapshot that `at` names: "best", or a step. Raises UserError if there is none."""
    found = snapshots(run)
    named = best_snapshot(run) if at == "best" else next((path for path in found if int(path.name) == int(at)), None)
    if named is None:
        known = [str(int(path.name)) for path in found] + (["best"] if best_snapshot(run) else [])
        raise UserError("no_such_snapshot", where=run, got=at, known=", ".join(known) or "none")
    return named


def find_weights(name: str) -> Path:
    """The local folder behind a path or a Hub id; of a run folder its newest snapshot, or RUN@5000, RUN@best.

    Raises UserError.
    """
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - Path raises where there is no such user
    if path.suffix.lower() in PICKLES:
        raise UserError("pickle", got=path)
    if os.path.isfile(path):  # noqa: PTH113 - Path raises for a name that no disk can hold
        path = path.parent
    if os.path.isdir(path):  # noqa: PTH112
        if (path / CONFIG).is_file() and (path / WEIGHTS).is_file():
            return path
        if (path / "snapshots").is_dir():
            if found := newest_snapshot(path):
                return found
            raise UserError("no_snapshot", where=path)
        if not (path / WEIGHTS).is_file() and (pickles := [p for p in path.iterdir() if p.suffix.lower() in PICKLES]):
            raise UserError("pickle", got=pickles[0])
        return path
    run, _, at = str(path).rpartition("@")
    if re.fullmatch(r"best|\d{1,12}", at, re.ASCII) and os.path.isdir(f"{run}/snapshots"):  # noqa: PTH112
        return snapshot_at(Path(run), at)
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        return from_hub(name)
    raise UserError("no_weights", got=name)


def from_hub(repo_id: str) -> Path:
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import HFValidationError

    files = [CONFIG, WEIGHTS]
    try:
        try:  # the cache answers at once; snapshot_download tries for 23 s before it admits that there is no network
            folder = Path(snapshot_download(repo_id, allow_patterns=files, local_files_only=True))
            if all((folder / file).is_file() for file in files):
                return folder
        except FileNotFoundError:
            pass
        if not constants.HF_HUB_OFFLINE:
            HfApi().model_info(repo_id, timeout=HUB_TIMEOUT)
        return Path(snapshot_download(repo_id, allow_patterns=files))
    except HFValidationError:
        raise UserError("no_weights", got=repo_id) from None
    except Exception as error:  # no network, no such repository, no permission: the Hub has a dozen names for it
        raise UserError("hub", got=repo_id, why=(str(error) or type(error).__name__).splitlines()[0]) from None


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
