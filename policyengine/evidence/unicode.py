"""Texts in UTF-16, which some generators on Windows write, as UTF-8."""

from __future__ import annotations

import codecs

from policyengine.errors import EvidenceError

_MARKS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def narrowed(data: bytes) -> bytes:
    """`data` itself, or as UTF-8 where it is UTF-16: by its mark, else by the NULs around its first sign (RFC 4627).

    Raises `EvidenceError` for halves of pairs and for UTF-32, which nobody writes.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None) or _guessed(data[:4])
    if encoding is None:
        return data
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode("utf-8")
    except UnicodeError:
        raise EvidenceError("the text is neither UTF-8 nor whole UTF-16", "", 1, 1, 0) from None


def _guessed(start: bytes) -> str | None:
    if len(start) < 4 or start.count(0) != 2:
        return None
    return "utf-16-be" if start[0] == start[2] == 0 else "utf-16-le" if start[1] == start[3] == 0 else None
