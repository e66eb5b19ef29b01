"""The words of the laboratory's tool `walk`."""

TEXT: dict[str, tuple[str, str]] = {}
