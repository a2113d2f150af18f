"""What each scanner means by a SARIF result: one small adapter per tool, and one for tools nobody knows.

SARIF has no portable severity: its level merges CRITICAL with HIGH, several tools write a constant there,
and `security-severity` is a CVSS score, not the scanner's own judgement. So each tool is read as it means it.
Scanners that also have a format of their own have a module of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, Unreadable, decimal, member, number, text
from policyengine.evidence.identifiers import advisories, cves, is_advisory
from policyengine.evidence.model import Finding, Package, Severity
from policyengine.evidence.packages import named_by, versioned
from policyengine.evidence.results import Result, logical_name
from policyengine.strictjson import quoted

Adapter = Callable[[Result], Iterable[Finding]]

# Docker Scout ---------------------------------------------------------------------------------------


def scout(result: Result) -> Iterable[Finding]:
    """The message is a table of labels and values; the rule speaks of one of several packages."""
    table = _labels(result.message)
    purl = table.get("Package", "")
    package = named_by(purl, result.document) if purl.startswith("pkg:") else None
    fix = table.get("Fixed version", "")
    yield result.finding(
        *advisories(table.get("Vulnerability", "")),
        result.id,
        severity=severity.from_word(table.get("Severity")),
        cvss=decimal(table.get("CVSS Score", "")) or None,
        package=package,
        fix=fix if fix and fix.lower() != "not fixed" else None,
    )


def _labels(message: str) -> dict[str, str]:
    """Lines of `label : value`, split at the first colon (versions have more); a label twice means nothing certain."""
    found: dict[str, str] = {}
    for line in message.splitlines():
        label, colon, value = line.partition(":")
        if colon and found.setdefault(label.strip(), value.strip()) != value.strip():
            raise Unreadable(f"its message states {quoted(label.strip())} twice")
    return found


# JFrog ----------------------------------------------------------------------------------------------

_JFROG = re.compile(r"\[(?P<id>[^\]]*)\] (?:in )?(?P<name>\S+) (?P<version>\S+).*", re.DOTALL)


def jfrog(result: Result) -> Iterable[Finding]:
    """Xray's findings, and those of its other scanners, which share the file.

    Of an image the message names the layer, and only the rule the package: `[CVE-…] debian:bookworm:libssl3 3.0`.
    """
    said = _JFROG.fullmatch(result.message) or result.once(_short)
    own = member(result.data, "properties")
    fix = (text(own, "fixedVersion") or "").strip("[]")
    kind = text(own, "type")
    vulnerable = cves(result.id) or "xray" in result.tool
    category = {"license": "LICENSE", "sast": "CODE"}.get(kind or "") or (
        "VULNERABILITY" if vulnerable else _jfrog_kind(result)
    )
    scored = result.score()
    yield result.finding(
        *(cves(result.id) or ([said["id"]] if said else [])),
        severity=severity.from_score(scored) if scored or _has_score(result) else severity.from_level(result.level),
        cvss=scored,
        package=result.package(*_jfrog_package(said["name"], said["version"])) if said else None,
        fix=fix if fix and fix.lower() != "no fix available" else None,
        category=category,
    )


def _short(result: Result) -> re.Match[str] | None:
    return _JFROG.fullmatch(result.rule_text("shortDescription"))


_JFROG_OS = re.compile(r"(?:debian|ubuntu):[^:]*:(?P<name>[^:]+)(?::(?P<epoch>\d{1,5}))?")


def _jfrog_package(name: str, version: str) -> tuple[str, str]:
    """Name and version of a package. For packages of Debian and Ubuntu Xray writes the epoch behind the name."""
    known = _JFROG_OS.fullmatch(name)
    if not known:
        return name, version
    return known["name"], f"{known['epoch']}:{version}" if known["epoch"] else version


def _has_score(result: Result) -> bool:
    return number(member(result.rule, "properties"), "security-severity") is not None


def _jfrog_kind(result: Result) -> str:
    for word, category in (
        ("secret", "SECRET"),
        ("terraform", "MISCONFIGURATION"),
        ("iac", "MISCONFIGURATION"),
        ("sast", "CODE"),
    ):
        if word in result.tool:
            return category
    return "OTHER"


# govulncheck ---------------------------------------------------------------------------------------


def govulncheck(result: Result) -> Iterable[Finding]:
    """Its level says how far the code reaches the vulnerability, and nothing how severe that is."""
    yield result.finding(*result.once(_aliases), result.id, location=result.location)


def _aliases(result: Result) -> list[str]:
    return [tag for tag in result.tags() if advisories(tag)]


# OWASP Dependency-Check -----------------------------------------------------------------------------


def dependency_check(result: Result) -> Iterable[Finding]:
    properties = member(result.rule, "properties")
    word = next((w for w in (text(properties, f"cvssv{n}_baseSeverity") for n in (4, 3)) if w), None)
    word = word or text(properties, "cvssv2_severity")
    score = number(properties, "cvssv3_baseScore") or number(properties, "cvssv2_score") or result.score()
    purl = logical_name(result.data) or ""
    yield result.finding(
        *advisories(result.id),
        result.id,
        severity=severity.from_word(word) or severity.from_score(score),
        cvss=score or None,
        package=named_by(purl, result.document) if purl.startswith("pkg:") else None,
    )


# Checkov, Gitleaks, and everything else ---------------------------------------------------------------


def checkov(result: Result) -> Iterable[Finding]:
    """`error` for every failed check, unless its platform gives severities: then as scores.

    What concerns a package has the id `NAME_PACKAGE@VERSION`, whether its name is a vulnerability or a licence.
    """
    scored = result.score()
    name, _, stem = result.id.partition("_")
    licence = name == "LIC" or " has license " in result.rule_text("fullDescription")
    about_package = "@" in stem and not name.startswith(("CKV", "BC"))
    category = "LICENSE" if licence else "VULNERABILITY" if cves(name) or about_package else "MISCONFIGURATION"
    status = _STATUS.search(result.rule_text("help"))
    yield result.finding(
        *([name] if about_package and not licence else cves(name)),
        severity=severity.from_score(scored),
        cvss=scored if category == "VULNERABILITY" else None,
        package=versioned(stem, result.document) if "@" in stem and category != "MISCONFIGURATION" else None,
        fix=status["versions"].strip() if status and category == "VULNERABILITY" else None,
        category=category,
    )


_STATUS = re.compile(r"^Status: fixed in (?P<versions>[^\n]{1,1000})", re.MULTILINE)


def secrets(result: Result) -> Iterable[Finding]:
    """What scanners for secrets write: every result is one."""
    yield result.finding(severity=_guess(result), category="SECRET")


def anyone(result: Result) -> Iterable[Finding]:
    """A tool that is not known: what a word in its properties or tags says, else its score, else its level."""
    ids = advisories(result.id or result.message) or [name for name in (result.id,) if is_advisory(name)]
    category = result.once(_tagged) or _SUBJECTS.get(result.tool) or ("CODE" if result.line else "OTHER")
    yield result.finding(
        *ids,
        result.id,
        severity=_guess(result),
        cvss=result.score() if ids else None,
        package=_component(result) if ids else None,
        category="VULNERABILITY" if ids else category,
    )


def _component(result: Result) -> Package | None:
    """The package that the result's properties name, as Black Duck writes them."""
    own = member(result.data, "properties")
    name, version = own.get("component"), own.get("componentVersion")
    return result.package(name, version) if name and type(name) is str and type(version) is str else None


