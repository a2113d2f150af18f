"""SARIF: what a log may try to hide, and what each scanner means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.model import Finding, Scan, Severity
from policyengine.evidence.reading import Reading, Source

Json = dict[str, Any]
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)


def log(*runs: Json) -> bytes:
    return json.dumps({"version": "2.1.0", "runs": list(runs)}).encode()


def run(tool: str, results: Any, rules: list[Json] | None = None, **others: Any) -> Json:
    return {"tool": {"driver": {"name": tool, "rules": rules or []}}, "results": results, **others}


def read(*runs: Json, created: datetime | None = None) -> Reading:
    return formats.read(log(*runs), Source("sha256:d", created=created))


def scans(*runs: Json) -> list[Scan]:
    return [record for record in read(*runs).records if isinstance(record, Scan)]


def findings(tool: str, *results: Json, rules: list[Json] | None = None) -> tuple[Finding, ...]:
    (scan,) = scans(run(tool, list(results), rules))
    assert not scan.findings.gaps
    return scan.findings.items


def only(tool: str, result: Json, rule: Json | None = None) -> Finding:
    (found,) = findings(tool, result, rules=[rule] if rule else None)
    return found


def refusal(*runs: Json) -> str:
    with pytest.raises(EvidenceError) as caught:
        read(*runs)
    return caught.value.message


def trivy(severity: str = "HIGH", fix: str = "1.1", package: str = "zlib", identifier: str = "CVE-2024-0001") -> Json:
    message = (
        f"Package: {package}\nInstalled Version: 1.0\nVulnerability {identifier}\nSeverity: {severity}\n"
        f"Fixed Version: {fix}\nLink: [{identifier}](https://avd.aquasec.com/nvd/x)"
    )
    return {"ruleId": identifier, "message": {"text": message}}


# Logs and runs --------------------------------------------------------------------------------------


def test_a_log_without_a_run_says_nothing() -> None:
    assert "no run" in refusal()
    for text in (b'{"version":"2.1.0","runs":null}', b'{"version":"2.1.0","runs":5}', b'{"version":"2.0.0","runs":[]}'):
        with pytest.raises(EvidenceError):
            formats.read(text, Source("sha256:d"))


@pytest.mark.parametrize("results", [None, {}, "none", 0, False])
def test_a_run_without_results_failed(results: object) -> None:
    assert refusal(run("Trivy", results))
    assert refusal({"tool": {"driver": {"name": "Trivy"}}})


def test_no_results_are_a_clean_scan() -> None:
    (scan,) = scans(run("Trivy", []))
    assert (scan.findings.items, scan.findings.gaps) == ((), ())


def test_a_failed_run_does_not_stand_for_its_tool() -> None:
    assert "Grype" in refusal(run("Trivy", []), run("Grype", None))
    assert refusal(run("Trivy", [], invocations=[{"executionSuccessful": False}]))


def test_a_failed_run_beside_a_good_one_of_the_same_tool_leaves_a_gap() -> None:
    (scan,) = scans(run("Trivy", [trivy()]), run("Trivy", None))
    assert len(scan.findings.items) == 1
    assert [gap.many for gap in scan.findings.gaps] == [True]


def test_a_run_that_says_it_failed_keeps_its_findings_and_has_a_gap() -> None:
    (scan,) = scans(run("Trivy", [trivy()], invocations=[{"executionSuccessful": False}]))
    assert len(scan.findings.items) == 1
    assert "did not succeed" in scan.findings.gaps[0].reason


def test_every_run_counts_and_tools_stay_apart() -> None:
    found = scans(run("Trivy", []), run("Grype", []), run("Trivy", [trivy()]))
    assert [(scan.tool, len(scan.findings.items)) for scan in found] == [("trivy", 1), ("grype", 0)]


@pytest.mark.parametrize("key", ["results", "driver", "extensions"])
def test_results_in_another_file_are_a_gap(key: str) -> None:
    (scan,) = scans(run("Trivy", [], externalPropertyFileReferences={key: [{"location": {"uri": "x.sarif"}}]}))
    assert "another file" in scan.findings.gaps[0].reason


@pytest.mark.parametrize("key", ["toolExecutionNotifications", "toolConfigurationNotifications"])
def test_errors_that_a_tool_tells_of_are_a_gap_though_the_run_ended_well(key: str) -> None:
    """Semgrep writes so that it could not read a rule or a file, the appendix K of SARIF that a rule was disabled."""
    told = {"executionSuccessful": True, key: [{"level": "warning"}, {"level": "error"}, {"level": "error"}, {}]}
    (scan,) = scans(run("Semgrep OSS", [], invocations=[told]))
    assert [(gap.many, "told of 2 errors" in gap.reason) for gap in scan.findings.gaps] == [(True, True)]
    (scan,) = scans(run("CodeQL", [], invocations=[{"executionSuccessful": True, key: [{"level": "none"}]}]))
    assert not scan.findings.gaps


def test_results_apart_from_their_run_are_not_overlooked() -> None:
    """ShiftLeft's scan writes `inlineExternalProperties` that name the run and hold nothing."""
    named = json.loads(log(run("lint", []))) | {"inlineExternalProperties": [{"runGuid": "fbb1392e"}]}
    assert not formats.read(json.dumps(named).encode(), Source("sha256:d")).warnings
    named["inlineExternalProperties"][0]["results"] = [{"ruleId": "X"}]
    with pytest.raises(EvidenceError, match="apart from their run"):
        formats.read(json.dumps(named).encode(), Source("sha256:d"))


