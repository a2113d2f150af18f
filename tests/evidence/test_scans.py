"""Scanners' own reports, and the small things that all readers use."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import fields, formats, identifiers, packages, severity
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Finding, Scan, Severity
from policyengine.evidence.reading import Reading, Source

Json = dict[str, Any]
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(document: Any) -> Reading:
    return formats.read(json.dumps(document).encode(), Source("sha256:d", created=LATER))


def scan(document: Any) -> Scan:
    (record,) = read(document).records
    assert isinstance(record, Scan)
    return record


def only(document: Any) -> Finding:
    found = scan(document).findings
    assert not found.gaps
    (finding,) = found.items
    return finding


def refusal(document: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        read(document)
    return caught.value.message


# Trivy ----------------------------------------------------------------------------------------------


def trivy(*results: Any, **others: Any) -> Json:
    return {"SchemaVersion": 2, "ArtifactName": "x", "Results": list(results), **others}


VULNERABILITY = {"VulnerabilityID": "CVE-2024-0001", "PkgName": "a", "InstalledVersion": "1", "Severity": "HIGH"}


def test_a_report_states_its_own_time() -> None:
    assert scan(trivy(CreatedAt="2026-01-01T00:00:00.123456789+01:00")).finished == datetime(
        2025, 12, 31, 23, 0, 0, 123456, UTC
    )
    assert scan(trivy()).finished == LATER
    assert scan(trivy(CreatedAt="0001-01-01T00:00:00Z")).finished == LATER
    assert read(trivy(CreatedAt="yesterday")).warnings == ("the time of the scan cannot be read",)


def test_a_report_without_results_is_clean_only_if_it_says_what_was_scanned() -> None:
    assert not scan({"SchemaVersion": 2, "ArtifactName": "x"}).findings.items
    assert refusal({"SchemaVersion": 2})
    assert refusal({"SchemaVersion": 3, "ArtifactName": "x", "Results": []})
    assert refusal(trivy(Results={}))


def test_modified_findings_are_kept_as_suppressed() -> None:
    modified = {"Type": "vulnerability", "Status": "not_affected", "Finding": VULNERABILITY}
    found = scan(trivy({"Target": "t", "Vulnerabilities": [VULNERABILITY], "ExperimentalModifiedFindings": [modified]}))
    assert [finding.suppressed for finding in found.findings.items] == [False, True]
    unknown = {**modified, "Type": "other"}
    assert scan(trivy({"ExperimentalModifiedFindings": [unknown]})).findings.gaps


def test_advisories_of_the_vendor_are_no_aliases() -> None:
    """One advisory is for several vulnerabilities: as an alias it would make them one."""
    assert only(trivy({"Vulnerabilities": [{**VULNERABILITY, "VendorIDs": ["DSA-5523-1"]}]})).ids == ("CVE-2024-0001",)


@pytest.mark.parametrize(
    ("scores", "cvss"),
    [
        ({"nvd": {"V3Score": 7.5}, "redhat": {"V3Score": 9.8}}, "7.5"),
        ({"ghsa": {"V3Score": 5.3}, "nvd": {"V3Score": 7.5}}, "5.3"),
        ({"a": {"V2Score": 5.0}, "b": {"V40Score": 6.1}}, "6.1"),
        ({"nvd": {"V3Score": 0}}, None),
        (None, None),
    ],
)
def test_the_score_is_that_of_the_severitys_source(scores: Any, cvss: str | None) -> None:
    found = only(trivy({"Vulnerabilities": [{**VULNERABILITY, "SeveritySource": "ghsa", "CVSS": scores}]}))
    assert found.cvss == (Decimal(cvss) if cvss else None)


def test_misconfigurations_that_passed_are_none() -> None:
    failed = {
        "ID": "DS002",
        "AVDID": "AVD-DS-0002",
        "Severity": "HIGH",
        "Status": "FAIL",
        "CauseMetadata": {"StartLine": 3},
    }
    found = only(trivy({"Target": "Dockerfile", "Misconfigurations": [failed, {**failed, "Status": "PASS"}]}))
    assert (found.ids, found.location, found.category) == (("DS002", "AVD-DS-0002"), "Dockerfile:3", "MISCONFIGURATION")


def test_what_a_scanners_own_exceptions_take_out_is_suppressed_and_not_gone() -> None:
    excepted = {"ID": "DS002", "Severity": "HIGH", "Status": "EXCEPTION"}
    assert only(trivy({"Target": "Dockerfile", "Misconfigurations": [excepted]})).suppressed


def test_a_target_that_cannot_be_read_may_hold_any_number() -> None:
    assert [gap.many for gap in scan(trivy(5, {"Vulnerabilities": "x"})).findings.gaps] == [True, True]
    assert [gap.many for gap in scan(trivy({"Vulnerabilities": [{}]})).findings.gaps] == [False]


def test_the_first_schema_is_an_array() -> None:
    assert only([{"Target": "t", "Vulnerabilities": [VULNERABILITY]}]).severity is Severity.HIGH
    assert refusal(None)
    assert refusal([])


# Grype ----------------------------------------------------------------------------------------------


def grype(*matches: Any, **others: Any) -> Json:
    return {"matches": list(matches), "descriptor": {"name": "grype", "version": "1"}, **others}


MATCH = {
    "vulnerability": {
        "id": "GHSA-m5pq-gvj9-9vr8",
        "severity": "High",
        "fix": {"versions": ["2", "3"], "state": "fixed"},
    },
    "relatedVulnerabilities": [{"id": "CVE-2024-0001"}],
    "artifact": {"name": "a", "version": "1", "purl": "pkg:npm/a@1", "locations": [{"path": "/x"}]},
}


def test_grypes_related_vulnerabilities_are_aliases() -> None:
    found = only(grype(MATCH))
    assert found.ids == ("CVE-2024-0001", "GHSA-M5PQ-GVJ9-9VR8")
    assert (found.fix, found.location, str(found.package)) == ("2, 3", "/x", "pkg:npm/a@1")


def test_what_grype_ignores_is_suppressed_and_kept() -> None:
    found = scan(grype(MATCH, ignoredMatches=[MATCH])).findings.items
    assert [finding.suppressed for finding in found] == [False, True]


@pytest.mark.parametrize(
    ("fix", "fixed"),
    [
        ({"state": "fixed", "versions": []}, "a version that is not stated"),
        ({"state": "wont-fix", "versions": []}, None),
        ({"state": "", "versions": None}, None),
        (None, None),
    ],
)
def test_states_of_a_fix(fix: Any, fixed: str | None) -> None:
    assert only(grype({**MATCH, "vulnerability": {"id": "CVE-2024-0001", "fix": fix}})).fix == fixed


def test_grype_without_matches_did_not_finish() -> None:
    assert refusal({"matches": None, "descriptor": {}})
    assert not scan(grype()).findings.items


# Others ---------------------------------------------------------------------------------------------


def test_snyk_reports_the_applications_in_an_image_too() -> None:
    issue = {
        "id": "SNYK-1",
        "severity": "high",
        "packageName": "a",
        "version": "1",
        "identifiers": {"CVE": ["CVE-2024-0001"]},
    }
    project = {"vulnerabilities": [issue], "dependencyCount": 1, "packageManager": "deb"}
    found = scan({**project, "applications": [{**project, "displayTargetFile": "app/package.json"}]}).findings.items
    assert [f.location for f in found] == [None, "app/package.json"]
    assert len(scan([project, project]).findings.items) == 2
    assert "failed" in refusal({**project, "applications": [{"error": "no such file", "dependencyCount": 0}]})


def test_prisma_says_when_there_is_nothing() -> None:
    clean = {"results": [{"distro": "d", "vulnerabilityDistribution": {"total": 0}}]}
    assert not scan(clean).findings.items
    assert refusal({"results": [{"distro": "d", "vulnerabilityDistribution": {"total": 3}}]})
    assert refusal({"results": [{"distro": "d"}]})
    one = {"id": "CVE-2024-0001", "status": "fixed in 1.2, 1.3", "severity": "important", "packageName": "a"}
    found = only({"results": [{"distro": "d", "vulnerabilities": [one]}]})
    assert (found.fix, found.severity) == ("1.2, 1.3", Severity.HIGH)


def test_clairs_report_joins_packages_and_vulnerabilities() -> None:
    report = {
        "manifest_hash": "sha256:" + "a" * 64,
        "packages": {"1": {"name": "a", "version": "1"}},
        "vulnerabilities": {
            "7": {"name": "CVE-2024-0001 on X - high", "normalized_severity": "High", "fixed_in_version": "2"}
        },
        "package_vulnerabilities": {"1": ["7"]},
    }
    found = only(report)
    assert (found.ids, found.severity, found.fix, str(found.package)) == (("CVE-2024-0001",), Severity.HIGH, "2", "a 1")
    assert scan({**report, "vulnerabilities": {}}).findings.gaps[0].many


def test_gitlab_and_harbor() -> None:
    dependency = {"package": {"name": "a"}, "version": "1"}
    listed = {
        "id": "x", "severity": "Critical",
        "identifiers": [{"type": "cve", "value": "CVE-2024-0001"}, {"type": "cwe", "value": "79"}],
        "location": {"dependency": dependency, "image": "i"}, "solution": "Upgrade a from 1 to 2",
    }  # fmt: skip
    report = {
        "scan": {
            "type": "container_scanning",
            "scanner": {"id": "Trivy"},
            "status": "success",
            "end_time": "2026-01-01T00:00:00",
        },
        "vulnerabilities": [listed],
    }
    found = only(report)
    assert (found.ids, found.fix, found.tool) == (("CVE-2024-0001",), "2", "trivy")
    assert str(scan(report).finished) == "2026-01-01 00:00:00+00:00"
    assert refusal({**report, "scan": {**report["scan"], "status": "failure"}})  # type: ignore[dict-item]
    key = "application/vnd.security.vulnerability.report; version=1.1"
    assert refusal({key: {"scanner": {"name": "Trivy"}, "vulnerabilities": None}})
    assert scan({key: {"scanner": {"name": "Trivy"}, "vulnerabilities": []}}).tool == "trivy"


# What all use -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-17T23:38:56.476472537-06:00", "2026-04-18 05:38:56.476472+00:00"),
        ("2026-04-17t23:38:56z", "2026-04-17 23:38:56+00:00"),
        ("2026-04-17 23:38:56Z", "2026-04-17 23:38:56+00:00"),
        ("2026-04-17T23:38:56", None),
        ("2026-04-17", None),
        ("20260417T233856Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-04-17T23:38:60Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("٢٠٢٦-04-17T23:38:56Z", None),
        ("", None),
        (None, None),
    ],
)
def test_instants(text: str | None, moment: str | None) -> None:
    assert (str(instant(text)) if instant(text) else None) == moment


def test_ids_are_found_and_ranked() -> None:
    assert identifiers.cves("[HIGH] cve-2021-44228, xCVE-2021-1 CVE-2021-12345678") == [
        "CVE-2021-44228",
        "CVE-2021-12345678",
    ]
    names = ("go-2024-1", "ghsa-m5pq-gvj9-9vr8", " CVE-2024-0001 ", "", "DS002", "cve-2024-0001")
    assert identifiers.ranked(names) == ("CVE-2024-0001", "GHSA-M5PQ-GVJ9-9VR8", "GO-2024-1", "DS002")
    assert identifiers.normal("aws-access-key-id") == "aws-access-key-id"


@pytest.mark.parametrize(
    ("score", "band"),
    [
        ("0", None),
        ("0.1", "LOW"),
        ("3.9", "LOW"),
        ("4.0", "MEDIUM"),
        ("7", "HIGH"),
        ("9.0", "CRITICAL"),
        ("10.1", None),
        ("-1", None),
    ],
)
def test_bands_of_scores(score: str, band: str | None) -> None:
    found = severity.from_score(Decimal(score))
    assert (found.name if found is not None else None) == band


@pytest.mark.parametrize("word", ["NaN", "Infinity", "1_0", "９.８", "1e999", "", "high", "9" * 5000])
def test_words_that_are_no_numbers(word: str) -> None:
    assert fields.decimal(word) is None


@pytest.mark.parametrize(
    ("purl", "name", "version", "kind"),
    [
        ("pkg:deb/debian/apt@1:2.6?x=a/b@c", "apt", "1:2.6", "deb"),
        ("pkg:npm/%40scope/a@1", "a", "1", "npm"),
        ("pkg:npm/@scope/a", "a", None, "npm"),
        ("pkg:PyPI/x", "x", None, "pypi"),
        ("nonsense", "nonsense", None, None),
    ],
)
def test_packages_named_by_urls(purl: str, name: str, version: str | None, kind: str | None) -> None:
    found = packages.named_by(purl, "d")
    assert (found.name, found.version, found.ecosystem) == (name, version, kind)
