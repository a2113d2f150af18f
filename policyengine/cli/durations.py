"""Lengths of time on the command line: `90m`, `24h`, `1h30m`, `30d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta

from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
FORM = re.compile(r"(?:[0-9]{1,6}[wdhms])+")
LONGEST = timedelta(days=36_500)


def duration(text: str) -> timedelta:
    """The length that `text` writes, more than nothing; raises `UsageError`."""
    found = timedelta()
    if FORM.fullmatch(text):
        for number, unit in re.findall(r"([0-9]+)([wdhms])", text):
            found += timedelta(**{UNITS[unit]: int(number)})
    if not timedelta() < found <= LONGEST:
        raise UsageError(f"{quoted(text)} is no length of time", "write 90m, 24h, 1h30m or 30d")
    return found
