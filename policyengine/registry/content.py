"""Content on its way into a registry or a layout: named by digest and size, and read as often as it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from policyengine.errors import UsageError
from policyengine.oci import digest_of, quoted

PIECE = 256 * 1024
"""How much of it is in memory at a time."""


class Content(Struct, frozen=True):
    """Bytes that may be too many to be held: each call of `pieces` reads them from their beginning."""

    digest: str
    size: int
    pieces: Callable[[], Iterator[bytes]]


def of_bytes(data: bytes) -> Content:
    """What is in memory, as content."""
    return Content(digest_of(data), len(data), lambda: sliced(data))


def of_file(path: Path) -> Content:
    """What is in a file, as content; it is read once to learn its digest. Raises `UsageError`."""
    digest, size = hashlib.sha256(), 0
    for piece in _read(path):
        digest.update(piece)
        size += len(piece)
    return Content(f"sha256:{digest.hexdigest()}", size, lambda: _read(path))


def sliced(data: bytes) -> Iterator[bytes]:
    """`data` in pieces: one large piece would be copied anew for each packet that is sent."""
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as fault:
        raise UsageError(f"{quoted(path)} cannot be read: {(fault.strerror or 'no reason given').lower()}") from None
