"""What single versions of scanners write otherwise than their newest, in SARIF and in JSON of their own.

Each was found in a real file; the documents are written here, in its shape.
"""

from __future__ import annotations

from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.model import Finding, Package, Severity
from policyengine.evidence.reading import Source
from tests.evidence.test_tools import findings, result, sarif, summary

Json = dict[str, Any]


def only(document: Any) -> Finding:
    (found,) = findings(document)
    return found


def named(package: Package | None) -> tuple[str, str | None]:
    assert package is not None
    return package.name, package.version


def refusal(document: Any) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        summary(document)
    return caught.value


# Trivy ----------------------------------------------------------------------------------------------


def templated(severity: str, name: str, package: str) -> Json:
    """A rule of Trivy's template of 0.15: one for each finding, of which several have one id."""
    written = (
        f"Vulnerability {name}\nSeverity: {severity}\nPackage: {package}\nInstalled Version: 1.8.2\nFixed Version: "
    )
    return {
        "id": f"[{severity}] {name}",
        "name": "dockerfile_scan",
        "help": {"text": f"{written}\nLink: [{name}](https://avd.example.com)"},
        "properties": {"tags": ["vulnerability", severity, package], "precision": "very-high"},
    }


def test_trivys_template_names_package_and_id_in_the_rule() -> None:
    rules = [
        templated("LOW", "CVE-2011-3374", "apt"),
        templated("LOW", "CVE-2011-3374", "libapt-pkg5.0"),
        templated("HIGH", "TEMP-0841856-B18BAF", "bash"),
    ]
    listed = [result(rule["id"], "It was found that", "error", ruleIndex=place) for place, rule in enumerate(rules)]
    found = findings(sarif("Trivy", listed, rules))
    assert [each.ids for each in found] == [("CVE-2011-3374",), ("CVE-2011-3374",), ("TEMP-0841856-B18BAF",)]
    assert [named(each.package) for each in found] == [("apt", "1.8.2"), ("libapt-pkg5.0", "1.8.2"), ("bash", "1.8.2")]
    assert [each.severity for each in found] == [Severity.LOW, Severity.LOW, Severity.HIGH]
    assert not any(each.fix for each in found)


# JFrog ----------------------------------------------------------------------------------------------


def xray(rule: str, short: str, fixed: str = "No fix available", score: str = "10.0") -> Json:
    """A finding in an image by Xray 3.104: the message names the layer, the rule the package."""
    layer = "sha256__f21c087a3964a446bce1aa4e3ec7cf82020dd77ad14f1cf4ea49cbb32eda1595.tar "
    return sarif(
        "JFrog Xray Scanner",
        [result(rule, f"[{rule.partition('_')[0]}] {layer}", "error", properties={"fixedVersion": fixed})],
        [{"id": rule, "shortDescription": {"text": short}, "properties": {"security-severity": score}}],
    )


def test_xray_names_the_package_of_an_image_in_the_rule() -> None:
    found = only(
        xray(
            "CVE-2023-51767_debian:bookworm:openssh-client:1_9.2p1-2",
            "[CVE-2023-51767] debian:bookworm:openssh-client:1 9.2p1-2",
            "[1:9.2p1-2+deb12u3]",
        )
    )
    assert (found.ids, named(found.package)) == (("CVE-2023-51767",), ("openssh-client", "1:9.2p1-2"))
    assert found.fix == "1:9.2p1-2+deb12u3"
    found = only(xray("CVE-2024-1_org.yaml:snakeyaml_1.2", "[CVE-2024-10001] org.yaml:snakeyaml 1.2"))
    assert named(found.package) == ("org.yaml:snakeyaml", "1.2")


def test_what_xray_knows_by_an_id_of_its_own_is_a_vulnerability() -> None:
    found = only(xray("XRAY-264729_cors.js_0.0.1-security", "[XRAY-264729] cors.js 0.0.1-security"))
    assert (found.ids, found.category, found.severity) == (("XRAY-264729",), "VULNERABILITY", Severity.CRITICAL)
    assert (named(found.package), found.fix) == (("cors.js", "0.0.1-security"), None)


# Tools without an adapter of their own --------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "properties", "level", "severity"),
    [
        ("devskim", {"DevSkimSeverity": "Critical", "DevSkimConfidence": "High"}, "error", Severity.CRITICAL),
        ("Bandit", {"issue_severity": "MEDIUM", "issue_confidence": "HIGH"}, "error", Severity.MEDIUM),
        ("Shell Script Analysis", {"issue_severity": "CRITICAL", "issue_tags": {}}, "error", Severity.CRITICAL),
        ("lint", {"severity": 5, "issue_severity": ["x"]}, "note", Severity.LOW),
    ],
)
def test_severities_under_the_names_of_single_tools(
    tool: str, properties: Json, level: str, severity: Severity
) -> None:
    """DevSkim 1.0, bandit-sarif-formatter 1.1, ShiftLeft's scan 1.0: the level cannot say critical."""
    assert only(sarif(tool, [result("X1", "x", level, properties=properties)])).severity is severity


