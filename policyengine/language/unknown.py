"""What is not known, with the reasons: the third truth value where somebody asks why."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from policyengine.evidence.model import Gap

TOLD = 20
"""Reasons that one sentence tells; an image can have thousands of findings without a severity."""


class Unknown(Struct, frozen=True):
    """A value that is not known. `reasons` are sentences, `untold` counts those that were left out.

    `outside` says that a reason lies outside the artifact, `retry` that trying again may help then.
    """

    reasons: tuple[str, ...]
    untold: int = 0
    outside: bool = False
    retry: bool = False

    def __str__(self) -> str:
        more = (f"and {self.untold} more",) if self.untold else ()
        return "; ".join((*self.reasons, *more))


def because(reason: str) -> Unknown:
    """Not known for one reason, which lies in the evidence."""
    return Unknown((reason,))


def unseen(gaps: Iterable[Gap]) -> list[Unknown]:
    """What the gaps of a collection leave unknown."""
    return [Unknown((gap.reason,), 0, gap.outside, gap.outside and gap.retry) for gap in gaps]


def merged(parts: Iterable[Unknown]) -> Unknown:
    """All that is not known of `parts`, each reason once."""
    listed = list(parts)
    reasons = list(dict.fromkeys(reason for part in listed for reason in part.reasons))
    untold = sum(part.untold for part in listed) + max(0, len(reasons) - TOLD)
    outside, retry = any(part.outside for part in listed), any(part.retry for part in listed)
    return Unknown(tuple(reasons[:TOLD]), untold, outside, retry)
