"""What Clair and its clients write: reports of Clair 4, Quay, clair-scanner and Klar, and clair-action's SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from html import unescape

from policyengine.evidence import severity
from policyengine.evidence.fields import (
    Record,
    Unreadable,
    array,
    collect,
    member,
    number,
    records,
    required,
    text,
    texts,
)
from policyengine.evidence.identifiers import advisories, ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Finding, Package, joined
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result
from policyengine.strictjson import quoted

# Reports --------------------------------------------------------------------------------------------


def read(report: Record, source: Source) -> Reading:
    """A vulnerability report of Clair 4: packages, vulnerabilities, and which has which."""
    pairs = ({"package": name, "ids": ids} for name, ids in member(report, "package_vulnerabilities").items())
    read_one = partial(_matches, report=report, document=source.digest)
    found = collect(pairs, read_one, "package", many=True)
    manifest = text(report, "manifest_hash")
    return scanned("clair-json", "clair", None, None, found, source, (manifest,) if manifest else ())


def _matches(pair: Record, report: Record, document: str) -> Iterable[Finding]:
    about = member(member(report, "packages"), required(pair, "package"))
    package = Package(required(about, "name"), text(about, "version"), document=document)
    for name in texts(pair, "ids"):
        known = member(member(report, "vulnerabilities"), name)
        stated = required(known, "name")
        yield Finding(
            ids=ranked(advisories(stated) or (stated,)),
            severity=severity.from_word(text(known, "normalized_severity")),
            package=package,
            fix=text(known, "fixed_in_version"),
            title=text(known, "description"),
            published=instant(text(known, "issued")),
            tool="clair",
            document=document,
        )


def read_scanner(report: Record, source: Source) -> Reading:
    """A report of clair-scanner. What its white list approves counts too: that list is nobody's waiver."""
    listed = array(report, "vulnerabilities")
    place = text(report, "image")
    read_one = partial(_feature, place=place, document=source.digest)
    found = collect(listed, read_one, "vulnerability")
    return scanned("clair-scanner-json", "clair", None, None, found, source)


def _feature(each: Record, place: str | None, document: str) -> Iterable[Finding]:
    yield Finding(
        ids=ranked((required(each, "vulnerability"),)),
        severity=severity.from_word(text(each, "severity")),
        package=Package(required(each, "featurename"), text(each, "featureversion"), document=document),
        fix=text(each, "fixedby"),
        title=text(each, "description"),
        location=place,
        tool="clair",
        document=document,
    )


def read_quay(report: Record, source: Source) -> Reading:
    """What Quay answers about a manifest, and `clair-action report --format quay`: features, and what each has."""
    layer = member(member(report, "data"), "Layer")
    features = array(layer, "Features")
    if (status := required(report, "status")) != "scanned":
        raise Unreadable(f"the status is {quoted(status)}: the scan did not finish", report, "status")
    found = collect(features, partial(_installed, document=source.digest), "feature", many=True)
    name = text(layer, "Name") or ""
    return scanned("quay-json", "clair", None, None, found, source, (name,) if name.startswith("sha256:") else ())


def _installed(feature: Record, document: str) -> Iterable[Finding]:
    package = Package(required(feature, "Name"), text(feature, "Version"), document=document)
    for each in records(feature, "Vulnerabilities"):
        stated, scores = required(each, "Name"), member(member(member(each, "Metadata"), "NVD"), "CVSSv3")
        yield Finding(
            ids=ranked(advisories(stated) or (stated,)),
            severity=severity.from_word(text(each, "Severity")),
            cvss=number(scores, "Score") or None,
            package=package,
            fix=text(each, "FixedBy"),
            title=text(each, "Description"),
            tool="clair",
            document=document,
        )


def read_klar(report: Record, source: Source) -> Reading:
    """A report of Klar: lists of vulnerabilities by severity. One without them is not one that found nothing."""
    if report.get("Vulnerabilities") is None:
        raise Unreadable("there are no Vulnerabilities", report)
    lists = member(report, "Vulnerabilities")
    read_one = partial(_listed, document=source.digest)
    parts = [collect(array(lists, word), read_one, "vulnerability") for word in lists]
    return scanned("klar-json", "clair", None, None, joined(parts), source)


def _listed(each: Record, document: str) -> Iterable[Finding]:
    yield Finding(
        ids=ranked((required(each, "Name"),)),
        severity=severity.from_word(text(each, "Severity")),
        package=Package(required(each, "FeatureName"), text(each, "FeatureVersion"), document=document),
        fix=text(each, "FixedBy"),
        title=text(each, "Description"),
        tool="clair",
        document=document,
    )


# Results in SARIF -----------------------------------------------------------------------------------

_FIX = re.compile(r"\n\nFixed In: ?(\S+)\s*$")


def results(result: Result) -> Iterable[Finding]:
    """`package - version - vulnerability`, escaped as for HTML. It writes no severity at all, so none is known.

    Once it wrote `[package - version - severity]` and a text.
    """
    bracketed, closed, _ = result.message.partition("]")
    older = bracketed[1:].rsplit(" - ", 2) if closed and bracketed.startswith("[") else []
    if len(older) == 3:
        name, version, word = older
        stated = advisories(result.message)
    else:
        name, _, rest = result.message.partition(" - ")
        version, _, vulnerability = rest.rpartition(" - ")
        word, stated = "", advisories(vulnerability) or [vulnerability]
    yield result.finding(
        *stated,
        severity=severity.from_word(word),
        package=result.package(unescape(name), unescape(version)) if name.strip() else None,
        fix=result.once(_fix),
    )


def _fix(result: Result) -> str | None:
    found = _FIX.search(result.rule_text("help"))
    return unescape(found.group(1)) if found else None
