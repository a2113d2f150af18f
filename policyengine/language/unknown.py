"""What is not known, with the reasons: the third truth value where somebody asks why."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from policyengine.evidence.model import Gap

TOLD = 20
"""Reasons that one sentence tells; an image can have thousands of findings without a severity."""


ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


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


Interval = tuple[float, float, list[Unknown]]
"""The ends of a number, and why it is not one."""


def unseen(gaps: Iterable[Gap]) -> list[Unknown]:
    """What the gaps of a collection leave unknown."""
    return [Unknown((gap.reason,), 0, gap.outside, gap.outside and gap.retry) for gap in gaps]


def merged(parts: Iterable[Unknown]) -> Unknown:
    """All that is not known of `parts`, each reason once."""
    listed = list(parts)
    if len(listed) == 1:
        return listed[0]
    reasons = list(dict.fromkeys(reason for part in listed for reason in part.reasons))
    untold = sum(part.untold for part in listed) + max(0, len(reasons) - TOLD)
    outside, retry = any(part.outside for part in listed), any(part.retry for part in listed)
    return Unknown(tuple(reasons[:TOLD]), untold, outside, retry)


# ---------------------------------------------------------------------------- logic and order


def both(values: Sequence[Any]) -> Any:
    """Kleene's `and`."""
    if any(value is False for value in values):
        return False
    unknown = [value for value in values if isinstance(value, Unknown)]
    return merged(unknown) if unknown else True


def either(values: Sequence[Any]) -> Any:
    """Kleene's `or`."""
    if any(value is True for value in values):
        return True
    unknown = [value for value in values if isinstance(value, Unknown)]
    return merged(unknown) if unknown else False


def negated(value: Any) -> Any:
    return value if isinstance(value, Unknown) else not value


def unknown_of(values: Sequence[Any]) -> Unknown:
    """All that is not known of `values`."""
    return merged([value for value in values if isinstance(value, Unknown)])


def ordered(sign: str, left: Interval, right: Interval) -> Any:
    """How two numbers compare that lie somewhere between bounds."""
    answers = {_certain(sign, left, right), _possible(sign, left, right)}
    return answers.pop() if len(answers) == 1 else merged(left[2] + right[2])


def _certain(sign: str, left: Interval, right: Interval) -> bool:
    """Whether every number of `left` stands so to every number of `right`."""
    if sign == "is":
        return left[0] == left[1] == right[0] == right[1]
    return ORDERS[sign](left[1], right[0]) if sign in ("<", "<=") else ORDERS[sign](left[0], right[1])


def _possible(sign: str, left: Interval, right: Interval) -> bool:
    """Whether some number of `left` stands so to some number of `right`."""
    if sign == "is":
        return left[0] <= right[1] and right[0] <= left[1]
    return ORDERS[sign](left[0], right[1]) if sign in ("<", "<=") else ORDERS[sign](left[1], right[0])
