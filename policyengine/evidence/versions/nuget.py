"""NuGet's order: semantic versioning with up to four numbers, words compared without regard to case."""

from __future__ import annotations

import re

from policyengine.evidence.versions.semver import Identifier, identifiers

VERSION = re.compile(r"[vV]?(\d+(?:\.\d+){0,3})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def key(version: str) -> tuple[tuple[int, ...], bool, tuple[Identifier, ...]] | None:
    """The four numbers, whether it is a release, and the identifiers of the pre-release."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    numbers = tuple(map(int, match[1].split(".")))
    before = (match[2] or "").lower()
    return numbers + (0,) * (4 - len(numbers)), not before, identifiers(before)
