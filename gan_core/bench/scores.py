"""How near saved models are to a data set, by that set's own features."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from gan_core.data import Images
from gan_core.gan import GAN
from gan_core.metrics import Ruler, features_for


@dataclass(frozen=True)
class ScoreRow:
    """One line of `score`: a model and what its n samples reach in in-domain features, see `metrics.Scores`."""

    weights: str
    step: int
    n: int
    real: int  # pictures beside them, and on either side of the floor
    frechet: float
    precision: float
    recall: float
    density: float
    coverage: float
    classes: float | None
    floor: float  # of the Frechet distance, real against real


def score_weights(folders: list[Path], images: Images, n: int) -> list[ScoreRow]:
    """How near each model's first n seeds are to `images`."""
    ruler = Ruler(images, features_for(images), n)
    rows = []
    for folder in tqdm(folders, unit="model", leave=False):
        gan = GAN.from_pretrained(folder)
        scores = ruler.measure(gan)
        rows.append(
            ScoreRow(folder.name, gan.info.get("step", 0), n, ruler.real, **asdict(scores), floor=ruler.floor.frechet)
        )
    return rows
