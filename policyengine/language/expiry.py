"""Waivers that have expired, or soon will: a warning that depends on the instant, and so is not part of compiling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from policyengine.language.checked import Waiver
from policyengine.language.diagnostics import Diagnostic

SOON = timedelta(days=14)
"""How long before its last day a waiver is reported: time enough to renew it, or to be rid of what it covers."""


def ends_soon(expires: date, at: datetime) -> bool:
    """Whether a waiver that lasts to the end of the day `expires` (UTC) is over at `at`, or soon will be."""
    return expires - at.astimezone(UTC).date() <= SOON


def expiring(waivers: Iterable[Waiver], at: datetime) -> Iterator[Diagnostic]:
    """A warning for each waiver that is over at `at`, or will be within `SOON`."""
    for waiver in waivers:
        if ends_soon(waiver.expires, at):
            left = (waiver.expires - at.astimezone(UTC).date()).days
            yield Diagnostic("W208", "warning", _said(waiver, left), waiver.span, help=_help(waiver, left))


def _said(waiver: Waiver, left: int) -> str:
    if left < 0:
        return f"the waiver of `{waiver.rule}` expired with {waiver.expires}"
    when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days"
    return f"the waiver of `{waiver.rule}` expires {when}, with {waiver.expires}"


def _help(waiver: Waiver, left: int) -> str:
    if left < 0:
        return f"it covers nothing any more: remove it, or have {waiver.owner} renew it"
    return f"ask {waiver.owner} whether what it covers will be gone by then"
