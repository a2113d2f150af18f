"""The findings of a CycloneDX document: vulnerabilities without an analysis, as Trivy and Grype write them.

With an analysis they are the statements of a VEX (`bomvex`). Where only some have one, all are findings: a statement
says what becomes of a finding, and takes none away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, Unreadable, collect, items, member, number, records, required, text
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Finding, Package, Severity
from policyengine.evidence.packages import named_by

NO_TOOL = "unknown"


def findings(bom: Record, known: Mapping[str, Package], tool: str | None, document: str) -> Collection[Finding]:
    """One finding for each package that a vulnerability affects. `known` are the components by their references."""
    read = partial(_findings, known=known, tool=tool or NO_TOOL, document=document)
    return collect(items(bom, "vulnerabilities"), read, "vulnerability", many=True)


def _findings(each: Record, known: Mapping[str, Package], tool: str, document: str) -> Iterable[Finding]:
    names = [required(each, "id"), *(text(other, "id") or "" for other in records(each, "references"))]
    ratings = _ratings(each)
    affected: list[Package | None] = [_affected(target, known, document) for target in records(each, "affects")]
    for package in affected or [None]:
        yield Finding(
            ids=ranked(names),
            severity=_severity(ratings),
            cvss=max((score for score in map(_score, ratings) if score is not None), default=None),
            package=package,
            title=text(each, "description"),
            published=instant(text(each, "published")),
            tool=tool,
            document=document,
        )


def _ratings(each: Record) -> list[Record]:
    """The ratings by the source that the vulnerability was taken from, which knows its packages; else all."""
    listed = records(each, "ratings")
    source = text(member(each, "source"), "name")
    own = [rating for rating in listed if source and text(member(rating, "source"), "name") == source]
    return own if _severity(own) is not None else listed


def _severity(ratings: Iterable[Record]) -> Severity | None:
    """The worst that a rating says, in a word, else as a score."""
    known = [severity.from_word(text(rating, "severity")) for rating in ratings]
    found = [each for each in known if each is not None]
    found = found or [each for each in (severity.from_score(_score(rating)) for rating in ratings) if each is not None]
    return max(found, default=None)


def _score(rating: Record) -> Decimal | None:
    score = number(rating, "score")
    return score if score is not None and 0 < score <= 10 else None


def _affected(target: Record, known: Mapping[str, Package], document: str) -> Package:
    """The component that is meant; of one that the document does not list, what its reference says."""
    reference = required(target, "ref")
    if reference in known:
        return known[reference]
    inner = reference.partition("#")[2] if reference.startswith("urn:cdx:") else reference
    if inner in known:
        return known[inner]
    if not inner:
        raise Unreadable("it affects something without a name", target, "ref")
    return named_by(inner, document) if inner.startswith("pkg:") else Package(inner, document=document)