def test_a_result_that_cannot_be_read_is_a_gap_of_one() -> None:
    (scan,) = scans(run("Trivy", [trivy(), {"ruleId": 5}, {}, {**trivy(), "suppressions": "all"}]))
    assert len(scan.findings.items) == 1
    assert [gap.many for gap in scan.findings.gaps] == [False] * 3
    (scan,) = scans(run("Trivy", [trivy(), [trivy()]]))
    assert [gap.many for gap in scan.findings.gaps] == [True]


def test_very_many_unreadable_results_are_told_once() -> None:
    (scan,) = scans(run("Trivy", [{}] * 5000))
    assert len(scan.findings.gaps) == 101
    assert "4900 further" in scan.findings.gaps[-1].reason


# Time -----------------------------------------------------------------------------------------------


def test_the_time_is_the_runs_own_else_that_of_the_artifact() -> None:
    ended = run("Trivy", [], invocations=[{"endTimeUtc": "2026-11-20T10:00:00Z", "executionSuccessful": True}])
    assert str(read(ended, created=LATER).time) == "2026-11-20 10:00:00+00:00"
    assert read(run("Trivy", []), created=LATER).time == LATER
    assert read(run("Trivy", [])).time is None
    snyk = run("Snyk Container", [], automationDetails={"id": "Snyk/Container/x/2025-01-01T00:00:00.000Z"})
    assert str(read(snyk, created=LATER).time) == "2025-01-01 00:00:00+00:00"


def test_a_scan_is_as_old_as_its_oldest_run() -> None:
    old = run("Trivy", [], invocations=[{"endTimeUtc": "2020-01-01T00:00:00Z"}])
    new = run("Trivy", [], invocations=[{"endTimeUtc": "2026-01-01T00:00:00Z"}])
    assert str(read(new, old).time) == "2020-01-01 00:00:00+00:00"
    assert read(new, run("Trivy", [])).records[0].finished is None  # type: ignore[union-attr]


# Rules, levels, kinds, suppressions -------------------------------------------------------------------

LEVELLED = {"id": "R1", "defaultConfiguration": {"level": "error"}}


def test_the_id_beats_a_wrong_index() -> None:
    other = {"id": "R2", "defaultConfiguration": {"level": "note"}}
    (found,) = findings("lint", {"ruleId": "R1", "ruleIndex": 1}, rules=[LEVELLED, other])
    assert found.severity is Severity.HIGH
    (found,) = findings("lint", {"ruleId": "R9", "ruleIndex": 0}, rules=[LEVELLED])
    assert found.severity is Severity.MEDIUM  # nobody knows the rule: the level's default
    (found,) = findings("lint", {"ruleId": "R1/deep/er"}, rules=[LEVELLED])
    assert (found.ids, found.severity) == (("R1/deep/er",), Severity.HIGH)
    (found,) = findings("lint", {"ruleIndex": 0}, rules=[LEVELLED])
    assert found.ids == ("R1",)


