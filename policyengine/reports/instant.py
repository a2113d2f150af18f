"""Instants as reports write them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(instant: datetime) -> str:
    """An aware instant in UTC, to the second or as fine as it is: `2026-11-22T20:00:00Z`."""
    text = instant.astimezone(UTC).isoformat()
    return text.removesuffix("+00:00") + "Z"
