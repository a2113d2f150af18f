"""What Trivy writes: its own JSON (schema 2, and the bare array of schema 1), and its results in SARIF.

Written after Trivy's report structures as of 0.69 and its older outputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec.structs import replace

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
from policyengine.evidence.identifiers import cves, ranked
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Finding, Package, Severity, joined
from policyengine.evidence.packages import ecosystem
from policyengine.evidence.reading import Reading, Source, scanned
from policyengine.evidence.results import Result

# Its own JSON ---------------------------------------------------------------------------------------


def read(report: Any, source: Source) -> Reading:
    """A report of `trivy image --format json`, or the bare array of results of its first schema."""
    if type(report) is not dict:
        return scanned("trivy-json-1", "trivy", None, None, _findings(report, source), source)
    schema = number(report, "SchemaVersion")
    if schema not in {None, Decimal(2)}:
        raise Unreadable(f"Trivy's schema version {schema} is not known")
    if "Results" not in report and not (text(report, "ArtifactName") or member(report, "Metadata")):
        raise Unreadable("it names neither results nor the artifact that was scanned")
    version = text(member(report, "Trivy"), "Version")
    digests = tuple(name.rpartition("@")[2] for name in texts(member(report, "Metadata"), "RepoDigests") if "@" in name)
    found = _findings(items(report, "Results"), source)
    return scanned("trivy-json-2", "trivy", version, text(report, "CreatedAt"), found, source, digests)


def read_cluster(report: Record, source: Source) -> Reading:
    """A report of `trivy k8s --format json`: the results for each resource of a cluster."""
    listed = [each for key in CLUSTER for each in records(report, key)]
    if not listed:
        raise Unreadable("the report names no resource of the cluster")
    failed = next((each for each in listed if text(each, "Error")), None)
    if failed is not None:
        raise Unreadable("a resource of the cluster could not be scanned", failed, "Error")
    found = _findings((result for each in listed for result in items(each, "Results")), source)
    return scanned("trivy-k8s-json", "trivy", None, None, found, source)


CLUSTER = ("Resources", "Findings", "Vulnerabilities", "Misconfigurations")
"""Where the resources stand: the last two until 0.40."""


def _findings(results: Iterable[Any], source: Source) -> Collection[Finding]:
    parts = collect(results, lambda part: _result(part, source.digest), "result", many=True)
    found = joined(parts.items)
    return Collection(found.items, (*parts.gaps, *found.gaps))


def _result(part: Record, document: str) -> Iterable[Collection[Finding]]:
    """The findings of one scanned target, one collection for each class of findings."""
    target = text(part, "Target")
    for key, read_one, noun in _CLASSES:
        yield collect(items(part, key), partial(read_one, target=target, document=document), noun)


def _vulnerability(each: Record, target: str | None, document: str) -> Iterable[Finding]:
    purl = text(member(each, "PkgIdentifier"), "PURL")
    version = text(each, "InstalledVersion")
    yield Finding(
        ids=ranked((required(each, "VulnerabilityID"),)),  # its VendorIDs are advisories for several of them
        severity=severity.from_word(text(each, "Severity")),
        cvss=_cvss(each),
        package=Package(required(each, "PkgName"), version, ecosystem(purl), purl=purl, document=document),
        fix=text(each, "FixedVersion"),
        title=text(each, "Title") or text(each, "Description"),
        location=text(each, "PkgPath") or target,
        published=instant(text(each, "PublishedDate")),
        tool="trivy",
        document=document,
    )


def _cvss(each: Record) -> Decimal | None:
    """The score of the source that Trivy took the severity from, else NVD's, else the highest."""
    scores = {name: _best(member(member(each, "CVSS"), name)) for name in member(each, "CVSS")}
    for name in (text(each, "SeveritySource"), "nvd"):
        if name and scores.get(name) is not None:
            return scores[name]
    return max((score for score in scores.values() if score is not None), default=None)


def _best(scores: Record) -> Decimal | None:
    return number(scores, "V40Score") or number(scores, "V3Score") or number(scores, "V2Score") or None


