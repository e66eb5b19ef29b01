"""One sitting at a run: open its folder, new or to go on with, and play until target, wish or signal ends it."""

import logging
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import torch

from gan_core.config import Configs, ModelConfig, TrainConfig, from_dict, preset
from gan_core.data import Images, known_sets, load_images
from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.metrics import FEWEST, FeatureNet, Ruler, features_for, measurable
from gan_core.training.changes import Change, read_changes, settings, without
from gan_core.training.checkpoint import checkpoints, kept_step, load_checkpoint, numbers_of, save_checkpoint
from gan_core.training.distributed import ALONE, Ranks, launcher
from gan_core.training.doctor import Doctor, advised, told
from gan_core.training.events import (
    Advice,
    Changed,
    Checkpoint,
    Event,
    Forked,
    Moved,
    Parent,
    Resumed,
    Sample,
    Snapshot,
)
from gan_core.training.folder import RunFolder, Status
from gan_core.training.listeners import measured, progress_bar, record, save_snapshot, say, stop_at
from gan_core.training.rewind import go_back, leave_behind
from gan_core.training.steering import Steering
from gan_core.training.together import Invitation, Unable, agree, invite, inviting, lost, out_of_memory
from gan_core.training.trainer import Trainer
from gan_core.training.treatment import Care, treat
from gan_core.training.until import NoBetter, Until
from gan_core.training.vitals import watch

Ending = Literal["stopped", "finished", "discarded"]
Progress = Callable[[int, int, str], None]

log = logging.getLogger(__name__)

SNAPSHOT_KEEPS = ("train", "data", "preset", "versions", "machine", "command", "parent")  # of the run's config.json


@dataclass(frozen=True)
class Request:
    """What a person asks for, before anything is loaded. What `model` and `train` leave out follows preset and data."""

    data: str | None
    preset: str
    model: dict[str, Any]
    train: dict[str, Any]
    device: str = "auto"
    data_root: Path | None = None
    conditional: bool = False
    until: str = ""
    command: str = ""  # what was typed, for the model card
    ranks: Ranks = ALONE
    at: int | None = None  # the step to go back to
    memory: int | None = None  # bytes of pixels that may lie in memory; None: see `memory_room`


@contextmanager
def opened(folder: RunFolder, new: bool, ranks: Ranks = ALONE) -> Iterator[None]:
    """Hold the run folder, alone, for one sitting; whatever ends it badly is written into status.json.

    Of several ranks, only the first does; if it ends badly before the game begins, the others are sent home.
    Raises UserError if there is a run already (`new`), none to go on with (not `new`), or another process holds it.
    A folder in which nothing came to be is taken away again.
    """
    with inviting(ranks), _held(folder, new, ranks):
        yield


@contextmanager
def _held(folder: RunFolder, new: bool, ranks: Ranks) -> Iterator[None]:
    if not new and not folder.config:
        raise UserError("no_such_run", name=folder.name, where=folder.path.parent)
    made = not folder.path.exists()
    folder.path.mkdir(parents=True, exist_ok=True)
    with folder.locked():
        if new and folder.events.exists():
            raise UserError("run_exists", name=folder.name)
        if new and "parent" in folder.config:  # a fork, killed before its first event: its checkpoint is not this run's
            shutil.rmtree(folder.checkpoints, ignore_errors=True)
        before, cleared = folder.status, False
        try:
            folder.sweep()
            folder.served = before.served if before else 0
            folder.clear()
            cleared = True
            with folder.beating():
                yield
        except KeyboardInterrupt:  # asked to stop before the first step
            status = folder.status
            folder.write_status("stopped", status.step if status else 0)
            raise
        except Exception as error:
            raise _failed(folder, lost(error, ranks), before) from error
        finally:
            unwanted = folder.unwanted or (cleared and folder.wish == "discard")  # else it was asked of an earlier one
            if not folder.gone and (unwanted or (made and not folder.events.exists())):
                folder.discard()


