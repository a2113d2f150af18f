"""Instants as documents write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


def instant(text: str | None, zone: str = "") -> datetime | None:
    """The instant in UTC that `text` states by RFC 3339, to the microsecond.

    `None` for anything else: a local time (unless `zone` says how to take it, as "Z" does), a date, and
    the year 1, by which tools written in Go mean that they do not know.
    """
    match = _RFC3339.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    day, clock, fraction, offset = match.groups()
    offset = (offset or zone).upper()
    if not offset:
        return None
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1 else None
