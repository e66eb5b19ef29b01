"""Fields of a config as options of a command: `ndf` is --ndf, `lr_D` is --lr-d."""

from argparse import BooleanOptionalAction, Namespace
from collections.abc import Collection
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints


def add_fields(group: Any, kind: type, only: Collection[str] | None = None) -> None:
    """Every field of `kind`, or those of these names. Give the parser argument_default=SUPPRESS."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        if only is not None and field.name not in only:
            continue
        hint, flag = hints[field.name], "--" + field.name.replace("_", "-").lower()
        shape: dict[str, Any] = {"dest": f"{kind.__name__}.{field.name}", "metavar": field.name.upper()}
        if hint is bool:
            shape = {"dest": shape["dest"], "action": BooleanOptionalAction}
        elif get_origin(hint) is Literal:
            shape |= {"metavar": "|".join(get_args(hint))}
        elif get_origin(hint) is tuple:
            inner = get_args(hint)[0]
            shape |= {"nargs": "*", "type": str if get_origin(inner) is Literal else inner}
        else:
            shape |= {"type": hint}
        default = "" if field.default is MISSING else field.default
        group.add_argument(flag, help=f"default: {default}", **shape)


def given(options: Namespace, kind: type) -> dict[str, Any]:
    """Those that were given."""
    prefix = f"{kind.__name__}."
    found = {name[len(prefix) :]: value for name, value in vars(options).items() if name.startswith(prefix)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
