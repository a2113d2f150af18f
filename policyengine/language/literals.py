"""Literals take their type from their place: a text becomes the id, licence or glob that is asked for there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from policyengine.evidence.problems import closest
from policyengine.language.checked import Constant
from policyengine.language.diagnostics import Problems
from policyengine.language.schema import ENUMS
from policyengine.language.syntax import Fraction, Integer, Moment, Period, Text
from policyengine.language.types import DATE, DECIMAL, DURATION, INT, TEXT, TIME, UNITS, UNKNOWN, Type

Literal = Integer | Fraction | Moment | Period | Text
MAX_SECONDS = 100 * 366 * 86400
"""The longest duration that can be written: a century keeps date arithmetic within the calendar."""

UNQUOTED = {
    "time": "write it without quotes: 2026-03-01 or 2026-03-01T12:00:00Z",
    "date": "write it without quotes: 2026-03-01",
    "duration": "write it without quotes: `14 days`",
    "int": "write it without quotes: 5",
    "decimal": "write it without quotes: 7.0",
    "bool": "write it without quotes: true or false",
}
"""What to write in place of a text where another literal belongs."""

TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
"""RFC 3339, in upper case. Without an offset it would be another instant on each machine."""


def constant(node: Literal, expected: Type | None, problems: Problems) -> Constant:
    """The value of `node` where `expected` is asked for; what does not fit is reported and has the type unknown."""
    match node:
        case Integer():
            return _integer(node, expected, problems)
        case Fraction():
            return _of(node, DECIMAL, str(node.value), expected, problems)
        case Period():
            return _period(node, expected, problems)
        case Moment():
            return _moment(node, expected, problems)
        case Text():
            return _text(node, expected, problems)


def unfit(node: Literal, actual: Type, expected: Type, problems: Problems, help: str | None = None) -> Constant:
    """The report that `node` is an `actual` where an `expected` is asked for."""
    problems.error("E103", node.span, f"expected {article(expected)}, found {article(actual)}", help=help)
    return Constant(UNKNOWN, node.span, None)


def article(type_: Type) -> str:
    """The type with `a` or `an` before it."""
    words = str(type_)
    if type_.container == "" and type_.name in ("text", "bool"):
        return "text" if type_.name == "text" else "a bool (true or false)"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _of(node: Literal, actual: Type, value: Any, expected: Type | None, problems: Problems) -> Constant:
    if expected is None or expected in (actual, UNKNOWN):
        return Constant(actual, node.span, value)
    return unfit(node, actual, expected, problems)


def _integer(node: Integer, expected: Type | None, problems: Problems) -> Constant:
    if expected == DECIMAL:
        return Constant(DECIMAL, node.span, str(node.value))
    if expected == DURATION:
        return unfit(node, INT, DURATION, problems, f"write the unit: `{node.value} days`")
    return _of(node, INT, node.value, expected, problems)


def _period(node: Period, expected: Type | None, problems: Problems) -> Constant:
    word = node.unit.text
    seconds = UNITS.get(word) or UNITS.get(word.removesuffix("s"))
    if seconds is None:
        near = closest(word, [*UNITS, *(f"{unit}s" for unit in UNITS)])
        help = "the units are seconds, minutes, hours, days and weeks"
        problems.error("E108", node.unit.span, f"`{word}` is not a unit of time", help=help, suggestion=near)
        return Constant(UNKNOWN, node.span, None)
    if abs(node.amount) * seconds > MAX_SECONDS:
        problems.error("E108", node.span, "a duration of more than a century", help="write a shorter one")
        return Constant(UNKNOWN, node.span, None)
    return _of(node, DURATION, node.amount * seconds, expected, problems)


def _moment(node: Moment, expected: Type | None, problems: Problems) -> Constant:
    text = node.text.upper()
    if "T" in text and TIMES.fullmatch(text) is None:
        help = "a time has seconds, and `Z` or an offset: 2026-03-01T12:00:00Z"
        problems.error("E108", node.span, f"`{node.text}` is not an instant", help=help)
        return Constant(UNKNOWN, node.span, None)
    try:
        value: date = datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError as error:
        problems.error("E108", node.span, f"`{node.text}` is not a date: {error}")
        return Constant(UNKNOWN, node.span, None)
    if isinstance(value, datetime):
        return _of(node, TIME, instant(value), expected, problems)
    if expected == TIME:
        return Constant(TIME, node.span, f"{value.isoformat()}T00:00:00Z")
    return _of(node, DATE, value.isoformat(), expected, problems)


def instant(value: datetime) -> str:
    """An aware time as RFC 3339 text in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(node: Text, expected: Type | None, problems: Problems) -> Constant:
    if expected is None or expected in (TEXT, UNKNOWN):
        return Constant(TEXT, node.span, node.value)
    read = READERS.get(expected.name) if not expected.container else None
    if read is None:
        return unfit(node, TEXT, expected, problems, _instead(node.value, expected))
    value = read(node, problems)
    return Constant(UNKNOWN if value is None else expected, node.span, value)


