"""The JSON of Aqua's scanner (`scannercli`): the resources in an image, with the vulnerabilities of each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, array, collect, member, number, records, required, text
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Collection, Finding, Gap, Package, Severity
from policyengine.evidence.reading import Reading, Source, scanned

_RATERS = (("aqua", ""), ("vendor", "_v3"), ("vendor", ""), ("nvd", "_v3"), ("nvd", ""))
"""Who rates a vulnerability, Aqua itself first, and how the names of its fields end."""
_UNLISTED = ("malware", "sensitive")
"""Findings that a report counts in its summary, and that are not read."""


def read(report: Record, source: Source) -> Reading:
    """A report of `scannercli scan --jsonfile`."""
    listed = array(report, "resources")
    place = text(report, "image")
    read_one = partial(_vulnerabilities, place=place, document=source.digest)
    found = collect(listed, read_one, "resource", many=True)
    counts = member(report, "vulnerability_summary")
    unread = tuple(
        Gap(f"it counts {total} findings of {name}, which are not read")
        for name in _UNLISTED
        if (total := number(counts, name))
    )
    started = number(member(report, "scan_started"), "seconds")
    found = Collection(found.items, (*found.gaps, *unread))
    return scanned("aqua-json", "aqua", None, _written(started), found, source, _subjects(text(report, "digest")))


def _written(seconds: Decimal | None) -> str | None:
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return "unknown"


def _subjects(digest: str | None) -> tuple[str, ...]:
    """The digest of the image. Some versions write hexadecimal digits without an algorithm: it is not known of what."""
    return (digest,) if digest and digest.startswith("sha256:") else ()


def _vulnerabilities(part: Record, place: str | None, document: str) -> Iterable[Finding]:
    about = member(part, "resource")
    name = _name(about)
    package = Package(name, text(about, "version"), document=document) if name else None
    for each in records(part, "vulnerabilities"):
        yield Finding(
            ids=ranked((required(each, "name"),)),
            severity=_severity(each),
            cvss=_score(each),
            package=package,
            fix=text(each, "fix_version"),
            title=text(each, "description"),
            location=text(about, "path") or place,
            tool="aqua",
            document=document,
        )


def _name(about: Record) -> str | None:
    """The package's name; of an archive that is its path, and `cpe` has the name: `pkg:/java:*:guava:20.0.0`."""
    name, parts = text(about, "name"), (text(about, "cpe") or "").split(":")
    return parts[3] if name and name.startswith("/") and len(parts) > 4 and parts[3] else name


def _severity(each: Record) -> Severity | None:
    words = (severity.from_word(text(each, f"{who}_severity{v3}")) for who, v3 in _RATERS)
    known = next((word for word in words if word is not None), None)
    return known if known is not None else severity.from_score(_score(each))


def _score(each: Record) -> Decimal | None:
    return next((value for who, v3 in _RATERS if (value := number(each, f"{who}_score{v3}"))), None)
