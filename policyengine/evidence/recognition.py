"""What a document is, by its content, and which reader reads it.

Readers are imported when a document of theirs turns up: one evaluation sees two or three of twenty formats,
and importing them all takes longer than reading a small document.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from policyengine import strictjson
from policyengine.errors import EvidenceError
from policyengine.evidence import marks, pieces
from policyengine.evidence.fields import Unreadable, is_array
from policyengine.evidence.pieces import Document
from policyengine.evidence.reading import Reading, Source

Reader = Callable[[Any, Source], Reading]
_LINES = 1_000  # statements in one file; real ones hold a handful
_LOOK = 65_536  # bytes within which a document has to show what it is
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_TEXTS = (
    (re.compile(rb"^SPDXVersion:", re.MULTILINE), "spdx-tag-value", "tagvalue"),
    (re.compile(rb"^[\"']?(?:spdxVersion|SPDXID)[\"']?[ \t]{0,100}:", re.MULTILINE), "spdx-yaml", "yamltext"),
)
"""Texts of lines, and what one of their lines begins with; tag-value first, which can look like YAML."""


def recognised(data: bytes) -> tuple[str, Reader, Any]:
    """The family of `data`, its reader, and what that wants: the parsed JSON (in a `Document`), else the bytes.

    Raises `EvidenceError` for bytes of no known format and for broken syntax, and `JsonError` for that of a piece.
    """
    start = data.removeprefix(strictjson.BOM)[:_LOOK].lstrip()
    if start[:1] in (b"", b"{", b"["):
        return _json(data)
    if start.startswith(b"<"):
        return _xml(data)
    for mark, family, module in _TEXTS:
        if mark.search(start):
            return family, _reader(module), data
    if not _SCALAR.match(start):
        raise EvidenceError("the document is of no known format", "", 1, 1, 0)
    return _json(data)


_SCALAR = re.compile(rb'["0-9-]|true|false|null')


def _reader(module: str, name: str = "read") -> Reader:
    """The function `name` of a reader's module, imported on its first call."""

    def read(content: Any, source: Source) -> Reading:
        found: Reader = getattr(import_module(f"policyengine.evidence.{module}"), name)
        return found(content, source)

    return read


def _xml(data: bytes) -> tuple[str, Reader, Any]:
    from policyengine.evidence import xmlbom, xmlreports, xmlroot

    root = xmlroot.root(data)
    if not root.namespace and root.name in xmlreports.FORMS:
        return xmlreports.FORMS[root.name], xmlreports.read, data
    if root.doctype:
        raise EvidenceError("the XML declares a document type, which evidence has no use for")
    if root.namespace.startswith(xmlbom.NAMESPACE) and root.name == "bom":
        return "cyclonedx-xml", xmlbom.read, data
    if root.namespace == _RDF or (not root.namespace and root.name == "Document"):
        form = "RDF" if root.namespace else "XML"
        raise EvidenceError(f"SPDX as {form} is not read", "attach the same SBOM as JSON or as tag-value text", 1, 1, 0)
    if "dependency-check" in root.namespace:
        raise EvidenceError("a report of Dependency-Check in XML is not read", "attach it as JSON or SARIF", 1, 1, 0)
    raise EvidenceError("the document is XML of no known format", "", 1, 1, 0)


def _json(data: bytes) -> tuple[str, Reader, Any]:
    try:
        document = pieces.loads(data)
    except strictjson.JsonError as fault:
        listed = _lines(data)
        if listed is None:
            from policyengine.evidence import strangers

            plain = EvidenceError(fault.message, "", fault.line, fault.column, fault.offset)
            raise strangers.stream(data) or plain from None
        if not is_statement(listed):
            raise _stranger(listed) from None
        document = Document(listed)
    found = _known(document.value)
    if len(found) != 1:
        document.finish()  # a fault in the text comes before one in what it says
    if not found:
        raise _stranger(document.value)
    if len(found) > 1:
        raise EvidenceError(f"the document claims to be {' and '.join(found)} at once", "", 1, 1, 0)
    return *next(iter(found.items())), document


def _stranger(value: Any) -> EvidenceError:
    from policyengine.evidence import strangers

    return strangers.refusal(value)


def _lines(data: bytes) -> list[Any] | None:
    """Values written one to a line, as `.intoto.jsonl` files hold statements; `None` for anything else."""
    lines = [line for line in data.removeprefix(strictjson.BOM).split(b"\n", _LINES) if line.strip()]
    if not 1 < len(lines) < _LINES:
        return None
    try:
        return [strictjson.loads(line) for line in lines]
    except strictjson.JsonError:
        return None


def _known(value: Any) -> dict[str, Reader]:
    """The families that a JSON value belongs to, each with the reader that fits best."""
    found: dict[str, Reader] = {}
    for name, belongs, reader in _FORMATS:
        if belongs(value):
            found.setdefault(name, reader)
    return found


def _inner(value: Any, source: Source) -> Reading:
    """A document inside another one, which is no envelope again."""
    found = _known(value)
    if len(found) != 1 or "in-toto" in found:
        raise Unreadable("it holds a document of no known format")
    return next(iter(found.values()))(value, source)


def _statements(value: Any, source: Source) -> Reading:
    from policyengine.evidence import intoto

    return intoto.read(value, source, _inner)


# Marks of the formats -------------------------------------------------------------------------------

STATEMENT = "https://in-toto.io/Statement/"
BUNDLE = "application/vnd.dev.sigstore.bundle"
OPENVEX = "https://openvex.dev/ns"
SPDX3 = "https://spdx.org/rdf/3.0"


