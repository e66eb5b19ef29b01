"""Ways out: films, and pictures that remember how they were made."""

from gan_core.export.card import parents
from gan_core.export.film import FORMATS, MOST_SCALE, save_film
from gan_core.export.png import Recipe, read_recipe, save_png

__all__ = ["FORMATS", "MOST_SCALE", "Recipe", "parents", "read_recipe", "save_film", "save_png"]