def _guess(result: Result) -> Severity | None:
    known = worded(result)
    if known is not None:
        return known
    scored = severity.from_score(result.score())
    return scored if scored is not None else severity.from_level(result.level)


def worded(result: Result) -> Severity | None:
    """The severity that a word in the result's properties names, else one in those of its rule or in its tags."""
    own = _stated(member(result.data, "properties"))
    return own if own is not None else result.once(_worded)


def _worded(result: Result) -> Severity | None:
    """The severity that the rule's properties or tags name, if they name only one."""
    known = _stated(member(result.rule, "properties"))
    named = {severity.from_word(tag) for tag in result.tags()} - {None}
    return known if known is not None else named.pop() if len(named) == 1 else None


def _stated(properties: Record) -> Severity | None:
    """The severity under a name that some tool has for it."""
    words = (properties.get(name) for name in _SEVERITY)
    known = [severity.from_word(word) for word in words if type(word) is str]
    return next((each for each in known if each is not None), None)


_SEVERITY = (
    "severity",
    "securityRisk",  # Black Duck
    "DevSkimSeverity",
    "issue_severity",  # Bandit, ShiftLeft
)


def _tagged(result: Result) -> str | None:
    tags = {tag.lower() for tag in result.tags()}
    return next((category for word, category in _TAGS if word in tags or f"{word}s" in tags), None)


