"""The game and everything around it: losses, penalties, augmentation, the loop, and the folder a run lives in."""
