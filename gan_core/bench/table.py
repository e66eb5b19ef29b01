"""Rows as README shows them."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any


def print_rows(rows: Sequence[Any]) -> None:
    """A Markdown table of rows of one dataclass."""
    names = [field.name for field in fields(rows[0])]
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for row in rows:
        values = (getattr(row, name) for name in names)
        print("| " + " | ".join(f"{v:,.2f}" if isinstance(v, float) else f"{v}" for v in values) + " |")
