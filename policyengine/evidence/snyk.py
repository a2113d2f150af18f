"""What Snyk writes: the JSON of `snyk container test` and `snyk test`, and its results in SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    Unreadable,
    collect,
    flag,
    items,
    member,
    number,
    records,
    required,
    text,
    texts,
)
from policyengine.evidence.identifiers import cves, ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Finding, Package, Severity, joined
from policyengine.evidence.packages import versioned
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result, logical_name
from policyengine.evidence.scanners import worded
from policyengine.strictjson import quoted

# Its own JSON ---------------------------------------------------------------------------------------


def read(report: Record | list[Record], source: Source) -> Reading:
    """One project's report, or several of them; the applications in an image are projects of their own."""
    projects = report if isinstance(report, list) else [report]
    every = [each for project in projects for each in (project, *records(project, "applications"))]
    for project in every:
        if text(project, "error") or type(project.get("vulnerabilities")) is not list:
            raise Unreadable(f"the scan failed: {quoted(text(project, 'error') or 'no list of vulnerabilities')}")
    return scanned("snyk-json", "snyk", None, None, joined(_issues(project, source) for project in every), source)


def _issues(project: Record, source: Source) -> Collection[Finding]:
    """The issues of a project. Those that its policy file takes out are among them, as suppressed."""
    read_one, filtered = partial(_issue, project=project, document=source.digest), member(project, "filtered")
    ignored = (collect(items(filtered, key), partial(read_one, ignored=True), key) for key in ("ignore", "patch"))
    return joined((collect(project["vulnerabilities"], read_one, "issue"), *ignored))


def _issue(issue: Record, project: Record, document: str, ignored: bool = False) -> Iterable[Finding]:
    identifiers = member(issue, "identifiers")
    names = (*texts(identifiers, "CVE"), *texts(identifiers, "GHSA"), required(issue, "id"))
    name = text(issue, "packageName") or text(issue, "name")
    licence = text(issue, "type") == "license"
    yield Finding(
        ids=ranked(names),
        severity=severity.from_word(text(issue, "severityWithCritical") or text(issue, "severity")),  # in 2020 and 2021
        cvss=number(issue, "cvssScore") or None,
        package=Package(name, text(issue, "version"), document=document) if name else None,
        fix=", ".join(texts(issue, "fixedIn")) or text(issue, "nearestFixedInVersion"),
        title=text(issue, "title"),
        location=text(project, "displayTargetFile") or text(project, "path"),
        published=instant(text(issue, "publicationTime")),
        category="LICENSE" if licence else "VULNERABILITY",
        tool="snyk",
        suppressed=ignored or bool(flag(issue, "isIgnored")),
        document=document,
    )


# Its results in SARIF -------------------------------------------------------------------------------

_MESSAGE = re.compile(
    r"This file introduces .*with an? (?P<severity>\w{1,20}) severity (?P<what>[^\n]{0,200})", re.DOTALL
)
_LINE = re.compile(r"This line contains a potential (?P<severity>\w+) severity misconfiguration.*", re.DOTALL)
_SHORT = re.compile(r"(?P<severity>\w+) severity - .*", re.DOTALL | re.IGNORECASE)
_FULL = re.compile(r"\((?P<cves>[^)]*)\) (?P<package>.+)|(?P<alone>\S+@\S+)", re.DOTALL)
_CATEGORIES = {"snyk code": "CODE", "snyk iac": "MISCONFIGURATION"}
_UPGRADE = re.compile(r"Upgrade to (\S+)")


def results(result: Result) -> Iterable[Finding]:
    """The finding of one SARIF result. Only texts tell CRITICAL from HIGH; only the rule's names the CVEs."""
    said = _MESSAGE.fullmatch(result.message) or _LINE.fullmatch(result.message)
    said = said or result.once(_short)
    full = result.once(_full)
    licence = result.id.startswith("snyk:lic:")
    category = "LICENSE" if licence else _CATEGORIES.get(result.tool, "VULNERABILITY")
    place = logical_name(result.data)
    named = place or (full["package"] or full["alone"] if full else "")
    package = versioned(named, result.document) if category in {"VULNERABILITY", "LICENSE"} else None
    yield result.finding(
        *result.once(_cves),
        result.id,
        severity=severity.from_word(said["severity"]) if said else _severity(result),
        cvss=_score(result),
        package=package,
        fix=_fix(result),
        category=category,
    )


def _severity(result: Result) -> Severity | None:
    known = worded(result)
    return known if known is not None else severity.from_level(result.level)


def _short(result: Result) -> re.Match[str] | None:
    return _SHORT.fullmatch(result.rule_text("shortDescription"))


def _full(result: Result) -> re.Match[str] | None:
    return _FULL.fullmatch(result.rule_text("fullDescription"))


def _cves(result: Result) -> list[str]:
    full = result.once(_full)
    return cves(full["cves"] or "") if full else []


def _score(result: Result) -> Decimal | None:
    return number(member(result.rule, "properties"), "cvssv3_baseScore") or result.score()


def _fix(result: Result) -> str | None:
    for fix in records(result.data, "fixes"):
        advice = _UPGRADE.match(text(member(fix, "description"), "text") or "")
        if advice:
            return advice.group(1)
    return None
