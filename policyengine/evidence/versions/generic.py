"""The order for everything else: dotted numbers, perhaps with one letter (`1.1.1k`). Anything more is not guessed."""

from __future__ import annotations

import re

VERSION = re.compile(r"v?(\d+(?:\.\d+)*)([a-z]?)")


def key(version: str) -> tuple[tuple[int, ...], str] | None:
    """The numbers without final zeros, and the letter."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = [int(number) for number in match[1].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), match[2]