def is_statement(value: Any) -> bool:
    """Whether `value` is an in-toto statement, or something that statements travel in; lists do not nest."""
    if type(value) is list:
        return bool(value) and all(type(each) is dict and is_statement(each) for each in value)
    if type(value) is not dict:
        return False
    return (
        {"payloadType", "payload"} <= value.keys()
        or marks.begins(value.get("_type"), STATEMENT)
        or marks.begins(value.get("mediaType"), BUNDLE)
        or "provenance_summary" in value
        or type(value.get("attestations")) is list
    )


def _is_openvex(value: Any) -> bool:
    """A document under its context, or under the empty one that `vexctl merge` once wrote."""
    context = value.get("@context") if type(value) is dict else None
    return marks.begins(context, OPENVEX) or (
        context == "" and marks.has(value, "statements", "vulnerability", "status")
    )


def _is_csaf(value: Any) -> bool:
    document = value.get("document") if type(value) is dict else None
    return type(document) is dict and "csaf_version" in document


def _is_mislabelled_cyclonedx(value: Any) -> bool:
    """A BOM by its parts whose `bomFormat` is something else, or missing."""
    own = type(value) is dict and type(value.get("specVersion")) is str and value.get("bomFormat") != "CycloneDX"
    return (
        own and ("bomFormat" in value or "cyclonedx" in str(value.get("$schema"))) and is_array(value.get("components"))
    )


def _is_spdx3(value: Any) -> bool:
    if type(value) is not dict or type(value.get("@graph")) is not list:
        return False
    context = value.get("@context")
    return any(marks.begins(each, SPDX3) for each in (context if type(context) is list else [context]))


def _is_wrapped_spdx(value: Any) -> bool:
    """What GitHub's API answers: the document under the key `sbom`."""
    inner = value.get("sbom") if type(value) is dict else None
    return type(inner) is dict and "spdxVersion" in inner


def _unwrapped_spdx(value: Any, source: Source) -> Reading:
    return _reader("spdx")(value["sbom"], source)


_FORMATS: tuple[tuple[str, Callable[[Any], bool], Reader], ...] = (
    ("in-toto", is_statement, _statements),
    ("sarif", marks.keys("runs", "version"), _reader("sarif")),
    ("cyclonedx", marks.says("bomFormat", "CycloneDX"), _reader("cyclonedx")),
    ("cyclonedx", _is_mislabelled_cyclonedx, _reader("cyclonedx", "read_mislabelled")),
    ("spdx", _is_spdx3, _reader("spdx3")),
    ("spdx", marks.keys("spdxVersion"), _reader("spdx")),
    ("spdx", marks.says("SPDXID", "SPDXRef-DOCUMENT"), _reader("spdx")),
    ("spdx", _is_wrapped_spdx, _unwrapped_spdx),
    ("syft", marks.keys("artifacts", "descriptor"), _reader("syft")),
    ("github-snapshot", marks.keys("manifests", "detector", "version"), _reader("syft", "read_snapshot")),
    ("openvex", _is_openvex, _reader("vex")),
    ("csaf", _is_csaf, _reader("csaf")),
    ("grype", marks.keys("matches", "descriptor"), _reader("grype")),
    ("trivy", marks.keys("SchemaVersion"), _reader("trivy")),
    ("trivy", marks.keys("ArtifactName", "Results"), _reader("trivy")),
    ("trivy", marks.is_older_trivy, _reader("trivy")),
    ("trivy", marks.keys("ClusterName"), _reader("trivy", "read_cluster")),
    ("osv", marks.is_osv, _reader("osv")),
    ("prisma", lambda value: marks.has(value, "results", "distro"), _reader("prisma")),
    ("prisma", lambda value: marks.has(value, "results", "compliances"), _reader("prisma")),
    ("harbor", marks.is_harbor, _reader("harbor")),
    ("trivy", marks.is_trivy_operator, _reader("trivyoperator")),
    ("sysdig", marks.is_sysdig, _reader("sysdig")),
    ("aqua", marks.keys("image", "resources", "scan_started"), _reader("aqua")),
    ("anchore", marks.keys("imageDigest", "vulnerabilities", "vulnerability_type"), _reader("anchore")),
    ("anchore", marks.is_anchorectl, _reader("anchore", "read_list")),
    ("clair", marks.keys("package_vulnerabilities", "vulnerabilities"), _reader("clair")),
    ("stackrox", marks.is_roxctl, _reader("stackrox")),
    ("stackrox", marks.is_stackrox, _reader("stackrox", "read_image")),
    ("neuvector", marks.is_neuvector, _reader("neuvector")),
    ("quay", marks.is_quay, _reader("clair", "read_quay")),
    ("klar", marks.keys("LayerCount", "Vulnerabilities"), _reader("clair", "read_klar")),
    ("clair-scanner", marks.keys("unapproved", "vulnerabilities"), _reader("clair", "read_scanner")),
    ("gitlab", marks.keys("scan", "vulnerabilities"), _reader("gitlab")),
    ("gitlab", marks.is_older_gitlab, _reader("gitlab", "read_older")),
    ("dependency-check", marks.keys("reportSchema", "scanInfo", "dependencies"), _reader("dependencycheck")),
    ("dependency-track", marks.is_dependency_track, _reader("dependencytrack")),
    ("checkov", marks.is_checkov, _reader("checkov")),
    ("snyk", marks.is_snyk, _reader("snyk")),
)
"""The formats in JSON. A document that belongs to two families is refused: two readers would see two documents."""
