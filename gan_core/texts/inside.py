"""The words of the laboratory's tool `inside`."""

TEXT: dict[str, tuple[str, str]] = {}
