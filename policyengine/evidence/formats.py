"""From bytes to a reading: what a document is, by its content alone, and which reader reads it.

Neither a file's name nor the declared type decides: `trivy image --format spdx` writes tag-value text that
travels as JSON, and an attacker chooses types freely.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from policyengine import strictjson
from policyengine.errors import EvidenceError
from policyengine.evidence import unicode
from policyengine.evidence.fields import Unreadable, path_of
from policyengine.evidence.pieces import Document
from policyengine.evidence.reading import Reading, Source
from policyengine.evidence.recognition import Reader, recognised


def sniff(data: bytes) -> str | None:
    """The family of formats that `data` belongs to ("sarif", "spdx-tag-value"…), or `None` for any other bytes."""
    try:
        return recognised(unicode.narrowed(data))[0]
    except (EvidenceError, strictjson.JsonError):
        return None


def read(data: bytes, source: Source) -> Reading:
    """What the document `data` says. Raises `EvidenceError`, with the place, for what cannot be read whole."""
    text = unicode.narrowed(data)
    if text is not data:
        return _narrowed(read(text, source))
    with _uncollected():
        try:
            _, reader, content = recognised(data)
            return _read(reader, content, data, source)
        except strictjson.JsonError as fault:
            raise _located(fault, data) from None


def _read(reader: Reader, content: Document | bytes, data: bytes, source: Source) -> Reading:
    """The reading of what is read whole. A fault in the text comes before one in what it says."""
    document = content if isinstance(content, Document) else Document(content)
    try:
        reading = reader(document.value, source)
    except Unreadable as fault:
        document.finish()
        raise EvidenceError(str(fault), "", *_place(fault, document.value, data)) from None
    document.finish()
    return reading


def _located(fault: strictjson.JsonError, data: bytes) -> EvidenceError:
    """The `fault` of a piece as that of the whole document, where it has a place."""
    try:
        strictjson.loads(data)
    except strictjson.JsonError as known:
        fault = known
    return EvidenceError(fault.message, "", fault.line, fault.column, fault.offset)


def _narrowed(reading: Reading) -> Reading:
    """The reading of a document in UTF-16. SBOMs exist that are; of other formats nobody writes it."""
    if reading.kind != "sbom":
        raise EvidenceError("the text is UTF-16, and has to be UTF-8", "", 1, 1, 0)
    return replace(reading, warnings=(*reading.warnings, "it is UTF-16, where UTF-8 belongs"))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Pause the search for cycles: a document is a tree, and looking through it again and again takes half the time."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _place(fault: Unreadable, content: Any, data: bytes) -> tuple[int | None, int | None, int | None]:
    """Line, column and offset of a fault in a JSON text, as near as it is known."""
    if type(content) is bytes:
        return None, None, None
    path = list((path_of(content, fault.holder) if fault.holder is not None else None) or ())
    if fault.holder is not None and fault.key is not None and fault.key in fault.holder:
        path.append(fault.key)
    offset = strictjson.locate(data, path)
    return (None, None, None) if offset is None else (*strictjson.place(data, offset), offset)


# Declared types -------------------------------------------------------------------------------------


def essence(artifact_type: str) -> str:
    """A media type without its parameters, in lower case."""
    return artifact_type.partition(";")[0].strip().lower()


def declared_kind(artifact_type: str) -> str | None:
    """The kind of document that an artifact type or layer media type promises.

    "unknown" where only the content can tell, and `None` where the type is that of something else.
    """
    name = essence(artifact_type)
    return _KINDS.get(name) or next((kind for prefix, kind in _PREFIXES if name.startswith(prefix)), None)


def kinds_beside(artifact_type: str) -> frozenset[str]:
    """The kinds that a document of this type may be besides the declared one: CycloneDX lists vulnerabilities, too."""
    name = essence(artifact_type)
    return next((kinds for prefix, kinds in _BESIDE if name.startswith(prefix)), frozenset())


def declared_format(artifact_type: str) -> str | None:
    """How the names of the formats begin that an artifact type promises; `None` where it promises none."""
    return _FORMATS.get(essence(artifact_type))


_FORMATS = {
    "application/sarif+json": "sarif",
    "application/spdx+json": "spdx-json",
    "text/spdx": "spdx-tag-value",
    "text/spdx+tag-value": "spdx-tag-value",
    "application/vnd.cyclonedx+json": "cyclonedx-json",
    "application/vnd.cyclonedx+xml": "cyclonedx-xml",
    "application/openvex+json": "openvex",
    "application/vnd.openvex+json": "openvex",
    "application/csaf+json": "csaf",
}

_BESIDE = (
    ("application/vnd.cyclonedx", frozenset({"scan", "vex"})),
    ("application/vnd.docker.attestation.manifest", frozenset({"sbom"})),
)
_KINDS = {
    "application/sarif+json": "scan",
    "application/sarif": "scan",
    "application/vnd.security.vulnerability.report": "scan",
    "application/vnd.scanner.adapter.vuln.report.harbor+json": "scan",
    "application/vnd.redhat.clair-report+json": "scan",
    "application/spdx+json": "sbom",
    "application/spdx": "sbom",
    "application/spdx+xml": "sbom",
    "application/spdx+yaml": "sbom",
    "text/spdx": "sbom",
    "text/spdx+json": "sbom",
    "text/spdx+tag-value": "sbom",
    "text/spdx+xml": "sbom",
    "application/vnd.cyclonedx": "sbom",
    "application/vnd.cyclonedx+json": "sbom",
    "application/vnd.cyclonedx+xml": "sbom",
    "application/vnd.syft+json": "sbom",
    "application/vnd.goharbor.harbor.sbom.v1": "sbom",
    "application/vex+json": "vex",
    "application/openvex+json": "vex",
    "application/vnd.openvex": "vex",
    "application/vnd.openvex+json": "vex",
    "application/csaf+json": "vex",
    "application/json": "unknown",
    "application/octet-stream": "unknown",
    "application/xml": "unknown",
    "text/plain": "unknown",
    "text/json": "unknown",
    "text/xml": "unknown",
}
_PREFIXES = (
    ("application/vnd.in-toto", "unknown"),
    ("application/vnd.docker.attestation.manifest", "provenance"),
    ("application/vnd.dsse.envelope", "unknown"),
    ("application/vnd.dev.sigstore.bundle", "unknown"),
    ("application/vnd.aquasec.trivy", "scan"),
    ("application/vnd.snyk", "scan"),
    ("application/vnd.grype", "scan"),
)
"""Types that come with versions or predicates in their names."""