def _misconfiguration(each: Record, target: str | None, document: str) -> Iterable[Finding]:
    status = text(each, "Status")
    if status == "PASS":
        return
    line = number(member(each, "CauseMetadata"), "StartLine")
    yield Finding(
        ids=ranked((required(each, "ID"), text(each, "AVDID") or "")),
        severity=severity.from_word(text(each, "Severity")),
        title=text(each, "Title"),
        location=f"{target}:{line}" if target and line else target,
        category="MISCONFIGURATION",
        tool="trivy",
        suppressed=status == "EXCEPTION",
        document=document,
    )


def _secret(each: Record, target: str | None, document: str) -> Iterable[Finding]:
    line = number(each, "StartLine")
    yield Finding(
        ids=(required(each, "RuleID"),),
        severity=severity.from_word(text(each, "Severity")),
        title=text(each, "Title"),
        location=f"{target}:{line}" if target and line else target,
        category="SECRET",
        tool="trivy",
        document=document,
    )


def _license(each: Record, target: str | None, document: str) -> Iterable[Finding]:
    name = text(each, "PkgName")
    yield Finding(
        ids=(required(each, "Name"),),
        severity=severity.from_word(text(each, "Severity")),
        package=Package(name, license=text(each, "Name"), document=document) if name else None,
        title=text(each, "Category"),
        location=text(each, "FilePath") or target,
        category="LICENSE",
        tool="trivy",
        document=document,
    )


def _modified(each: Record, target: str | None, document: str) -> Iterable[Finding]:
    """A finding that a filter or a VEX document took out of the list: kept, as suppressed."""
    kind = required(each, "Type").lower()
    if kind not in _TYPES:
        raise Unreadable("its type is not known")
    for finding in _TYPES[kind](member(each, "Finding"), target, document):
        yield replace(finding, suppressed=True)


_TYPES: dict[str, Callable[..., Iterable[Finding]]] = {
    "vulnerability": _vulnerability,
    "misconfiguration": _misconfiguration,
    "secret": _secret,
    "license": _license,
}
_CLASSES: tuple[tuple[str, Callable[..., Iterable[Finding]], str], ...] = (
    ("Vulnerabilities", _vulnerability, "vulnerability"),
    ("Misconfigurations", _misconfiguration, "misconfiguration"),
    ("Secrets", _secret, "secret"),
    ("Licenses", _license, "licence"),
    ("ExperimentalModifiedFindings", _modified, "modified finding"),
)

# Its results in SARIF -------------------------------------------------------------------------------

_VULNERABILITY = re.compile(
    r"Package: (?P<package>[^\n]*)\nInstalled Version: (?P<version>[^\n]*)\nVulnerability (?P<id>[^\n]*)\n"
    r"Severity: (?P<severity>[^\n]*)\nFixed Version: ?(?P<fix>[^\n]*)\nLink: [^\n]*"
)
_OTHER = re.compile(
    r"Artifact: [^\n]*\nType: [^\n]*\n(?P<kind>Vulnerability|Secret) [^\n]*\n"
    r"Severity: (?P<severity>[^\n]*)\n(?:Message|Match): .*",
    re.DOTALL,
)
_WORDS = frozenset(("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"))
_LICENSE = re.compile(
    r"Artifact: [^\n]*\nLicense (?P<license>[^\n]*)\n ?PkgName: (?P<package>[^\n]*)\n"
    r" ?Classification: (?P<class>[^\n]*)\n ?Path: [^\n]*"
)
_CLASSES_OF_LICENSES = frozenset(
    ("forbidden", "restricted", "reciprocal", "notice", "permissive", "unencumbered", "unknown")
)
_HELP_SEVERITY = re.compile(r"^Severity: ([^\n]*)$", re.MULTILINE)
_HELP_PACKAGE = re.compile(r"^Package: ([^\n]*)\nInstalled Version: ([^\n]*)$", re.MULTILINE)
_TEMPLATED = re.compile(r"^\[[A-Z]{1,10}\] ")  # what the template of 0.15 wrote before each id
_HELP_FIX = re.compile(r"^Fixed Version: ?([^\n]*)$", re.MULTILINE)
_CATEGORIES = {
    "OsPackageVulnerability": "VULNERABILITY",
    "LanguageSpecificPackageVulnerability": "VULNERABILITY",
    "Misconfiguration": "MISCONFIGURATION",
    "Secret": "SECRET",
    "License": "LICENSE",
}
_TAGS = {
    "vulnerability": "VULNERABILITY",
    "misconfiguration": "MISCONFIGURATION",
    "secret": "SECRET",
    "license": "LICENSE",
}


