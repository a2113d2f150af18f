"""What Grype writes: its own JSON, and its results in SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    Unreadable,
    collect_each,
    is_array,
    items,
    member,
    number,
    records,
    required,
    text,
    texts,
)
from policyengine.evidence.identifiers import cves, ranked
from policyengine.evidence.model import Finding, Package, Severity, joined
from policyengine.evidence.packages import ecosystem
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result

# Its own JSON ---------------------------------------------------------------------------------------


def read(report: Record, source: Source) -> Reading:
    """A report of `grype --output json`."""
    if not is_array(report.get("matches")):
        raise Unreadable('"matches" is not an array: the scan did not finish', report, "matches")
    found = collect_each(report["matches"], lambda match: _match(match, source.digest), "match")
    ignored = collect_each(
        items(report, "ignoredMatches"), lambda match: _ignored(match, source.digest), "ignored match"
    )
    descriptor = member(report, "descriptor")
    version, stated = text(descriptor, "version"), text(descriptor, "timestamp")
    return scanned("grype-json", "grype", version, stated, joined((found, ignored)), source, _subjects(report))


def _subjects(report: Record) -> tuple[str, ...]:
    target = member(report, "source").get("target")
    if type(target) is not dict:  # a folder or file is a text there
        return ()
    return tuple(name.partition("@")[2] for name in texts(target, "repoDigests") if "@" in name)


def _match(match: Record, document: str) -> Finding:
    vulnerability = member(match, "vulnerability")
    related = records(match, "relatedVulnerabilities")
    names = (required(vulnerability, "id"), *(required(each, "id") for each in related))
    return Finding(
        ids=ranked(names),
        severity=severity.from_word(text(vulnerability, "severity")),
        cvss=_cvss([vulnerability, *related]),
        package=_artifact(member(match, "artifact"), document),
        fix=_fix(vulnerability),
        title=text(vulnerability, "description")
        or next((d for d in (text(e, "description") for e in related) if d), None),
        location=_location(member(match, "artifact")),
        tool="grype",
        document=document,
    )


def _ignored(match: Record, document: str) -> Finding:
    return replace(_match(match, document), suppressed=True)


def _cvss(vulnerabilities: list[Record]) -> Decimal | None:
    """The highest score of the first that has any: the match's own source before related ones."""
    for vulnerability in vulnerabilities:
        scores = [number(member(each, "metrics"), "baseScore") for each in records(vulnerability, "cvss")]
        scores += (number(member(vulnerability, old), "baseScore") for old in ("cvssV2", "cvssV3"))  # Grype up to 0.7
        known = [score for score in scores if score]
        if known:
            return max(known)
    return None


def _artifact(artifact: Record, document: str) -> Package:
    purl = text(artifact, "purl")
    return Package(required(artifact, "name"), text(artifact, "version"), ecosystem(purl), purl=purl, document=document)


def _location(artifact: Record) -> str | None:
    places = items(artifact, "locations")
    if not places:
        return None
    return places[0] if type(places[0]) is str else text(records(artifact, "locations")[0], "path")


def _fix(vulnerability: Record) -> str | None:
    fix = vulnerability.get("fix")
    if type(fix) is not dict:
        return text(vulnerability, "fixedInVersion")
    versions = ", ".join(texts(fix, "versions"))
    stated = (text(fix, "state") or "").lower()
    return versions or ("a version that is not stated" if stated == "fixed" else None)


# Its results in SARIF -------------------------------------------------------------------------------

_HELP = re.compile(
    r"Vulnerability (?P<id>[^\n]*)\nSeverity: (?P<severity>[^\n]*)\nPackage: (?P<package>[^\n]*)\n"
    r"Version: (?P<version>[^\n]*)\nFix Version: ?(?P<fix>[^\n]*)\nType: (?P<type>[^\n]*)\nLocation: .*",
    re.DOTALL,
)
_MESSAGE = re.compile(
    r"An? (?P<severity>[a-z]+) vulnerability in (?P<type>\S+) package: .*, version (?P<version>\S+) was "
)
_OLDER = re.compile(r" at version (?P<version>\S+)  which ")
_SHORT = re.compile(r"\S+ (?P<severity>[a-z]+) vulnerability for .*")


def results(result: Result) -> Iterable[Finding]:
    """The finding of one SARIF result. The rule is one vulnerability in one package; a second version shares it."""
    rule = result.once(_help)
    said = _MESSAGE.match(result.message)
    older = said or _OLDER.search(result.message)
    short = result.once(_short)
    if rule is None and not cves(result.id):
        raise Unreadable("its rule does not say which vulnerability it is")
    word = next((match["severity"] for match in (said, rule, short) if match), "")
    version = older["version"] if older else rule["version"] if rule else None
    yield result.finding(
        *([rule["id"]] if rule else cves(result.id)),
        severity=_severity(result, word),
        cvss=result.score(),
        package=_package(result, rule["package"], version) if rule and rule["package"].strip() else None,
        fix=(rule["fix"].strip() or None) if rule else None,
    )


def _help(result: Result) -> re.Match[str] | None:
    return _HELP.fullmatch(result.rule_text("help"))


def _short(result: Result) -> re.Match[str] | None:
    return _SHORT.match(result.rule_text("shortDescription"))


def _severity(result: Result, word: str) -> Severity | None:
    """Grype writes "low" for all that is not critical, high or medium: without a score it may be unknown."""
    if word == "low" and result.score() is None:
        return None
    return severity.from_word(word)


def _purls(result: Result) -> dict[str, str]:
    """The rule's package URLs by the versions that they name."""
    from urllib.parse import unquote

    listed = texts(member(result.rule, "properties"), "purls")
    return {unquote(purl.partition("?")[0].rpartition("@")[2]): purl for purl in reversed(listed)}


def _package(result: Result, name: str, version: str | None) -> Package:
    purl = result.once(_purls).get(version or "")
    return Package(name, version, ecosystem(purl), purl=purl, document=result.document)
