"""What each scanner means by a SARIF result: one small adapter per tool, and one for tools nobody knows.

SARIF has no portable severity: its level merges CRITICAL with HIGH, several tools write a constant there,
and `security-severity` is a CVSS score, not the scanner's own judgement. So each tool is read as it means it.
Trivy, Grype and Snyk, which also have formats of their own, have modules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from policyengine.evidence import grype, severity, snyk, trivy
from policyengine.evidence.fields import Unreadable, decimal, member, number, text, texts
from policyengine.evidence.identifiers import advisories, cves
from policyengine.evidence.model import Finding, Severity
from policyengine.evidence.packages import named_by, versioned
from policyengine.evidence.results import Result, logical_name

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
            raise Unreadable(f"its message states {label.strip()[:40]!r} twice")
    return found


# Prisma Cloud ---------------------------------------------------------------------------------------

_PRISMA_SHORT = re.compile(r"\[Prisma Cloud\] .*\((?P<severity>\w+)\)", re.DOTALL)
_PRISMA_FULL = re.compile(r"\w+ severity \S+ found in (?P<name>.+) version (?P<version>.*)", re.DOTALL)
_PRISMA_LEVELS = {
    "error": Severity.CRITICAL,
    "warning": Severity.HIGH,
    "note": Severity.MEDIUM,
    "none": Severity.LOW,
}
"""Its levels are shifted. They are the result's own, where the rule is that of the first package."""


def prisma(result: Result) -> Iterable[Finding]:
    short = _PRISMA_SHORT.fullmatch(result.rule_text("shortDescription"))
    full = _PRISMA_FULL.fullmatch(result.rule_text("fullDescription"))
    word = severity.from_word(short["severity"]) if short else None
    own = _PRISMA_LEVELS.get(result.level or "")
    cells = [
        cell.strip() for cell in (text(member(result.rule, "help"), "markdown") or "").rpartition("\n")[2].split("|")
    ]
    status = cells[6] if len(cells) > 8 else ""
    yield result.finding(
        severity=own if own is not None else word,
        cvss=decimal(cells[3]) if len(cells) > 8 else None,
        package=result.package(full["name"], full["version"]) if full else None,
        fix=status.removeprefix("fixed in").strip() if status.startswith("fixed in") else None,
        category="VULNERABILITY" if cves(result.id) or full else "MISCONFIGURATION",
    )


# Sysdig ---------------------------------------------------------------------------------------------


def sysdig(result: Result) -> Iterable[Finding]:
    """One result may hold all vulnerabilities of a package; every level is `note` by mistake."""
    head, *blocks = re.split(r"^\s*Vulnerability: ", result.message, flags=re.MULTILINE)
    if not blocks:
        raise Unreadable("its message names no vulnerability")
    about = _stripped(head)
    name = _unlinked(about.get("Package", ""))
    package = result.package(name, about.get("Installed Version")) if name else None
    for block in blocks:
        first, _, rest = block.partition("\n")
        said = _stripped(rest)
        fix = said.get("Fixed Version", "")
        yield result.finding(
            _unlinked(first),
            severity=severity.from_word(said.get("Severity")),
            cvss=decimal(said.get("CVSS Score", "")) or None,
            package=package,
            fix=fix if fix and fix.lower() not in {"no fix available", "none"} else None,
            location=about.get("Package path"),
        )


