"""A good document of every format that is read, by family, and what must hold of any bytes that a reader is given."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from policyengine.errors import EvidenceError
from policyengine.evidence import formats, pieces
from policyengine.evidence.reading import Source, summarise
from tests.evidence import test_scanners, test_tools, test_xmlreports
from tests.evidence.mutations import VALUES, mutated, paths
from tests.fuzz.mutation import damaged

HERE = Path(__file__).parent / "documents"
IMAGE = "sha256:" + "a" * 64
SOURCE = Source("sha256:" + "1" * 64, image=(IMAGE,))

Json = dict[str, Any]
LIBRARY = "pkg:npm/a@1"


def statement(kind: str, predicate: Any) -> Json:
    subject = [{"name": "app", "digest": {"sha256": "a" * 64}}]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": kind,
        "predicate": predicate,
    }


def envelope(payload: Json) -> Json:
    written = base64.b64encode(json.dumps(payload).encode()).decode()
    return {"payloadType": "application/vnd.in-toto+json", "payload": written, "signatures": [{"sig": "eA=="}]}


OPENVEX = {
    "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "A", "timestamp": "2026-01-01T00:00:00Z",
    "statements": [{"vulnerability": {"name": "CVE-2024-0001", "aliases": ["GHSA-2222-3333-4444"]},
                    "products": [{"@id": LIBRARY, "subcomponents": []}, {"@id": f"pkg:oci/app@{IMAGE}",
                                 "subcomponents": [{"@id": LIBRARY}]}],
                    "status": "not_affected", "justification": "component_not_present"}],
}  # fmt: skip
CSAF = {
    "document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "V"},
                 "tracking": {"status": "final", "current_release_date": "2026-01-01T00:00:00Z"}},
    "product_tree": {
        "branches": [{"category": "vendor", "branches": [
            {"product": {"product_id": "P", "product_identification_helper": {"purl": LIBRARY}}}]}],
        "relationships": [{"category": "default_component_of", "product_reference": "P",
                           "relates_to_product_reference": "Q", "full_product_name": {"product_id": "P:Q"}}],
        "product_groups": [{"group_id": "G", "product_ids": ["P"]}]},
    "vulnerabilities": [{"cve": "CVE-2024-0001", "product_status": {"known_not_affected": ["P", "P:Q"]},
                         "flags": [{"label": "component_not_present", "group_ids": ["G"]}],
                         "threats": [{"category": "impact", "details": "none", "product_ids": ["P"]}]}],
}  # fmt: skip
BOM_VEX = test_tools.cyclonedx(
    "1.5", {"type": "library", "name": "a", "bom-ref": "a", "purl": LIBRARY},
    vulnerabilities=[{"id": "CVE-2024-0001", "analysis": {"state": "not_affected", "justification": "code_not_present"},
                      "affects": [{"ref": "a", "versions": [{"version": "1", "status": "unaffected"}]}]}],
)  # fmt: skip
PROVENANCE = statement(
    "https://slsa.dev/provenance/v1",
    {"buildDefinition": {"buildType": "b", "externalParameters": {},
                         "resolvedDependencies": [{"uri": "git+https://a", "digest": {"gitCommit": "x"}}]},
     "runDetails": {"builder": {"id": "https://b"}, "metadata": {"finishedOn": "2026-01-01T00:00:00Z"}}},
)  # fmt: skip
VULNERABILITIES = statement(
    "https://in-toto.io/attestation/vulns/v0.2",
    {"scanner": {"uri": "pkg:x", "version": "1", "result": [{"id": "CVE-2024-0001", "severity": [
        {"method": "nvd", "score": "HIGH"}]}]}, "metadata": {"scanFinishedOn": "2026-01-01T00:00:00Z"}},
)  # fmt: skip
COSIGN = statement(
    "https://cosign.sigstore.dev/attestation/vuln/v1",
    {"scanner": {"uri": "trivy", "result": test_tools.TRIVY_TEMPLATE}, "metadata": {}},
)
WITNESS = statement(
    "https://witness.testifysec.com/attestation-collection/v0.1",
    {"name": "scan", "attestations": [
        {"type": "https://witness.dev/attestations/command-run/v0.1", "attestation": {"exitcode": 0}},
        {"type": "https://witness.dev/attestations/vex/v0.1", "attestation": {"vexDocument": OPENVEX},
         "endtime": "2026-01-01T00:00:00Z"},
        {"type": "https://spdx.dev/Document", "attestation": test_tools.KO}]},
)  # fmt: skip
XML_BOM = b"""<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4" serialNumber="urn:uuid:x" version="1">
  <metadata><timestamp>2026-01-01T00:00:00Z</timestamp><tools><tool><name>t</name><version>1</version></tool></tools>
    <component type="container"><name>app</name></component></metadata>
  <components>
    <component type="library" bom-ref="a"><group>g</group><name>a</name><version>1</version>
      <licenses><license><id>MIT</id></license><expression>MIT OR ISC</expression></licenses>
      <purl>pkg:npm/a@1</purl><components><component type="file"><name>b</name></component></components></component>
  </components>
  <vulnerabilities><vulnerability><id>CVE-2024-0001</id><analysis><state>resolved</state></analysis>
    <affects><target><ref>a</ref><versions><version><version>1</version></version></versions></target></affects>
  </vulnerability></vulnerabilities>
