"""The instant of a command: the one that is asked for, or now. Only here is the clock read."""

from __future__ import annotations

from datetime import UTC, date, datetime

from policyengine.errors import UsageError
from policyengine.evidence.instants import instant
from policyengine.evidence.problems import quoted


def moment(text: str | None) -> datetime:
    """The instant that `text` writes (RFC 3339, or a date for its first instant in UTC), by default now.

    Raises `UsageError` for anything else; a local time is not an instant.
    """
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 # this is the one place that reads the clock
    stated = instant(text) or _day(text)
    if stated is None:
        raise UsageError(f"{quoted(text)} is not a time", "write 2026-11-22T20:00:00Z, with Z or an offset")
    return stated


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if text == day.isoformat() else None
