"""Ids of vulnerabilities as policies write them (language reference, sections 5 and 6).

An id that begins like one of a known scheme must be well formed, so that a slip is found before a rule never fires;
other ids (`DS002`, `aws-access-key-id`) are free.
"""

from __future__ import annotations

import re

from msgspec import Struct

from policyengine.evidence.identifiers import normal
from policyengine.evidence.problems import Problem, quoted

ID_CHARACTERS = 256
"""Characters. The longest ids seen, of static analysers' rules, have about 120."""


class Scheme(Struct, frozen=True):
    """How the ids of one scheme begin, whatever follows; how they look whole; and a picture of that for people."""

    begins: re.Pattern[str]
    whole: re.Pattern[str]
    form: str


def _scheme(begins: str, whole: str, form: str) -> Scheme:
    return Scheme(re.compile(begins, re.IGNORECASE | re.ASCII), re.compile(whole, re.IGNORECASE | re.ASCII), form)


SCHEMES = (
    _scheme(r"CVE(?:[-_ :]|\d)", r"CVE-\d{4}-\d{4,19}", "CVE-YYYY-NNNN"),
    _scheme(r"GHSA(?:[-_ :]|$)", r"GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}", "GHSA-xxxx-xxxx-xxxx"),
    _scheme(r"PYSEC[-_ \d]", r"PYSEC-\d{4}-\d+", "PYSEC-YYYY-N"),
    _scheme(r"RUSTSEC[-_ \d]", r"RUSTSEC-\d{4}-\d{4,}", "RUSTSEC-YYYY-NNNN"),
    _scheme(r"GO-\d", r"GO-\d{4}-\d{4,}", "GO-YYYY-NNNN"),
    _scheme(r"OSV-\d", r"OSV-\d{4}-\d+", "OSV-YYYY-N"),
    _scheme(r"MAL-\d", r"MAL-\d{4}-\d+", "MAL-YYYY-N"),
    _scheme(r"EUVD-", r"EUVD-\d{4}-\d+", "EUVD-YYYY-N"),
    _scheme(r"DSA-", r"DSA-\d+(?:-\d+)?", "DSA-NNNN-N"),
    _scheme(r"DLA-", r"DLA-\d+(?:-\d+)?", "DLA-NNNN-N"),
    _scheme(r"USN-", r"USN-\d+(?:-\d+)?", "USN-NNNN-N"),
    _scheme(r"RH[SBE]A-", r"RH[SBE]A-\d{4}[:-]\d+", "RHSA-YYYY:NNNN"),
)
"""The schemes whose form is published and settled; ids of others (ALAS, SNYK, BIT…) vary and are free."""

CVE_PARTS = re.compile(r"CVE[\s\-_:]*(\d{4})[\s\-_:.]*(\d{1,19})", re.IGNORECASE | re.ASCII)


def normalise(text: str) -> str:
    """The one spelling of an id: ids of known schemes in upper case. The same for documents and policies."""
    return normal(text)


def problem(text: str) -> Problem | None:
    """What is wrong with `text` as an id in a policy, or `None`."""
    name = text.strip()
    if not name or len(name) > ID_CHARACTERS or not name.isprintable():
        return Problem(f"{quoted(text)} is not the id of a vulnerability")
    for scheme in SCHEMES:
        if scheme.begins.match(name) and not scheme.whole.fullmatch(name):
            return Problem(f"{quoted(text)} is not of the form {scheme.form}", _nearest_cve(name))
    return None


def _nearest_cve(name: str) -> str | None:
    """The CVE id that `name` states with other signs or too few digits."""
    parts = CVE_PARTS.fullmatch(name)
    return f"CVE-{parts[1]}-{parts[2]:0>4}" if parts else None
