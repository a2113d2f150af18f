"""The order of versions, each ecosystem's own.

An order is a *key*: a value for each version, such that versions compare as their keys do. A text that is no version
of its ecosystem has none, and compares with nothing but itself: what nobody can order is unknown, never "older".
Order alone counts here: no range excludes pre-releases.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from policyengine import limits

ORDERS = {
    "alpine": "apk",
    "alpm": "alpm",
    "apk": "apk",
    "cargo": "semver",
    "cocoapods": "gem",
    "composer": "composer",
    "conan": "conan",
    "deb": "debian",
    "gem": "gem",
    "golang": "semver",
    "hex": "semver",
    "maven": "maven",
    "npm": "semver",
    "nuget": "nuget",
    "pypi": "pep440",
    "rpm": "rpm",
    "semver": "semver",
    "swift": "semver",
}
"""Types of package URLs and the module that knows their order; any other type has the `generic` one, dotted numbers."""


def compare(ecosystem: str, one: str, other: str) -> int | None:
    """-1, 0 or 1 as `one` is older than, the same as or newer than `other`; `None` where that is not known.

    `ecosystem` is the type of a package URL.
    """
    if one == other:
        return 0
    left, right = key(ecosystem, one), key(ecosystem, other)
    if left is None or right is None:
        return None
    return int(left > right) - int(left < right)


@lru_cache(8_192)
def key(ecosystem: str, version: str) -> Any:
    """What `version` compares by among the versions of `ecosystem`; `None` where it is no version there."""
    if not 0 < len(version) <= limits.VERSION_CHARACTERS or not version.isascii():
        return None
    return _order(ecosystem).key(version)


@lru_cache(64)
def _order(ecosystem: str) -> Any:
    return import_module(f"{__name__}.{ORDERS.get(ecosystem, 'generic')}")
