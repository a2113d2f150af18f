"""What a document is: by content alone, and what a declared type promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.reading import Source
from tests.evidence.patience import soon

DOCUMENTS = Path(__file__).parent / "documents"
SOURCE = Source("sha256:d")


def refusal(data: bytes) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        formats.read(data, SOURCE)
    return caught.value


SARIF = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": []}]}'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"null", "no known format"),
        (b"[]", "no known format"),
        (b"{}", "no known format"),
        (b'"sarif"', "no known format"),
        (b"hello", "is of no known format"),
        (b"Registry,Repository,Tag\n", "is of no known format"),
        (b"true story", "trailing"),
        (b"<analysis xmlns='https://x/dependency-check.2.5.xsd'/>", "Dependency-Check in XML"),
        (b"<html></html>", "XML of no known format"),
        (b"<bom", "broken"),
        (b'{"runs": [], "runs": []}', "twice"),
        (b'{"runs": [{"a": 1}], "version": "2.1.0", "x": {"a": 1, "\\u0061": 2}}', "twice"),
        (SARIF.encode("utf-16"), "UTF-16"),
        (SARIF.encode("utf-16-le"), "UTF-16"),
        (SARIF.encode("utf-16-be")[:-1], "whole UTF-16"),
        (b"\xff\xfe{\x00\x00\xd8}\x00", "whole UTF-16"),
        (SARIF.encode("utf-32"), "whole UTF-16"),
        (b'{"a":' * 100_000, "nested deeper"),
        (b"[" * 100_000, "nested deeper"),
        (b"spdxVersion: SPDX-2.3\nname: [x\n", "the YAML is broken"),
        (b"---\nSPDXID: SPDXRef-DOCUMENT\nspdxVersion: SPDX-2.3\nname: a\nname: b\n", "occurs twice"),
        (b"spdxVersion: SPDX-2.3\npackages: &a [*a]\n", "anchor"),
        (b"spdxVersion: SPDX-2.3\npackages: *a\n", "alias"),
        (b"spdxVersion: !!python/name:os.system x\n", "tag"),
        (b"spdxVersion: SPDX-2.3\n---\nspdxVersion: SPDX-2.2\n", "several documents"),
        (b"spdxVersion: SPDX-2.3\n? [a]\n: b\n", "not a text"),
        (b"spdxVersion: SPDX-2.3\n<<: {packages: []}\npackages: x\n", "not an array"),
        (b"spdxVersion: SPDX-2.3\nx: " + b"[" * 600 + b"]" * 600, "nested deeper"),
        (b"spdxVersion: \xff\n", "UTF-8"),
        (b"spdxVersion: SPDX-2.3\nx: " + b"a" * 9_000_000, "more than"),
        (b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>', "RDF"),
        (b"<?xml version='1.0'?><Document><SPDXID>SPDXRef-DOCUMENT</SPDXID></Document>", "SPDX as XML"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><bom/>', "document type"),
    ],
)
def test_what_is_refused_and_why(data: bytes, reason: str) -> None:
    with soon():
        assert reason in refusal(data).message
    assert formats.sniff(data) in {None, "sarif", "spdx-yaml"}


def test_a_document_of_two_formats_is_refused() -> None:
    """Two readers would see two documents in it, each with its own findings or none."""
    both = {"version": "2.1.0", "runs": [], "bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}
    assert refusal(json.dumps(both).encode()).message == "the document claims to be sarif and cyclonedx at once"


def test_the_place_of_a_fault_is_told() -> None:
    error = refusal(b'{"version": "2.1.0",\n "runs": [1,]}')
    assert (error.line, error.column) == (2, 13)
    assert refusal(b"SPDXVersion: SPDX-2.3\n\nno tag at all\n").line == 3
    error = refusal(b'{"version": "2.1.0",\n "runs": [\n  {"tool": {},\n   "results": null}]}')
    assert (error.line, error.column) == (4, 4)
    error = refusal(b'\xef\xbb\xbf{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 5}')
    assert (error.line, error.column) == (1, 50)
    error = refusal(b'<bom xmlns="http://cyclonedx.org/schema/bom/1.4">\n<a></b></bom>')
    assert (error.line, error.column) == (2, 6)


@pytest.mark.parametrize("name", ["sbom.spdx", "sbom.spdx.json", "sbom.cdx.json", "trivy.sarif.json"])
def test_a_byte_order_mark_and_blank_lines_are_skipped(name: str) -> None:
    data = (DOCUMENTS / name).read_bytes()
    assert formats.read(b"\xef\xbb\xbf" + data, SOURCE) == formats.read(data, SOURCE)
    assert formats.read(b"\n\n" + data, SOURCE) == formats.read(data, SOURCE)


@pytest.mark.parametrize(
    ("declared", "kind", "format"),
    [
        ("application/sarif+json", "scan", "sarif"),
        ("Application/SARIF+JSON; charset=utf-8", "scan", "sarif"),
        ("application/spdx+json", "sbom", "spdx-json"),
        ("text/spdx", "sbom", "spdx-tag-value"),
        ("application/vnd.cyclonedx+json; version=1.6", "sbom", "cyclonedx-json"),
        ("application/vnd.openvex+json", "vex", "openvex"),
        ("application/vnd.in-toto+json", "unknown", None),
        ("application/vnd.in-toto.provenance+dsse", "unknown", None),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", "unknown", None),
        ("application/json", "unknown", None),
        ("application/octet-stream", "unknown", None),
        ("application/vnd.cncf.notary.signature", None, None),
        ("application/vnd.oci.image.config.v1+json", None, None),
        ("", None, None),
    ],
)
def test_what_a_declared_type_promises(declared: str, kind: str | None, format: str | None) -> None:
    assert formats.declared_kind(declared) == kind
    assert formats.declared_format(declared) == format


def test_the_names_of_formats_begin_as_promised() -> None:
    promised = {"sbom.spdx": "text/spdx", "sbom.cdx.json": "application/vnd.cyclonedx+json"}
    for name, declared in promised.items():
        expected = formats.declared_format(declared)
        assert expected is not None
        assert formats.read((DOCUMENTS / name).read_bytes(), SOURCE).format.startswith(expected)


def test_a_foreign_text_in_a_message_is_short_and_printable() -> None:
    evil = "\x1b[2J" + "A" * 5000
    for data in (
        json.dumps({"version": evil, "runs": [{}]}),
        json.dumps({"bomFormat": "CycloneDX", "specVersion": evil}),
        json.dumps({"spdxVersion": evil, "packages": []}),
        json.dumps({"document": {"csaf_version": evil}}),
        json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": evil}}}]}),
        "SPDXVersion: x\n" + evil,
    ):
        message = refusal(data.encode()).message
        assert message.isprintable()
        assert len(message) < 250
