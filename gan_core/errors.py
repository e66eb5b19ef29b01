"""What a person can put right, said in one sentence: what came, what was wanted, what to do."""

from collections.abc import Iterable
from difflib import get_close_matches

from gan_core.words import ERRORS


class UserError(ValueError):
    """Something a person can put right. `str()` is the English sentence; `said("zh")` the same in Chinese.

    `key` names an entry of `words.ERRORS`, `values` fill it in.
    """

    def __init__(self, key: str, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__(self.said())

    def said(self, lang: str = "en") -> str:
        english, chinese = ERRORS[self.key]
        return (chinese if lang == "zh" else english).format(**self.values)


def unknown(kind: str, got: str, known: Iterable[object]) -> UserError:
    """The error for a name that is not on a list: it tells the list, and the nearest name if one is near."""
    names = [str(name) for name in known]
    near = get_close_matches(got, names, n=1, cutoff=0.5)
    listed = ", ".join(names)
    if near:
        return UserError("unknown_near", kind=kind, got=got, near=near[0], known=listed)
    return UserError("unknown", kind=kind, got=got, known=listed)