def test_rules_of_extensions_are_found() -> None:
    driver = {"name": "CodeQL", "rules": []}
    rule = {"id": "js/x", "defaultConfiguration": {"level": "error"}}
    tool = {"driver": driver, "extensions": [{"name": "pack", "rules": [rule]}]}
    result = {"rule": {"id": "js/x", "index": 0, "toolComponent": {"index": 0}}}
    (scan,) = scans({"tool": tool, "results": [result, {"ruleId": "js/x"}]})
    assert [found.severity for found in scan.findings.items] == [Severity.HIGH] * 2


@pytest.mark.parametrize(
    "reference",
    [
        {"index": 0, "toolComponent": {"index": 0}},
        {"index": 0, "toolComponent": {"name": "pack"}},
        {"index": 0, "toolComponent": {"guid": "11111111"}},
        {"guid": "22222222"},
    ],
)
def test_a_rule_is_found_by_whatever_the_result_refers_to_it_by(reference: Json) -> None:
    """Sections 3.52 and 3.54: an index, a name or a guid."""
    own = {"id": "own", "defaultConfiguration": {"level": "note"}}
    rule = {"id": "js/x", "guid": "22222222", "defaultConfiguration": {"level": "error"}}
    pack = {"name": "pack", "guid": "11111111", "rules": [rule]}
    tool = {"driver": {"name": "lint", "rules": [own]}, "extensions": [pack]}
    (scan,) = scans({"tool": tool, "results": [{"rule": reference}]})
    assert [(found.ids, found.severity) for found in scan.findings.items] == [(("js/x",), Severity.HIGH)]


@pytest.mark.parametrize(
    ("result", "severity"),
    [
        ({"level": "error"}, Severity.HIGH),
        ({"level": "warning"}, Severity.MEDIUM),
        ({"level": "note"}, Severity.LOW),
        ({}, Severity.MEDIUM),
        ({"level": "none"}, None),
        ({"level": "unmapped"}, None),
        ({"kind": "review", "level": "error"}, None),
    ],
)
def test_levels_of_an_unknown_tool(result: Json, severity: Severity | None) -> None:
    assert only("homemade", {"ruleId": "X", **result}).severity is severity


def test_what_is_no_failure_is_no_finding() -> None:
    kinds = ["pass", "notApplicable", "informational", "fail", "review", "open", "Pass"]
    assert len(findings("lint", *({"ruleId": "X", "kind": kind} for kind in kinds))) == 4


@pytest.mark.parametrize(
    ("suppressions", "suppressed"),
    [
        (None, False),
        ([], False),
        ([{"kind": "inSource"}], True),
        ([{"kind": "external", "status": "accepted"}], True),
        ([{"kind": "external", "status": "underReview"}], False),
        ([{"kind": "external", "status": "accepted"}, {"kind": "external", "status": "rejected"}], False),
    ],
)
def test_a_suppression_marks_and_never_drops(suppressions: Any, suppressed: bool) -> None:
    assert only("Trivy", {**trivy(), "suppressions": suppressions}).suppressed is suppressed


def test_a_result_of_an_earlier_run_counts() -> None:
    reading = read(run("Trivy", [{**trivy(), "baselineState": "absent"}]))
    assert len(reading.records[0].findings.items) == 1  # type: ignore[union-attr]
    assert "marked as absent" in reading.warnings[0]


def test_messages_come_from_the_rule_with_arguments_and_stay_small() -> None:
    rule = {"id": "R", "messageStrings": {"m": {"text": "{0} in {1}" + "{2}" * 1000}}}
    arguments = ["x" * 10_000] * 20
    found = only("lint", {"ruleId": "R", "message": {"id": "m", "arguments": arguments}}, rule)
    assert found.title is not None
    assert found.title.startswith("xxx")
    assert len(found.title) < 10_000


def test_a_place_has_its_line_for_code_only() -> None:
    physical = {"artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": 7}}
    place = {"locations": [{"physicalLocation": physical}]}
    assert only("lint", {"ruleId": "X", **place}).location == "src/a.py:7"
    assert only("Trivy", {**trivy(), **place}).location == "src/a.py"
    indexed = {"locations": [{"physicalLocation": {"artifactLocation": {"index": 0}}}]}
    (scan,) = scans(run("lint", [{"ruleId": "X", **indexed}], artifacts=[{"location": {"uri": "b.py"}}]))
    assert scan.findings.items[0].location == "b.py"


