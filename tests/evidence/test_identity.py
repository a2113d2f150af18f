"""When two findings are one: same vulnerability, package and location."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.evidence.identity import repeated_findings, separated
from policyengine.evidence.model import Finding, Package


def finding(*ids: str, package: Package | None = None, location: str | None = None) -> Finding:
    return Finding(ids, package=package, location=location)


def groups(*findings: Finding) -> tuple[int, ...]:
    return repeated_findings(findings)


CURL, CURL_AGAIN = Package("curl", "7.88"), Package("curl", "7.88", supplier="Debian")
PURL = Package("curl", purl="pkg:deb/debian/curl@7.88")


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([finding("CVE-1"), finding("CVE-2")], ()),
        ([finding("CVE-1"), finding("CVE-1")], (0, 0)),
        ([finding("CVE-1", package=CURL), finding("CVE-1", package=CURL_AGAIN)], (0, 0)),
        ([finding("CVE-1", package=CURL), finding("CVE-1")], ()),
        ([finding("CVE-1", package=CURL), finding("CVE-1", package=Package("curl", "8"))], ()),
        ([finding("CVE-1", package=PURL), finding("CVE-1", package=PURL)], (0, 0)),
        ([finding("CVE-1", package=PURL), finding("CVE-1", package=CURL)], ()),
        ([finding("CVE-1", location="a"), finding("CVE-1", location="b")], ()),
        ([finding("CVE-1", location="a"), finding("CVE-1", location="a")], (0, 0)),
        ([finding("GHSA-1", "CVE-1"), finding("CVE-1")], (0, 0)),
        ([finding("CVE-1"), finding("GHSA-1", "CVE-1"), finding("CVE-2", "GHSA-1")], (0, 0, 0)),
        ([finding("CVE-1", "GHSA-1"), finding("CVE-2", "GHSA-2"), finding("GHSA-1", "GHSA-2")], (0, 0, 0)),
        ([finding("CVE-1"), finding("CVE-2"), finding("CVE-1"), finding("CVE-2")], (0, 1, 0, 1)),
    ],
)
def test_repeated_findings(findings: list[Finding], expected: tuple[int, ...]) -> None:
    assert groups(*findings) == expected


ids = st.lists(st.sampled_from(["CVE-1", "CVE-2", "GHSA-1", "GHSA-2"]), min_size=1, max_size=2, unique=True)


@given(st.lists(ids.map(lambda names: finding(*names)), max_size=8))
def test_groups_point_to_their_first_finding(findings: list[Finding]) -> None:
    """One group for all findings that ids connect, each named by its first."""
    found = groups(*findings) or tuple(range(len(findings)))
    names = [set(each.ids) for each in findings]
    for _ in findings:
        names = [set().union(*(other for other in names if other & each)) for each in names]

    assert found == tuple(names.index(each) for each in names)


# One advisory about several vulnerabilities


def test_an_advisory_about_several_vulnerabilities_is_one_finding_for_each() -> None:
    one, several = finding("CVE-1", "GHSA-1"), finding("CVE-1", "CVE-2", "CVE-3", "ALAS-1", "GHSA-1")

    assert separated((one,)) == (one,)
    assert [each.ids for each in separated((several, one))] == [
        ("CVE-1", "ALAS-1", "GHSA-1"), ("CVE-2", "ALAS-1"), ("CVE-3", "ALAS-1"), ("CVE-1", "GHSA-1"),
    ]  # fmt: skip
    assert groups(*separated((several, one))) == (0, 0, 0, 0)
    assert [each.ids for each in separated((finding("CVE-1", "CVE-2"),))] == [("CVE-1",), ("CVE-2",)]


def test_an_advisory_with_very_many_ids_takes_no_more_room_than_they_do() -> None:
    many = finding(*(f"CVE-{number}" for number in range(10_000)), *(f"X-{number}" for number in range(10_000)))

    assert sum(len(each.ids) for each in separated((many,))) < 40_000
