"""In-toto statements (0.1 and 1), bare or in DSSE envelopes and Sigstore bundles, and what their predicates say.

Nothing here looks at an envelope's own signatures: to read is not to trust.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from msgspec.structs import replace

from policyengine import limits, strictjson
from policyengine.errors import EvidenceError
from policyengine.evidence import pieces, provenance, severity, tagvalue
from policyengine.evidence.fields import Record, Unreadable, collect, member, number, records, required, text
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Finding, Scan
from policyengine.evidence.pieces import Document
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.recognition import STATEMENT
from policyengine.strictjson import quoted

Inner = Callable[[Any, Source], Reading]
"""How a document of any known format is read: what many predicates are."""


def read(value: Any, source: Source, inner: Inner) -> Reading:
    """All that the statements in `value` say, which are about the same subjects."""
    payloads: list[Document] = []

    def load(data: bytes) -> Any:
        payloads.append(pieces.loads(data))
        return payloads[-1].value

    found = list(islice(statements(value, load), limits.STATEMENTS + 1))
    if not found:
        raise Unreadable("it holds no statement")
    if len(found) > limits.STATEMENTS:
        raise Unreadable(f"it holds more than {limits.STATEMENTS} statements")
    about = [subjects(each) for each in found]
    chosen = _about_one(found, about, source)
    readings = _readings(chosen, payloads, source, inner)
    warnings = [warning for reading in readings for warning in reading.warnings]
    if len(chosen) < len(found):
        warnings.append(f"{len(found) - len(chosen)} statements are about something else, and do not count")
    shared = set.intersection(*(set(subjects(each)) for each in chosen))
    common = [name for name in subjects(chosen[0]) if name in shared]
    if not common:
        warnings.append("its statement names no subject by digest")
    first = next((reading for reading in readings if reading.kind != "other"), readings[0])
    return replace(
        first,
        format=f"in-toto/{first.format}",
        records=tuple(record for reading in readings for record in reading.records),
        subjects=tuple(common),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _readings(chosen: list[Record], payloads: list[Document], source: Source, inner: Inner) -> list[Reading]:
    """What the `chosen` statements say. All `payloads` are read to their ends, so that no fault in them is missed."""
    try:
        readings = [reading for each in chosen for reading in _said(each, source, inner)]
        for payload in payloads:
            payload.finish()
    except strictjson.JsonError as fault:
        if not payloads:
            raise
        raise _unreadable(fault) from None
    return readings


def _about_one(found: list[Record], about: list[tuple[str, ...]], source: Source) -> list[Record]:
    """The statements that count: those about the image where it is known, else all, if they share their subjects."""
    mine = [each for each, names in zip(found, about, strict=True) if set(names) & set(source.image)]
    if mine:
        return mine
    if len({frozenset(names) for names in about}) > 1:
        raise Unreadable("it holds statements about different subjects")
    return found


def subjects(statement: Record) -> tuple[str, ...]:
    """The digests of what the statement is about."""
    digests = (member(each, "digest") for each in records(statement, "subject"))
    known = ((name, text(digest, name)) for digest in digests for name in ("sha256", "sha512"))
    return tuple(dict.fromkeys(f"{name}:{value}" for name, value in known if value))


# Out of the envelopes -------------------------------------------------------------------------------


Load = Callable[[bytes], Any]


def statements(value: Any, load: Load = strictjson.loads) -> Iterator[Record]:
    """The statements in `value`, out of whatever they travel in; `load` parses what is in envelopes."""
    if type(value) is list:
        for each in value:
            yield from statements(each, load)
    elif type(value) is not dict:
        raise Unreadable("one of its statements is no object")
    elif "payload" in value:
        yield _payload(value, load)
    elif "provenance_summary" in value:
        for each in records(member(value, "provenance_summary"), "provenance"):
            yield from statements(member(each, "envelope"), load)
    elif type(value.get("attestations")) is list:
        for each in records(value, "attestations"):
            yield from statements(member(each, "statement") or member(each, "bundle") or each, load)
    elif "dsseEnvelope" in value:
        yield from statements(member(value, "dsseEnvelope"), load)
    elif (text(value, "_type") or "").startswith(STATEMENT):
        yield value
    else:
        raise Unreadable("it holds something that is no statement")


def _payload(envelope: Record, load: Load) -> Record:
    kind = required(envelope, "payloadType")
    if kind != "application/vnd.in-toto+json":
        raise Unreadable(f"the payload of its envelope is {quoted(kind)}, not a statement")
    try:
        written = required(envelope, "payload").replace("-", "+").replace("_", "/")
        data = base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
        statement = load(data)
    except (binascii.Error, ValueError) as fault:
        raise _unreadable(fault) from None
    if type(statement) is not dict or not (text(statement, "_type") or "").startswith(STATEMENT):
        raise Unreadable("the payload of its envelope is no statement")
    return statement


def _unreadable(fault: Exception) -> Unreadable:
    return Unreadable(f"the payload of its envelope cannot be read: {fault}")


# Predicates -----------------------------------------------------------------------------------------


def _said(statement: Record, source: Source, inner: Inner) -> list[Reading]:
    """What a statement says. Of a collection, what those of its attestations say that there is a reader for."""
    name = _type(required(statement, "predicateType"))
    if not _COLLECTION.fullmatch(name):
        return [_statement(name, statement, source, inner)]
    listed = records(member(statement, "predicate"), "attestations")
    if len(listed) > limits.STATEMENTS:
        raise Unreadable(f"it holds more than {limits.STATEMENTS} attestations")
    found = [_collected(each, source, inner) for each in listed]
    return [each for each in found if each.kind != "other"] or [_other(name, source)]


def _collected(attestation: Record, source: Source, inner: Inner) -> Reading:
    """What one attestation of a collection says: it has its predicate under another key, and a time of its own."""
    timed = replace(source, created=instant(text(attestation, "endtime")) or source.created)
    predicate = {"predicate": attestation.get("attestation")}
    return _statement(_type(required(attestation, "type")), predicate, timed, inner)


def _type(kind: str) -> str:
    return kind.removeprefix("https://").removeprefix("http://")


_HOSTS = r"(?:witness\.testifysec\.com|witness\.dev|aflock\.ai)"
_COLLECTION = re.compile(_HOSTS + r"/attestation-collection/v0\.1")
"""The predicate type of what Witness, and tools that follow it, state about one step of a pipeline."""
_REPORT = re.compile(_HOSTS + r"/attestations/(sarif|vex)/v0\.1")
_REPORTS = {"sarif": "report", "vex": "vexDocument"}
"""The key under which such an attestation holds the document that the step made."""


def _statement(name: str, statement: Record, source: Source, inner: Inner) -> Reading:
    """What a statement with a predicate of the type `name` says."""
    predicate = statement.get("predicate")
    if name.startswith(provenance.TYPE):
        return provenance.read(member(statement, "predicate"), name[len(provenance.TYPE) :], source)
    if name.startswith("in-toto.io/attestation/vulns/"):
        return _vulnerabilities(member(statement, "predicate"), source)
    if name.startswith("cosign.sigstore.dev/attestation/vuln/"):
        return _cosign(member(statement, "predicate"), source, inner)
    if name.startswith(("spdx.dev/Document", "cyclonedx.org/", "openvex.dev/ns", "syft.dev/bom")):
        return _document(predicate, source, inner)
    if report := _REPORT.fullmatch(name):
        return _document(member(statement, "predicate").get(_REPORTS[report[1]]), source, inner)
    return _other(name, source)


def _other(name: str, source: Source) -> Reading:
    return Reading("other", _named(name), (), None, None, source.created)


_NAMES = (
    ("slsa.dev/verification_summary/", "slsa-verification-summary"),
    ("in-toto.io/attestation/scai/attribute-report/", "scai"),
    ("in-toto.io/attestation/scai/", "scai"),
    ("in-toto.io/attestation/test-result/", "test-result"),
)
"""Predicates that only kinds which policies declare can ask about, by how their types begin."""


def _named(kind: str) -> str:
    """How a reading calls a predicate type that no reader is for: by its name and version, else as it is written."""
    for prefix, name in _NAMES:
        if kind.startswith(prefix) and re.fullmatch(r"v[0-9.]{1,20}", kind[len(prefix) :]):
            return f"{name}-{kind[len(prefix) + 1 :]}"
    return kind[:200] if kind.isprintable() else "unknown"


def _document(predicate: Any, source: Source, inner: Inner) -> Reading:
    """A predicate that is a document, as an object, as a text, or in the wrapper that cosign once made."""
    if type(predicate) is dict and type(predicate.get("Data")) is str:
        predicate = predicate["Data"]
    if type(predicate) is not str:
        return inner(predicate, source)
    data = predicate.encode("utf-8")
    if predicate.lstrip()[:1] in ("{", "["):
        try:
            return inner(strictjson.loads(data), source)
        except strictjson.JsonError as fault:
            raise Unreadable(f"its predicate cannot be read: {fault}") from None
    try:
        return tagvalue.read(data, source)
    except EvidenceError as fault:
        raise Unreadable(f"its predicate cannot be read: {fault.message}") from None


def _vulnerabilities(predicate: Record, source: Source) -> Reading:
    """The vulnerability predicate of in-toto; without a list of results nothing was found out."""
    scanner = member(predicate, "scanner")
    listed = scanner.get("result")
    if type(listed) is not list:
        raise Unreadable("the scanner's result is not an array: nothing says that it found nothing")
    tool = required(scanner, "uri").lower()
    found = collect(listed, partial(_vulnerability, tool=tool, document=source.digest), "result")
    return scanned("in-toto-vulns", tool, text(scanner, "version"), _finished(predicate), found, source)


def _vulnerability(each: Record, tool: str, document: str) -> Iterator[Finding]:
    ratings = [each.get("score") for each in records(each, "severity")]
    words = [severity.from_word(rating) for rating in ratings if type(rating) is str]
    score = next((score for score in (number(rating, "score") for rating in records(each, "severity")) if score), None)
    known = [word for word in words if word is not None]
    yield Finding(
        ids=ranked((required(each, "id"),)),
        severity=max(known) if known else severity.from_score(score),
        cvss=score,
        tool=tool,
        document=document,
    )


def _cosign(predicate: Record, source: Source, inner: Inner) -> Reading:
    """Cosign's vulnerability predicate: the scanner's own report, whole."""
    scanner = member(predicate, "scanner")
    report = scanner.get("result")
    if type(report) is not dict and type(report) is not list:
        raise Unreadable("the scanner's result is missing: nothing says that it found nothing")
    reading = inner(report, source)
    if reading.kind != "scan":
        raise Unreadable("the scanner's result is no scan")
    time = instant(_finished(predicate)) or reading.time
    timed = (replace(record, finished=time) if isinstance(record, Scan) else record for record in reading.records)
    return replace(reading, records=tuple(timed), time=time)


def _finished(predicate: Record) -> str | None:
    """When the scan ended. The published schema writes `scanMetadata` where the specification's text has `metadata`."""
    metadata = (member(predicate, key) for key in ("metadata", "scanMetadata", "scan_metadata"))
    times = (text(each, key) for each in metadata for key in ("scanFinishedOn", "scan_finished_on"))
    return next(filter(None, times), None)
