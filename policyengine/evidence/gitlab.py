"""GitLab's security reports: container scanning, dependencies, static analysis, secrets (schemas 2, 14 and 15)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    Unreadable,
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
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.reading import Reading, Source, scanned

_CATEGORIES = {
    "container_scanning": "VULNERABILITY",
    "cluster_image_scanning": "VULNERABILITY",
    "dependency_scanning": "VULNERABILITY",
    "sast": "CODE",
    "secret_detection": "SECRET",
}
_LOCAL = len("2024-01-01T00:00:00")
_UPGRADE = re.compile(
    r"Upgrade (?:\S+ (?:from \S+ )?to|to versions?) (?P<version>[^\n]{1,1000}?)(?: or above)?\.?", re.IGNORECASE
)


def read(report: Record, source: Source) -> Reading:
    """A report whose `scan` says what was scanned and how it ended."""
    scan = member(report, "scan")
    if text(scan, "status") not in {None, "success"}:
        raise Unreadable("the report says that the scan did not succeed")
    listed = array(report, "vulnerabilities")
    scanner = member(scan, "scanner")
    tool = (text(scanner, "id") or required(scanner, "name")).lower()
    category = _CATEGORIES.get(required(scan, "type"), "OTHER")
    read_one = partial(_vulnerability, tool=tool, category=category, document=source.digest)
    found = collect(listed, read_one, "vulnerability")
    ended = text(scan, "end_time")
    stated = f"{ended}Z" if ended and len(ended) == _LOCAL else ended  # the schema says UTC and has no zone
    return scanned("gitlab-json", tool, text(scanner, "version"), stated, found, source)


def read_older(report: Record, source: Source) -> Reading:
    """A report of a schema before 14, as the templates of scanners still write it: each finding names its scanner."""
    listed = items(report, "vulnerabilities")
    first = next((each for each in listed if type(each) is dict), {})
    scanner = member(first, "scanner")
    tool = (text(scanner, "id") or required(scanner, "name")).lower()
    category = _CATEGORIES.get(text(first, "category") or "", "OTHER")
    found = collect(
        listed, partial(_vulnerability, tool=tool, category=category, document=source.digest), "vulnerability"
    )
    return scanned("gitlab-json", tool, None, None, found, source)


def _vulnerability(each: Record, tool: str, category: str, document: str) -> Iterable[Finding]:
    location = member(each, "location")
    dependency = member(location, "dependency")
    name = text(member(dependency, "package"), "name")
    solution, *_ = (text(each, "solution") or "").strip().splitlines() or [""]  # what follows are explanations
    upgrade = _UPGRADE.fullmatch(solution.strip())
    yield Finding(
        ids=ranked(_names(each)),
        severity=severity.from_word(text(each, "severity")),
        package=Package(name, text(dependency, "version"), document=document) if name else None,
        fix=upgrade["version"] if upgrade else None,
        title=text(each, "name") or text(each, "message") or text(each, "description"),
        location=text(location, "image") or _line(location),
        category=category,
        tool=tool,
        document=document,
    )


def _line(location: Record) -> str | None:
    file, line = text(location, "file"), number(location, "start_line")
    return f"{file}:{line}" if file and line else file


def _names(each: Record) -> list[str]:
    names = [
        required(name, "value") for name in records(each, "identifiers") if text(name, "type") not in {"cwe", "owasp"}
    ]
    return names or [text(each, "cve") or required(each, "id")]
