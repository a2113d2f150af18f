"""Kept results of reading and compiling; nothing is kept yet."""

from __future__ import annotations


def load(kind: str, key: bytes) -> bytes | None:
    """What was stored under `key`, or `None`."""
    return None


def store(kind: str, key: bytes, data: bytes) -> None:
    """Keep `data` under `key`, where that is possible."""
