"""Documents of the kinds that policies declare themselves: coverage, test results, approvals, and so on.

Such a document is JSON, or an in-toto statement, whose fields are then found from the statement down
(`predicate.totals.percent`), or a report of tests or coverage in XML (`xmlreports`: `failures`, `lines.percent`).
Only the declared fields are looked at, and each has to be of its declared type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from policyengine import strictjson
from policyengine.errors import EvidenceError
from policyengine.evidence import severity
from policyengine.evidence.fields import Unreadable
from policyengine.evidence.identifiers import normal
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Custom
from policyengine.evidence.reading import Source
from policyengine.evidence.recognition import is_statement
from policyengine.strictjson import quoted

_LOOK = 65_536
FieldSpec = tuple[str, str, bool, str]
"""Name, type word, whether it is optional, and the dotted path into the document."""


def read_custom(data: bytes, kind: str, fields: Iterable[FieldSpec], source: Source) -> Custom:
    """The record of a document of the declared `kind`.

    Raises `EvidenceError` for a text that is not strict JSON, where a field that is not optional is missing, and
    where one is not of its type. Decimals are exact: they never pass through a float.
    """
    document = _document(data)
    found = {name: _field(document, kind, path, word, optional) for name, word, optional, path in fields}
    return Custom(kind, found, source.digest, source.created, source.signatures)


def subjects(data: bytes) -> tuple[str, ...]:
    """The digests of what a statement is about; none of what is no statement, or cannot be read."""
    try:
        document = _document(data)
        if not is_statement(document):
            return ()
        from policyengine.evidence import intoto

        return intoto.subjects(document)
    except (EvidenceError, Unreadable):
        return ()


def _document(data: bytes) -> Any:
    """The parsed document; of an envelope the statement in it, of a report in XML its facts."""
    if data.removeprefix(strictjson.BOM)[:_LOOK].lstrip().startswith(b"<"):
        from policyengine.evidence import xmlreports

        return xmlreports.report(data)[1]
    try:
        value = strictjson.loads(data)
        if not is_statement(value):
            return value
        from policyengine.evidence import intoto

        statements = list(intoto.statements(value))
    except strictjson.JsonError as fault:
        raise EvidenceError(fault.message, "", fault.line, fault.column, fault.offset) from None
    except Unreadable as fault:
        raise EvidenceError(str(fault)) from None
    if len(statements) != 1:
        raise EvidenceError(f"it holds {len(statements)} statements where one belongs")
    return statements[0]


def _field(document: Any, kind: str, path: str, word: str, optional: bool) -> Any:
    """The value at `path`, of the type that `word` names; `None` where an optional one is missing."""
    value = _at(document, path)
    if value is None:
        if optional:
            return None
        raise EvidenceError(f"the {kind} document has no {quoted(path)}")
    try:
        return _READERS[word](value)
    except ValueError:
        raise EvidenceError(f"{quoted(path)} in the {kind} document is not a {word}") from None


def _at(value: Any, path: str) -> Any:
    """What lies at the dotted `path`: names of members, and positions in arrays from 0."""
    for name in path.split("."):
        if value is None:
            return None
        if type(value) is list and name.isdecimal():
            position = int(name[:9])
            value = value[position] if position < len(value) else None
        elif type(value) is dict:
            value = value.get(name)
        else:
            raise EvidenceError(f"{quoted(path)} leads through something that has no {quoted(name)} in it")
    return value


# Types ----------------------------------------------------------------------------------------------

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}", re.ASCII)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError
    return value


def _filled(value: Any) -> str:
    if not _text(value).strip():
        raise ValueError
    return _text(value)


def _int(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is Decimal and value == value.to_integral_value():
        return int(value)
    raise ValueError


def _decimal(value: Any) -> Decimal:
    if type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    raise ValueError


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _time(value: Any) -> Any:
    moment = instant(_text(value))
    if moment is None:
        raise ValueError
    return moment


def _date(value: Any) -> date:
    if not _DATE.fullmatch(_text(value)):
        raise ValueError
    return date.fromisoformat(value)


def _severity(value: Any) -> Any:
    """A word of the scale; "unknown" is a word too, and stays unknown."""
    known = severity.from_word(_text(value))
    if known is None and _text(value).strip().lower() != "unknown":
        raise ValueError
    return known


def _purl(value: Any) -> str:
    from policyengine.evidence import purls

    if purls.parse(_text(value)) is None:
        raise ValueError
    return _text(value)


def _digest(value: Any) -> str:
    if not _DIGEST.fullmatch(_text(value)):
        raise ValueError
    return _text(value)


def _vulnerability(value: Any) -> str:
    return normal(_filled(value))


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "int": _int,
    "decimal": _decimal,
    "bool": _bool,
    "time": _time,
    "date": _date,
    "severity": _severity,
    "purl": _purl,
    "license": _filled,
    "digest": _digest,
    "vulnerability": _vulnerability,
}
