"""Ids of vulnerabilities as policies write them (language reference, sections 5 and 6).

An id that begins like one of a known scheme must be well formed, so that a slip is found before a rule never fires;
other ids (`DS002`, `aws-access-key-id`) are free.
"""

from __future__ import annotations

import re

from policyengine.evidence.identifiers import normal
from policyengine.evidence.problems import Problem, quoted

ID_CHARACTERS = 256
"""Characters. The longest ids seen, of static analysers' rules, have about 120."""


FLAGS = re.IGNORECASE | re.ASCII

SCHEMES = (
    (r"CVE(?:[-_ :]|\d)", r"CVE-\d{4}-\d{4,19}", "CVE-YYYY-NNNN"),
    (r"GHSA(?:[-_ :]|$)", r"GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}", "GHSA-xxxx-xxxx-xxxx"),
    (r"PYSEC[-_ \d]", r"PYSEC-\d{4}-\d+", "PYSEC-YYYY-N"),
    (r"RUSTSEC[-_ \d]", r"RUSTSEC-\d{4}-\d{4,}", "RUSTSEC-YYYY-NNNN"),
    (r"GO-\d", r"GO-\d{4}-\d{4,}", "GO-YYYY-NNNN"),
    (r"OSV-\d", r"OSV-\d{4}-\d+", "OSV-YYYY-N"),
    (r"MAL-\d", r"MAL-\d{4}-\d+", "MAL-YYYY-N"),
    (r"EUVD-", r"EUVD-\d{4}-\d+", "EUVD-YYYY-N"),
    (r"DSA-", r"DSA-\d+(?:-\d+)?", "DSA-NNNN-N"),
    (r"DLA-", r"DLA-\d+(?:-\d+)?", "DLA-NNNN-N"),
    (r"USN-", r"USN-\d+(?:-\d+)?", "USN-NNNN-N"),
    (r"RH[SBE]A-", r"RH[SBE]A-\d{4}[:-]\d+", "RHSA-YYYY:NNNN"),
)
"""How the ids of each scheme begin, whatever follows; how they look whole; and a picture of that for people.

Only schemes whose form is published and settled are here; ids of others (ALAS, SNYK, BIT…) vary and are free.
"""


def normalise(text: str) -> str:
    """The one spelling of an id: ids of known schemes in upper case. The same for documents and policies."""
    return normal(text)


def problem(text: str) -> Problem | None:
    """What is wrong with `text` as an id in a policy, or `None`."""
    name = text.strip()
    if not name or len(name) > ID_CHARACTERS or not name.isprintable():
        return Problem(f"{quoted(text)} is not the id of a vulnerability")
    for begins, whole, form in SCHEMES:
        if re.match(begins, name, FLAGS):
            well_formed = re.fullmatch(whole, name, FLAGS)
            return None if well_formed else Problem(f"{quoted(text)} is not of the form {form}", _nearest_cve(name))
    return None


def _nearest_cve(name: str) -> str | None:
    """The CVE id that `name` states with other signs or too few digits."""
    parts = re.fullmatch(r"CVE[\s\-_:]*(\d{4})[\s\-_:.]*(\d{1,19})", name, FLAGS)
    return f"CVE-{parts[1]}-{parts[2]:0>4}" if parts else None
