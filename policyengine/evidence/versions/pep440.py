"""Python's order (PEP 440, "Summary of permitted suffixes and relative ordering")."""

from __future__ import annotations

import re

VERSION = re.compile(
    r"""\s*v?
    (?:(?P<epoch>\d+)!)?
    (?P<release>\d+(?:\.\d+)*)
    (?:[-_.]?(?P<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre_number>\d*))?
    (?:-(?P<implicit>\d+)|(?P<post>[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*)))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
DEVELOPED, FINAL = (-1, 0), (3, 0)
"""A development release of a final one comes before its first alpha; no pre-release comes after the last candidate."""

Local = tuple[tuple[int, int | str], ...]
Key = tuple[int, tuple[int, ...], tuple[int, int], int, tuple[int, int], Local]


def key(version: str) -> Key | None:
    """Epoch, release without final zeros, pre-release, post-release, development release and local label."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    return int(match["epoch"] or 0), _release(match["release"]), _pre(match), _post(match), _dev(match), _local(match)


def _release(text: str) -> tuple[int, ...]:
    numbers = [int(number) for number in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _pre(match: re.Match[str]) -> tuple[int, int]:
    if match["pre"]:
        return PRE[match["pre"].lower()], int(match["pre_number"] or 0)
    return DEVELOPED if match["dev"] and _post(match) < 0 else FINAL


def _post(match: re.Match[str]) -> int:
    """The number of the post-release, -1 for none."""
    if match["implicit"]:
        return int(match["implicit"])
    return int(match["post_number"] or 0) if match["post"] else -1


def _dev(match: re.Match[str]) -> tuple[int, int]:
    return (0, int(match["dev_number"] or 0)) if match["dev"] else (1, 0)


def _local(match: re.Match[str]) -> Local:
    if not match["local"]:
        return ()
    return tuple((1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"[-_.]", match["local"].lower()))
