"""The words of the laboratory's tool `mine`."""

TEXT: dict[str, tuple[str, str]] = {}
