"""Debian's order (Debian policy, section 5.6.12; deb-version(7)): `~` before the end, letters before other signs."""

from __future__ import annotations

import re

VERSION = re.compile(r"(?:(\d+):)?(\d[A-Za-z0-9.+~-]*)")
RUN = re.compile(r"(\D*)(\d*)")
END = (0,)

Part = tuple[tuple[int, ...] | int, ...]


def key(version: str) -> tuple[int, Part, Part] | None:
    """Epoch, upstream version and revision; an absent revision is as `0`."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    upstream, _, revision = match[2].rpartition("-") if "-" in match[2] else (match[2], "", "")
    return int(match[1] or 0), _part(upstream), _part(revision)


def _part(text: str) -> Part:
    """Runs of other signs and of digits in turn, beginning and ending with the former."""
    part: list[tuple[int, ...] | int] = []
    for signs, digits in RUN.findall(text or "0"):
        if signs or digits:
            part += (_weights(signs), int(digits or 0))
    return (*part, END)


def _weights(signs: str) -> tuple[int, ...]:
    """The weight of each sign and, last, that of the end."""
    return (*(-1 if sign == "~" else ord(sign) + (0 if sign.isalpha() else 256) for sign in signs), 0)
