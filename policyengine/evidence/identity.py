"""When two findings are one: same vulnerability, package and location (language reference, section 6)."""

from __future__ import annotations

from collections.abc import Sequence

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
