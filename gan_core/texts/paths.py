"""The words of the laboratory's tool `paths`."""

TEXT: dict[str, tuple[str, str]] = {}
