from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.vulnerabilities import normalise, problem


@pytest.mark.parametrize(
    "text",
    ["CVE-2024-0001", "cve-2021-44228", "CVE-2014-1234567", "GHSA-ccff-gghh-jjmm", "ghsa-jfh8-c2jp-5v3q",
     "PYSEC-2021-19", "RUSTSEC-2021-0078", "GO-2024-2687", "DSA-5678-1", "DLA-3456-1", "USN-6789-2", "RHSA-2024:1234",
     "OSV-2020-111", "MAL-2024-1", "DS002", "aws-access-key-id", "go-critic", "CVSS", "cvedb", "ALAS2023-2024-123",
     "SNYK-JS-LODASH-567746", "BIT-nginx-2024-1", "mal-formed-yaml", "AVD-AWS-0001", "GHSAx"],
)  # fmt: skip
def test_ids_of_known_schemes_and_free_ids_are_ids(text: str) -> None:
    assert problem(text) is None


@pytest.mark.parametrize(
    ("text", "form", "suggestion"),
    [
        ("CVE-24-1", "CVE-YYYY-NNNN", None),
        ("CVE-1", "CVE-YYYY-NNNN", None),
        ("CVE-2024-1", "CVE-YYYY-NNNN", "CVE-2024-0001"),
        ("cve_2024_44228", "CVE-YYYY-NNNN", "CVE-2024-44228"),
        ("CVE2024-44228", "CVE-YYYY-NNNN", "CVE-2024-44228"),
        ("CVE-2024-0001 ,", "CVE-YYYY-NNNN", None),
        ("CVE-2024-" + "1" * 20, "CVE-YYYY-NNNN", None),
        ("CVE-２０２４-0001", "CVE-YYYY-NNNN", None),
        ("GHSA-aaaa-bbbb-cccc", "GHSA-xxxx-xxxx-xxxx", None),
        ("GHSA-jfh8-c2jp", "GHSA-xxxx-xxxx-xxxx", None),
        ("RUSTSEC-21-1", "RUSTSEC-YYYY-NNNN", None),
        ("RHSA-2024", "RHSA-YYYY:NNNN", None),
    ],
)
def test_an_id_that_begins_like_a_known_scheme_must_be_well_formed(
    text: str, form: str, suggestion: str | None
) -> None:
    found = problem(text)
    assert found is not None
    assert form in found.message
    assert found.suggestion == suggestion


@pytest.mark.parametrize("text", ["", "  ", "CVE-2024-0001\x00", "a\nb", "x" * 300])
def test_what_cannot_be_an_id_is_refused_in_a_printable_message(text: str) -> None:
    found = problem(text)
    assert found is not None
    assert found.message.isprintable()
    assert len(found.message) < 120


def test_known_schemes_are_compared_without_case_and_free_ids_are_not() -> None:
    assert normalise("cve-2024-0001") == "CVE-2024-0001"
    assert normalise(" ghsa-ccff-gghh-jjmm ") == "GHSA-CCFF-GGHH-JJMM"
    assert normalise("aws-access-key-id") == "aws-access-key-id"


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=20), st.from_regex(r"(CVE|cve|GHSA|RHSA|go)-?[0-9a-x:-]*", fullmatch=True)))
def test_normalising_twice_changes_nothing_and_suggestions_are_right(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    found = problem(text)
    if found is not None and found.suggestion is not None:
        assert problem(found.suggestion) is None