@pytest.mark.parametrize(
    ("rule", "category"),
    [
        ("SNYK-HEX-PAGINATOR-1086684", "VULNERABILITY"),  # by a tool that wraps Snyk
        ("RUSTSEC-2021-0145", "VULNERABILITY"),  # cargo-audit
        ("GO-2024-2598", "VULNERABILITY"),
        ("DLA-3152-1", "VULNERABILITY"),
        ("RHSA-2024:0001", "VULNERABILITY"),
        ("GO-W1000", "CODE"),  # a linter's
        ("MAL-1", "CODE"),
        ("snyk", "CODE"),
    ],
)
def test_ids_of_advisories_are_those_of_vulnerabilities(rule: str, category: str) -> None:
    assert only(sarif("anything", [result(rule, "x")], [{"id": rule}])).category == category


def test_black_duck_names_the_package_in_properties() -> None:
    own = {"securityRisk": "HIGH", "component": "lodash", "componentVersion": "4.17.20"}
    found = only(sarif("Black Duck", [result("BDSA-2021-1002 (CVE-2021-23337)", "x", "error", properties=own)]))
    assert (found.ids[0], named(found.package)) == ("CVE-2021-23337", ("lodash", "4.17.20"))
    listed = {"component": ["lodash"], "componentVersion": "4.17.20"}
    found = only(sarif("other", [result("CVE-2021-23337", "x", "error", properties=listed)]))
    assert found.package is None


# Snyk -----------------------------------------------------------------------------------------------


def test_snyk_told_critical_from_high_in_a_field_of_its_own() -> None:
    """Snyk's JSON of 2020 and 2021: `severity` went to high only."""
    issue = {"id": "SNYK-1", "packageName": "a", "version": "1", "severity": "high"}
    listed = [{**issue, "severityWithCritical": "critical"}, issue]
    found = findings({"vulnerabilities": listed, "dependencyCount": 2})
    assert [each.severity for each in found] == [Severity.CRITICAL, Severity.HIGH]


def test_what_snyks_policy_file_takes_out_is_suppressed_and_not_gone() -> None:
    issue = {"id": "SNYK-1", "packageName": "a", "version": "1", "severity": "high"}
    out = {"ignore": [{**issue, "id": "SNYK-2", "filtered": {"ignored": [{"reason": "x"}]}}], "patch": []}
    found = findings({"vulnerabilities": [issue], "dependencyCount": 2, "filtered": out})
    assert [(each.ids, each.suppressed) for each in found] == [(("SNYK-1",), False), (("SNYK-2",), True)]


@pytest.mark.parametrize("tool", ["Snyk Secrets", "SnykCode", "Snyk Container"])
def test_a_word_in_snyks_properties_beats_the_level(tool: str) -> None:
    """Snyk 1.1301: critical and high are both errors."""
    rule = {"id": "generic-secret", "properties": {"severity": "critical", "tags": ["CWE-798", "security"]}}
    message = "This file contains a critical severity Generic Secret Key vulnerability."
    assert only(sarif(tool, [result("generic-secret", message, "error")], [rule])).severity is Severity.CRITICAL


def test_a_licence_that_snyk_reports_has_its_package_without_a_place() -> None:
    rule: Json = {
        "id": "snyk:lic:maven:ch.qos.logback:logback-core:EPL-1.0",
        "shortDescription": {"text": "Medium severity - Dual license: EPL-1.0 vulnerability in ch.qos.logback"},
        "fullDescription": {"text": "ch.qos.logback:logback-core@1.5.18"},
        "properties": {"security-severity": "undefined", "severity": "medium"},
    }
    found = only(sarif("Snyk Open Source", [result(rule["id"], "x", "warning")], [rule]))
    assert (found.category, found.severity) == ("LICENSE", Severity.MEDIUM)
    assert named(found.package) == ("ch.qos.logback:logback-core", "1.5.18")


# Sysdig ---------------------------------------------------------------------------------------------

PLACED = [{"message": {"text": "sysdiglabs/dummy-vuln-app:latest - pycrypto@2.6.1"}}]
SEVERE = (
    "Severity: High\n  CVSS Score: 7.5\n  CVSS Version: 3.0\n  CVSS Vector: CVSS:3.0/AV:N/AC:L/C:H/I:N/A:N"
    "\n  Fixed Version: {fix}\n  Exploitable: false\n  Link to NVD: [CVE-2018-6594](https://nvd.nist.gov/x)"
)
ABOUT = "Package type: python\n  Installed Version: 2.6.1\n  Package path: /usr/lib/python2.7/pycrypto.egg-info"
SEEN = "Full image scan results in Sysdig UI: [app:latest scan result](https://secure.sysdig.com/x/overview)"
LINKED = 'Package: [pycrypto](https://x/content?filter=freeText+in+("pycrypto"))'
CVE = 'Vulnerability: [CVE-2018-6594](https://x/vulnerabilities?filter=freeText+in+("CVE-2018-6594"))'


@pytest.mark.parametrize(
    "message",
    [
        f"{SEEN}\n  {LINKED}\n  {ABOUT}\n  {CVE}\n  {SEVERE}",  # scan-action 3
        f"{SEEN}{LINKED}{ABOUT}{CVE}{SEVERE}",  # 4.0, without ends of lines
        f"{SEEN}{ABOUT}{SEVERE}",  # 4.0, which knows no address
        f"{SEEN}\n{LINKED}\n{ABOUT}\n.\n{CVE}\n{SEVERE}",  # 6
    ],
)
@pytest.mark.parametrize(("fix", "fixed"), [("v2.6.2", "v2.6.2"), ("Unknown", None), ("None", None)])
def test_sysdigs_messages_of_all_versions(message: str, fix: str, fixed: str | None) -> None:
    told = result("CVE-2018-6594", message.format(fix=fix), "note") | {"locations": PLACED}
    found = only(sarif("sysdig-cli-scanner", [told]))
    assert (found.ids, found.severity, found.fix) == (("CVE-2018-6594",), Severity.HIGH, fixed)
    assert named(found.package) == ("pycrypto", "2.6.1")
    assert found.location == "/usr/lib/python2.7/pycrypto.egg-info"


