"""The words of the laboratory's tool `lab`."""

TEXT: dict[str, tuple[str, str]] = {}
