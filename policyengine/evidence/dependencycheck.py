"""The JSON of OWASP Dependency-Check: files, what each contains, and what is known of that."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    array,
    collect,
    items,
    member,
    number,
    records,
    required,
    text,
)
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Collection, Finding, Gap, Package, Severity
from policyengine.evidence.packages import named_by
from policyengine.evidence.reading import Reading, Source, scanned

TOOL = "dependency-check"


def read(report: Record, source: Source) -> Reading:
    """A report of `dependency-check --format JSON`."""
    read_one = partial(_dependency, document=source.digest)
    found = collect(array(report, "dependencies"), read_one, "dependency", many=True)
    scan = member(report, "scanInfo")
    if items(scan, "analysisExceptions"):  # an analysis that failed found nothing
        found = Collection(found.items, (*found.gaps, Gap("the scanner says that part of its analysis failed")))
    version = text(scan, "engineVersion")
    return scanned(
        "dependency-check-json", TOOL, version, text(member(report, "projectInfo"), "reportDate"), found, source
    )


def _dependency(part: Record, document: str) -> Iterable[Finding]:
    place = text(part, "filePath") or text(part, "fileName")
    package = _package(part, document)
    for key, suppressed in (("vulnerabilities", False), ("suppressedVulnerabilities", True)):
        for each in records(part, key):
            yield Finding(
                ids=ranked((required(each, "name"),)),
                severity=_severity(each),
                cvss=_score(each),
                package=package,
                title=text(each, "description"),
                location=place,
                tool=TOOL,
                suppressed=suppressed,
                document=document,
            )


def _package(part: Record, document: str) -> Package:
    purl = next((text(each, "id") for each in records(part, "packages")), None)
    return named_by(purl, document) if purl else Package(required(part, "fileName"), document=document)


def _severity(each: Record) -> Severity | None:
    word = severity.from_word(text(each, "severity"))
    return word if word is not None else severity.from_score(_score(each))


def _score(each: Record) -> Decimal | None:
    scores = (number(member(each, "cvssv4"), "baseScore"), number(member(each, "cvssv3"), "baseScore"))
    return next((score for score in (*scores, number(member(each, "cvssv2"), "score")) if score), None)