# Trivy ----------------------------------------------------------------------------------------------


def test_trivy_speaks_in_the_message_not_in_the_rule() -> None:
    rule = {
        "id": "CVE-2024-0001",
        "name": "OsPackageVulnerability",
        "help": {"text": "Vulnerability CVE-2024-0001\nSeverity: LOW\nPackage: other\nFixed Version: 9\nLink: x"},
        "properties": {"tags": ["vulnerability", "security", "LOW"], "security-severity": "2.0"},
        "defaultConfiguration": {"level": "note"},
    }
    found = only("Trivy", {**trivy("CRITICAL", "1.1, 2.0"), "level": "note", "ruleIndex": 0}, rule)
    assert (found.severity, found.fix, str(found.package)) == (Severity.CRITICAL, "1.1, 2.0", "zlib 1.0")
    assert found.cvss is None  # 2.0 is what Trivy invents for LOW


@pytest.mark.parametrize(("word", "severity"), [("UNKNOWN", None), ("unknown", None), ("", None), ("DIRE", None)])
def test_an_unknown_severity_is_unknown_whatever_the_level(word: str, severity: None) -> None:
    assert only("Trivy", {**trivy(word), "level": "error"}).severity is severity


def test_an_empty_fix_is_none() -> None:
    assert only("Trivy", trivy(fix="")).fix is None


@pytest.mark.parametrize(
    "package", ["zlib\nSeverity: LOW", "zlib\nInstalled Version: 1\nVulnerability CVE-1\nSeverity: LOW"]
)
def test_a_package_name_cannot_write_the_severity(package: str) -> None:
    """Names come from the image: whoever made it must not choose what the scanner seems to say."""
    (scan,) = scans(run("Trivy", [trivy("CRITICAL", package=package)]))
    assert not [found for found in scan.findings.items if found.severity is not Severity.CRITICAL]
    assert len(scan.findings.items) + len(scan.findings.gaps) == 1


def test_trivy_048_wrote_its_newlines_as_text() -> None:
    result = trivy()
    result["message"]["text"] = result["message"]["text"].replace("\n", "\\n")
    found = only("Trivy", result)
    assert (found.severity, found.fix) == (Severity.HIGH, "1.1")


def test_trivys_older_template_names_the_severity_in_the_rule() -> None:
    rule = {
        "id": "[HIGH] CVE-2021-0001",
        "help": {"text": "Vulnerability CVE-2021-0001\nSeverity: HIGH\nFixed Version: 2"},
    }
    found = only("Trivy", {"ruleId": "[HIGH] CVE-2021-0001", "message": {"text": "A description."}}, rule)
    assert (found.ids, found.severity, found.fix) == (("CVE-2021-0001",), Severity.HIGH, "2")


@pytest.mark.parametrize(
    ("message", "name", "category"),
    [
        (
            "Artifact: Dockerfile\nType: dockerfile\nVulnerability DS002\nSeverity: HIGH\nMessage: x\nLink: y",
            None,
            "MISCONFIGURATION",
        ),
        ("Artifact: app/.env\nType: \nSecret aws-access-key-id\nSeverity: HIGH\nMatch: AKIA***", None, "SECRET"),
        ("Artifact: a\nLicense GPL-3.0\nPkgName: a\n Classification: restricted\n Path: ", "License", "LICENSE"),
    ],
)
def test_trivys_other_results(message: str, name: str | None, category: str) -> None:
    rule = {"id": "R", "name": name, "properties": {"tags": ["x", "security", "HIGH"]}}
    found = only("Trivy", {"ruleId": "R", "message": {"text": message}}, rule)
    assert (found.category, found.severity) == (category, Severity.HIGH)


def test_trivy_names_its_image() -> None:
    digest = "sha256:" + "a" * 64
    reading = read(
        run("Trivy", [], properties={"repoDigests": [f"r.example/x@{digest}"], "imageName": "r.example/x:1"})
    )
    assert reading.subjects == (digest,)


# Other scanners ---------------------------------------------------------------------------------------


