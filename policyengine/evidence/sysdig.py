"""What Sysdig's scanner writes: its own JSON, and its results in SARIF (by `scan-action`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    Unreadable,
    collect,
    decimal,
    items,
    member,
    number,
    records,
    required,
    text,
    texts,
)
from policyengine.evidence.identifiers import ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Finding, Package
from policyengine.evidence.packages import versioned
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result

# Its own JSON ---------------------------------------------------------------------------------------


def read(report: Record, source: Source) -> Reading:
    """A report of `sysdig-cli-scanner --output json`. Since 1.22 packages refer by id to a list of vulnerabilities."""
    result = member(report, "result")
    if result.get("packages") is None:
        raise Unreadable('"packages" is missing: the scan did not finish', result)
    by_id = type(result["packages"]) is dict
    packages = member(result, "packages").values() if by_id else items(result, "packages")
    known = member(result, "vulnerabilities") if by_id else None
    accepted = _accepted(member(result, "riskAccepts")) if by_id else frozenset()
    read_one = partial(_vulnerabilities, known=known, accepted=accepted, document=source.digest)
    found = collect(packages, read_one, "package", many=True)
    digest = text(member(result, "metadata"), "digest")
    version, stated = text(member(report, "scanner"), "version"), text(member(report, "info"), "scanTime")
    return scanned("sysdig-json", "sysdig", version, stated, found, source, (digest,) if digest else ())


def _accepted(risks: Record) -> frozenset[str]:
    """The names of the accepted risks that are in force: those of the past are listed, too."""
    return frozenset(name for name in risks if (text(member(risks, name), "status") or "").lower() == "active")


def _vulnerabilities(
    package: Record, known: Record | None, accepted: frozenset[str], document: str
) -> Iterable[Finding]:
    about = Package(required(package, "name"), text(package, "version"), document=document)
    if known is None:
        listed = records(package, "vulns")
    else:
        listed = [_known(known, name) for name in texts(package, "vulnerabilitiesRefs")]
    for each in listed:
        yield _vulnerability(each, about, text(package, "path"), accepted)


def _known(known: Record, name: str) -> Record:
    if name not in known:
        raise Unreadable("it refers to a vulnerability that is not there")
    return member(known, name)


def _vulnerability(each: Record, package: Package, place: str | None, accepted: frozenset[str]) -> Finding:
    """One finding. Before 1.22 severity and score were objects, which also named who stated them."""
    word = each.get("severity")
    stated = text(each, "severity") if type(word) is not dict else text(word, "value")
    scored = member(each, "cvssScore")
    return Finding(
        ids=ranked((required(each, "name"),)),
        severity=severity.from_word(stated),
        cvss=number(member(scored, "value") or scored, "score") or None,
        package=package,
        fix=text(each, "fixVersion") or text(each, "fixedInVersion"),
        location=place,
        published=instant(text(each, "disclosureDate")),
        tool="sysdig",
        suppressed=not accepted.isdisjoint(texts(each, "riskAcceptRefs")),
        document=package.document,
    )


# Its results in SARIF -------------------------------------------------------------------------------

_MARK = re.compile(r"^[ \t]{0,20}Vulnerability: ", re.MULTILINE)
_JOINED = re.compile(r"(?<=\S)(?=(?:Package|Package type|Vulnerability|Severity): )")
_NO_FIX = frozenset(("no fix available", "none", "unknown"))


def results(result: Result) -> Iterable[Finding]:
    """The findings of one result, which may hold all vulnerabilities of a package. Every level is `note`, by mistake.

    `scan-action` 4.0 left out line ends, and named neither package nor vulnerability where it had no link for them.
    """
    head, *blocks = _MARK.split(result.message)
    if not blocks:
        head, *blocks = _MARK.split(_JOINED.sub("\n", result.message))
    about = _stripped(head)
    if not blocks and "Severity" not in about:
        raise Unreadable("its message names no vulnerability")
    package = _package(result, about)
    for block in blocks or [f"{result.id}\n{head}"]:
        first, _, rest = block.partition("\n")
        said = _stripped(rest)
        fix = said.get("Fixed Version", "")
        yield result.finding(
            _unlinked(first),
            severity=severity.from_word(said.get("Severity")),
            cvss=decimal(said.get("CVSS Score", "")) or None,
            package=package,
            fix=fix if fix and fix.lower() not in _NO_FIX else None,
            location=about.get("Package path"),
        )


def _package(result: Result, about: dict[str, str]) -> Package | None:
    """The package that the message names; else the one that the location names, as `image - name@version`."""
    if name := _unlinked(about.get("Package", "")):
        return result.package(name, about.get("Installed Version"))
    places = records(result.data, "locations")
    _, dash, named = (text(member(places[0], "message"), "text") or "").partition(" - ") if places else ("", "", "")
    return versioned(named, result.document) if dash else None


def _stripped(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {label.strip(): value.strip() for label, colon, value in reversed(list(pairs)) if colon}


def _unlinked(words: str) -> str:
    """The text of a Markdown link, or the words themselves."""
    words = words.strip()
    return words[1:].partition("](")[0] if words.startswith("[") else words
