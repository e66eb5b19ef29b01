"""Pictures in: what the user named becomes uint8 squares in memory."""

from gan_core.data.load import load_images
from gan_core.data.named import SetInfo, known_sets
from gan_core.data.store import Images, Progress

__all__ = ["Images", "Progress", "SetInfo", "known_sets", "load_images"]
