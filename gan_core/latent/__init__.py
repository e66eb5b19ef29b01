"""What can be done with a latent, once G is trained."""

from gan_core.latent.paint import paint
from gan_core.latent.paths import Easing, Method, lerp, matched, retime, slerp, truncate, walk, walk_labels

__all__ = ["Easing", "Method", "lerp", "matched", "paint", "retime", "slerp", "truncate", "walk", "walk_labels"]
