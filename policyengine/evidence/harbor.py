"""Reports of Harbor's pluggable scanners, bare or under a media type that carries the version."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, array, collect, member, number, required, text, texts
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.marks import HARBOR
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.reading import Reading, Source, scanned


def read(document: Record, source: Source) -> Reading:
    """A report as `GET …/additions/vulnerabilities` of Harbor gives it, or as the scanner gave it to Harbor."""
    report = next((member(document, key) for key in document if key.startswith(HARBOR)), document)
    listed = array(report, "vulnerabilities")
    scanner = member(report, "scanner")
    tool, version = required(scanner, "name").lower(), text(scanner, "version")
    read_one = partial(_vulnerability, tool=tool, document=source.digest)
    found = collect(listed, read_one, "vulnerability")
    digest = text(member(report, "artifact"), "digest")
    stated, subjects = text(report, "generated_at"), (digest,) if digest else ()
    return scanned("harbor-json", tool, version, stated, found, source, subjects)


def _vulnerability(each: Record, tool: str, document: str) -> Iterable[Finding]:
    yield Finding(
        ids=ranked((required(each, "id"),)),
        severity=severity.from_word(text(each, "severity")),
        cvss=_score(member(each, "preferred_cvss")),
        package=Package(required(each, "package"), text(each, "version"), document=document),
        fix=text(each, "fix_version"),
        title=text(each, "description"),
        location=next(iter(texts(each, "artifact_digests")), None),
        tool=tool,
        document=document,
    )


def _score(preferred: Record) -> Decimal | None:
    return number(preferred, "score_v3") or number(preferred, "score_v2") or None