def test_grype_says_low_where_it_means_anything_else() -> None:
    help = (
        "Vulnerability CVE-2005-2541\nSeverity: low\nPackage: tar\nVersion: 1.34\nFix Version: {}\n"
        "Type: deb\nLocation: /x\nLink: y"
    )
    message = {"text": "A low vulnerability in deb package: tar, version 1.34 was found in image x at: /y"}
    rule = {"id": "CVE-2005-2541-tar", "help": {"text": help.format("")}, "properties": {"security-severity": "0.0"}}
    found = only("grype", {"ruleId": "CVE-2005-2541-tar", "message": message}, rule)
    assert (found.ids, found.severity, found.fix) == (("CVE-2005-2541",), None, None)
    purls = {"security-severity": "10.0", "purls": ["pkg:deb/debian/tar@1.34?arch=amd64"]}
    rule = {**rule, "properties": purls, "help": {"text": help.format("1.35,1.36")}}
    found = only("Grype", {"ruleId": "CVE-2005-2541-tar", "message": message}, rule)
    assert (found.severity, found.fix, str(found.cvss)) == (Severity.LOW, "1.35,1.36", "10.0")
    assert str(found.package) == "pkg:deb/debian/tar@1.34?arch=amd64"


@pytest.mark.parametrize(("word", "severity"), [("critical", Severity.CRITICAL), ("high", Severity.HIGH)])
def test_snyk_tells_critical_from_high_in_words_only(word: str, severity: Severity) -> None:
    rule = {"id": "SNYK-X-1", "fullDescription": {"text": "(CVE-2024-1,CVE-2024-1000) bzip2/libbz2@1.0"}}
    message = {"text": f"This file introduces a vulnerable bzip2 package with a {word} severity vulnerability."}
    fixes = [{"description": {"text": "Upgrade to bzip2@1.1"}}]
    found = only("Snyk Container", {"ruleId": "SNYK-X-1", "level": "error", "message": message, "fixes": fixes}, rule)
    assert (found.severity, found.fix, found.tool) == (severity, "bzip2@1.1", "snyk")
    assert found.ids == ("CVE-2024-1000", "SNYK-X-1")
    assert str(found.package) == "bzip2/libbz2 1.0"


def test_a_tool_that_says_nothing_of_fixes_is_told() -> None:
    """A rule about fixable findings would see none of its findings, and somebody should know."""
    result = {"ruleId": "SNYK-X-1", "level": "error"}
    assert read(run("Snyk Container", [result])).warnings == (
        '"snyk" does not say of every vulnerability whether it has a fix',
    )
    assert read(run("Trivy", [trivy(fix="")])).warnings == ()


def test_snyks_products_are_different_scanners() -> None:
    tools = ["Snyk Container", "Snyk Open Source", "SnykCode", "Snyk IaC"]
    assert [scan.tool for scan in scans(*(run(tool, []) for tool in tools))] == [
        "snyk",
        "snyk open source",
        "snyk code",
        "snyk iac",
    ]


def test_prismas_levels_are_shifted() -> None:
    rule = {
        "id": "CVE-2024-0001",
        "shortDescription": {"text": "[Prisma Cloud] CVE-2024-0001 in openssl (critical)"},
        "fullDescription": {"text": "Critical severity CVE-2024-0001 found in openssl version 1.1.1"},
        "help": {
            "markdown": "| h |\n| [CVE-2024-0001](l) | critical | 9.8 | openssl | 1.1.1 | fixed in 1.1.1a | p | d |"
        },
    }
    found = only("Prisma Cloud (twistcli)", {"ruleId": "CVE-2024-0001", "level": "error"}, rule)
    assert (found.severity, found.fix, str(found.cvss)) == (Severity.CRITICAL, "1.1.1a", "9.8")
    found = only("Prisma Cloud (twistcli)", {"ruleId": "CVE-2024-0001", "level": "note"}, rule)
    assert found.severity is Severity.MEDIUM  # the rule is that of another package with the same id
    check = {"id": "41", "shortDescription": {"text": "[Prisma Cloud] Compliance check 41 violated (high)"}}
    assert only("Prisma Cloud (twistcli)", {"ruleId": "41", "level": "warning"}, check).category == "MISCONFIGURATION"


def test_scouts_table_is_split_at_the_first_colon() -> None:
    message = (
        "  Vulnerability   : CVE-2024-0001  \n  Severity        : UNSPECIFIED   \n"
        "  Package         : pkg:deb/debian/apt@1:2.6.1?os_distro=bookworm \n  Fixed version   : 1:2.7 \n"
    )
    found = only("docker scout", {"ruleId": "CVE-2024-0001", "level": "none", "message": {"text": message}})
    assert (found.severity, found.fix) == (None, "1:2.7")
    assert found.package is not None
    assert (found.package.name, found.package.version, found.package.ecosystem) == ("apt", "1:2.6.1", "deb")


