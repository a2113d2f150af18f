"""The order of Ruby gems (`Gem::Version`): words make a pre-release, zeros at the end do not count."""

from __future__ import annotations

import re

VERSION = re.compile(r"\s*(\d+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)?\s*")
SEGMENT = re.compile(r"\d+|[A-Za-z]+")
END = (1, 0)
"""What is absent counts as the number 0: newer than a word, older than any other number."""

Segment = tuple[int, int | str]


def key(version: str) -> tuple[Segment, ...] | None:
    """The segments without the zeros that end the release and the pre-release, then the end."""
    if not VERSION.fullmatch(version):
        return None
    found = SEGMENT.findall(version.replace("-", ".pre."))
    split = next((index for index, segment in enumerate(found) if segment.isalpha()), len(found))
    return (*_trimmed(found[:split]), *_trimmed(found[split:]), END)


def _trimmed(segments: list[str]) -> list[Segment]:
    values: list[Segment] = [(1, int(segment)) if segment.isdigit() else (0, segment) for segment in segments]
    while values and values[-1] == END:
        values.pop()
    return values
