import pytest

from gan_core.config import ModelConfig
from gan_core.gan import GAN
from gan_core.ui.studio import Studio

TOY = {"image_size": 28, "nc": 1, "nz": 8, "ngf": 4, "ndf": 4}


def save(folder, loss="ns", **config):
    gan = GAN(ModelConfig(**TOY | config))
    gan.save(folder, train={"loss": loss})
    return gan


@pytest.fixture
def studio(tmp_path):
    """One shipped model, and one run with two snapshots."""
    save(tmp_path / "weights" / "fruits")
    for step in (100, 200):
        save(tmp_path / "runs" / "mine" / "snapshots" / f"{step:06d}", num_classes=3, loss="hinge")
    (tmp_path / "runs" / "mine" / "config.json").write_text("{}")
    studio = Studio(tmp_path / "runs", tmp_path / "weights")
    yield studio
    studio.close()