def test_sysdig_holds_many_findings_in_one_result() -> None:
    message = (
        "Package: coreutils\nPackage type: Os\n    Installed Version: 9.3\n    Package path: /lib/apk\n.\n"
        "Vulnerability: CVE-2024-0001\nSeverity: Critical\n      CVSS Score: 9.8\n"
        "      Fixed Version: No fix available\n.\n"
        "Vulnerability: [CVE-2024-0002](https://x)\nSeverity: Low\n      Fixed Version: 9.4\n"
    )
    found = findings("sysdig-cli-scanner", {"ruleId": "coreutils", "level": "note", "message": {"text": message}})
    assert [(f.ids[0], f.severity, f.fix) for f in found] == [
        ("CVE-2024-0001", Severity.CRITICAL, None),
        ("CVE-2024-0002", Severity.LOW, "9.4"),
    ]
    assert {str(f.package) for f in found} == {"coreutils 9.3"}


def test_clair_writes_no_severity() -> None:
    rule = {"id": "8-1", "help": {"text": "Description\n\nFixed In: 2.0"}}
    found = only(
        "Clair V4", {"ruleId": "8-1", "level": "warning", "message": {"text": "zlib1g - 1:1.2 - CVE-2024-0001"}}, rule
    )
    assert (found.ids, found.severity, found.fix, str(found.package)) == (
        ("CVE-2024-0001",),
        None,
        "2.0",
        "zlib1g 1:1.2",
    )


def test_osv_scanner_keeps_aliases_in_deprecated_ids() -> None:
    text = "Package 'regex@1.5.1' is vulnerable to 'RUSTSEC-2022-0013' (also known as 'CVE-2022-24713')."
    table = (
        "### Fixed Versions\n\n| Vulnerability ID | Package Name | Fixed Version |\n| --- | --- | --- |\n"
        "| R | regex | 1.5.5 |\n| R | other | 9 |\n"
    )
    rule = {"id": "RUSTSEC-2022-0013", "help": {"text": table}, "deprecatedIds": ["GHSA-m5pq-gvj9-9vr8"]}
    found = only("osv-scanner", {"ruleId": "RUSTSEC-2022-0013", "level": "warning", "message": {"text": text}}, rule)
    assert found.ids == ("CVE-2022-24713", "GHSA-M5PQ-GVJ9-9VR8", "RUSTSEC-2022-0013")
    assert (found.severity, found.fix) == (None, "1.5.5")


def test_dependency_check_says_its_severity_in_properties() -> None:
    rule = {"id": "CVE-2024-0001", "properties": {"cvssv3_baseSeverity": "CRITICAL", "cvssv3_baseScore": "9.8"}}
    place = {"locations": [{"logicalLocations": [{"fullyQualifiedName": "pkg:maven/g/a@1"}]}]}
    found = only("dependency-check", {"ruleId": "CVE-2024-0001", "level": "warning", **place}, rule)
    assert (found.severity, str(found.package)) == (Severity.CRITICAL, "pkg:maven/g/a@1")


def test_checkovs_level_says_nothing() -> None:
    assert only("Checkov", {"ruleId": "CKV_AWS_1", "level": "error"}).severity is None
    found = only("Checkov", {"ruleId": "CVE-2024-0001_django@1.2", "level": "error"})
    assert (found.ids, str(found.package)) == (("CVE-2024-0001",), "django 1.2")


def test_an_unknown_tools_words_beat_its_scores_and_levels() -> None:
    rule = {"id": "X", "properties": {"tags": ["Security", "Critical"], "security-severity": "2.0"}}
    assert only("homemade", {"ruleId": "X", "level": "note"}, rule).severity is Severity.CRITICAL
    rule = {"id": "X", "properties": {"security-severity": "9.1"}}
    assert only("homemade", {"ruleId": "X", "level": "note"}, rule).severity is Severity.CRITICAL
    rule = {"id": "X", "properties": {"security-severity": "undefined"}}
    assert only("homemade", {"ruleId": "X", "level": "note"}, rule).severity is Severity.LOW
