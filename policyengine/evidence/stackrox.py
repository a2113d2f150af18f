"""What StackRox (Red Hat Advanced Cluster Security) writes: two kinds of JSON, and SARIF, by `roxctl image scan`."""

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
    flag,
    items,
    member,
    number,
    records,
    required,
    text,
    texts,
)
from policyengine.evidence.identifiers import cves, is_advisory, ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Finding, Gap, Package
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result

TOOL = "stackrox"

# JSON -----------------------------------------------------------------------------------------------


def read(document: Record, source: Source) -> Reading:
    """The result of `--output json`."""
    result = member(document, "result")
    if result.get("vulnerabilities") is None and number(member(result, "summary"), "TOTAL-VULNERABILITIES") != 0:
        raise Unreadable('"vulnerabilities" is missing, and the summary counts some', result)
    found = collect(items(result, "vulnerabilities"), partial(_listed, document=source.digest), "vulnerability")
    return scanned("roxctl-json", TOOL, None, None, found, source)


def _listed(each: Record, document: str) -> Iterable[Finding]:
    yield Finding(
        ids=ranked(name for name in (required(each, "cveId"), text(each, "advisoryId")) if name),
        severity=severity.from_word(text(each, "cveSeverity")),
        cvss=number(each, "cveCvss") or None,
        package=Package(required(each, "componentName"), text(each, "componentVersion"), document=document),
        fix=text(each, "componentFixedVersion"),
        tool=TOOL,
        document=document,
    )


def read_image(image: Record, source: Source) -> Reading:
    """The whole image, as `--format json` and Central write it. What is empty is left out of it."""
    scan = member(image, "scan")
    found = collect(items(scan, "components"), partial(_component, document=source.digest), "component", many=True)
    notes = [*texts(image, "notes"), *texts(scan, "notes")]
    if notes:
        found = Collection(found.items, (*found.gaps, *(Gap(f"the scanner notes {note}") for note in notes)))
    return scanned("stackrox-json", TOOL, text(scan, "scannerVersion"), text(scan, "scanTime"), found, source)


def _component(part: Record, document: str) -> Iterable[Finding]:
    package = Package(required(part, "name"), text(part, "version"), document=document)
    for each in records(part, "vulns"):
        yield Finding(
            ids=ranked((required(each, "cve"),)),
            severity=severity.from_word((text(each, "severity") or "").partition("_")[0]),
            cvss=number(each, "cvss") or None,
            package=package,
            fix=text(each, "fixedBy"),
            title=text(each, "summary"),
            location=text(part, "location"),
            published=instant(text(each, "publishedOn")),
            tool=TOOL,
            suppressed=flag(each, "suppressed") is True,
            document=document,
        )


# SARIF ----------------------------------------------------------------------------------------------

_PART = re.compile(r"^(Severity|CVSS|Component|Version|Fixed Version):?[ \t]{1,20}(\S[^\n]{0,1000})$", re.MULTILINE)


def results(result: Result) -> Iterable[Finding]:
    """The finding of one result, whose id is `CVE_component_version` or the name of a policy.

    The severity is taken from the text: earlier versions wrote the level `none` for what is important.
    """
    parts = result.once(_helped) or _parts(result.message)
    name, known = parts.get("Component"), cves(result.id) or [part for part in (result.id,) if is_advisory(part)]
    word = parts.get("Severity")
    yield result.finding(
        *known,
        result.id,
        severity=severity.from_word(word) if word else severity.from_level(result.level),
        cvss=_score(parts),
        package=result.package(name, parts.get("Version")) if name else None,
        fix=parts.get("Fixed Version"),
        category="VULNERABILITY" if known or text(result.rule, "name") == "Vulnerabilities" else "MISCONFIGURATION",
    )


def _helped(result: Result) -> dict[str, str]:
    return _parts(result.rule_text("help"))


def _parts(said: str) -> dict[str, str]:
    """The labelled lines of a text. Of a label the first line counts, because free text follows."""
    return {name: value.strip() for name, value in reversed(_PART.findall(said))}


def _score(parts: dict[str, str]) -> Decimal | None:
    return decimal(parts.get("CVSS", "")) or None
