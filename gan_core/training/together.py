"""How several ranks begin a run together, and what to tell a person when one of them is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gan_core.config import Configs
from gan_core.data import Images
from gan_core.errors import UserError
from gan_core.training.changes import Change
from gan_core.training.checkpoint import save_checkpoint
from gan_core.training.distributed import Ranks
from gan_core.training.folder import RunFolder
from gan_core.training.trainer import Trainer


@dataclass(frozen=True)
class Invitation:
    """What rank 0 tells the others once it knows: enough to play the same game."""

    configs: Configs  # at the start
    changes: list[Change]  # since
    source: str
    root: str | None
    state: tuple[dict[str, Tensor], dict[str, Any]]


@dataclass(frozen=True)
class Unable:
    """What a rank answers that has no pictures."""

    why: str


@contextmanager
def inviting(ranks: Ranks) -> Iterator[None]:
    """The others wait for an invitation meanwhile; if it ends badly before there is one, they are sent home."""
    try:
        yield
    except BaseException:
        if not ranks.playing:
            ranks.tell(None)
        raise


def invite(trainer: Trainer, folder: RunFolder) -> None:
    """Bring the other ranks to where this one is. Raises UserError if one of them cannot play."""
    ranks, data = trainer.ranks, folder.config["data"]
    if not ranks.alone:
        configs = Configs(trainer.gan.config, trainer.began)
        ranks.tell(Invitation(configs, trainer.changes, data["source"], data["root"], trainer.state()))
        ranks.playing = True
        agree(ranks, trainer.images)
        if not folder.ever_saved:
            save_checkpoint(trainer, folder.checkpoints)  # something to go on from, should another rank end early


def agree(ranks: Ranks, images: Images) -> None:
    """Raises UserError on every rank if one of them has no pictures, or others."""
    mine: str | Unable = images.fingerprint
    for rank, answer in enumerate(answers := ranks.gather(mine)):
        if isinstance(answer, Unable):
            raise UserError("rank_cannot", rank=rank, why=answer.why)
        if answer != answers[0]:
            raise UserError("rank_data", rank=rank)


def lost(error: Exception, ranks: Ranks) -> Exception:
    """What a broken connection means to a person."""
    if ranks.alone or not isinstance(error, RuntimeError) or out_of_memory(error):
        return error
    return UserError("rank_lost", why=str(error).strip().splitlines()[0])


def out_of_memory(error: Exception) -> bool:
    """torch says it under several names."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "alloc" in str(error).lower())