def test_a_message_of_sysdigs_without_a_vulnerability_is_a_gap() -> None:
    found = summary(sarif("sysdig-cli-scanner", [result("X", f"{SEEN}\n{LINKED}\n{ABOUT}", "note")]))
    assert (found["findings"], len(found["warnings"])) == (0, 1)


def sysdig(version: str, **parts: Any) -> Json:
    return {
        "info": {"scanTime": "2025-02-18T11:55:00.636098+03:00", "resultId": "x"},
        "scanner": {"name": "sysdig-cli-scanner", "version": version},
        "result": {"metadata": {"pullString": "app:latest", "digest": "sha256:" + "b" * 64}, **parts},
    }


SYSDIG_OLDER = sysdig(
    "1.20.0",
    packages=[
        {"type": "os", "name": "libc-bin", "version": "2.24-11+deb9u4"},
        {"type": "python", "name": "idna", "version": "2.2", "path": "/a", "suggestedFix": "v3.7.0", "vulns": [
            {"name": "CVE-2024-3651", "severity": {"value": "Critical", "sourceName": "nvd"},
             "cvssScore": {"value": {"version": "3.1", "score": 7.5}}, "fixedInVersion": "v3.7.0"}]},
    ],
)  # fmt: skip
SYSDIG = sysdig(
    "1.23.0",
    assetType="containerImage",
    packages={
        "p1": {"name": "Jinja2", "version": "2.11.2", "path": "/b", "vulnerabilitiesRefs": ["v1", "v2"]},
        "p2": {"name": "cpp", "version": "4:6.3.0-4", "vulnerabilitiesRefs": None},
    },
    vulnerabilities={
        "v1": {"name": "CVE-2024-56326", "severity": "high", "cvssScore": {"score": 8.1}, "fixVersion": "3.1.5"},
        "v2": {"name": "CVE-2025-27516", "severity": "critical", "cvssScore": {"score": 8.8}, "riskAcceptRefs": ["r1"]},
    },
    riskAccepts={"r1": {"id": "r1", "reason": "RiskOwned", "status": "active"}},
)


def test_sysdigs_own_json() -> None:
    expected = {"tool": "sysdig", "toolVersion": "1.20.0", "bySeverity": {"CRITICAL": 1}, "fixable": 1}
    assert summary(SYSDIG_OLDER).items() >= expected.items()
    assert summary(SYSDIG_OLDER)["finished"] == "2025-02-18T08:55:00.636098Z"
    found = summary(SYSDIG)
    assert (found["findings"], found["bySeverity"]) == (2, {"CRITICAL": 1, "HIGH": 1})
    assert (found["fixable"], found["suppressed"], found["warnings"]) == (1, 1, [])
    assert {named(each.package) for each in findings(SYSDIG)} == {("Jinja2", "2.11.2")}


@pytest.mark.parametrize(
    "risks", [{}, {"r1": {"status": "expired"}}, {"r1": {}}, {"r2": {"status": "active"}}], ids=str
)
def test_a_risk_that_sysdig_no_longer_accepts_is_a_finding(risks: Json) -> None:
    result = {**SYSDIG["result"], "riskAccepts": risks}
    assert not any(each.suppressed for each in findings({**SYSDIG, "result": result}))


@pytest.mark.parametrize("broken", [{}, {"packages": None}, {"packages": "none"}])
def test_sysdigs_json_without_packages_is_no_scan(broken: Json) -> None:
    assert refusal(sysdig("1.23.0", **broken)).message


def test_a_vulnerability_that_sysdig_refers_to_and_leaves_out_is_a_gap() -> None:
    lost = sysdig("1.23.0", packages={"p": {"name": "a", "vulnerabilitiesRefs": ["v"]}}, vulnerabilities={})
    assert "not there" in summary(lost)["warnings"][0]


# GitLab ---------------------------------------------------------------------------------------------


def gitlab(kind: str, **vulnerability: Any) -> Json:
    scanner = {"id": "gemnasium", "name": "Gemnasium", "version": "2.24.1"}
    scan = {"scanner": scanner, "type": kind, "status": "success", "end_time": "2020-12-23T13:43:49"}
    identifiers = [{"type": "gemnasium", "name": "x", "value": "7368f513"}]
    return {
        "scan": scan,
        "vulnerabilities": [{"id": "1", "severity": "High", "identifiers": identifiers, **vulnerability}],
    }


