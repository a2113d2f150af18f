"""How values read in messages. Nothing here can fail: what is missing prints as `<no fix>`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from policyengine import limits
from policyengine.evidence.model import Severity
from policyengine.language.types import UNITS, Type

WORDS = ("day", "hour", "minute", "second")


def printed(type_: Type, value: Any, name: str) -> str:
    """`value` of the type `type_` as a message shows it; `name` stands in for it where it is missing."""
    if value is None:
        return f"<no {name}>"
    if type_.container:
        return short(", ".join(_listed(type_, value)))
    return one(type_.name, value)


def one(name: str, value: Any) -> str:
    """One known value of the type `name`."""
    try:
        return short(PRINTERS.get(name, str)(value))
    except (ValueError, OverflowError):  # an integer of thousands of digits
        return f"<no {name}>"


def short(text: str) -> str:
    """`text`, cut where a document brings more of it than anybody reads."""
    return text if len(text) <= limits.MESSAGE_CHARACTERS else f"{text[: limits.MESSAGE_CHARACTERS]}…"


def _listed(type_: Type, value: Iterable[Any]) -> list[str]:
    texts = [member if isinstance(member, str) else one(type_.name, member) for member in value]
    return sorted(texts) if type_.container == "set" else texts


def severity(value: int | None) -> str:
    """The name of a severity; one that a scanner did not say is UNKNOWN."""
    return "UNKNOWN" if value is None else Severity(value).name


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _duration(value: timedelta) -> str:
    """A duration in words; weeks are printed as days, since nobody says that a scan is a week and a day old."""
    seconds = abs(int(value.total_seconds()))
    sign = "-" if value < timedelta() else ""
    parts = []
    for word in WORDS:
        amount, seconds = divmod(seconds, UNITS[word])
        if amount:
            parts.append(f"{amount} {word}{'s' if amount != 1 else ''}")
    return sign + (" ".join(parts) or "0 seconds")


def _decimal(value: Decimal) -> str:
    return f"{value:f}"


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _date(value: date) -> str:
    return value.isoformat()


def _vulnerability(value: tuple[str, ...]) -> str:
    return value[0]


PRINTERS: dict[str, Any] = {
    "bool": _bool, "decimal": _decimal, "severity": severity, "time": _time, "date": _date, "duration": _duration,
    "vulnerability": _vulnerability,
}  # fmt: skip
"""The types that do not print as Python would print them."""
