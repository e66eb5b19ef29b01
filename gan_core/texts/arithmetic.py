"""The words of the laboratory's tool `arithmetic`."""

TEXT: dict[str, tuple[str, str]] = {}
