"""SARIF logs by chance, as many tools write them: a reading or a reason, the same in pieces as at once."""

from __future__ import annotations

from random import Random

from tests.evidence.samples import changed, check

__all__ = ["check", "make_input"]

CASES = 150


def make_input(random: Random) -> bytes:
    """A good document with values or bytes changed."""
    return changed(random, "sarif")
