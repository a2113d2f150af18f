"""What Prisma Cloud (twistcli) writes: its own JSON, and its results in SARIF."""

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
    decimal,
    items,
    member,
    number,
    records,
    required,
    text,
)
from policyengine.evidence.identifiers import cves, ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Finding, Package, Severity, joined
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result

# Its own JSON ---------------------------------------------------------------------------------------


def read(report: Record, source: Source) -> Reading:
    """A report of `twistcli images scan --output-file`."""
    images = records(report, "results")
    if not images:
        raise Unreadable("the report holds no image")
    stated = next((each for each in (text(image, "scanTime") for image in images) if each), None)
    found = joined(part for image in images for part in _image(image, source.digest))
    return scanned("prisma-json", "prisma", None, stated, found, source)


def _image(image: Record, document: str) -> Iterable[Collection[Finding]]:
    for key, read_one, counts in (
        ("vulnerabilities", _vulnerability, "vulnerabilityDistribution"),
        ("compliances", _compliance, "complianceDistribution"),
    ):
        total = number(member(image, counts), "total")
        if image.get(key) is None and total != 0 and key == "vulnerabilities":
            raise Unreadable("it has no list of vulnerabilities, and does not say that there are none")
        name = text(image, "name")
        yield collect(items(image, key), partial(read_one, place=name, document=document), key)


def _vulnerability(each: Record, place: str | None, document: str) -> Iterable[Finding]:
    name = _USED.sub("", text(each, "packageName") or "")
    yield Finding(
        ids=ranked((required(each, "id"),)),
        severity=severity.from_word(text(each, "severity")),
        cvss=number(each, "cvss") or None,
        package=Package(name, text(each, "packageVersion"), document=document) if name else None,
        fix=_fix(text(each, "status")),
        title=text(each, "description"),
        location=text(each, "packagePath") or place,
        published=instant(text(each, "publishedDate")),
        tool="prisma",
        document=document,
    )


_USED = re.compile(r" \(used in [^()]{1,1000}\)$")
"""What Twistlock writes behind the name of a source package: `glibc (used in libc6, libc-bin)`."""


def _compliance(each: Record, place: str | None, document: str) -> Iterable[Finding]:
    numbered = each.get("id")
    yield Finding(
        ids=(str(numbered) if type(numbered) is int else text(each, "id") or required(each, "title"),),
        severity=severity.from_word(text(each, "severity")),
        title=text(each, "title"),
        location=place,
        category="MISCONFIGURATION",
        tool="prisma",
        document=document,
    )


def _fix(status: str | None) -> str | None:
    """The versions after "fixed in"."""
    stated = (status or "").strip()
    return (stated[8:].strip() or None) if stated.lower().startswith("fixed in") else None


# Its results in SARIF -------------------------------------------------------------------------------

_SHORT = re.compile(r"\[Prisma Cloud\] .*\((?P<severity>\w+)\)", re.DOTALL)
_FULL = re.compile(r"\w+ severity \S+ found in (?P<name>.+) version (?P<version>.*)", re.DOTALL)
_LEVELS = {
    "error": Severity.CRITICAL,
    "warning": Severity.HIGH,
    "note": Severity.MEDIUM,
    "none": Severity.LOW,
}
"""Its levels are shifted. They are the result's own, where the rule is that of the first package.

The action's first versions (`prisma-cloud-scan`) wrote `warning` for everything: there the rule may tell more.
"""
_CVSS, _STATUS, _CELLS = 3, 6, 9


def results(result: Result) -> Iterable[Finding]:
    """The finding of one SARIF result; all but the level is the rule's, which the packages of one id share."""
    short, full, cells = result.once(_rule)
    own, worded = _LEVELS.get(result.level or ""), severity.from_word(short["severity"]) if short else None
    if own is None or (own is Severity.HIGH and worded is Severity.CRITICAL):
        own = worded
    yield result.finding(
        severity=own,
        cvss=_score(cells),
        package=result.package(_USED.sub("", full["name"]), full["version"]) if full else None,
        fix=_fix(cells[_STATUS]) if cells else None,
        category="VULNERABILITY" if cves(result.id) or full else "MISCONFIGURATION",
    )


def _rule(result: Result) -> tuple[re.Match[str] | None, re.Match[str] | None, list[str]]:
    short = _SHORT.fullmatch(result.rule_text("shortDescription"))
    return short, _FULL.fullmatch(result.rule_text("fullDescription")), _cells(result)


def _score(cells: list[str]) -> Decimal | None:
    return (decimal(cells[_CVSS]) or None) if cells else None


def _cells(result: Result) -> list[str]:
    """The last row of the table in the rule's help; empty where it is not that of a vulnerability."""
    table = text(member(result.rule, "help"), "markdown") or ""
    row = [cell.strip() for cell in table.rpartition("\n")[2].split("|")]
    return row if len(row) > _CELLS else []
