"""How good the samples are, in numbers that compare runs on one data set. A score takes a feature function."""

from gan_core.metrics.features import train_features
from gan_core.metrics.scores import frechet, frechet_between

__all__ = ["frechet", "frechet_between", "train_features"]
