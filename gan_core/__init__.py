"""DCGAN, small enough to read in one sitting: train, load, sample, explore, watch."""

from gan_core.config import PRESETS, ModelConfig, TrainConfig
from gan_core.data import Images, load_images
from gan_core.errors import UserError
from gan_core.gan import GAN
from gan_core.training.events import Checkpoint, Event, Report, Sample, Snapshot, Step
from gan_core.training.trainer import Trainer

__all__ = [
    "GAN", "PRESETS", "Checkpoint", "Event", "Images", "ModelConfig", "Report", "Sample", "Snapshot", "Step",
    "TrainConfig", "Trainer", "UserError", "load_images",
]  # fmt: skip
