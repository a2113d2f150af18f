"""The JSON of Checkov: one report for each kind of file that it looked at. Its results in SARIF: `scanners.checkov`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from policyengine.evidence import severity
from policyengine.evidence.fields import Record, array, collect, items, member, required, text
from policyengine.evidence.identifiers import cves, ranked
from policyengine.evidence.model import Collection, Finding, Gap, Package, joined
from policyengine.evidence.reading import Reading, Source, scanned


def read(report: Any, source: Source) -> Reading:
    """A report of `checkov --output json`. What is skipped is there, as suppressed."""
    reports = report if type(report) is list else [report]
    version = next((v for v in (text(member(each, "summary"), "checkov_version") for each in reports) if v), None)
    found = joined(part for each in reports for part in _checks(each, source.digest))
    return scanned("checkov-json", "checkov", version, None, found, source)


def _checks(report: Record, document: str) -> Iterable[Collection[Finding]]:
    results = member(report, "results")
    failed, skipped = array(results, "failed_checks"), items(results, "skipped_checks")
    for listed, suppressed in ((failed, False), (skipped, True)):
        yield collect(listed, partial(_check, suppressed=suppressed, document=document), "check")
    if broken := len(items(results, "parsing_errors")):
        yield Collection((), (Gap(f"the scanner could not read {broken} of the files"),))


def _check(each: Record, suppressed: bool, document: str) -> Iterable[Finding]:
    details = member(each, "vulnerability_details")
    name = text(details, "id") or required(each, "check_id")
    yield Finding(
        ids=ranked((name,)),
        severity=severity.from_word(text(each, "severity") or text(details, "severity")),
        package=_package(details, document),
        fix=_fix(text(details, "status")),
        title=text(each, "check_name"),
        location=_place(each),
        category="LICENSE"
        if text(details, "license")
        else "VULNERABILITY"
        if details or cves(name)
        else "MISCONFIGURATION",
        tool="checkov",
        suppressed=suppressed,
        document=document,
    )


def _package(details: Record, document: str) -> Package | None:
    name = text(details, "package_name")
    return (
        Package(name, text(details, "package_version"), license=text(details, "license"), document=document)
        if name
        else None
    )


def _fix(status: str | None) -> str | None:
    """The versions after "fixed in"."""
    return (status[8:].strip() or None) if status and status.startswith("fixed in") else None


def _place(each: Record) -> str | None:
    path, lines = text(each, "file_path"), items(each, "file_line_range")
    return f"{path}:{lines[0]}" if path and lines and type(lines[0]) is int else path