@pytest.mark.parametrize(
    ("solution", "fix"),
    [
        ("Upgrade curl to 7.61.1-r0", "7.61.1-r0"),  # Trivy's template
        ("Upgrade apt from 1.4.8 to 1.4.9", "1.4.9"),  # the analyzer for containers
        ("Upgrade to version v0.0.0-20201216223049-8b5274cf687f or above.", "v0.0.0-20201216223049-8b5274cf687f"),
        ("Upgrade to versions 2.9.10.2, 2.10.0.pr2 or above.", "2.9.10.2, 2.10.0.pr2"),  # Gemnasium
        ("Upgrade apt from 1.4.8 to 1.4.9\nSee https://security-tracker.debian.org", "1.4.9"),
        ("No solution provided", None),
        ("Unfortunately, there is no solution available yet.", None),
    ],
)
def test_solutions_of_gitlabs_analyzers(solution: str, fix: str | None) -> None:
    assert only(gitlab("dependency_scanning", solution=solution)).fix == fix


def test_a_secret_that_gitlab_reports_has_its_line() -> None:
    found = only(gitlab("secret_detection", location={"file": "a.env", "start_line": 3, "commit": {"sha": "0"}}))
    assert (found.category, found.location) == ("SECRET", "a.env:3")


# Other formats --------------------------------------------------------------------------------------


def harbor(**others: Any) -> Json:
    listed = [
        {"id": "CVE-2024-0001", "package": "musl", "version": "1.2", "fix_version": "1.3", "severity": "High",
         "preferred_cvss": {"score_v3": None, "score_v2": 7.5}},
        {"id": "CVE-2024-0002", "package": "zlib", "version": "1", "fix_version": "", "severity": "Negligible"},
    ]  # fmt: skip
    scanner = {"name": "Trivy", "vendor": "Aqua Security", "version": "v0.44.0"}
    report = {"generated_at": "2023-11-16T00:14:12.726598+00:00", "scanner": scanner, "severity": "High"}
    return {**report, "artifact": None, "vulnerabilities": listed, **others}


@pytest.mark.parametrize(
    "document",
    [
        harbor(),  # as the scanner gives it to Harbor
        harbor(artifact={"repository": "app", "digest": "sha256:" + "a" * 64}),
        {"application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0": harbor()},  # Harbor 2.0
        {"application/vnd.security.vulnerability.report; version=1.1": harbor()},
    ],
)
def test_harbors_reports_of_all_media_types(document: Json) -> None:
    assert all(formats.declared_kind(media_type) == "scan" for media_type in document if "/" in media_type)
    found = summary(document)
    assert (found["tool"], found["toolVersion"], found["fixable"]) == ("trivy", "v0.44.0", 1)
    assert found["bySeverity"] == {"HIGH": 1, "LOW": 1}
    assert findings(document)[0].cvss is not None


def test_the_score_of_a_grype_that_named_the_versions_of_cvss() -> None:
    """Grype up to 0.7."""
    scores = {"cvssV2": {"baseScore": 7.2, "vector": "AV:L"}, "cvssV3": {"baseScore": 9.8, "vector": "CVSS:3.0"}}
    vulnerability = {"id": "CVE-2020-0001", "severity": "High", "links": [], **scores}
    match = {"vulnerability": vulnerability, "matchDetails": {}, "artifact": {"name": "musl", "version": "1.1.24"}}
    document = {"matches": [match], "distro": {}, "descriptor": {"name": "grype", "version": "0.7.0"}}
    assert str(only(document).cvss) == "9.8"
    del vulnerability["cvssV3"]
    assert str(only(document).cvss) == "7.2"


# Prisma Cloud ---------------------------------------------------------------------------------------


def prisma(word: str, package: str) -> Json:
    return {
        "id": "CVE-2024-0001",
        "shortDescription": {"text": f"[Prisma Cloud] CVE-2024-0001 in {package} ({word})"},
        "fullDescription": {"text": f"{word.title()} severity CVE-2024-0001 found in {package} version 1.1.1"},
    }


@pytest.mark.parametrize(
    ("level", "word", "severity"),
    [
        ("warning", "critical", Severity.CRITICAL),  # by the first versions of the action, always a warning
        ("warning", "high", Severity.HIGH),
        ("warning", "low", Severity.HIGH),  # the rule may be that of another package
        ("note", "critical", Severity.MEDIUM),
    ],
)
def test_a_warning_of_prismas_may_be_critical(level: str, word: str, severity: Severity) -> None:
    listed = [result("CVE-2024-0001", "", level)]
    assert only(sarif("Prisma Cloud (twistcli)", listed, [prisma(word, "openssl")])).severity is severity


def test_twistlock_names_the_source_package_alone() -> None:
    each = {"id": "CVE-2018-6485", "status": "open", "severity": "high", "packageVersion": "2.24"}
    names = ["glibc (used in libc6, multiarch-support, libc-bin)", "glibc", "gnupg2 (used in gpgv)"]
    listed = [{**each, "packageName": name} for name in names]
    image = {"distro": "Debian GNU/Linux 9 (stretch)", "compliances": None, "vulnerabilities": listed}
    assert [named(found.package)[0] for found in findings({"results": [image]})] == ["glibc", "glibc", "gnupg2"]
    rule = prisma("high", names[0])
    found = only(sarif("Prisma Cloud (twistcli)", [result("CVE-2024-0001", "", "warning")], [rule]))
    assert named(found.package) == ("glibc", "1.1.1")


def osv(package: Json, *affected: Json) -> Json:
    entry = {"package": package, "vulnerabilities": [{"id": "DSA-1-1", "affected": list(affected)}]}
    return {"results": [{"source": {"path": "/var/lib/dpkg/status", "type": "docker"}, "packages": [entry]}]}


