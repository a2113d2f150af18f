"""Maven's order, as "Version Order Specification" of the POM reference states it: dots and hyphens weigh differently.

A change between digits and letters is a hyphen, an empty part is 0, a qualifier after a dot counts as one after a
hyphen, and zeros before a hyphen or the end do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

VERSION = re.compile(r"[A-Za-z0-9._+~-]+")
PART = re.compile(r"[.-]|\d+|[^0-9.-]+")
SHORT = re.compile(r"(?<![a-z])[abm](?=\d)")
LONG = {"a": "alpha", "b": "beta", "m": "milestone"}
QUALIFIERS = {"alpha": 0, "beta": 1, "milestone": 2, "rc": 3, "cr": 3, "snapshot": 4, "sp": 6}
NOTHING = (0, 5)
"""What the absent part, `ga`, `final` and `release` weigh."""

Token = tuple[int, int | str]


def key(version: str) -> tuple[Token, ...] | None:
    """The parts from the left, then the end."""
    if not VERSION.fullmatch(version):
        return None
    tokens = [_token(hyphen, text) for hyphen, text in _parts(version.lower())]
    return (*_trimmed(tokens), NOTHING)


def _parts(version: str) -> Iterator[tuple[bool, str]]:
    """Each part, and whether a hyphen stands before it."""
    hyphen, awaited = False, True
    for text in PART.findall(SHORT.sub(lambda match: LONG[match[0]], version)):
        if text in (".", "-"):
            if awaited:
                yield hyphen, "0"
            hyphen, awaited = text == "-", True
        else:
            yield hyphen or not awaited, text
            awaited = False
    if awaited:
        yield hyphen, "0"


def _token(hyphen: bool, text: str) -> Token:
    """Known qualifiers, then others by the alphabet, then numbers after a hyphen, then numbers after a dot."""
    if text.isdigit():
        return (2 if hyphen else 3), int(text)
    if text in ("ga", "final", "release"):
        return NOTHING
    return (0, QUALIFIERS[text]) if text in QUALIFIERS else (1, text)


def _trimmed(tokens: list[Token]) -> list[Token]:
    """The tokens without those that weigh nothing before a hyphen, a qualifier or the end."""
    kept: list[Token] = []
    for token in reversed(tokens):
        before_hyphen = not kept or kept[-1][0] < 3
        if not (before_hyphen and token in (NOTHING, (2, 0), (3, 0))):
            kept.append(token)
    return kept[::-1]
