"""The words of the laboratory's tool `check`."""

TEXT: dict[str, tuple[str, str]] = {}
