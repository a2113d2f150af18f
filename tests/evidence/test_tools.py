"""What many tools write in many versions: small documents in their shapes, and what the engine must see in each.

The shapes were looked up in the tools' own sources and published outputs; the documents are written here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.model import Finding, Sbom, Scan, Severity
from policyengine.evidence.ranges import contains, parse
from policyengine.evidence.reading import Source, summarise

Json = dict[str, Any]


def summary(document: Any) -> Json:
    return summarise(formats.read(json.dumps(document).encode(), Source("sha256:d")))


def findings(document: Any) -> list[Finding]:
    reading = formats.read(json.dumps(document).encode(), Source("sha256:d"))
    return [each for record in reading.records if isinstance(record, Scan) for each in record.findings.items]


def sarif(tool: str, results: list[Json], rules: list[Json] | None = None, **run: Any) -> Json:
    driver: Json = {"name": tool, "version": "1.2.3", **({} if rules is None else {"rules": rules})}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **run}]}


def at(uri: str, line: int = 1) -> list[Json]:
    return [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}]


def result(rule: str | None, message: str, level: str | None = None, **others: Any) -> Json:
    known = {"ruleId": rule, "level": level, "locations": at("Dockerfile", 3)}
    return {"message": {"text": message}, **{k: v for k, v in known.items() if v is not None}, **others}


# SARIF ----------------------------------------------------------------------------------------------

GITLEAKS_7 = sarif(
    "Gitleaks",
    [result(None, "AWS Access Key secret detected"), result(None, "AWS Access Key secret detected")],
    [{"id": "AWS Access Key", "name": "AWS Access Key"}],
)
GITLEAKS_8 = sarif(
    "gitleaks",
    [result("aws-access-token", "aws-access-token has detected secret for file a.env.")],
    [{"id": "aws-access-token", "shortDescription": {"text": "Identified a pattern"}}],
)
KICS = sarif(
    "KICS",
    [result("965a08d7", "COPY '--from' references the current FROM alias", "error", ruleIndex=0)],
    [{"id": "965a08d7", "defaultConfiguration": {"level": "error"}, "relationships": [{"target": {"id": "CAT009"}}]}],
)
TERRASCAN = sarif(
    "terrascan",
    [result("AC_DOCKER_0047", "Ensure no secret is in ENV", "error")],
    [{"id": "AC_DOCKER_0047", "properties": {"category": "Data Protection", "severity": "MEDIUM"}}],
)
HADOLINT = sarif("Hadolint", [result("DL3008", "Pin versions in apt get install", "warning")])
KUBESCAPE = sarif(
    "kubescape",
    [result("C-0034", "Automatic mapping of service account", "warning")],
    [{"id": "C-0034", "properties": {"security-severity": "9.1"}}],
)
BLACK_DUCK = sarif(
    "Black Duck",
    [
        result("BDSA-2020-1001 (CVE-2020-11022)", "x", "warning", properties={"securityRisk": "MEDIUM"}),
        result("BDSA-2023-1005 (CVE-2023-26115)", "x", "error", properties={"securityRisk": "CRITICAL"}),
        result("BDSA-2022-1004", "x", "note", properties={"securityRisk": "LOW"}),
    ],
)
GRYPE_EARLY = sarif(
    "Anchore Grype Scan",
    [
        result(
            "CVE-1999-0002-package-2",
            "The path pkg-2 reports package-2 at version 2.0.1  which is a vulnerable (deb) package installed in the "
            "container",
        )
    ],
    [
        {
            "id": "CVE-1999-0002-package-2",
            "shortDescription": {"text": "CVE-1999-0002 critical vulnerability for package-2 package"},
            "help": {
                "text": "Vulnerability CVE-1999-0002\nSeverity: critical\nPackage: package-2\nVersion: 2.0.1\n"
                "Fix Version: \nType: deb\nLocation: pkg-2\nData Namespace: source-2\nLink: CVE-1999-0002"
            },
            "properties": {"security-severity": "9.0"},
        }
    ],
)
TRIVY_TEMPLATE = sarif(
    "Trivy",
    [result("CVE-2020-0001", "A flaw was found in R.", "error", ruleIndex=0)],
    [
        {
            "id": "CVE-2020-0001",
            "name": "OS Package Vulnerability (Debian)",
            "help": {
                "text": "Vulnerability CVE-2020-0001\nSeverity: CRITICAL\nPackage: R\nInstalled Version: 1\n"
                "Fixed Version: 2\nLink: [CVE-2020-0001](https://avd.example.com)"
            },
            "properties": {"tags": ["vulnerability", "CRITICAL", "R"]},
        }
    ],
)
CHECKOV = sarif(
    "Checkov",
    [
        result("CKV_DOCKER_2", "Ensure that HEALTHCHECK instructions have been added", "error", ruleIndex=0),
        result("CVE-2022-0001_lodash@4.17.4", "SCA", "error", ruleIndex=1),
        result("GPL-3.0_evil@1.0", "SCA license", "error", ruleIndex=2),
        result("CKV_DOCKER_3", "user", "warning", suppressions=[{"kind": "inSource", "justification": "ok"}]),
    ],
    [
        {"id": "CKV_DOCKER_2", "defaultConfiguration": {"level": "error"}},
        {
            "id": "CVE-2022-0001_lodash@4.17.4",
            "help": {"text": "SCA package scan\nResource: a\nStatus: fixed in 4.17.12"},
            "properties": {"security-severity": "9.8"},
        },
        {"id": "GPL-3.0_evil@1.0", "fullDescription": {"text": "Package evil@1.0 has license GPL-3.0"}},
    ],
)
CHECKOV_PLATFORM = sarif(
    "Prisma Cloud",
    [result("CKV_AWS_1", "x", "warning")],
    [{"id": "CKV_AWS_1", "properties": {"security-severity": "6.9"}}],
)
SEMGREP = sarif(
    "Semgrep OSS",
    [result("python.lang.eval", "Detected eval"), result("r", "x", suppressions=[{"kind": "inSource"}])],
    [
        {"id": "python.lang.eval", "defaultConfiguration": {"level": "error"}, "properties": {"tags": ["security"]}},
        {"id": "r", "defaultConfiguration": {"level": "note"}},
    ],
    invocations=[{"executionSuccessful": True, "toolExecutionNotifications": []}],
)
CODEQL = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {"name": "CodeQL", "semanticVersion": "2.15.0"},
                "extensions": [
                    {"name": "codeql/js-queries"},
                    {
                        "name": "codeql/python-queries",
                        "rules": [
                            {"id": "py/sql", "properties": {"security-severity": "8.8", "problem.severity": "error"}},
                            {"id": "py/style", "properties": {"problem.severity": "recommendation"},
                             "defaultConfiguration": {"level": "note"}},
                        ],
                    },
                ],
            },
            "results": [
                {**result("py/sql", "SQL"), "rule": {"id": "py/sql", "index": 0, "toolComponent": {"index": 1}}},
                {**result("py/style", "style"), "rule": {"id": "py/style", "index": 1, "toolComponent": {"index": 1}}},
            ],
        }
    ],
}  # fmt: skip
DEPENDENCY_CHECK = sarif(
    "dependency-check",
    [
        {
            **result("CVE-2021-44228", "file name: log4j-core-2.14.1.jar", "error"),
            "locations": [{"logicalLocations": [{"fullyQualifiedName": "pkg:maven/a/log4j-core@2.14.1"}]}],
        }
    ],
    [{"id": "CVE-2021-44228", "properties": {"cvssv3_baseScore": 10.0, "cvssv3_baseSeverity": "CRITICAL"}}],
)
SNYK_IAC = sarif(
    "Snyk IaC",
    [result("SNYK-CC-K8S-6", "This line contains a potential high severity misconfiguration affecting x", "error")],
    [{"id": "SNYK-CC-K8S-6", "shortDescription": {"text": "High severity - Container is running as root"}}],
)
OSV = sarif(
    "osv-scanner",
    [result("CVE-2024-0001", "Package 'stdlib@1.20.1' is vulnerable to 'CVE-2024-0001' (also known as 'GO-2024-1', "
            "'GHSA-2222-3333-4444').", "warning", ruleIndex=0)],
    [{"id": "CVE-2024-0001", "deprecatedIds": ["CVE-2024-0001", "GO-2024-1"],
      "help": {"text": "**Vulnerable.**\n\n### Fixed Versions\n\n| Vulnerability ID | Package Name | "
               "Fixed Version |\n| --- | --- | --- |\n| GO-2024-1 | stdlib | 1.20.4 |\n"},
      "properties": {"security-severity": "7.5"}}],
)  # fmt: skip
MESSAGES_ONLY = sarif("PREfast", [{"message": {"text": "Using uninitialised memory"}}])

SARIF: dict[str, tuple[Json, Json]] = {
    "gitleaks 7, without a rule": (
        GITLEAKS_7,
        {"findings": 2, "bySeverity": {"MEDIUM": 2}, "byCategory": {"SECRET": 2}},
    ),
    "gitleaks 8": (GITLEAKS_8, {"findings": 1, "byCategory": {"SECRET": 1}}),
    "KICS": (KICS, {"bySeverity": {"HIGH": 1}, "byCategory": {"MISCONFIGURATION": 1}}),
    "Terrascan": (TERRASCAN, {"bySeverity": {"MEDIUM": 1}, "byCategory": {"MISCONFIGURATION": 1}}),
    "hadolint": (HADOLINT, {"bySeverity": {"MEDIUM": 1}, "byCategory": {"MISCONFIGURATION": 1}}),
    "Kubescape": (KUBESCAPE, {"bySeverity": {"CRITICAL": 1}, "byCategory": {"MISCONFIGURATION": 1}}),
    "Black Duck": (BLACK_DUCK, {"findings": 3, "bySeverity": {"CRITICAL": 1, "MEDIUM": 1, "LOW": 1}}),
    "Grype before 0.20": (GRYPE_EARLY, {"tool": "grype", "bySeverity": {"CRITICAL": 1}}),
    "Trivy's template": (TRIVY_TEMPLATE, {"bySeverity": {"CRITICAL": 1}, "fixable": 1}),
    "Checkov": (
        CHECKOV,
        {
            "findings": 4,
            "bySeverity": {"CRITICAL": 1, "UNKNOWN": 3},
            "byCategory": {"LICENSE": 1, "MISCONFIGURATION": 2, "VULNERABILITY": 1},
            "fixable": 1,
            "suppressed": 1,
        },
    ),
    "Checkov with its platform": (CHECKOV_PLATFORM, {"tool": "checkov", "bySeverity": {"MEDIUM": 1}}),
    "Semgrep": (SEMGREP, {"bySeverity": {"HIGH": 1, "LOW": 1}, "byCategory": {"CODE": 2}, "suppressed": 1}),
    "CodeQL with packs": (CODEQL, {"bySeverity": {"HIGH": 1, "LOW": 1}, "toolVersion": "2.15.0"}),
    "Dependency-Check": (DEPENDENCY_CHECK, {"bySeverity": {"CRITICAL": 1}}),
    "Snyk IaC": (SNYK_IAC, {"bySeverity": {"HIGH": 1}, "byCategory": {"MISCONFIGURATION": 1}}),
    "OSV-Scanner": (OSV, {"bySeverity": {"HIGH": 1}, "fixable": 1}),
    "a tool that names no rule": (MESSAGES_ONLY, {"findings": 1, "bySeverity": {"MEDIUM": 1}}),
}


@pytest.mark.parametrize(("document", "expected"), SARIF.values(), ids=SARIF)
def test_sarif(document: Json, expected: Json) -> None:
    found = summary(document)
    assert found["kind"] == "scan"
    assert {key: found[key] for key in expected} == expected
    assert not [each for each in found["warnings"] if "cannot be read" in each]


def test_what_has_no_rule_is_known_by_its_message() -> None:
    assert findings(GITLEAKS_7)[0].ids == ("AWS Access Key secret detected",)
    named = sarif("scanner", [{"message": {"text": "curl is open to CVE-2023-38545"}}])
    assert (findings(named)[0].ids, findings(named)[0].category) == (("CVE-2023-38545",), "VULNERABILITY")


@pytest.mark.parametrize("tool", ["Docker Scout", "Prisma Cloud (twistcli)", "Snyk Container", "dependency-check"])
def test_a_vulnerability_without_an_id_is_a_gap(tool: str) -> None:
    found = summary(sarif(tool, [{"message": {"text": "something is wrong"}}]))
    assert (found["findings"], len(found["warnings"])) in {(0, 1), (1, 0)}
    if found["findings"]:
        assert found["byCategory"] != {"VULNERABILITY": 1}


# JSON of their own ----------------------------------------------------------------------------------

OSV_CLEAN = {"results": [], "experimental_config": {"licenses": {"summary": False, "allowlist": None}}}
OSV_JSON = {
    "results": [
        {
            "source": {"path": "/app/go.mod", "type": "lockfile"},
            "packages": [
                {
                    "package": {"name": "stdlib", "version": "1.20.1", "ecosystem": "Go"},
                    "dependency_groups": ["dev"],
                    "vulnerabilities": [
                        {
                            "id": "GHSA-2222-3333-4444",
                            "aliases": ["CVE-2024-0001"],
                            "database_specific": {"severity": "MODERATE"},
                            "affected": [
                                {
                                    "package": {"name": "stdlib"},
                                    "ranges": [{"events": [{"introduced": "0"}, {"fixed": "2"}]}],
                                }
                            ],
                        },
                        {"id": "DSA-1-1"},
                    ],
                    "groups": [{"ids": ["GHSA-2222-3333-4444"], "max_severity": "6.1"}],
                    "licenses": ["GPL-3.0", "MIT"],
                    "license_violations": ["GPL-3.0"],
                }
            ],
        }
    ],
    "experimental_config": {"licenses": {"summary": False, "allowlist": ["MIT"]}},
    "image_metadata": {"os": "Debian"},
}
GITLAB_15 = {
    "version": "15.0.7",
    "scan": {
        "analyzer": {"id": "gcs", "name": "GitLab Container Scanning", "vendor": {"name": "GitLab"}, "version": "7"},
        "scanner": {"id": "trivy", "name": "Trivy", "vendor": {"name": "GitLab"}, "version": "0.48.0"},
        "start_time": "2024-01-01T00:00:00",
        "end_time": "2024-01-01T00:01:00",
        "status": "success",
        "type": "container_scanning",
    },
    "vulnerabilities": [
        {
            "id": "df52bc8ce9a2ae56bbcb0c4ecda62123fbd6f69b",
            "severity": "Critical",
            "solution": "Upgrade curl from 7.88.1-10 to 7.88.1-10+deb12u4",
            "location": {
                "dependency": {"package": {"name": "curl"}, "version": "7.88.1-10"},
                "operating_system": "debian 12.1",
                "image": "registry.example.com/app:1",
            },
            "identifiers": [
                {"type": "cve", "name": "CVE-2023-38545", "value": "CVE-2023-38545"},
                {"type": "cwe", "name": "CWE-787", "value": "787"},
            ],
        }
    ],
    "remediations": [],
}
GITLAB_2 = {
    "version": "2.3",
    "vulnerabilities": [
        {
            "id": "CVE-2020-0001",
            "category": "container_scanning",
            "cve": "CVE-2020-0001",
            "severity": "High",
            "confidence": "Unknown",
            "solution": "Upgrade musl to 1.2",
            "scanner": {"id": "trivy", "name": "trivy"},
            "location": {"dependency": {"package": {"name": "musl"}, "version": "1.1"}, "image": "app"},
            "identifiers": [{"type": "cve", "name": "CVE-2020-0001", "value": "CVE-2020-0001"}],
        }
    ],
    "remediations": [],
}
CHECKOV_JSON = {
    "check_type": "dockerfile",
    "results": {
        "passed_checks": [{"check_id": "CKV_DOCKER_1", "check_result": {"result": "PASSED"}}],
        "failed_checks": [
            {
                "check_id": "CKV_DOCKER_2",
                "check_name": "Ensure that HEALTHCHECK instructions have been added",
                "check_result": {"result": "FAILED"},
                "file_path": "/Dockerfile",
                "file_line_range": [1, 5],
                "severity": None,
            }
        ],
        "skipped_checks": [{"check_id": "CKV_DOCKER_3", "severity": "LOW", "file_path": "/Dockerfile"}],
    },
    "summary": {"passed": 1, "failed": 1, "skipped": 1, "checkov_version": "3.2.1"},
}
DEPENDENCY_CHECK_JSON = {
    "reportSchema": "1.1",
    "scanInfo": {"engineVersion": "9.0.9", "dataSource": []},
    "projectInfo": {"name": "app", "reportDate": "2024-02-02T10:00:00.123456Z"},
    "dependencies": [
        {"fileName": "clean.jar", "filePath": "/app/clean.jar"},
        {
            "fileName": "log4j-core-2.14.1.jar",
            "filePath": "/app/log4j-core-2.14.1.jar",
            "packages": [{"id": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", "confidence": "HIGH"}],
            "vulnerabilities": [
                {"source": "NVD", "name": "CVE-2021-44228", "severity": "CRITICAL", "cvssv3": {"baseScore": 10.0}}
            ],
            "suppressedVulnerabilities": [{"source": "NVD", "name": "CVE-2021-45105", "severity": "MEDIUM"}],
        },
    ],
}

KLAR = {
    "LayerCount": 9,
    "Vulnerabilities": {
        "High": [
            {"Name": "RHSA-2019:0109", "Severity": "High", "FixedBy": "4:5.16.3-294", "FeatureName": "perl",
             "FeatureVersion": "4:5.16.3-293", "NamespaceName": "centos:7"},
        ],
        "Negligible": [{"Name": "CVE-2019-0001", "Severity": "Negligible", "FeatureName": "tar"}],
    },
}  # fmt: skip
CLUSTER = {
    "ClusterName": "test",
    "Resources": [
        {
            "Namespace": "default", "Kind": "Deployment", "Name": "redis",
            "Results": [
                {"Target": "redis:6 (debian 10.4)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [
                    {"VulnerabilityID": "CVE-2020-27350", "PkgName": "apt", "Severity": "LOW", "FixedVersion": "2"}]},
                {"Target": "Deployment/redis", "Class": "config", "Misconfigurations": [
                    {"ID": "KSV001", "Status": "FAIL", "Severity": "LOW"}, {"ID": "KSV002", "Status": "PASS"}]},
            ],
        },
        {"Kind": "Service", "Name": "clean"},
    ],
}  # fmt: skip
SNYK = {
    "vulnerabilities": [
        {"id": "SNYK-TEST-0001", "packageName": "a", "version": "1", "severity": "high", "identifiers": None},
        {"id": "SNYK-TEST-0002", "packageName": "b", "version": "1", "severity": "critical", "identifiers": {},
         "nearestFixedInVersion": "2"},
    ],
    "packageManager": "npm",
}  # fmt: skip

REPORTS: dict[str, tuple[Any, Json]] = {
    "Klar": (KLAR, {"tool": "clair", "findings": 2, "bySeverity": {"HIGH": 1, "LOW": 1}, "fixable": 1}),
    "Trivy about a cluster": (
        CLUSTER,
        {"tool": "trivy", "findings": 2, "fixable": 1, "byCategory": {"MISCONFIGURATION": 1, "VULNERABILITY": 1}},
    ),
    "Snyk without identifiers": (SNYK, {"tool": "snyk", "bySeverity": {"CRITICAL": 1, "HIGH": 1}, "fixable": 1}),
    "Snyk, several projects": ([SNYK, {**SNYK, "vulnerabilities": []}], {"findings": 2}),
    "OSV-Scanner, nothing found": (OSV_CLEAN, {"tool": "osv-scanner", "findings": 0}),
    "OSV-Scanner": (
        OSV_JSON,
        {"findings": 3, "bySeverity": {"MEDIUM": 1, "UNKNOWN": 2}, "fixable": 1,
         "byCategory": {"LICENSE": 1, "VULNERABILITY": 2}},
    ),
    "GitLab 15": (
        GITLAB_15,
        {"tool": "trivy", "toolVersion": "0.48.0", "bySeverity": {"CRITICAL": 1}, "fixable": 1,
         "finished": "2024-01-01T00:01:00Z"},
    ),
    "GitLab 2": (GITLAB_2, {"tool": "trivy", "bySeverity": {"HIGH": 1}, "fixable": 1}),
    "Checkov": (
        CHECKOV_JSON,
        {"tool": "checkov", "toolVersion": "3.2.1", "findings": 2, "bySeverity": {"LOW": 1, "UNKNOWN": 1},
         "suppressed": 1},
    ),
    "Checkov, several frameworks": ([CHECKOV_JSON, CHECKOV_JSON], {"findings": 4, "suppressed": 2}),
    "Dependency-Check": (
        DEPENDENCY_CHECK_JSON,
        {"tool": "dependency-check", "toolVersion": "9.0.9", "findings": 2, "suppressed": 1,
         "finished": "2024-02-02T10:00:00.123456Z"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), REPORTS.values(), ids=REPORTS)
def test_reports(document: Any, expected: Json) -> None:
    found = summary(document)
    assert found["kind"] == "scan"
    assert {key: found[key] for key in expected} == expected
    assert not found["warnings"]


NOTHING = {
    "Checkov without a file to check": {"passed": 0, "failed": 0, "checkov_version": "3.2.1"},
    "an empty list": [],
    "GitLab 2, empty": {"version": "2.3", "vulnerabilities": [], "remediations": []},
    "results of nobody": {"results": []},
    "a cluster without resources": {"ClusterName": "test", "Resources": []},
    "a cluster that could not be scanned": {"ClusterName": "test", "Resources": [{"Name": "a", "Error": "timeout"}]},
    "Snyk, one project failed": [SNYK, {"ok": False, "error": "no manifest", "path": "."}],
    "a scan that failed": {**GITLAB_15, "scan": {**GITLAB_15["scan"], "status": "failure"}},  # type: ignore[dict-item]
    "Klar without its lists": {"LayerCount": 1, "Vulnerabilities": None},
    "Checkov without its checks": {**CHECKOV_JSON, "results": {}},
    "Dependency-Check without its list": {**DEPENDENCY_CHECK_JSON, "dependencies": None},
}


@pytest.mark.parametrize("document", NOTHING.values(), ids=NOTHING)
def test_what_scanned_nothing_is_no_clean_scan(document: Any) -> None:
    with pytest.raises(EvidenceError):
        summary(document)


@pytest.mark.parametrize(
    "document",
    [
        {**CHECKOV_JSON, "results": {"failed_checks": [], "parsing_errors": ["/Dockerfile"]}},
        {**DEPENDENCY_CHECK_JSON, "scanInfo": {"analysisExceptions": [{"exception": {"message": "no such host"}}]}},
    ],
)
def test_what_a_scanner_could_not_look_at_is_a_gap(document: Json) -> None:
    (scan,) = formats.read(written(document), Source("sha256:" + "0" * 64)).records
    assert isinstance(scan, Scan)
    (gap,) = scan.findings.gaps
    assert gap.many


def test_where_the_package_is_named() -> None:
    assert str(findings(GITLAB_15)[0].package) == "curl 7.88.1-10"
    (found, _) = findings(DEPENDENCY_CHECK_JSON)
    assert found.package is not None
    assert found.package.purl == "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"
    assert findings(CHECKOV_JSON)[0].location == "/Dockerfile:1"


# SBOMs ----------------------------------------------------------------------------------------------


def spdx(*packages: Json, tool: str = "x-1", **others: Any) -> Json:
    creation = {"created": "2026-01-01T00:00:00Z", "creators": [f"Tool: {tool}"]}
    return {"spdxVersion": "SPDX-2.2", "SPDXID": "SPDXRef-DOCUMENT", "creationInfo": creation,
            "packages": list(packages), **others}  # fmt: skip


def purl(locator: str, category: str = "PACKAGE_MANAGER") -> list[Json]:
    return [{"referenceCategory": category, "referenceType": "purl", "referenceLocator": locator}]


def cyclonedx(version: str, *components: Json, **others: Any) -> Json:
    return {"bomFormat": "CycloneDX", "specVersion": version, "version": 1, "components": list(components), **others}


SBOM_TOOL = spdx(
    {"name": "NuGet.Packaging", "versionInfo": "5.6.0", "externalRefs": purl("pkg:nuget/NuGet.Packaging%405.6.0")},
    {"name": "@a/b", "versionInfo": "1.0.0+1", "externalRefs": purl("pkg:npm/%40a/b%401.0.0+1?x=%401#y")},
    {"name": "@c/d", "versionInfo": "2.0", "externalRefs": purl("pkg:npm/%40c/d@2.0")},
    {"name": "e@f", "versionInfo": "3", "externalRefs": purl("pkg:generic/e%40f")},
    {"name": "root", "SPDXID": "SPDXRef-RootPackage", "hasFiles": []},
    tool="Microsoft.SBOMTool-2.2.3",
    files=[{"fileName": "./a.dll", "SPDXID": "SPDXRef-File-a"}],
)
GITHUB = {
    "sbom": spdx({"name": "npm:a", "versionInfo": "1", "licenseConcluded": "MIT"}, tool="GitHub.com-Dependency-Graph")
}
TERN = spdx(
    {"name": "photon", "versionInfo": "3.0", "licenseDeclared": "NOASSERTION", "licenseConcluded": "NOASSERTION"},
    {"name": "bash", "versionInfo": "4.4", "licenseDeclared": "LicenseRef-f30c02b"},
    tool="tern-b8e13d1780cd3a02204226bba3d0772d95da24a0",
)
KO = spdx(
    {"name": "sha256:abc", "SPDXID": "SPDXRef-Package-x", "primaryPackagePurpose": "CONTAINER",
     "externalRefs": purl("pkg:oci/image@sha256%3Aabc?mediaType=x", "PACKAGE-MANAGER")},
    {"name": "golang.org/x/sys", "versionInfo": "v0.1.0",
     "externalRefs": purl("pkg:golang/golang.org/x/sys@v0.1.0?type=module", "PACKAGE_MANAGER")},
    tool="ko 0.15.0",
)  # fmt: skip
BOM = b"""SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: SBOM-SPDX-1
Creator: Tool: bom-v0.5.1
Created: 2023-01-01T00:00:00Z

