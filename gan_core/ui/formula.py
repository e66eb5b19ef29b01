"""The formulas of the losses, from the LaTeX in training.losses to MathML, which every browser typesets by itself."""

import re
from html import escape

TOKEN = re.compile(r"\\[A-Za-z]+|[A-Za-z]|\d|\S")
CLASSES = {"D": "of-D", "G": "of-G", "x": "of-real", "z": "of-fake"}  # the colours of the house


def mathml(latex: str) -> str:
    r"""As <math>. Knows what our losses need: letters, digits, \log and the like, \tfrac12, ^, and braces."""
    tokens = TOKEN.findall(latex)
    return f"<math>{_row(tokens)}</math>"


def _row(tokens: list[str], end: str = "") -> str:
    """Everything up to `end`, which is taken away; raised parts hang on what stands before them."""
    parts: list[str] = []
    while tokens and tokens[0] != end:
        if tokens[0] == "^":
            tokens.pop(0)
            parts.append(f"<msup>{_base(parts)}{_atom(tokens)}</msup>")
        else:
            parts.append(_atom(tokens))
    if end and tokens:
        tokens.pop(0)
    return "".join(parts)


def _base(parts: list[str]) -> str:
    """What a power is taken of: the last part, or all of a bracket that it closes."""
    depth = 0
    taken: list[str] = []
    while parts:
        taken.insert(0, parts.pop())
        depth += taken[0].count(">)<") - taken[0].count(">(<")
        if depth <= 0:
            break
    return f"<mrow>{''.join(taken)}</mrow>"


def _atom(tokens: list[str]) -> str:
    token = tokens.pop(0)
    if token == "{":
        return f"<mrow>{_row(tokens, '}')}</mrow>"
    if token in (r"\tfrac", r"\frac"):
        return f"<mfrac>{_atom(tokens)}{_atom(tokens)}</mfrac>"
    if token.startswith("\\"):
        return f"<mi>{token[1:]}</mi><mo>&#8289;</mo>"  # a function, and the invisible sign that applies it
    if token.isdigit():
        return f"<mn>{token}</mn>"
    if token.isalpha():
        name = CLASSES.get(token)
        return f'<mi class="{name}">{token}</mi>' if name else f"<mi>{token}</mi>"
    return f'<mo stretchy="false">{"−" if token == "-" else escape(token)}</mo>'