def _failed(folder: RunFolder, error: Exception, before: Status | None) -> Exception:
    """Write down why. A run that was only not gone on with is no worse for it: its status from `before` stands."""
    if folder.gone:
        return UserError("run_gone", name=folder.name)
    config = folder.config
    if out_of_memory(error) and "model" not in config:
        error = UserError("pictures_do_not_fit")
    elif out_of_memory(error):
        sizes = {name: config["model"][name] for name in ("image_size", "ngf", "ndf")}
        device = "the GPU" if "cuda" in str(error).lower() else "this machine"
        error = UserError("does_not_fit", batch_size=config["train"]["batch_size"], device=device, **sizes)
    if isinstance(error, OSError):
        error = UserError("cannot_write", where=error.filename or folder.path, why=error.strerror or error)
    said = {"why": str(error), "why_zh": error.said("zh") if isinstance(error, UserError) else str(error)}
    status = folder.status
    began = status is not None and status.pid == os.getpid() and status.state != "preparing"
    with suppress(OSError, UserError):  # the disk may be what failed, or the folder be gone by now
        if before and before.pid != os.getpid() and not began:
            folder.restore(before)
        else:
            folder.write_status("failed", status.step if status else 0, said["why"], said["why_zh"])
    return error


def start(folder: RunFolder, request: Request, progress: Progress | None = None) -> Trainer:
    """A new run in an empty folder. Raises UserError if the request cannot work."""
    if request.data is None:
        raise UserError("no_data_named")
    device = pick_device(request.device)
    preset(request.preset).configs(request.model, request.train)  # refuse nonsense before an hour of decoding
    images = load_images(
        request.data,
        request.model.get("image_size"),
        request.model.get("nc"),
        data_root=request.data_root,
        progress=progress,
        memory=request.memory,
    )
    size = {"nc": images.pixels.shape[1], "image_size": images.pixels.shape[2]}
    if request.conditional:
        if not images.classes:
            raise UserError("nothing_conditional", name=images.name)
        size["num_classes"] = len(images.classes)
    configs = preset(request.preset).configs(request.model | size, request.train)
    folder.write_config(_description(configs, images, request, device))
    return _trainer(configs, images, device, request.ranks)


def resume(folder: RunFolder, request: Request, progress: Progress | None = None) -> Trainer:
    """Go on with the run in `folder` from its newest checkpoint, with whatever `request.train` changes.

    A run that was killed before its first begins again: its seed decides everything.
    Raises UserError if none can be read, or if model or data are no longer the same.
    """
    changes = without(_changes(folder), request.train)  # whoever goes on with other settings wants them to hold
    configs, images = _begun(folder, request, "resume", progress)
    trainer = _trainer(configs, images, pick_device(request.device), request.ranks)
    trainer.changes = changes
    if request.at is not None:
        if not 0 <= request.at <= configs.train.steps:
            raise UserError("out_of_range", field="at", got=request.at, low=0, high=configs.train.steps)
        go_back(trainer, folder, request.at)
    else:
        passed_over = load_checkpoint(trainer, folder.checkpoints) if folder.ever_saved else ()
        leave_behind(trainer, folder, passed_over)
    folder.write_config(folder.config | {"until": request.until, "launcher": launcher()})
    return trainer


