"""The JSON of NeuVector: what its scanner writes of an image (`scan_result.json`), and what its controller answers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, Unreadable, array, collect, member, number, required, text
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.strictjson import quoted


def read(document: Record, source: Source) -> Reading:
    """A report on one image. It says neither when it was made nor by which version."""
    if error := text(document, "error_message"):
        raise Unreadable(f"the scanner says {quoted(error)}", document, "error_message")
    report = member(document, "report")
    found = collect(array(report, "vulnerabilities"), partial(_vulnerability, document=source.digest), "vulnerability")
    digest = text(report, "digest")
    return scanned("neuvector-json", "neuvector", None, None, found, source, (digest,) if digest else ())


def _vulnerability(each: Record, document: str) -> Iterable[Finding]:
    name = text(each, "package_name")
    yield Finding(
        ids=ranked((required(each, "name"),)),
        severity=severity.from_word(text(each, "severity")),
        cvss=number(each, "score_v3") or number(each, "score") or None,
        package=Package(name, text(each, "package_version"), document=document) if name else None,
        fix=text(each, "fixed_version"),
        title=text(each, "description"),
        location=text(each, "file_name"),
        tool="neuvector",
        document=document,
    )
