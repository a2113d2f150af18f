"""Every real document of the index is read as the index says, or a note here says why not."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.model import Finding, Provenance, Sbom, Scan, Vex
from policyengine.evidence.reading import Reading, Source, summarise
from tests.evidence.index import Row, rows

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "evidence"
ROWS = rows(DATA)

NOT_YET = {
    "spdx/spdx-example-v2.2.spdx.rdf": "nobody attaches SPDX as RDF to images: refused with a clear message",
}
"""Formats that are refused by design, with the reason."""

REFUSED = {
    "sarif/codeql-toolnames-multirun.sarif": "no run has results: all failed (SARIF 3.14.23)",
    "native/trivy-legacy-no-vuln.json": "the bare text `null` does not say who scanned what",
    "vex/trivy-vex-unknown.json": "an empty object is no document",
    "intoto/ampel-slsa-v0.2.json": "a predicate without its statement does not say what it is about",
    "intoto/cosign-vuln-predicate.json": "a predicate without its statement, and `result: null` is not a clean scan",
    "intoto/guac-certify-novuln-v02.json": "no `result`: nothing says that the scanner found nothing",
}
"""Documents whose facts say "nothing found", where nothing was looked for."""

BETTER: dict[str, tuple[dict[str, int], str]] = {
    "sarif/jfrog-xray-audit.sarif": ({"fixable": 4}, "results state `properties.fixedVersion`, such as [4.17.19]"),
    "sarif/snyk-opensource-multi-project.sarif": ({"fixable": 38}, "results state `fixes`: Upgrade to …"),
    "native/grype-many-vulns3.json": ({"fixable": 28}, "Grype 0.7 states the fix as `fixedInVersion`"),
    "native/osv-scanner-ampel.json": ({"fixable": 10}, "the ranges of each package end with a `fixed` event"),
    "native/snyk-container-issue9270.json": (
        {"VULNERABILITY": 37, "fixable": 11},
        "12 issues stand under `applications`, and `nearestFixedInVersion` and `fixedIn` name fixes",
    ),
    "spdx/spdx3-perl-mojolicious.spdx3.json": ({"with_purl": 1}, "the package URL is an `externalIdentifier`"),
    "vex/guac-rhsa.csaf.json": ({"n": 2}, "one vulnerability with two statuses makes two statements"),
    "spdx/guac-invalid-identifier.spdx.json": ({"packages": 0}, "no package has a name: three gaps instead"),
}
"""Facts where the index is wrong, with the proof."""


def read(row: Row) -> Reading:
    return formats.read((DATA / row.file).read_bytes(), Source("sha256:" + "0" * 64))


def supported(category: str) -> list[Any]:
    chosen = (row for row in ROWS if row.category == category and row.file not in NOT_YET and row.file not in REFUSED)
    return [pytest.param(row, id=row.file) for row in chosen if "parse=FAIL" not in row.facts] or [
        pytest.param(None, marks=pytest.mark.skip(reason="the folder ../shared is not there"))
    ]


def findings(reading: Reading) -> list[Finding]:
    return [found for scan in reading.records if isinstance(scan, Scan) for found in scan.findings.items]


def told(row: Row, name: str, stated: int | None) -> int | None:
    """The fact called `name`, as the index states it or as we can prove that it is."""
    return BETTER.get(row.file, ({}, ""))[0].get(name, stated)


def test_the_index_is_whole(shared: Path) -> None:
    assert len(ROWS) == 134
    named = {*NOT_YET, *REFUSED, *BETTER}
    assert named <= {row.file for row in ROWS}


@pytest.mark.parametrize("row", [row for row in ROWS if "parse=FAIL" in row.facts], ids=lambda row: row.file)
def test_a_broken_document_is_refused_with_the_place(row: Row) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(row)
    assert caught.value.line is not None


@pytest.mark.parametrize("row", [row for row in ROWS if row.file in {*NOT_YET, *REFUSED}], ids=lambda row: row.file)
def test_a_document_that_is_not_evidence_is_refused(row: Row) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(row)
    assert caught.value.message


@pytest.mark.parametrize("row", supported("sarif"))
def test_sarif(row: Row) -> None:
    if row.facts.startswith("not SARIF"):
        with pytest.raises(EvidenceError, match="no known format"):
            read(row)
        return
    reading = read(row)
    summary = summarise(reading)
    assert (reading.kind, reading.format) == ("scan", "sarif-2.1.0")
    assert summary["findings"] == row.number("findings")
    assert summary["bySeverity"] == row.table("sev")
    assert summary["fixable"] == told(row, "fixable", row.number("fixable"))
    assert summary["suppressed"] == row.number("suppressed")
    ids = {found.ids[0] for found in findings(reading)}
    assert len(ids) == row.number("ids") or "jfrog" in row.file  # there the index counts package versions as ids
    if "govulncheck" not in row.file:  # there the CVE ids stand in the rules' tags, and we put them first
        assert len({name for name in ids if name.startswith("CVE-")}) == row.number("cve_ids")


WORDS = {"MODERATE": "MEDIUM", "NEGLIGIBLE": "LOW", "NULL": "UNKNOWN", "NONE": "UNKNOWN"}


@pytest.mark.parametrize("row", supported("native"))
def test_native(row: Row) -> None:
    reading = read(row)
    found = findings(reading)
    kinds = Counter(each.category for each in found)
    assert kinds["VULNERABILITY"] == told(row, "VULNERABILITY", row.number("n"))
    assert kinds["SECRET"] == row.number("secrets")
    assert kinds["MISCONFIGURATION"] == row.number("misconf")
    assert kinds["LICENSE"] == row.number("licenses")
    assert sum(each.fix is not None for each in found) == told(row, "fixable", row.number("fix"))
    assert sum(each.suppressed for each in found) == row.number("suppressed")
    if "applications" in BETTER.get(row.file, ({}, ""))[1]:
        return
    severities = Counter(
        each.severity.name if each.severity is not None else "UNKNOWN"
        for each in found
        if each.category == "VULNERABILITY"
    )
    stated: Counter[str] = Counter()
    for word, count in (row.words("sev") or {}).items():
        stated[WORDS.get(word.upper(), word.upper())] += count
    assert severities == stated


@pytest.mark.parametrize("row", supported("spdx"))
def test_spdx(row: Row) -> None:
    reading = read(row)
    summary = summarise(reading)
    assert reading.kind == "sbom"
    assert summary["packages"] == told(row, "packages", row.number("packages"))
    assert summary["withPurl"] == told(row, "with_purl", row.number("with_purl"))
    sbom = reading.records[0]
    assert isinstance(sbom, Sbom)
    lost = row.number("null_packages") or 3 * ("gaps" in BETTER.get(row.file, ({}, ""))[1])
    assert len(sbom.packages.gaps) == lost
    if row.table("concluded") and not lost:
        concluded = Counter(package.license_concluded for package in sbom.packages.items)
        assert concluded["NOASSERTION"] == row.table("concluded")["NOASSERTION"]
        assert concluded["NONE"] == row.table("concluded")["NONE"]
        assert concluded[None] == row.table("concluded")["absent"]


@pytest.mark.parametrize("row", supported("cyclonedx"))
def test_cyclonedx(row: Row) -> None:
    reading = read(row)
    summary = summarise(reading)
    assert reading.kind == "sbom"
    assert summary["packages"] == row.number("components")
    assert summary["withPurl"] == row.number("with_purl")
    if sum(row.table("licence_entries").values()) == 0:
        assert summary["withLicense"] == 0
    told = len(findings(reading)) + sum(isinstance(record, Vex) for record in reading.records)
    assert told >= (row.number("vulnerabilities") or 0)


STATUSES = {
    "known_affected": "AFFECTED",
    "known_not_affected": "NOT_AFFECTED",
    "resolved_with_pedigree": "FIXED",
}


@pytest.mark.parametrize("row", supported("vex"))
def test_vex(row: Row) -> None:
    reading = read(row)
    statements = [record for record in reading.records if isinstance(record, Vex)]
    assert len(statements) == told(row, "n", row.number("n"))
    assert reading.kind == ("vex" if statements else "sbom")
    if row.number("nvulns"):
        assert len({statement.ids[0] for statement in statements}) == row.number("nvulns")
    unreasoned = row.number("naked_not_affected") or 0
    assert sum(statement.status is None for statement in statements) == unreasoned
    stated = {STATUSES.get(word, word.upper()) for word in row.words("status") or {}}
    assert {statement.status for statement in statements} - {None} <= stated
    if not unreasoned:
        assert {statement.status for statement in statements} == stated


@pytest.mark.parametrize("row", supported("intoto"))
def test_intoto(row: Row) -> None:
    reading = read(row)
    summary = summarise(reading)
    builders = re.findall(r"builder=(\S+)", row.facts)
    assert [record.builder for record in reading.records if isinstance(record, Provenance)] == builders
    assert bool(builders) == (reading.kind == "provenance")
    assert bool(reading.subjects) == ("'sha256'" in row.facts)
    if row.number("vulns") is not None:
        assert summary["findings"] == row.number("vulns")
    if row.number("packages") is not None:
        assert summary["packages"] == row.number("packages")
    if finished := re.search(r"finished=(\S+)Z", row.facts):
        assert summary["finished"].startswith(finished[1])
