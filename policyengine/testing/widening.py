"""Patterns that fit more than was meant: what a careless edit makes of a glob or of a certificate's subject."""

from __future__ import annotations

import re
from collections.abc import Iterator

WILDCARD = re.compile(r"\*+|\?")
ATTRIBUTES = re.compile(r"(?:[^,\\]|\\.)+")


def globs(text: str) -> Iterator[str]:
    """Wider globs than `text`: a `*` that crosses slashes, no suffix, one segment less; none without a wildcard."""
    found = list(WILDCARD.finditer(text))
    if not found:
        return
    for wildcard in found:
        if wildcard[0] == "*" and not _in_version(text[: wildcard.start()]):
            yield f"{text[: wildcard.start()]}**{text[wildcard.end() :]}"
    if text[found[-1].end() :]:
        yield text[: found[-1].end()]
    before, rest = text[: found[0].start()], text[found[0].start() :]
    shorter, slash, segment = before.rstrip("/").rpartition("/")
    if slash and segment and not shorter.endswith(("/", ":")):
        yield f"{shorter}/{rest}"


def _in_version(before: str) -> bool:
    """Whether a package URL's version goes on here: there is no slash in one to cross."""
    name, at, version = before.rpartition("@")
    return bool(at) and name.startswith("pkg:") and not name.endswith("/") and "/" not in version


def subjects(text: str) -> Iterator[str]:
    """The subject `text` (`C=US, O=acme`) without one of its attributes, as long as one remains."""
    attributes = [attribute.strip() for attribute in ATTRIBUTES.findall(text)]
    for index in range(len(attributes) if len(attributes) > 1 else 0):
        yield ", ".join(attributes[:index] + attributes[index + 1 :])
