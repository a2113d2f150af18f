"""Ids of vulnerabilities: finding them in what scanners write, and one spelling for each."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CVE = re.compile(r"(?<![A-Za-z0-9])CVE-\d{4}-\d{4,}(?!\d)", re.IGNORECASE | re.ASCII)
_GHSA = re.compile(r"(?<![A-Za-z0-9])GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}(?![A-Za-z0-9])", re.IGNORECASE | re.ASCII)
_KNOWN = re.compile(
    r"(?:CVE|GHSA|GO|GMS|SNYK|DSA|DLA|USN|RHSA|RHBA|RHEA|ELSA|ALAS|ALSA|RLSA|PYSEC|RUSTSEC|OSV|MAL|TEMP|BIT|GSD|EUVD|CGA|VU|XRAY)"
    r"[-0-9].*",
    re.IGNORECASE | re.DOTALL,
)


_OWN = re.compile(
    r"SNYK(?:-[A-Z0-9._]+)+-\d+|(?:GO|PYSEC|RUSTSEC|MAL|GSD|OSV|EUVD)-\d{4}-\d+|(?:DSA|DLA|USN)-\d+-\d+"
    r"|(?:RHSA|ELSA|ALSA|RLSA|ALAS)-\d{4}[:-]\d+",
    re.IGNORECASE | re.ASCII,
)
"""Ids that only advisories have; a looser pattern would take rules of linters, such as GO-W1000, for them."""


def normal(name: str) -> str:
    """`name` without white space around it, in upper case where it is of a known scheme."""
    name = name.strip()
    if name.startswith("CVE-"):
        return name.upper()
    return name.upper() if _KNOWN.fullmatch(name) else name


def cves(text: str) -> list[str]:
    """The CVE ids in `text`, in order."""
    return [found.upper() for found in _CVE.findall(text)]


def advisories(text: str) -> list[str]:
    """The CVE ids in `text`, then the GitHub advisories."""
    return [*cves(text), *(found.upper() for found in _GHSA.findall(text))]


def is_advisory(name: str) -> bool:
    """Whether `name` as a whole is the id of an advisory, in a scheme of one of those who publish them."""
    return _OWN.fullmatch(name) is not None


def ranked(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct `names`, normal, with the best known first: a CVE id, else a GitHub advisory, else the tool's."""
    distinct = {normal(name): None for name in names if name and not name.isspace()}
    return tuple(distinct) if len(distinct) < 2 else tuple(sorted(distinct, key=_rank))


def _rank(name: str) -> int:
    return 0 if name.startswith("CVE-") else 1 if name.startswith("GHSA-") else 2