def release(name: str, *fixed: str) -> Json:
    events = [{"introduced": "0"}, *({"fixed": version} for version in fixed)]
    return {"package": {"name": "curl", "ecosystem": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}


def test_a_fix_in_another_release_is_none() -> None:
    """OSV-Scanner 2 about an image: one vulnerability lists all releases of a distribution."""
    curl = {"name": "curl", "version": "7.88.1-10", "ecosystem": "Debian:12"}
    assert only(osv(curl, release("Debian:11", "7.74.0-1.3"), release("Debian:12"))).fix is None
    assert only(osv(curl, release("Debian:12", "7.88.1-11"), release("Debian:13", "8"))).fix == "7.88.1-11"
    assert only(osv(curl, release("Debian", "8"))).fix == "8"


@pytest.mark.parametrize(
    ("origin", "kind"), [("Debian:12", "deb"), ("Alpine:v3.18", "apk"), ("Go", "golang"), ("npm", "npm"), ("", None)]
)
def test_ecosystems_of_osv_are_types_of_package_urls(origin: str, kind: str | None) -> None:
    package = only(osv({"name": "curl", "version": "1", "ecosystem": origin})).package
    assert package is not None
    assert package.ecosystem == kind


def test_what_osv_scanner_knows_by_its_commit_alone() -> None:
    found = only(osv({"name": "", "version": "", "ecosystem": "", "commit": "9a6bd55c9d0722cb"}))
    assert named(found.package) == ("9a6bd55c9d0722cb", None)


OPERATOR = {
    "apiVersion": "aquasecurity.github.io/v1alpha1",
    "kind": "VulnerabilityReport",
    "report": {
        "updateTimestamp": "2024-01-23T13:43:55Z",
        "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.48.3"},
        "artifact": {"repository": "library/ubuntu", "digest": "sha256:" + "f" * 64, "tag": "20.04"},
        "vulnerabilities": [
            {"vulnerabilityID": "CVE-2024-0553", "resource": "libgnutls30", "installedVersion": "3.6.13",
             "fixedVersion": "3.6.14", "severity": "MEDIUM", "score": 5.9, "publishedDate": ""},
            {"vulnerabilityID": "CVE-2024-1000", "resource": "x", "fixedVersion": "", "severity": "CRITICAL"},
        ],
    },
}  # fmt: skip


def test_reports_of_trivys_operator() -> None:
    found = summary(OPERATOR)
    assert (found["tool"], found["toolVersion"], found["finished"]) == ("trivy", "0.48.3", "2024-01-23T13:43:55Z")
    assert (found["bySeverity"], found["fixable"]) == ({"CRITICAL": 1, "MEDIUM": 1}, 1)
    assert refusal({**OPERATOR, "report": {"summary": {"criticalCount": 0}}}).message
    other = refusal({**OPERATOR, "kind": "ExposedSecretReport"})
    assert "operator" in other.message
    assert "VulnerabilityReport" in other.help


def aqua(*vulnerabilities: Json, **others: Any) -> Json:
    about = {"format": "apk", "name": "musl", "version": "1.1.20-r4", "cpe": "pkg:/alpine:3.9.4:musl:1.1.20-r4"}
    resources = [{"resource": about, "scanned": True, "vulnerabilities": list(vulnerabilities)}]
    started = {"seconds": 1567784942, "nanos": 28041437}
    return {"image": "app:1", "scan_started": started, "resources": resources, **others}


def test_aquas_own_json() -> None:
    one = {"name": "CVE-2019-14697", "fix_version": "1.1.20-r5", "nvd_severity": "low", "nvd_score": 1.0}
    rated = {**one, "aqua_severity": "critical", "aqua_score": 7.5, "vendor_severity": "unimportant"}
    found = summary(aqua(rated, one, {"name": "CVE-1", "nvd_score_v3": 9.8}))
    assert (found["tool"], found["finished"]) == ("aqua", "2019-09-06T15:49:02Z")
    assert (found["bySeverity"], found["fixable"], found["warnings"]) == ({"CRITICAL": 2, "LOW": 1}, 2, [])
    assert refusal(aqua(resources=None)).message


def test_what_aqua_counts_and_does_not_list_is_a_gap() -> None:
    counts = {"total": 0, "sensitive": 0, "malware": 1}
    assert "malware" in summary(aqua(vulnerability_summary=counts))["warnings"][0]
    assert summary(aqua(scan_started={"seconds": 10**30}))["warnings"] == ["the time of the scan cannot be read"]


def test_aqua_names_an_archive_by_its_path() -> None:
    about = {"name": "/app/guava-20.0.jar", "version": "20.0.0", "path": "/app/guava-20.0.jar"}
    listed = [{"name": "CVE-2018-10237"}]
    document = aqua(resources=[{"resource": {**about, "cpe": "pkg:/java:*:guava:20.0.0"}, "vulnerabilities": listed}])
    assert named(only(document).package) == ("guava", "20.0.0")


def anchore(kind: str, *vulnerabilities: Json) -> Json:
    return {"imageDigest": "sha256:" + "c" * 64, "vulnerabilities": list(vulnerabilities), "vulnerability_type": kind}


