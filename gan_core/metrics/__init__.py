"""How good the samples are, in numbers that compare runs on one data set. A score takes a feature function."""

from gan_core.metrics.features import FeatureNet, features_for
from gan_core.metrics.ruler import FEWEST, Ruler, measurable
from gan_core.metrics.scores import Scores, frechet, frechet_between

__all__ = ["FEWEST", "FeatureNet", "Ruler", "Scores", "features_for", "frechet", "frechet_between", "measurable"]