##### Package: app

PackageName: app
SPDXID: SPDXRef-Package-app
PackageLicenseConcluded: NOASSERTION
ExternalRef: PACKAGE-MANAGER purl pkg:generic/an app@1
PackageComment: <text>several
lines: of PackageName: nothing
</text>

FileName: /etc/passwd
SPDXID: SPDXRef-File-a
LicenseConcluded: MIT
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package-app
"""
SPDX_SBOM_GENERATOR = b"""SPDXVersion: SPDX-2.2
SPDXID: SPDXRef-DOCUMENT
Creator: Tool: spdx-sbom-generator-0.0.1

##### Package representing the app

PackageName: app
SPDXID: SPDXRef-Package-app
PackageLicenseDeclared: MIT

Relationship SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package-app
Relationship SPDXRef-Package-app DEPENDS_ON DocumentRef-a:SPDXRef-Package-b

PackageName: b
SPDXID: SPDXRef-Package-b
PackageSupplier: NOASSERTION
"""
CDXGEN = cyclonedx(
    "1.5",
    {"type": "library", "group": "", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "bom-ref": "pkg:npm/a@1",
     "licenses": [{"license": {"id": "MIT", "url": "https://opensource.org/licenses/MIT"}}, {}],
     "evidence": {"identity": {"field": "purl"}, "licenses": [{"license": {"id": "GPL-3.0-only"}}]}},
    {"type": "cryptographic-asset", "name": "RSA-2048"},
    metadata={"timestamp": "2026-01-01T00:00:00Z",
              "tools": {"components": [{"group": "@cyclonedx", "name": "cdxgen", "version": "10.2.2"}]},
              "component": {"type": "application", "name": "app", "components": [{"name": "b", "type": "library"}]}},
    services=[{"name": "an api"}],
    dependencies=[],
)  # fmt: skip
DOTNET = cyclonedx(
    "1.2",
    {"type": "library", "name": "a", "version": "1", "scope": "required", "licenses": [{"expression": "MIT OR X11"}],
     "components": [{"type": "library", "name": "inner", "version": "2"}]},
    metadata={"tools": [{"vendor": "CycloneDX", "name": "CycloneDX module for .NET", "version": "2.7.0.0"}]},
    serialNumber="urn:uuid:wrong",
)  # fmt: skip
NO_FORMAT = {**cyclonedx("1.4", {"type": "library", "name": "a"}), "bomFormat": "AnotherFormat"}
SCOUT = {
    "artifacts": [{"type": "deb", "name": "apt", "version": "2.6.1", "purl": "pkg:deb/debian/apt@2.6.1",
                   "licenses": ["GPL-2.0"], "layers": []}],
    "source": {"type": "image", "image": {"name": "app", "digest": "sha256:abc"}},
    "descriptor": {"name": "docker scout", "version": "1.4.1", "sbom_version": "9"},
}  # fmt: skip
SPDX_3 = {
    "@context": "https://spdx.org/rdf/3.0.0/spdx-context.jsonld",
    "@graph": [
        {"type": "CreationInfo", "@id": "_:old", "specVersion": "3.0.0", "created": "2011-04-05T23:00:00Z"},
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.0", "created": "2026-01-01T00:00:00Z",
         "createdUsing": ["urn:t"]},
        {"type": "Tool", "spdxId": "urn:other", "name": "gcc"},
        {"type": "Tool", "spdxId": "urn:t", "name": "OpenEmbedded"},
        {"type": "SpdxDocument", "spdxId": "urn:d", "creationInfo": "_:c"},
        {"type": "software_Package", "spdxId": "urn:p", "name": "busybox", "software_packageVersion": "1.36",
         "software_primaryPurpose": "install", "software_packageUrl": "pkg:generic/busybox@1.36"},
        {"type": "software_File", "spdxId": "urn:f", "name": "/bin/sh"},
        {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:l",
         "simplelicensing_licenseExpression": "GPL-2.0-only"},
        {"type": "Relationship", "spdxId": "urn:r", "from": "urn:p", "relationshipType": "hasDeclaredLicense",
         "to": ["urn:l"]},
        {"type": "build_Build", "spdxId": "urn:b"},
    ],
}  # fmt: skip

SBOMS: dict[str, tuple[Any, Json]] = {
    "Microsoft's sbom-tool": (SBOM_TOOL, {"tool": "microsoft.sbomtool", "packages": 5, "withPurl": 4}),
    "GitHub's export": (GITHUB, {"packages": 1, "withPurl": 0, "withLicense": 1}),
    "Tern": (TERN, {"tool": "tern", "packages": 2, "withLicense": 1}),
    "ko": (KO, {"tool": "ko", "toolVersion": "0.15.0", "packages": 2, "withPurl": 2}),
    "bom": (BOM, {"tool": "bom", "toolVersion": "v0.5.1", "packages": 1, "withPurl": 1, "withLicense": 0}),
    "spdx-sbom-generator": (SPDX_SBOM_GENERATOR, {"toolVersion": "0.0.1", "packages": 2, "withLicense": 1}),
    "cdxgen": (CDXGEN, {"tool": "cdxgen", "packages": 3, "withPurl": 1, "withLicense": 1}),
    "CycloneDX for .NET": (DOTNET, {"packages": 2, "withLicense": 1, "format": "cyclonedx-json-1.2"}),
    "a BOM with another name": (NO_FORMAT, {"packages": 1}),
    "Docker Scout": (SCOUT, {"tool": "docker scout", "packages": 1, "withPurl": 1, "withLicense": 1}),
    "SPDX 3 of Yocto": (
        SPDX_3,
        {"tool": "openembedded", "created": "2026-01-01T00:00:00Z", "packages": 1, "withPurl": 1, "withLicense": 1},
    ),
    "an SPDX document in UTF-16": (json.dumps(SBOM_TOOL).encode("utf-16"), {"packages": 5, "withPurl": 4}),
    "and without its mark": (json.dumps(SBOM_TOOL).encode("utf-16-le"), {"packages": 5, "withPurl": 4}),
    "tag-value in UTF-16": (BOM.decode().encode("utf-16"), {"packages": 1, "withPurl": 1}),
}
WARNED = {"a BOM with another name", "an SPDX document in UTF-16", "and without its mark", "tag-value in UTF-16"}


@pytest.mark.parametrize("name", SBOMS)
def test_sboms(name: str) -> None:
    document, expected = SBOMS[name]
    found = summarise(formats.read(written(document), Source("sha256:d")))
    assert found["kind"] == "sbom"
    assert {key: found[key] for key in expected} == expected
    assert bool(found["warnings"]) == (name in WARNED)


def written(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def purls(document: Any) -> list[str | None]:
    (sbom,) = formats.read(written(document), Source("sha256:d")).records
    assert isinstance(sbom, Sbom)
    return [package.purl for package in sbom.packages.items]


def test_a_version_whose_sign_is_encoded_is_no_part_of_the_name() -> None:
    """As sbom-tool writes it, no range finds the package: `pkg:nuget/nuget.packaging@<6` lets it through."""
    mended = ["pkg:nuget/NuGet.Packaging@5.6.0", "pkg:npm/%40a/b@1.0.0+1?x=%401#y", "pkg:npm/%40c/d@2.0"]
    assert purls(SBOM_TOOL) == [*mended, "pkg:generic/e%40f", None]
    assert contains(parse("pkg:nuget/nuget.packaging@<6"), purls(SBOM_TOOL)[0]) is True


def trivy_license(package: str, kind: str) -> Json:
    message = f"Artifact: alpine:3.18\nLicense GPL-2.0-only\nPkgName: {package}\n Classification: {kind}\n Path: "
    rule = {"id": "musl:GPL-2.0-only", "name": "License", "properties": {"tags": ["license", "security", "HIGH"]}}
    return sarif("Trivy", [result("musl:GPL-2.0-only", message, "error")], [rule])


@pytest.mark.parametrize(("package", "kind"), [("musl", "restricted"), ("restricted", "musl"), ("notice", "notice")])
def test_trivy_confused_package_and_class_of_a_licence(package: str, kind: str) -> None:
    (found,) = findings(trivy_license(package, kind))
    assert (found.category, found.ids) == ("LICENSE", ("GPL-2.0-only",))
    assert found.severity is Severity.HIGH
    assert found.package is not None
    assert found.package.name == ("notice" if package == kind else "musl")