def test_anchore_engine() -> None:
    one = {"vuln": "CVE-2011-3389", "severity": "Medium", "package_name": "libgnutls30", "package_version": "3.5.8"}
    found = summary(anchore("all", {**one, "fix": "None"}, {**one, "fix": "3.5.9", "package_path": "None"}))
    assert (found["tool"], found["bySeverity"], found["fixable"]) == ("anchore", {"MEDIUM": 2}, 1)
    assert not found["warnings"]


ANCHORECTL = [
    {"vuln": "CVE-2011-3389", "severity": "High", "packageName": "libgnutls30", "packageVersion": "3.5.8",
     "packagePath": "None", "feed": "vulnerabilities", "fix": "3.5.9", "description": "x"},
]  # fmt: skip


def test_anchorectl_prints_a_bare_list() -> None:
    found = only(ANCHORECTL)
    assert (named(found.package), found.severity, found.fix) == (("libgnutls30", "3.5.8"), Severity.HIGH, "3.5.9")
    assert refusal([]).message
    newer = {key: value for key, value in ANCHORECTL[0].items() if key != "feed"}
    assert only([{**newer, "packageType": "dpkg"}]).fix == "3.5.9"


def test_a_part_of_anchores_scan_is_not_all_of_it() -> None:
    assert "kind os were asked for" in summary(anchore("os"))["warnings"][0]


def test_clair_action_escapes_as_for_html() -> None:
    """Its template is one of Go's for HTML, where a plus is escaped, too: Debian's versions have many."""
    said = "libstdc&#43;&#43;6 - 10.2.1-6&#43;deb11u1 - CVE-2018-12886"
    rule = {"id": "8371-12", "help": {"text": "text\n\nFixed In: 10.2.1-7&#43;deb11u2"}}
    found = only(sarif("Clair V4", [result("8371-12", said, "warning")], [rule]))
    assert (named(found.package), found.fix) == (("libstdc++6", "10.2.1-6+deb11u1"), "10.2.1-7+deb11u2")
    assert found.severity is None


ROXCTL: Json = {
    "result": {
        "summary": {"CRITICAL": 1, "IMPORTANT": 1, "TOTAL-COMPONENTS": 2, "TOTAL-VULNERABILITIES": 2},
        "vulnerabilities": [
            {"cveId": "CVE-2024-0001", "cveSeverity": "CRITICAL", "cveCvss": 9.8, "cveInfo": "https://x",
             "componentName": "apt", "componentVersion": "1.0", "componentFixedVersion": "1.3"},
            {"cveId": "CVE-2024-0002", "cveSeverity": "IMPORTANT", "cveInfo": "https://x",
             "componentName": "curl", "componentVersion": "7.0-rc1", "componentFixedVersion": ""},
        ],
    }
}  # fmt: skip
STACKROX: Json = {
    "metadata": {"v1": {"layers": []}},
    "scan": {
        "scanTime": "2024-02-03T09:59:36Z",
        "scannerVersion": "4.4.0",
        "components": [
            {"name": "apt", "version": "1.0", "fixedBy": "1.4", "vulns": [
                {"cve": "CVE-2024-0001", "cvss": 2, "fixedBy": "1.1", "severity": "LOW_VULNERABILITY_SEVERITY"},
                {"cve": "CVE-2024-0002", "severity": "IMPORTANT_VULNERABILITY_SEVERITY", "suppressed": True},
            ]},
            {"name": "bash", "version": "4.2"},
        ],
    },
}  # fmt: skip


def test_roxctls_json() -> None:
    found = summary(ROXCTL)
    assert (found["tool"], found["bySeverity"], found["fixable"]) == ("stackrox", {"CRITICAL": 1, "HIGH": 1}, 1)
    assert named(findings(ROXCTL)[1].package) == ("curl", "7.0-rc1")
    counts = {"TOTAL-COMPONENTS": 2, "TOTAL-VULNERABILITIES": 0}
    assert summary({"result": {"summary": counts}})["findings"] == 0
    assert "counts some" in refusal({"result": {"summary": {**counts, "TOTAL-VULNERABILITIES": 2}}}).message


def test_an_image_of_stackrox() -> None:
    found = summary(STACKROX)
    assert (found["toolVersion"], found["finished"]) == ("4.4.0", "2024-02-03T09:59:36Z")
    assert (found["bySeverity"], found["fixable"], found["suppressed"]) == ({"LOW": 1, "HIGH": 1}, 1, 1)
    noted = {**STACKROX, "scan": {**STACKROX["scan"], "notes": ["OS_CVES_UNAVAILABLE"]}}
    assert "OS_CVES_UNAVAILABLE" in summary(noted)["warnings"][0]


@pytest.mark.parametrize(("level", "separator"), [("none", " "), ("error", ":\t")])
def test_roxctls_sarif_says_in_the_help_what_it_found(level: str, separator: str) -> None:
    """Up to 4.3 `none` for what is important, as the names of severities were others."""
    parts = {"Vulnerability": "CVE-2024-0001", "Link": "https://x", "Severity": "IMPORTANT", "CVSS": "8.8",
             "Component": "openssl-libs", "Version": "1:1.1.1k-9.el8", "Fixed Version": "1:1.1.1k-12.el8"}  # fmt: skip
    said = "\n".join(f"{key}{separator}{value}" for key, value in parts.items())
    name = "CVE-2024-0001_openssl-libs_1:1.1.1k-9.el8"
    rule = {"id": name, "name": "Vulnerabilities", "help": {"text": said}}
    found = only(sarif("roxctl", [result(name, said, level)], [rule]))
    assert (found.ids[0], found.severity, str(found.cvss)) == ("CVE-2024-0001", Severity.HIGH, "8.8")
    assert (named(found.package), found.fix) == (("openssl-libs", "1:1.1.1k-9.el8"), "1:1.1.1k-12.el8")
    policy = {"id": "No root", "name": "PolicyViolations", "help": {"text": "Severity CRITICAL\nSeverity LOW"}}
    found = only(sarif("roxctl", [result("No root", "x", level)], [policy]))
    assert (found.severity, found.category) == (Severity.CRITICAL, "MISCONFIGURATION")