def fork(folder: RunFolder, request: Request, source: RunFolder, at: str, progress: Progress | None = None) -> Trainer:
    """A new run in an empty folder that begins as a copy of `source`, with whatever `request` changes.

    `at` names the checkpoint: a step, "best", or "" for the newest. Steps, curves and random numbers go on from there.
    Each of the two runs notes the other. Raises UserError if there is no such run or checkpoint, if the architecture
    would change, or if the pictures are no longer the same and no others were named.
    """
    if not source.config:
        raise UserError("no_such_run", name=source.name, where=source.path.parent)
    kept_step(source, at)  # refuse nonsense before an hour of decoding
    configs, images = _begun(source, request, "fork", progress, _done_by(source, kept_step(source, at)))
    device = pick_device(request.device)
    trainer = _trainer(configs, images, device, request.ranks)
    load_checkpoint(trainer, source.checkpoints, kept_step(source, at))
    trainer.best = None  # that snapshot is the parent's
    began, step = source.config, trainer.steps_done
    parent = Parent(step, source.name, str(source.path.resolve()))
    kept = {key: began[key] for key in ("preset", *(() if request.data else ("data",))) if key in began}
    ancestry = asdict(parent) | {key: began[key] for key in ("parent",) if key in began}
    folder.write_config(_description(configs, images, request, device) | kept | {"parent": ancestry})
    save_checkpoint(trainer, folder.checkpoints)
    folder.append(parent)
    folder.append(Checkpoint(step))
    folder.append(Sample(step, trainer.paint()))
    save_snapshot(trainer, folder, snapshot_info(folder))
    folder.append(Snapshot(step))
    with suppress(OSError):  # the parent may belong to somebody else, or lie on a disk that is full
        source.append(Forked(step, folder.name))
    return trainer


def _changes(folder: RunFolder) -> list[Change]:
    """What was changed by hand. Raises UserError if config.json tells of it in words that nobody knows."""
    try:
        return read_changes(folder.config)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError("weights_config", where=folder.path / "config.json", why=error) from None


def _done_by(folder: RunFolder, step: int | None) -> list[Change]:
    """What had been changed by hand in the checkpoint of `step`, or in the newest."""
    for path in checkpoints(folder.checkpoints):
        if step in (None, int(path.stem)) and (numbers := numbers_of(path)):
            changes = [change for change in _changes(folder) if change.step <= int(path.stem)]
            before = sum(change.step < int(path.stem) for change in changes)
            return changes[: before + numbers.get("changed", 0)]
    return []


def _begun(
    folder: RunFolder, request: Request, how: str, progress: Progress | None, changes: Sequence[Change] = ()
) -> tuple[Configs, Images]:
    """The settings of the run in `folder`, after these changes, under what `request` changes; and its pictures.

    `how` is "resume" or "fork", which may learn from other pictures if they are named. Raises UserError as those do.
    """
    config = folder.config
    try:
        data, model = config["data"], from_dict(ModelConfig, config["model"])
        source, fingerprint = data["source"], data["fingerprint"]
        began = settings(from_dict(TrainConfig, config["train"]), changes)
        train = from_dict(TrainConfig, asdict(began) | request.train)
    except (KeyError, TypeError) as error:
        raise UserError("weights_config", where=folder.path / "config.json", why=error) from None
    for field, value in request.model.items():
        if value != (saved := getattr(model, field)):
            raise UserError(f"{how}_model", field=field, got=value, wanted=saved)
    images = load_images(
        request.data or source,
        model.image_size,
        model.nc,
        data_root=request.data_root or (Path(data["root"]) if data.get("root") else None),
        progress=progress,
        memory=request.memory,
    )
    if images.fingerprint != fingerprint:
        if how == "resume" or not request.data:
            raise UserError(f"{how}_data", got=images.name, wanted=source)
        log.warning("The run goes on with other pictures: %s instead of %s.", images.name, source)
    return Configs(model, train), images


