"""Semantic versioning 2.0.0, section 11: npm, Cargo, Go, Hex, Swift.

A leading `v` does not matter and absent numbers are 0, since people write ranges so (`<2.0`). Build metadata is not
part of the order.
"""

from __future__ import annotations

import re

VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")

Identifier = tuple[int, int | str]


def key(version: str) -> tuple[int, int, int, int, tuple[Identifier, ...]] | None:
    """The three numbers, whether it is a release, and the identifiers of the pre-release."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    major, minor, patch, before = match.groups()
    return int(major), int(minor or 0), int(patch or 0), not before, identifiers(before or "")


def identifiers(before: str) -> tuple[Identifier, ...]:
    """The dotted parts of a pre-release: numbers sort before words, fewer parts before more."""
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in before.split(".")) if before else ()
