"""Reports of Harbor's pluggable scanners: one object under a media type that carries the version."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, Unreadable, collect, member, number, required, text, texts
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.recognition import HARBOR


def read(document: Record, source: Source) -> Reading:
    """A report as `GET …/additions/vulnerabilities` of Harbor gives it."""
    report = next((member(document, key) for key in document if key.startswith(HARBOR)), {})
    if type(report.get("vulnerabilities")) is not list:
        raise Unreadable('"vulnerabilities" is not an array', report, "vulnerabilities")
    scanner = member(report, "scanner")
    tool, version = required(scanner, "name").lower(), text(scanner, "version")
    read_one = partial(_vulnerability, tool=tool, document=source.digest)
    found = collect(report["vulnerabilities"], read_one, "vulnerability")
    return scanned("harbor-json", tool, version, text(report, "generated_at"), found, source)


def _vulnerability(each: Record, tool: str, document: str) -> Iterable[Finding]:
    yield Finding(
        ids=ranked((required(each, "id"),)),
        severity=severity.from_word(text(each, "severity")),
        cvss=number(member(each, "preferred_cvss"), "score_v3") or None,
        package=Package(required(each, "package"), text(each, "version"), document=document),
        fix=text(each, "fix_version"),
        title=text(each, "description"),
        location=next(iter(texts(each, "artifact_digests")), None),
        tool=tool,
        document=document,
    )
