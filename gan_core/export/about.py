"""What a browser must know of a model. config.json may be a stranger's: what is not as it should be is not told."""

from dataclasses import asdict
from typing import Any

from gan_core.gan import GAN
from gan_core.latent.inside import stages
from gan_core.training.losses import GAMES


def about_model(gan: GAN, key: str, name: str, step: int | None, mark: str) -> dict[str, Any]:
    """The studio's lab/about, and `about` of a page of its own. `mark` tells these weights from all others."""
    config, loss = gan.config, loss_of(gan)
    return {
        "key": key, "name": name, "step": step, "mark": mark,
        "size": config.image_size, "nc": config.nc, "nz": config.nz, "architecture": config.architecture,
        "num_classes": config.num_classes, "classes": class_names(gan),
        "loss": loss, "believes": bool(loss) and GAMES[loss].probabilistic,
        "stages": [asdict(stage) for stage in stages(config)],
    }  # fmt: skip


def class_names(gan: GAN) -> list[str]:
    """The names of the classes, or their numbers where config.json has none."""
    count, names = gan.config.num_classes, part_of(gan, "data").get("classes")
    if isinstance(names, list) and len(names) >= count:
        return [str(name) for name in names[:count]]
    return [str(label) for label in range(count)]


def loss_of(gan: GAN) -> str:
    """The game that D was trained in; "" where config.json does not say."""
    loss = part_of(gan, "train").get("loss")
    return loss if isinstance(loss, str) and loss in GAMES else ""


def part_of(gan: GAN, key: str) -> dict[str, Any]:
    """One object of config.json besides the model; an empty one where there is none."""
    value = gan.info.get(key)
    return value if isinstance(value, dict) else {}