</bom>
"""
YAML = b"""SPDXID: SPDXRef-DOCUMENT
spdxVersion: SPDX-2.3
creationInfo: {created: '2026-01-01T00:00:00Z', creators: ["Tool: t-1"]}
packages:
- name: a
  versionInfo: 1.0
  licenseDeclared: >-
    MIT OR
    ISC
  externalRefs:
  - {referenceType: purl, referenceLocator: pkg:npm/a@1.0}
"""


def files(*names: str) -> list[bytes]:
    return [(HERE / name).read_bytes() for name in names]


def dumped(documents: Iterable[Any]) -> list[bytes]:
    return [each if isinstance(each, bytes) else json.dumps(each).encode() for each in documents]


@cache
def good() -> dict[str, list[bytes]]:
    """Good documents by family."""
    sarif = [document for document, _ in test_tools.SARIF.values()]
    reports = [document for document, _ in test_tools.REPORTS.values()]
    sboms = [document for document, _ in test_tools.SBOMS.values()]
    statements = [PROVENANCE, VULNERABILITIES, COSIGN, WITNESS, statement("https://openvex.dev/ns", OPENVEX)]
    return {
        "sarif": [*files("trivy.sarif.json"), *dumped(sarif)],
        "reports": [*files("trivy.json"), *dumped(reports), *dumped(test_scanners.REPORTS)],
        "sboms": [*files("sbom.spdx.json", "sbom.cdx.json", "syft.cdx.json"), *dumped(sboms)],
        "attestations": dumped([*statements, *map(envelope, statements), OPENVEX, CSAF, BOM_VEX]),
        "texts": [*files("sbom.spdx", "syft.spdx"), test_tools.BOM, YAML, XML_BOM, test_xmlreports.JUNIT,
                  test_xmlreports.COBERTURA, test_xmlreports.JACOCO],
    }  # fmt: skip


def changed(random: Random, family: str) -> bytes:
    """A document of a family, with some of its values or of its bytes changed."""
    data = random.choice(good()[family])
    if data.lstrip()[:1] in (b"{", b"[") and random.random() < 0.7:
        for _ in range(random.randint(1, 3)):
            parsed = json.loads(data)
            places = list(paths(parsed))
            if not places:
                break
            data = mutated(parsed, random.choice(places), random.choice(VALUES)) or data
            if b'"\\ue000"' in data or random.random() < 0.5:
                break
    return damaged(random, data) if random.random() < 0.5 else data


def check(data: bytes) -> None:
    """Reading `data` gives a reading or a reason, the same in pieces as at once, and both can be shown."""
    at_once = outcome(data, pieces.SMALL)
    in_pieces = outcome(data, 64)
    if isinstance(at_once, EvidenceError):
        assert at_once.message, "a reason has words"
        assert at_once.message.isprintable(), at_once.message
        assert len(at_once.message) < 1_000, at_once.message
        assert isinstance(in_pieces, EvidenceError)  # for another reason perhaps, if there are two
        return
    assert in_pieces == at_once
    summary = summarise(at_once)
    assert json.dumps(summary, default=str)
    assert all(isinstance(each, str) and len(each) < 1_000 for each in summary["warnings"]), summary["warnings"]


def outcome(data: bytes, small: int) -> Any:
    """What reading `data` comes to in pieces of `small` bytes."""
    before, pieces.SMALL = pieces.SMALL, small
    try:
        return formats.read(data, SOURCE)
    except EvidenceError as error:
        return error
    finally:
        pieces.SMALL = before
