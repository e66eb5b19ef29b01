"""The words of the laboratory's tool `find`."""

TEXT: dict[str, tuple[str, str]] = {}