NEUVECTOR: Json = {
    "report": {
        "vulnerabilities": [
            {"name": "CVE-2017-18342", "score": 7.5, "severity": "High", "package_name": "PyYAML",
             "package_version": "3.10-11.el7", "score_v3": 9.8, "feed_rating": "Moderate", "cves": [""]},
            {"name": "CVE-2015-8356", "score": 7.2, "severity": "High", "package_name": "openssh",
             "package_version": "7.2_p2-r0", "fixed_version": "1:7.2p2-3", "score_v3": 0, "in_base_image": True},
        ],
        "modules": [{"name": "scanner", "version": "1.011", "source": "github"}],
        "checks": [],
    }
}  # fmt: skip


def test_neuvectors_report_of_an_image() -> None:
    found = summary(NEUVECTOR)
    assert (found["tool"], found["bySeverity"], found["fixable"]) == ("neuvector", {"HIGH": 2}, 1)
    first, second = findings(NEUVECTOR)
    assert (str(first.cvss), str(second.cvss), named(first.package)) == ("9.8", "7.2", ("PyYAML", "3.10-11.el7"))
    assert "no such image" in refusal({"error_message": "no such image", **NEUVECTOR}).message


QUAY_VULNERABILITY = {
    "Severity": "Critical",
    "NamespaceName": "debian/updater/bullseye",
    "FixedBy": "",
    "Description": "x",
    "Name": "CVE-2022-1586",
    "Metadata": {"UpdatedBy": "x", "NVD": {"CVSSv3": {"Vectors": "CVSS:3.1/AV:N", "Score": 9.1}}},
}


def quay(status: str, *vulnerabilities: Json) -> Json:
    none = {"Name": "zlib1g", "Version": "1.2.11", "AddedBy": "sha256:b", "Vulnerabilities": None}
    one = {"Name": "libpcre2-8-0", "Version": "10.36-2", "AddedBy": "sha256:b", "Vulnerabilities": [*vulnerabilities]}
    layer = {"Name": "sha256:" + "d" * 64, "ParentName": "", "IndexedByVersion": 4, "Features": [none, one]}
    return {"status": status, "data": {"Layer": layer}}


def test_what_quay_answers() -> None:
    """The same as `clair-action report --format quay`, which Konflux attaches to images."""
    other = {**QUAY_VULNERABILITY, "Severity": "Unknown", "FixedBy": "10.37", "Name": "RHSA-2022:1586", "Metadata": {}}
    document = quay("scanned", QUAY_VULNERABILITY, {**other, "Metadata": {"NVD": None}}, other)
    found = summary(document)
    assert (found["tool"], found["findings"], found["fixable"]) == ("clair", 3, 2)
    assert found["bySeverity"] == {"CRITICAL": 1, "UNKNOWN": 2}
    first = findings(document)[0]
    assert (str(first.cvss), first.ids, named(first.package)) == (
        "9.1",
        ("CVE-2022-1586",),
        ("libpcre2-8-0", "10.36-2"),
    )
    assert "did not finish" in refusal(quay("queued")).message


def dependency_track(*findings: Json) -> Json:
    meta = {"application": "Dependency-Track", "version": "4.10.1", "timestamp": "2024-02-03T09:59:36Z"}
    return {"meta": meta, "findings": list(findings), "project": {"name": "app", "uuid": "1"}, "version": "1.2"}


def tracked(vulnerability: Json, **others: Any) -> Json:
    component = {"name": "urllib3", "purl": "pkg:pypi/urllib3@1.26.16", "version": "1.26.16", "uuid": "2"}
    return {"component": component, "vulnerability": vulnerability, "matrix": "1:2:3", **others}


TRACKED = {
    "vulnId": "GHSA-g4mx-q9vg-27p4",
    "severity": "MEDIUM",
    "cvssV3BaseScore": 4.2,
    "aliases": [{"cveId": "CVE-2023-45803", "ghsaId": "GHSA-g4mx-q9vg-27p4", "id": 8}],
}


def test_what_dependency_track_exports() -> None:
    """The format of 3.8 to 4.14."""
    unknown = {"vulnId": "3e831af5-428b-4712-874f-8f6ff932e2b2", "source": "OSSINDEX", "severity": "UNASSIGNED"}
    document = dependency_track(
        tracked(TRACKED, analysis={"isSuppressed": False, "state": "NOT_AFFECTED"}),
        tracked(TRACKED, analysis={"isSuppressed": True, "state": "FALSE_POSITIVE"}),
        tracked(unknown),
    )
    found = summary(document)
    assert (found["tool"], found["toolVersion"], found["suppressed"]) == ("dependency-track", "4.10.1", 1)
    assert found["bySeverity"] == {"MEDIUM": 2, "UNKNOWN": 1}
    first, second, _ = findings(document)
    assert first.ids == ("CVE-2023-45803", "GHSA-G4MX-Q9VG-27P4")
    assert named(first.package) == ("urllib3", "1.26.16")
    assert (str(first.cvss), first.suppressed, second.suppressed) == ("4.2", False, True)
    assert "findings" in refusal({**document, "findings": None}).message