def follow(request: Request) -> None:
    """Be a rank that is not the first: hear what is played, and play along until rank 0 leaves.

    Raises UserError if the pictures cannot be had here, or are not those of rank 0.
    """
    ranks = request.ranks
    invitation: Invitation | None = ranks.tell(None)
    if invitation is None:  # rank 0 has said why
        return
    model, root = invitation.configs.model, request.data_root or (Path(invitation.root) if invitation.root else None)
    try:
        named = request.data or invitation.source
        images = load_images(named, model.image_size, model.nc, data_root=root, memory=request.memory)
        trainer = _trainer(invitation.configs, images, pick_device(request.device), ranks)
    except UserError as error:
        ranks.gather(Unable(str(error)))
        raise
    agree(ranks, images)
    try:
        trainer.changes = invitation.changes
        trainer.load_state(*invitation.state)
        torch.manual_seed(trainer.config.seed + ranks.rank)  # dropout's dice fall apart on every rank
        for _ in trainer.run():
            pass
    except RuntimeError as error:
        raise lost(error, ranks) from error


def play(
    trainer: Trainer,
    folder: RunFolder,
    until: Until | None,
    stopping: Callable[[], bool],
    care: Care = "advise",
    at: int | None = None,
) -> Ending:
    """Drain the run through the doctor, the bar, the folder and its control file. Everything is saved, however it ends.

    `at`: the step at which it pauses by itself, if it was brought back so that it can be played again up to there.
    Returns "stopped" if a person asked for it, by signal or by control file, else "finished"; or "discarded": then
    nothing was saved, and `opened` takes the folder away.
    """
    ruler = _ruler(trainer, folder)
    if isinstance(until, NoBetter) and ruler is None:
        raise UserError("no_measure", fewest=FEWEST)
    invite(trainer, folder)
    info = snapshot_info(folder)
    folder.device, folder.gauge = _device_name(trainer.device), partial(memory_held, trainer.device)
    folder.write_status("running", trainer.steps_done)
    steering = Steering(trainer, folder, stopping, at)
    going = True
    while going:
        going, events = False, trainer.run()
        last: dict[type[Event], int] = {}  # the steps at which each kind of event came last
        if isinstance(until, NoBetter):
            until.since = _since_the_best(trainer, folder)
        doctor = _doctor(trainer, folder)
        with closing(events):
            watched = measured(events, trainer, ruler) if ruler else events
            if care != "off":
                eyes = _eyes(trainer, folder, ruler)
                watched = advised(watch(watched, trainer, eyes) if eyes else watched, doctor)
            recorded = record(steering.obey(watched), trainer, folder, info)
            for event in progress_bar(stop_at(recorded, until, trainer), trainer, until):
                last[type(event)] = event.step
                if isinstance(event, Moved) and event.who != "both":
                    last.pop(Snapshot, None)  # what was kept of this step are the weights before the move
                    last.pop(Checkpoint, None)
                elif isinstance(event, Changed):
                    doctor.train = trainer.config
                elif isinstance(event, Resumed):  # a person went back
                    going = True
                    break
                patient = isinstance(until, NoBetter)  # a person said when to give up
                if care != "act" or not isinstance(event, Advice) or (event.key == "no_better" and patient):
                    continue
                if action := treat(event, doctor.sound, trainer, folder):
                    say(action)
                    going = action.did == "back"
                    break
    wish = steering.left_for or folder.wish
    if wish == "discard":
        folder.unwanted = True
        return "discarded"
    ended: Literal["stopped", "finished"] = "stopped" if stopping() or wish == "stop" else "finished"
    missing = _still_owed(trainer, last)
    rest = measured(missing, trainer, ruler) if ruler and ended == "finished" else missing
    for _ in record(rest, trainer, folder, info):
        pass
    folder.write_status(ended, trainer.steps_done)
    return ended


def _still_owed(trainer: Trainer, last: dict[type[Event], int]) -> Iterator[Event]:
    """What a run keeps of the step at which it was left, as far as it has not yet. `last`: when each kind came last."""
    step = trainer.steps_done
    if last.get(Checkpoint) == step:
        return
    if last.get(Sample) != step:
        yield Sample(step, trainer.paint())
    if last.get(Snapshot) != step:
        yield Snapshot(step)
    yield Checkpoint(step)


