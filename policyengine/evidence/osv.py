"""What OSV-Scanner writes: its own JSON, and its results in SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    Unreadable,
    array,
    collect,
    decimal,
    member,
    records,
    required,
    text,
    texts,
)
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.packages import versioned
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result

# Its own JSON ---------------------------------------------------------------------------------------


def read(report: Record, source: Source) -> Reading:
    """A report of `osv-scanner --format json`."""
    found = collect(array(report, "results"), lambda part: _source(part, source.digest), "source", many=True)
    return scanned("osv-json", "osv-scanner", None, None, found, source)


def _source(part: Record, document: str) -> Iterable[Finding]:
    if type(part.get("packages")) is not list:
        raise Unreadable('"packages" is not an array', part, "packages")
    place = text(member(part, "source"), "path")
    for entry in records(part, "packages"):
        about = member(entry, "package")
        origin = text(about, "ecosystem") or ""
        package = Package(_name(about), text(about, "version"), _ecosystem(origin), document=document)
        scores = _scores(entry)
        for each in records(entry, "vulnerabilities"):
            yield _vulnerability(each, package, origin, place, scores)
        for licence in texts(entry, "license_violations"):
            yield _violation(licence, package, place)


def _name(about: Record) -> str:
    """The package's name, or the commit of one that is known by that alone."""
    return text(about, "name") or text(about, "commit") or required(about, "name")


_ECOSYSTEMS = {
    "go": "golang",
    "crates.io": "cargo",
    "packagist": "composer",
    "rubygems": "gem",
    "swifturl": "swift",
    "github actions": "githubactions",
    "debian": "deb",
    "ubuntu": "deb",
    **dict.fromkeys(("alpine", "wolfi", "chainguard", "minimos", "alpaquita"), "apk"),
    **dict.fromkeys(
        ("almalinux", "rocky linux", "red hat", "suse", "opensuse", "mageia", "openeuler", "photon os", "azure linux"),
        "rpm",
    ),
}
"""Ecosystems of OSV, in lower case, whose package URLs have a type of another name."""


def _ecosystem(origin: str) -> str | None:
    """The type of package URLs for an ecosystem of OSV, such as `Debian:12`."""
    name = origin.partition(":")[0].lower()
    return _ECOSYSTEMS.get(name, name) or None


def _scores(entry: Record) -> dict[str, Decimal]:
    """The highest score of each group of ids that mean the same."""
    scores: dict[str, Decimal] = {}
    for group in records(entry, "groups"):
        score = decimal(text(group, "max_severity") or "")
        if score:
            scores.update(dict.fromkeys(texts(group, "ids"), score))
    return scores


def _vulnerability(
    each: Record, package: Package, origin: str, place: str | None, scores: dict[str, Decimal]
) -> Finding:
    name = required(each, "id")
    return Finding(
        ids=ranked((name, *texts(each, "aliases"))),
        severity=severity.from_word(text(member(each, "database_specific"), "severity")),
        cvss=scores.get(name),
        package=package,
        fix=", ".join(dict.fromkeys(_fixes(each, package.name, origin))) or None,
        title=text(each, "summary") or text(each, "details"),
        location=place,
        published=instant(text(each, "published")),
        tool="osv-scanner",
        document=package.document,
    )


def _violation(licence: str, package: Package, place: str | None) -> Finding:
    """A licence that is not on the list that the scanner was given."""
    return Finding(
        ids=(licence,),
        severity=None,
        package=replace(package, license=licence),
        location=place,
        category="LICENSE",
        tool="osv-scanner",
        document=package.document,
    )


def _fixes(each: Record, name: str, origin: str) -> Iterable[str]:
    """The versions that fix the vulnerability in the package `name`, of the ecosystem `origin` if it is listed."""
    named = [known for known in records(each, "affected") if text(member(known, "package"), "name") == name]
    own = [known for known in named if text(member(known, "package"), "ecosystem") == origin]
    for affected in own or named:
        for span in records(affected, "ranges"):
            for event in records(span, "events"):
                fixed = text(event, "fixed")
                if fixed:
                    yield fixed


# Its results in SARIF -------------------------------------------------------------------------------

_MESSAGE = re.compile(
    r"Package '(?P<package>.+)' is vulnerable to '(?P<id>[^']{0,200})'(?: \(also known as (?P<also>[^)]{0,2000})\))?\.",
    re.DOTALL,
)
_TABLE = "### Fixed Versions"
_CELLS = 5


def results(result: Result) -> Iterable[Finding]:
    """The finding of one SARIF result. Every level is `warning`; aliases stand in the rule's `deprecatedIds`."""
    said = _MESSAGE.fullmatch(result.message)
    package = versioned(said["package"], result.document) if said else None
    also = re.findall(r"'([^']*)'", said["also"] or "") if said else []
    fixed = result.once(_table).get(package.name, []) if package else []
    yield result.finding(
        *([said["id"]] if said else []),
        *also,
        *result.once(_former),
        result.id,
        severity=severity.from_score(result.score()),
        cvss=result.score(),
        package=package,
        fix=", ".join(dict.fromkeys(fixed)) or None,
    )


def _former(result: Result) -> list[str]:
    return texts(result.rule, "deprecatedIds")


def _table(result: Result) -> dict[str, list[str]]:
    """The versions in the rule's table of fixed versions, by package."""
    _, found, table = result.rule_text("help").rpartition(_TABLE)
    lines = table.splitlines() if found else []
    rows = ([cell.strip() for cell in line.split("|")] for line in lines if line.startswith("|"))
    fixes: dict[str, list[str]] = {}
    for row in rows:
        if len(row) == _CELLS and row[3]:
            fixes.setdefault(row[2], []).append(row[3])
    return fixes