@pytest.mark.parametrize(
    ("rank", "level", "severity"),
    [
        ("0", "error", Severity.CRITICAL),
        ("1", "error", Severity.HIGH),
        ("3", "note", Severity.LOW),
        ("5", "none", None),
        ("", "error", Severity.HIGH),
    ],
)
def test_dependency_track_ranks_severities_in_sarif(rank: str, level: str, severity: Severity | None) -> None:
    """As of 4.13."""
    at = [{"logicalLocations": [{"fullyQualifiedName": "pkg:maven/org.acme/component1@1.1.4?type=jar"}]}]
    own = {"name": "component1", "group": "org.acme", "version": "1.1.4", "cvssV3BaseScore": "", "severityRank": rank}
    listed = [result("CVE-2024-0001", "x", level, locations=at, properties=own)]
    found = only(sarif("OWASP Dependency-Track", listed, [{"id": "CVE-2024-0001"}]))
    assert (found.severity, found.tool, found.category) == (severity, "dependency-track", "VULNERABILITY")
    assert named(found.package) == ("component1", "1.1.4")


# What is known and not read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"findings": [{"findingArn": "arn:aws:x", "packageVulnerabilityDetails": {}}]}, "Amazon Inspector"),
        ({"imageScanFindings": {"findings": []}}, "Amazon ECR"),
        ({"id": "x", "status": {}, "scanOriginResource": {}, "result": {}}, "Wiz"),
        ({"metadata": {"imageDigest": "x"}, "securityEvaluation": []}, "Anchore"),
        ({"sbomId": "sha256:a", "extendedSupport": False, "vulnerabilities": []}, "Anchore"),
        ({"@odata.context": "x", "value": [{"cveId": "CVE-1", "machineId": "m", "productName": "p"}]}, "Defender"),
        ([{"entityInfo": {"id": "sha256:a", "vulnerabilities": []}, "pass": True}], "Prisma"),
        ([{"scan_id": "1", "vulnerabilities": []}], "JFrog"),
        ({"total_rows": 1, "rows": [{"issue_id": "XRAY-1"}]}, "JFrog"),
        ([{"RuleID": "aws", "Fingerprint": "x", "StartLine": 1, "Secret": "REDACTED"}], "Gitleaks"),
        ({"results": [], "errors": [], "paths": {}, "version": "1.0"}, "Semgrep"),
        ([{"number": 1, "security_advisory": {}, "security_vulnerability": {}}], "GitHub"),
        ({"invocation": {}, "scanner": {"result": None}, "metadata": {}}, "predicate"),
        ({"status": "SCANNED", "cves_counts": {}, "cves": []}, "Aqua"),
        ([{"vulnerability": {}, "artifact": {}, "matchDetails": []}], "Grype"),
    ],
)
def test_what_a_scanner_wrote_and_nobody_reads_is_named_with_what_to_attach(document: Any, name: str) -> None:
    fault = refusal(document)
    assert name in fault.message
    assert fault.help.startswith("attach ")


def test_values_written_one_to_a_line_are_read_only_where_they_are_statements() -> None:
    """Grype 0.105 writes its matches so (`--output jsonl`), and nothing that says of what, when and whether all."""
    line = b'{"vulnerability": {"id": "CVE-1"}, "artifact": {}, "matchDetails": []}\n'
    with pytest.raises(EvidenceError, match="Grype's matches"):
        formats.read(line * 2, Source("sha256:d"))
    with pytest.raises(EvidenceError, match="no known format"):
        formats.read(b'{"a": 1}\n{"a": 2}\n', Source("sha256:d"))


def test_govulnchecks_stream_is_named() -> None:
    """It writes its values indented, one after the other."""
    stream = b'{\n  "config": {\n    "protocol_version": "v1.0.0"\n  }\n}\n{\n  "progress": {}\n}\n'
    with pytest.raises(EvidenceError, match="govulncheck") as caught:
        formats.read(stream, Source("sha256:d"))
    assert "-format sarif" in caught.value.help
    with pytest.raises(EvidenceError, match="trailing characters"):
        formats.read(stream.replace(b"config", b"other"), Source("sha256:d"))


REPORTS: tuple[Any, ...] = (
    SYSDIG_OLDER,
    SYSDIG,
    OPERATOR,
    aqua({"name": "CVE-2019-14697", "fix_version": "2", "aqua_severity": "high", "aqua_score": 7.5}),
    anchore("all", {"vuln": "CVE-2011-3389", "severity": "Medium", "package_name": "a", "package_version": "1"}),
    ANCHORECTL,
    ROXCTL,
    STACKROX,
    NEUVECTOR,
    quay("scanned", QUAY_VULNERABILITY),
    dependency_track(tracked(TRACKED, analysis={"isSuppressed": False})),
    harbor(artifact={"digest": "sha256:" + "a" * 64}),
    osv({"name": "curl", "version": "1", "ecosystem": "Debian:12"}, release("Debian:12", "2")),
)
"""Good documents of the formats here, to be broken."""
