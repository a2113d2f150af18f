"""What Dependency-Track says of a project: its own Finding Packaging Format, and its results in SARIF."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    array,
    collect,
    flag,
    member,
    number,
    records,
    required,
    text,
)
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Finding, Package, Severity
from policyengine.evidence.packages import ecosystem
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result, logical_name

TOOL = "dependency-track"

# Its own format -------------------------------------------------------------------------------------


def read(report: Record, source: Source) -> Reading:
    """An export (`/api/v1/finding/project/…/export`), of any version of the format."""
    found = collect(array(report, "findings"), partial(_finding, document=source.digest), "finding")
    meta = member(report, "meta")
    return scanned("dependency-track-json", TOOL, text(meta, "version"), text(meta, "timestamp"), found, source)


def _finding(each: Record, document: str) -> Iterable[Finding]:
    """One finding. An analysis excuses it only if it was suppressed there as well."""
    vulnerability, component = member(each, "vulnerability"), member(each, "component")
    aliases = (name for alias in records(vulnerability, "aliases") for key in _ALIASES if (name := text(alias, key)))
    scores = (number(vulnerability, key) for key in ("cvssV3BaseScore", "cvssV2BaseScore"))
    purl = text(component, "purl")
    yield Finding(
        ids=ranked((required(vulnerability, "vulnId"), *aliases)),
        severity=severity.from_word(text(vulnerability, "severity")),
        cvss=next((score for score in scores if score), None),
        package=Package(
            required(component, "name"), text(component, "version"), ecosystem(purl), purl=purl, document=document
        ),
        title=text(vulnerability, "title") or text(vulnerability, "description"),
        tool=TOOL,
        suppressed=flag(member(each, "analysis"), "isSuppressed") is True,
        document=document,
    )


_ALIASES = ("cveId", "ghsaId", "osvId", "gsdId", "snykId", "sonatypeId")


# Its results in SARIF -------------------------------------------------------------------------------

_RANKS = {
    "0": Severity.CRITICAL,
    "1": Severity.HIGH,
    "2": Severity.MEDIUM,
    "3": Severity.LOW,
    "4": Severity.LOW,  # informational
    "5": None,  # unassigned
}


def results(result: Result) -> Iterable[Finding]:
    """The finding of one result. Its level is `error` for critical and for high: the rank tells them apart."""
    own, purl = member(result.data, "properties"), logical_name(result.data) or ""
    name, rank = text(own, "name"), text(own, "severityRank")
    yield result.finding(
        severity=_RANKS[rank] if rank in _RANKS else severity.from_level(result.level),
        cvss=number(own, "cvssV3BaseScore") or None,
        package=result.package(name, text(own, "version"), purl if purl.startswith("pkg:") else None) if name else None,
    )
