"""When two findings are one: same vulnerability, package and location (language reference, section 6). And when not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from policyengine.evidence.model import Finding, Package
from policyengine.evidence.purls import canonical

Key = tuple[str, tuple[str, str | None] | None, str | None]


def repeated_findings(findings: Sequence[Finding]) -> tuple[int, ...]:
    """For each finding the index of the first that it repeats, itself mostly; empty where nothing is repeated."""
    canonical = _vulnerabilities(findings)
    first: dict[Key, int] = {}
    groups = tuple(first.setdefault(_key(finding, canonical), index) for index, finding in enumerate(findings))
    return groups if len(first) < len(findings) else ()


def _key(finding: Finding, canonical: dict[str, str]) -> Key:
    package = finding.package
    place = None if package is None else _package(package)
    return canonical.get(finding.ids[0], finding.ids[0]), place, finding.location


def _package(package: Package) -> tuple[str, str | None]:
    """What names a package: its package URL, however that is spelt, else its name and version."""
    purl = canonical(package.purl) if package.purl is not None else None
    return (purl, None) if purl is not None else (package.name, package.version)


def _vulnerabilities(findings: Sequence[Finding]) -> dict[str, str]:
    """One name for all ids of each vulnerability that has aliases: findings that share an id are about the same."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := parent.setdefault(name, name)) != name:
            parent[name] = name = parent[above]
        return name

    for finding in findings:
        if len(finding.ids) > 1:
            target = root(finding.ids[0])
            for alias in finding.ids[1:]:
                parent[root(alias)] = target
    return {name: root(name) for name in parent}


def separated(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """`findings`, each that stands for several CVEs once for each of them.

    A CVE is no alias of another: an advisory that mends three is about three vulnerabilities, and what excuses one of
    them, be it a waiver or a VEX statement, excuses no other. They share the advisory's id, so that they count once.
    """
    if not any(len(finding.ids) > 1 and _is_cve(finding.ids[1]) for finding in findings):
        return findings
    return tuple(part for finding in findings for part in _parts(finding))


def _parts(finding: Finding) -> Iterable[Finding]:
    """The first part keeps all other ids and the rest one, since both may be as many as a document can hold."""
    cves = [name for name in finding.ids if _is_cve(name)]
    if len(cves) < 2:
        return [finding]
    others = tuple(name for name in finding.ids if not _is_cve(name))
    ids = ((cves[0], *others), *((name, *others[:1]) for name in cves[1:]))
    return [replace(finding, ids=each) for each in ids]


def _is_cve(name: str) -> bool:
    return name.startswith("CVE-")
