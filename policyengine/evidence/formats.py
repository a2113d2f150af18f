"""From bytes to a reading: what a document is, by its content alone, and which reader reads it.

Neither a file's name nor the declared type decides: `trivy image --format spdx` writes tag-value text that
travels as JSON, and an attacker chooses types freely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from policyengine import strictjson
from policyengine.errors import EvidenceError
from policyengine.evidence import (
    clair,
    csaf,
    cyclonedx,
    gitlab,
    grype,
    harbor,
    intoto,
    osv,
    prisma,
    sarif,
    snyk,
    spdx,
    spdx3,
    tagvalue,
    trivy,
    vex,
    xmlbom,
)
from policyengine.evidence.fields import Unreadable, path_of
from policyengine.evidence.reading import Reading, Source

_LINES = 1_000  # statements in one file; real ones hold a handful
_LOOK = 65_536  # bytes within which a document has to show what it is
Reader = Callable[[Any, Source], Reading]


def sniff(data: bytes) -> str | None:
    """The family of formats that `data` belongs to ("sarif", "spdx-tag-value"…), or `None` for any other bytes."""
    try:
        return _recognised(data)[0]
    except EvidenceError:
        return None


def read(data: bytes, source: Source) -> Reading:
    """What the document `data` says. Raises `EvidenceError`, with the place, for what cannot be read whole."""
    _, reader, content = _recognised(data)
    try:
        return reader(content, source)
    except Unreadable as fault:
        raise EvidenceError(str(fault), "", *_place(fault, content, data)) from None


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

_KINDS = {
    "application/sarif+json": "scan",
    "application/sarif": "scan",
    "application/vnd.security.vulnerability.report": "scan",
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
    ("application/vnd.dsse.envelope", "unknown"),
    ("application/vnd.dev.sigstore.bundle", "unknown"),
    ("application/vnd.aquasec.trivy", "scan"),
    ("application/vnd.snyk", "scan"),
    ("application/vnd.grype", "scan"),
)
"""Types that come with versions or predicates in their names."""


# Recognising ----------------------------------------------------------------------------------------


def _recognised(data: bytes) -> tuple[str, Reader, Any]:
    """The family of `data`, its reader, and what the reader wants: the parsed JSON, else the bytes."""
    start = data.removeprefix(strictjson.BOM)[:_LOOK].lstrip()
    if not start or start[:1] in b"{[n" or data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4]:
        return _json(data)
    if start.startswith(b"<"):
        if xmlbom.is_bom(data):
            return "cyclonedx-xml", xmlbom.read, data
        raise EvidenceError("the document is XML of no known format", "", 1, 1, 0)
    for line in start.split(b"\n"):
        word = line.strip()
        if word.startswith(b"SPDXVersion:"):
            return "spdx-tag-value", tagvalue.read, data
        if word.startswith((b"spdxVersion:", b'"spdxVersion":', b"SPDXID:")):
            raise EvidenceError(
                "SPDX as YAML is not read", "attach the same SBOM as JSON or as tag-value text", 1, 1, 0
            )
        if word and not word.startswith((b"#", b"---")):
            break
    return _json(data)


def _json(data: bytes) -> tuple[str, Reader, Any]:
    try:
        value = strictjson.loads(data)
    except strictjson.JsonError as fault:
        value = _lines(data)
        if value is None:
            raise EvidenceError(fault.message, "", fault.line, fault.column, fault.offset) from None
    found = _known(value)
    if found is None:
        raise EvidenceError("the document is JSON of no known format", "", 1, 1, 0)
    return *found, value


def _lines(data: bytes) -> list[Any] | None:
    """Statements written one to a line, as `.intoto.jsonl` files hold them; `None` for anything else."""
    lines = [line for line in data.removeprefix(strictjson.BOM).split(b"\n", _LINES) if line.strip()]
    if not 1 < len(lines) < _LINES:
        return None
    try:
        values = [strictjson.loads(line) for line in lines]
    except strictjson.JsonError:
        return None
    return values if intoto.is_statement(values) else None


def _known(value: Any) -> tuple[str, Reader] | None:
    """The family and the reader of a JSON value."""
    return next(((name, reader) for name, belongs, reader in _JSON if belongs(value)), None)


def _inner(value: Any, source: Source) -> Reading:
    """A document inside another one, which is no envelope again."""
    found = _known(value)
    if found is None or found[0] == "in-toto":
        raise Unreadable("it holds a document of no known format")
    return found[1](value, source)


def _statements(value: Any, source: Source) -> Reading:
    return intoto.read(value, source, _inner)


def _keys(*names: str) -> Callable[[Any], bool]:
    wanted = frozenset(names)
    return lambda value: type(value) is dict and wanted <= value.keys()


def _has(value: Any, key: str, *inner: str) -> bool:
    """Whether the objects in the array at `key`, or some, have all the `inner` keys."""
    listed = value.get(key) if type(value) is dict else None
    return type(listed) is list and any(type(each) is dict and set(inner) <= each.keys() for each in listed)


def _is_older_trivy(value: Any) -> bool:
    """The bare array of results of Trivy's first schema.

    Where it found nothing it wrote `null`, which any broken pipeline may write too: that is no scan.
    """
    marks = {"Target", "Vulnerabilities"}
    return type(value) is list and bool(value) and all(type(e) is dict and marks <= e.keys() for e in value)


def _is_harbor(value: Any) -> bool:
    return type(value) is dict and any(key.startswith(harbor.MEDIA_TYPE) for key in value)


def _is_snyk(value: Any) -> bool:
    projects = value if type(value) is list else [value]
    marks = {"vulnerabilities", "dependencyCount"}
    return bool(projects) and all(type(each) is dict and marks <= each.keys() for each in projects)


_JSON: tuple[tuple[str, Callable[[Any], bool], Reader], ...] = (
    ("in-toto", intoto.is_statement, _statements),
    ("sarif", _keys("runs", "version"), sarif.read),
    ("cyclonedx", lambda value: type(value) is dict and value.get("bomFormat") == "CycloneDX", cyclonedx.read),
    ("spdx", _keys("spdxVersion"), spdx.read),
    ("spdx", lambda value: type(value) is dict and value.get("SPDXID") == "SPDXRef-DOCUMENT", spdx.read),
    ("spdx", spdx3.is_spdx3, spdx3.read),
    ("openvex", vex.is_openvex, vex.read),
    ("csaf", csaf.is_csaf, csaf.read),
    ("grype", _keys("matches", "descriptor"), grype.read),
    ("trivy", _keys("SchemaVersion"), trivy.read),
    ("trivy", _keys("ArtifactName", "Results"), trivy.read),
    ("trivy", _is_older_trivy, trivy.read),
    ("osv", lambda value: _has(value, "results", "packages", "source"), osv.read),
    ("prisma", lambda value: _has(value, "results", "distro") or _has(value, "results", "compliances"), prisma.read),
    ("harbor", _is_harbor, harbor.read),
    ("clair", _keys("package_vulnerabilities", "vulnerabilities"), clair.read),
    ("clair-scanner", _keys("unapproved", "vulnerabilities"), clair.read_scanner),
    ("gitlab", _keys("scan", "vulnerabilities"), gitlab.read),
    ("snyk", _is_snyk, snyk.read),
)
"""The formats in JSON, in the order in which they are told apart."""