def results(result: Result) -> Iterable[Finding]:
    """The finding of one SARIF result.

    The message speaks of this package; the rule is shared by all packages with the vulnerability and
    speaks of the last one, so it is asked only for what the message does not say.
    """
    message = result.message if "\n" in result.message else result.message.replace("\\n", "\n")  # 0.48 wrote it so
    category = result.once(_category)
    if match := _VULNERABILITY.fullmatch(message):
        yield _vulnerable(result, match.groups(""), category or "VULNERABILITY")
    elif message.startswith("Package: "):
        raise Unreadable("its message begins as that of a vulnerability and goes on otherwise")
    elif match := _OTHER.fullmatch(message):
        kind = category or ("SECRET" if match["kind"] == "Secret" else "MISCONFIGURATION")
        yield result.finding(severity=_severity(result, match["severity"]), category=kind)
    elif match := _LICENSE.fullmatch(message):
        yield _licensed(result, match)
    else:
        ids = cves(result.id)
        about = result.once(_help_package)
        yield result.finding(
            *(ids or [_TEMPLATED.sub("", result.id)]),
            severity=_severity(result, ""),
            cvss=result.once(_score),
            package=result.package(*about) if about else None,
            fix=result.once(_help_fix),
            category=category or ("VULNERABILITY" if ids else "OTHER"),
        )


def _vulnerable(result: Result, said: Sequence[str], category: str) -> Finding:
    name, version, vulnerability, word, fix = said
    return result.finding(
        vulnerability,
        severity=_severity(result, word),
        cvss=result.once(_score),
        package=result.package(name, version) if name.strip() else None,
        fix=fix.strip() or None,
        category=category,
    )


def _licensed(result: Result, match: re.Match[str]) -> Finding:
    """From 0.45 to 0.67 it wrote the package where the class of the licence belongs, and the other way round."""
    swapped = match["package"].lower() in _CLASSES_OF_LICENSES and match["class"].lower() not in _CLASSES_OF_LICENSES
    name = match["class" if swapped else "package"].strip()
    package = Package(name, license=match["license"], document=result.document) if name else None
    return result.finding(match["license"], severity=_severity(result, ""), package=package, category="LICENSE")


def _category(result: Result) -> str | None:
    named = _CATEGORIES.get(text(result.rule, "name") or "")
    return named or next((_TAGS[tag] for tag in result.tags() if tag in _TAGS), None)


def _severity(result: Result, word: str) -> Severity | None:
    """The word of the message; without one that of the rule's tags or help. Scores and levels say less than a word."""
    return severity.from_word(word) if word.strip() else result.once(_rule_severity)


def _rule_severity(result: Result) -> Severity | None:
    tagged = [tag for tag in result.tags() if tag in _WORDS]  # packages stand among them, too
    stated = tagged or _HELP_SEVERITY.findall(result.rule_text("help"))
    return severity.from_word(stated[0]) if len(set(stated)) == 1 else None


def _help_package(result: Result) -> tuple[str, str] | None:
    """The package of a rule that is one finding's own, as in the template until 0.22."""
    found = _HELP_PACKAGE.search(result.rule_text("help"))
    return (found.group(1), found.group(2)) if found and found.group(1).strip() else None


def _help_fix(result: Result) -> str | None:
    found = _HELP_FIX.search(result.rule_text("help"))
    return (found.group(1).strip() or None) if found else None


_INVENTED = frozenset(map(Decimal, ("9.5", "8.0", "5.5", "2.0", "0.0")))
"""Scores that Trivy derives from the word where no vendor gives one."""


def _score(result: Result) -> Decimal | None:
    properties = member(result.rule, "properties")
    for name in ("cvssv40_baseScore", "cvssv3_baseScore", "cvssv2_score"):
        if score := number(properties, name):
            return score
    score = decimal(text(properties, "security-severity") or "")
    return score if score and score not in _INVENTED else None
