"""An advisory about several vulnerabilities: what excuses one of them excuses no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from policyengine import PolicySet
from policyengine.decision.model import Decision
from policyengine.evidence import formats
from policyengine.evidence.assembly import Document, Evidence
from policyengine.evidence.model import Image, Scan
from policyengine.evidence.reading import Source
from policyengine.strictjson import loads as strict
from tests.example import build

AT = datetime(2026, 11, 22, 20, tzinfo=UTC)
PURL = "pkg:rpm/amzn/openssl@1.0.2"
GRYPE = {
    "matches": [
        {
            "vulnerability": {"id": "ALAS-2024-1", "severity": "Critical"},
            "relatedVulnerabilities": [{"id": "CVE-2024-0001"}, {"id": "CVE-2024-0002"}],
            "artifact": {"name": "openssl", "version": "1.0.2", "purl": PURL},
        }
    ],
    "descriptor": {"name": "grype", "timestamp": "2026-11-22T19:00:00Z"},
}
RULE = 'rule no-high deny "no high finding" forbid finding where finding.severity >= HIGH'
EXCUSED = "unless some vex where vex covers finding and vex.status is NOT_AFFECTED"


def vex(*names: str) -> dict[str, Any]:
    statements = [
        {"vulnerability": {"name": name}, "products": [{"@id": PURL}], "status": "not_affected",
         "justification": "component_not_present"}
        for name in names
    ]  # fmt: skip
    return {"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": "2026-11-22T19:00:00Z", "statements": statements}


def waiver(name: str) -> str:
    return f'waive no-high for finding where finding.id is "{name}" owner "o" reason "r" expires 2026-12-31'


def document(content: Any, digest: str) -> Document:
    """A document that somebody trusted signed."""
    data = build.compact(content)
    assert strict(data) == content
    reading = formats.read(data, Source(digest))
    return Document(digest, "application/json", frozenset({reading.kind}), reading.records, signed=True)


def decided(items: str, *contents: Any) -> Decision:
    documents = tuple(document(content, f"sha256:{number}") for number, content in enumerate((GRYPE, *contents)))
    return PolicySet.parse(f"policy p {items}").decide(Evidence(Image("sha256:image"), documents), at=AT)


@pytest.mark.parametrize(
    ("waived", "decision"),
    [
        (["CVE-2024-0001"], "deny"),
        (["CVE-2024-0002"], "deny"),
        (["CVE-2024-0001", "CVE-2024-0002"], "allow"),
        (["ALAS-2024-1"], "allow"),
    ],
)
def test_a_waiver_of_one_vulnerability_waives_no_other(waived: list[str], decision: str) -> None:
    assert decided("\n".join([RULE, *map(waiver, waived)])).decision == decision


@pytest.mark.parametrize(
    ("names", "decision"),
    [(["CVE-2024-0001"], "deny"), (["CVE-2024-0002"], "deny"), (["CVE-2024-0001", "CVE-2024-0002"], "allow")],
)
def test_a_statement_about_one_vulnerability_excuses_no_other(names: list[str], decision: str) -> None:
    assert decided(f"{RULE} {EXCUSED}", vex(*names)).decision == decision


def test_an_advisory_is_one_violation_and_counts_once() -> None:
    assert [len(rule.violations) for rule in decided(RULE).rules] == [1]
    assert decided('rule r deny "few" forbid more than 1 finding where finding.severity >= HIGH').allowed
    found = decided('rule r deny "few" require every scan satisfies count(f in scan.findings) is 2')
    assert found.allowed


@pytest.mark.parametrize("name", ["CVE-2024-0001", "CVE-2024-0002", "ALAS-2024-1"])
def test_every_id_of_an_advisory_is_found(name: str) -> None:
    assert not decided(f'rule r deny "never" forbid finding where finding.id in {{ "{name}" }}').allowed


def test_what_is_read_is_what_the_scanner_wrote() -> None:
    (record,) = document(GRYPE, "sha256:scan").records
    assert isinstance(record, Scan)
    assert len(record.findings.items) == 1
