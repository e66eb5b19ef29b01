"""The words of the laboratory's tool `directions`."""

TEXT: dict[str, tuple[str, str]] = {}
