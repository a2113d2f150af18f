"""Composer's order: four numbers, then the stability, as PHP's `version_compare` sees them.

A branch (`dev-main`) has no place in it.
"""

from __future__ import annotations

import re

VERSION = re.compile(
    r"v?(\d{1,9})(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?"
    r"(?:[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?\d+)*+)?)?([.-]?dev)?)?(?:\+\S*)?",
    re.IGNORECASE,
)
STABILITY = {"alpha": 1, "a": 1, "beta": 2, "b": 2, "rc": 3, "stable": 4, "": 4, "patch": 5, "pl": 5, "p": 5}
"""Oldest first; a development version of a release is older than all of them."""


def key(version: str) -> tuple[tuple[int, ...], int, tuple[int, ...], bool] | None:
    """The four numbers, the stability, its own numbers, and whether it is a development version of that."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = tuple(int(number or 0) for number in match.groups()[:4])
    word, count, dev = (match[5] or "").lower(), match[6] or "", match[7]
    if dev and not word:
        return numbers, 0, (), False
    return numbers, STABILITY[word], tuple(map(int, re.findall(r"\d+", count))), not dev
