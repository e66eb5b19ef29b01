"""What stands behind `python -m gan_core COMMAND`. Each command is a function of its parsed options."""