_TAGS = (
    ("vulnerability", "VULNERABILITY"),
    ("secret", "SECRET"),
    ("misconfiguration", "MISCONFIGURATION"),
    ("license", "LICENSE"),
)

_SUBJECTS = {
    **dict.fromkeys(
        ("dockle", "hadolint", "kics", "kube-linter", "kubescape", "terrascan", "tfsec", "cfn-lint", "polaris"),
        "MISCONFIGURATION",
    ),
    **dict.fromkeys(("trufflehog", "detect-secrets", "credscan", "credential scanner"), "SECRET"),
}
"""What tools look for that find one kind of thing and say so nowhere."""


# Who is who -----------------------------------------------------------------------------------------


def _of(module: str) -> Adapter:
    """The adapter in a scanner's own module, imported on its first call."""

    def results(result: Result) -> Iterable[Finding]:
        return _adapter(module)(result)

    return results


@cache
def _adapter(module: str) -> Adapter:
    found: Adapter = import_module(f"policyengine.evidence.{module}").results
    return found


KNOWN: Mapping[str, tuple[str, Adapter]] = {
    "trivy": ("trivy", _of("trivy")),
    "grype": ("grype", _of("grype")),
    "anchore grype scan": ("grype", _of("grype")),
    "snyk container": ("snyk", _of("snyk")),
    "snyk open source": ("snyk open source", _of("snyk")),
    "snykcode": ("snyk code", _of("snyk")),
    "snyk iac": ("snyk iac", _of("snyk")),
    "docker scout": ("docker scout", scout),
    "prisma cloud (twistcli)": ("prisma", _of("prisma")),
    "sysdig-cli-scanner": ("sysdig", _of("sysdig")),
    "clair v4": ("clair", _of("clair")),
    "osv-scanner": ("osv-scanner", _of("osv")),
    "govulncheck": ("govulncheck", govulncheck),
    "dependency-check": ("dependency-check", dependency_check),
    "owasp dependency-track": ("dependency-track", _of("dependencytrack")),
    "roxctl": ("stackrox", _of("stackrox")),
    "checkov": ("checkov", checkov),
    "bridgecrew": ("checkov", checkov),
    "prisma cloud": ("checkov", checkov),
    "gitleaks": ("gitleaks", secrets),
    "snyk secrets": ("snyk secrets", secrets),
}
"""The names that tools write of themselves, in lower case: the name that rules use, and the adapter."""


SAYS_FIXES = frozenset(("trivy", "grype", "docker scout", "prisma", "sysdig", "clair", "osv-scanner"))
"""The tools whose results say of each vulnerability whether a version fixes it. From others nobody knows."""


def known(name: str) -> tuple[str, Adapter]:
    """What rules call the tool that writes `name` of itself, and how to read its results."""
    word = " ".join(name.lower().split())
    if "jfrog" in word:
        return word, jfrog
    return KNOWN.get(word, (word or "unknown", anyone))
