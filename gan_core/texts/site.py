"""The words of the laboratory's tool `site`."""

TEXT: dict[str, tuple[str, str]] = {}