def _stripped(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {label.strip(): value.strip() for label, colon, value in reversed(list(pairs)) if colon}


def _unlinked(words: str) -> str:
    """The text of a Markdown link, or the words themselves."""
    words = words.strip()
    return words[1:].partition("](")[0] if words.startswith("[") else words


# Clair ----------------------------------------------------------------------------------------------

_CLAIR_FIX = re.compile(r"\n\nFixed In: ?(\S+)\s*$")
_CLAIR_OLDER = re.compile(r"\[(?P<package>.*) - (?P<version>.*) - (?P<severity>\w+)\].*", re.DOTALL)


def clair(result: Result) -> Iterable[Finding]:
    """`package - version - vulnerability`. It writes no severity at all, so none is known."""
    older = _CLAIR_OLDER.fullmatch(result.message)
    name, _, rest = result.message.partition(" - ")
    version, _, vulnerability = rest.rpartition(" - ")
    fix = _CLAIR_FIX.search(result.rule_text("help"))
    ids = [] if older or not vulnerability else [vulnerability]
    yield result.finding(
        *(ids or advisories(result.message)),
        severity=severity.from_word(older["severity"]) if older else None,
        package=result.package(older["package"], older["version"]) if older else result.package(name, version),
        fix=fix.group(1) if fix else None,
    )


# JFrog ----------------------------------------------------------------------------------------------

_JFROG = re.compile(r"\[(?P<id>[^\]]*)\] (?:in )?(?P<name>\S+) (?P<version>\S+).*", re.DOTALL)


def jfrog(result: Result) -> Iterable[Finding]:
    """Xray's findings, and those of its other scanners, which share the file."""
    said = _JFROG.fullmatch(result.message)
    own = member(result.data, "properties")
    fix = (text(own, "fixedVersion") or "").strip("[]")
    kind = text(own, "type")
    category = {"license": "LICENSE", "sast": "CODE"}.get(kind or "") or (
        "VULNERABILITY" if cves(result.id) else _jfrog_kind(result)
    )
    scored = result.score()
    yield result.finding(
        *(cves(result.id) or ([said["id"]] if said else [])),
        severity=severity.from_score(scored) if scored or _has_score(result) else severity.from_level(result.level),
        cvss=scored,
        package=result.package(said["name"], said["version"]) if said else None,
        fix=fix if fix and fix.lower() != "no fix available" else None,
        category=category,
    )


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


# OSV-Scanner, govulncheck ---------------------------------------------------------------------------

_OSV = re.compile(
    r"Package '(?P<package>.+)' is vulnerable to '(?P<id>[^']*)'(?: \(also known as (?P<also>[^)]*)\))?\.", re.DOTALL
)


def osv(result: Result) -> Iterable[Finding]:
    """Every level is `warning`; aliases stand in the rule's `deprecatedIds`."""
    said = _OSV.fullmatch(result.message)
    package = versioned(said["package"], result.document) if said else None
    also = re.findall(r"'([^']*)'", said["also"] or "") if said else []
    fixed = _osv_fixes(result, package.name) if package else []
    yield result.finding(
        *([said["id"]] if said else []),
        *also,
        *texts(result.rule, "deprecatedIds"),
        result.id,
        severity=severity.from_score(result.score()),
        cvss=result.score(),
        package=package,
        fix=", ".join(dict.fromkeys(fixed)) or None,
    )


def _osv_fixes(result: Result, name: str) -> list[str]:
    """The rows of the rule's table of fixed versions that are about the package."""
    table = (
        result.rule_text("help").rpartition("### Fixed Versions")[2]
        if "### Fixed Versions" in result.rule_text("help")
        else ""
    )
    rows = ([cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.startswith("|"))
    return [row[3] for row in rows if len(row) == 5 and row[2] == name and row[3]]


def govulncheck(result: Result) -> Iterable[Finding]:
    """Its level says how far the code reaches the vulnerability, and nothing how severe that is."""
    aliases = [tag for tag in result.tags() if advisories(tag)]
    yield result.finding(*aliases, result.id, location=result.location)


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
    """`error` for every failed check, unless its platform gives severities: then as scores."""
    scored = result.score()
    ids = cves(result.id)
    category = "VULNERABILITY" if ids else "LICENSE" if result.id.startswith("LIC_") else "MISCONFIGURATION"
    stem = result.id.partition("_")[2] if category != "MISCONFIGURATION" else ""
    yield result.finding(
        *ids,
        severity=severity.from_score(scored),
        cvss=scored if ids else None,
        package=versioned(stem, result.document) if "@" in stem else None,
        category=category,
    )


def secrets(result: Result) -> Iterable[Finding]:
    """Scanners for secrets say nothing of severity but the level."""
    yield result.finding(severity=severity.from_level(result.level), category="SECRET")


def anyone(result: Result) -> Iterable[Finding]:
    """A tool that is not known: what a word in its properties or tags says, else its score, else its level."""
    ids = advisories(result.id)
    tags = [tag.lower() for tag in result.tags()]
    yield result.finding(
        *ids,
        result.id,
        severity=_guess(result, tags),
        cvss=result.score() if ids else None,
        category=_category(result, ids, tags),
    )


def _guess(result: Result, tags: list[str]) -> Severity | None:
    for properties in (member(result.data, "properties"), member(result.rule, "properties")):
        word = properties.get("severity")
        if type(word) is str and severity.from_word(word) is not None:
            return severity.from_word(word)
    named = {severity.from_word(tag) for tag in tags} - {None}
    if len(named) == 1:
        return named.pop()
    scored = severity.from_score(result.score())
    return scored if scored is not None else severity.from_level(result.level)


def _category(result: Result, ids: list[str], tags: list[str]) -> str:
    if ids or "vulnerability" in tags:
        return "VULNERABILITY"
    for word, category in (("secret", "SECRET"), ("misconfiguration", "MISCONFIGURATION"), ("license", "LICENSE")):
        if word in tags or f"{word}s" in tags:
            return category
    return "CODE" if result.line else "OTHER"


# Who is who -----------------------------------------------------------------------------------------

KNOWN: Mapping[str, tuple[str, Adapter]] = {
    "trivy": ("trivy", trivy.results),
    "grype": ("grype", grype.results),
    "snyk container": ("snyk", snyk.results),
    "snyk open source": ("snyk open source", snyk.results),
    "snykcode": ("snyk code", snyk.results),
    "snyk iac": ("snyk iac", snyk.results),
    "docker scout": ("docker scout", scout),
    "prisma cloud (twistcli)": ("prisma", prisma),
    "sysdig-cli-scanner": ("sysdig", sysdig),
    "clair v4": ("clair", clair),
    "osv-scanner": ("osv-scanner", osv),
    "govulncheck": ("govulncheck", govulncheck),
    "dependency-check": ("dependency-check", dependency_check),
    "checkov": ("checkov", checkov),
    "bridgecrew": ("checkov", checkov),
    "gitleaks": ("gitleaks", secrets),
    "snyk secrets": ("snyk secrets", secrets),
}
"""The names that tools write of themselves, in lower case: the name that rules use, and the adapter."""


def known(name: str) -> tuple[str, Adapter]:
    """What rules call the tool that writes `name` of itself, and how to read its results."""
    word = " ".join(name.lower().split())
    if "jfrog" in word:
        return word, jfrog
    return KNOWN.get(word, (word or "unknown", anyone))