def _instead(value: str, expected: Type) -> str | None:
    """What to write in place of a text that stands where something else belongs."""
    word = value.upper().replace("-", "_").replace(" ", "_")
    if word in ENUMS.get(expected.name, ()):
        return f"write it without quotes: {word}"
    if expected.name == "identity":
        return f'an identity is written `x509("{value}")`, `keyless(issuer: "…", subject: "…")` or `key("sha256:…")`'
    if expected.container:
        return "several are written `{ … }`"
    return UNQUOTED.get(expected.name)


def _vulnerability(node: Text, problems: Problems) -> str | None:
    from policyengine.evidence import vulnerabilities

    if (problem := vulnerabilities.problem(node.value)) is not None:
        problems.error("E108", node.span, problem.message, suggestion=problem.suggestion)
        return None
    return vulnerabilities.normalise(node.value)


def _license(node: Text, problems: Problems) -> str | None:
    from policyengine.evidence import licenses

    if (problem := licenses.problem(node.value, expression=True)) is not None:
        problems.error("E108", node.span, problem.message, suggestion=problem.suggestion)
        return None
    return node.value


def simple_license(constant: Constant, problems: Problems) -> None:
    """Report a member of a set of licences that is an expression: a set holds simple licences, or `X WITH E`."""
    from policyengine.evidence import licenses

    problem = licenses.problem(constant.value) if isinstance(constant.value, str) else None
    if problem is not None:
        problems.error("E108", constant.span, problem.message, suggestion=problem.suggestion)


def _purl(node: Text, problems: Problems) -> str | None:
    from policyengine.evidence import purls

    if (problem := purls.problem(node.value)) is not None:
        problems.error("E108", node.span, problem.message, suggestion=problem.suggestion)
        return None
    return str(purls.parse(node.value))


def _range(node: Text, problems: Problems) -> str | None:
    from policyengine.evidence import ranges

    text = _parsed(node, ranges.parse, problems)
    if text is not None and (surprise := ranges.warning(ranges.parse(text))) is not None:
        problems.warn("W204", node.span, surprise, help="write the revision, or `<` and `>=`")
    return text


def _glob(node: Text, problems: Problems) -> str | None:
    from policyengine.evidence import globs

    return _parsed(node, globs.glob, problems)


def _parsed(node: Text, parse: Callable[[str], object], problems: Problems) -> str | None:
    try:
        parse(node.value)
    except ValueError as error:
        problems.error("E108", node.span, str(error))
        return None
    return node.value


def _digest(node: Text, problems: Problems) -> str | None:
    from policyengine.errors import InvalidReference
    from policyengine.oci import parse_digest

    try:
        return parse_digest(node.value)
    except InvalidReference as error:
        problems.error("E108", node.span, error.message, help="a sha256 digest is `sha256:` and 64 hexadecimal digits")
        return None


READERS: dict[str, Callable[[Text, Problems], str | None]] = {
    "vulnerability": _vulnerability, "license": _license, "purl": _purl, "range": _range, "glob": _glob,
    "digest": _digest,
}  # fmt: skip
"""For each type that is written as a text: the function that checks one, reports what is wrong, and normalises it."""