def _since_the_best(trainer: Trainer, folder: RunFolder) -> int:
    """How many Measures there were after the best, in what still holds of the run."""
    steps = [event["step"] for event in folder.history() if event["event"] == "measure"]
    return sum(step > trainer.best.step for step in steps) if trainer.best else 0


def _ruler(trainer: Trainer, folder: RunFolder) -> Callable[[], Ruler] | None:
    """Makes the run's ruler when it is first asked. None where nothing is to be measured, or too few pictures are."""
    images, n = trainer.images, trainer.config.measure
    if not n or not measurable(images):
        return None
    return cache(lambda: Ruler(images, features_for(images, folder.path), n))


def _doctor(trainer: Trainer, folder: RunFolder) -> Doctor:
    """One who knows the run so far, and does not say the same again."""
    doctor = Doctor(trainer.gan.config, trainer.config)
    for event in told(folder.history()):
        doctor.hear(event)
    return doctor


def _eyes(trainer: Trainer, folder: RunFolder, ruler: Callable[[], Ruler] | None) -> Callable[[], FeatureNet] | None:
    """What the doctor looks at pictures with: the ruler's network where there is one. None for too few pictures."""
    if ruler:
        return lambda: ruler().net
    return (lambda: features_for(trainer.images, folder.path)) if measurable(trainer.images) else None


def snapshot_info(folder: RunFolder) -> dict[str, Any]:
    """What config.json of the run says that every snapshot repeats."""
    config = folder.config
    return {key: config[key] for key in SNAPSHOT_KEEPS if key in config}


def pick_device(name: str) -> torch.device:
    """ "auto" takes the GPU if there is one. Raises UserError for a device that is not here."""
    if name == "auto":  # of the ranks on one machine, each takes a GPU of its own
        own = int(os.environ.get("LOCAL_RANK", "0"))
        return torch.device("cuda", own) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()  # "meta" can make a tensor, but not read it
    except (RuntimeError, AssertionError, NotImplementedError):
        here = ["auto", "cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise UserError("no_device", got=name, known=", ".join(here)) from None
    return device


def memory_held(device: torch.device) -> int:
    """Bytes that this process holds: of the device's memory, or of the machine's where that is the same."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):  # not on Linux
        return 0


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


def _trainer(configs: Configs, images: Images, device: torch.device, ranks: Ranks) -> Trainer:
    if device.type == "cuda":
        torch.cuda.set_device(device)  # where NCCL speaks from
        torch.backends.cudnn.benchmark = not configs.train.deterministic  # shapes never change: the search pays
        if configs.train.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS wants for that
            torch.use_deterministic_algorithms(True)
    torch.manual_seed(configs.train.seed)  # the first weights, and dropout
    return Trainer(GAN(configs.model).to(device), images, configs.train, ranks)


def _description(configs: Configs, images: Images, request: Request, device: torch.device) -> dict[str, Any]:
    """config.json: enough to start the run again."""
    return {
        "model": asdict(configs.model),
        "train": asdict(configs.train),
        "preset": request.preset,
        "until": request.until,
        "data": {
            "name": images.name,
            "source": _source(images.name),
            "root": str(request.data_root.expanduser().resolve()) if request.data_root else None,
            "pictures": len(images),
            "unreadable": len(images.skipped),
            "classes": list(images.classes),
            "licence": images.licence,
            "fingerprint": images.fingerprint,
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "machine": _machine(device, request.ranks),
        "launcher": launcher(),
        "command": request.command,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def _source(name: str) -> str:
    """Where the pictures lie, so that the run can go on from any working directory."""
    path = Path(name).expanduser()
    return str(path.resolve()) if name not in known_sets() and path.exists() else name


def _machine(device: torch.device, ranks: Ranks) -> str:
    threads = torch.get_num_threads()
    cpu = f"CPU ({platform.machine()}), {threads} thread{'s' if threads > 1 else ''}"
    one = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu
    return one if ranks.alone else f"{ranks.world} processes, each on {one}"
