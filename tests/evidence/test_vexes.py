from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.model import Finding, Package, Vex
from policyengine.evidence.vexes import Statements, covers, status
from tests.evidence.patience import soon

CVE = "CVE-2024-0001"
OPENSSL = "pkg:deb/debian/openssl@3.0.1"
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def finding(purl: str | None, *ids: str, version: str | None = None) -> Finding:
    return Finding(ids or (CVE,), package=Package("openssl", version=version, purl=purl))


def vex(
    product: str, *ids: str, says: str | None = "NOT_AFFECTED", digest: str = "d", at: datetime | None = None
) -> Vex:
    return Vex(ids or (CVE,), says, frozenset([product]), digest, timestamp=at)


@pytest.mark.parametrize(
    ("product", "purl", "answer"),
    [
        (OPENSSL, OPENSSL, True),
        (OPENSSL, "pkg:deb/debian/openssl@3.0.2", False),
        (OPENSSL, "pkg:deb/debian/openssl@3.0.1-0", True),
        ("pkg:deb/debian/openssl", OPENSSL, True),
        ("pkg:deb/debian/openssl", "pkg:deb/debian/openssl", True),
        (OPENSSL, "pkg:deb/debian/openssl", None),
        (OPENSSL, "pkg:deb/ubuntu/openssl@3.0.1", False),
        (OPENSSL, f"{OPENSSL}?arch=amd64&distro=debian-12", True),
        (f"{OPENSSL}?arch=amd64", f"{OPENSSL}?arch=amd64&distro=debian-12", True),
        (f"{OPENSSL}?arch=amd64", f"{OPENSSL}?arch=arm64", False),
        (f"{OPENSSL}?arch=amd64", OPENSSL, None),
        (f"{OPENSSL}?arch=amd64", "pkg:deb/debian/openssl@3.0.2", False),
        (OPENSSL, f"{OPENSSL}?epoch=1", False),
        (f"{OPENSSL}?epoch=1", "pkg:deb/debian/openssl@1:3.0.1", True),
        ("pkg:pypi/Acme_Tools@1.0", "pkg:pypi/acme-tools@1.0.0", True),
        ("pkg:golang/github.com/acme/x@v1.0.0", "pkg:golang/github.com/acme/x@1.0.0", True),
        ("pkg:golang/github.com/acme/x@v1.0.0#sub", "pkg:golang/github.com/acme/x@v1.0.0", False),
        ("pkg:golang/github.com/acme/x@v1.0.0", "pkg:golang/github.com/acme/x@v1.0.0#sub", True),
        ("pkg:generic/x@latest", "pkg:generic/x@latest", True),
        ("pkg:generic/x@latest", "pkg:generic/x@1", None),
        ("cpe:2.3:a:openssl:openssl", OPENSSL, None),
        (OPENSSL, "not a package URL", None),
        (OPENSSL, None, None),
    ],
)
def test_a_statement_is_about_its_products(product: str, purl: str | None, answer: bool | None) -> None:
    assert covers(vex(product), finding(purl)) is answer


def test_a_statement_about_another_vulnerability_covers_nothing() -> None:
    assert covers(vex(OPENSSL, "CVE-2024-0002"), finding(OPENSSL)) is False
    assert covers(vex(OPENSSL, "CVE-2024-0002"), finding(None)) is False


def test_ids_meet_through_aliases_and_in_any_case() -> None:
    advisory = "GHSA-ccff-gghh-jjmm"
    assert covers(vex(OPENSSL, advisory, CVE), finding(OPENSSL)) is True
    assert covers(vex(OPENSSL), finding(OPENSSL, advisory.lower(), CVE.lower())) is True
    assert covers(vex(OPENSSL, advisory), finding(OPENSSL)) is False


def test_one_of_several_products_is_enough_and_none_is_nothing() -> None:
    both = Vex((CVE,), "FIXED", frozenset(["pkg:npm/x", OPENSSL, "not a package URL"]), "d")
    assert covers(both, finding(OPENSSL)) is True
    assert covers(Vex((CVE,), "FIXED", frozenset(), "d"), finding(OPENSSL)) is False


def test_a_finding_without_package_is_not_excused() -> None:
    assert covers(vex(OPENSSL), Finding((CVE,))) is None
    assert covers(vex("pkg:deb/debian/openssl"), Finding((CVE,))) is None


def test_the_package_s_version_stands_in_for_that_of_its_package_url() -> None:
    assert covers(vex(OPENSSL), finding("pkg:deb/debian/openssl", version="3.0.1")) is True
    assert covers(vex(OPENSSL), finding("pkg:deb/debian/openssl", version="3.0.2")) is False


def test_authors_who_disagree_have_said_nothing() -> None:
    one, other = vex(OPENSSL, digest="a"), vex("pkg:deb/debian/openssl", says="AFFECTED", digest="b", at=LATE)
    found = finding(OPENSSL)
    for statements in ([one, other], Statements([one, other])):
        assert status(one, found, statements) is None
        assert status(other, found, statements) is None


def test_authors_who_agree_and_statements_about_others_do_not_disturb() -> None:
    one = vex(OPENSSL, digest="a")
    same = vex("pkg:deb/debian/openssl", digest="b")
    elsewhere = vex("pkg:deb/debian/openssl@9", says="AFFECTED", digest="c")
    other = vex(OPENSSL, "CVE-2024-0002", says="AFFECTED", digest="d")
    assert status(one, finding(OPENSSL), Statements([one, same, elsewhere, other])) == "NOT_AFFECTED"
    assert status(elsewhere, finding(OPENSSL), [one, elsewhere]) == "AFFECTED"


def test_a_statement_that_may_contradict_does() -> None:
    one = vex(OPENSSL, digest="a")
    perhaps = vex(f"{OPENSSL}?arch=amd64", says="AFFECTED", digest="b")
    assert status(one, finding(OPENSSL), [one, perhaps]) is None


def test_a_later_statement_of_the_same_document_replaces_an_earlier_one() -> None:
    old = vex(OPENSSL, says="UNDER_INVESTIGATION", at=EARLY)
    new = vex(OPENSSL, says="NOT_AFFECTED", at=LATE)
    found = finding(OPENSSL)
    assert [status(each, found, [old, new]) for each in (old, new)] == ["NOT_AFFECTED"] * 2
    worse = vex(OPENSSL, says="AFFECTED", at=LATE)
    excuse = vex(OPENSSL, says="NOT_AFFECTED", at=EARLY)
    assert status(excuse, found, [excuse, worse]) == "AFFECTED"


def test_without_time_or_at_the_same_time_statements_of_a_document_all_count() -> None:
    found = finding(OPENSSL)
    for times in ((None, LATE), (LATE, LATE), (EARLY, None), (None, None)):
        one, other = vex(OPENSSL, at=times[0]), vex(OPENSSL, says="AFFECTED", at=times[1])
        assert status(one, found, [one, other]) is None


def test_an_unknown_status_stays_unknown() -> None:
    silent = vex(OPENSSL, says=None)
    assert status(silent, finding(OPENSSL), [silent]) is None
    assert status(vex(OPENSSL, digest="b"), finding(OPENSSL), [silent]) is None


def test_of_a_finding_that_is_not_known_nothing_is() -> None:
    assert covers(vex(OPENSSL), None) is None
    assert status(vex(OPENSSL), None, [vex(OPENSSL, says="AFFECTED", digest="b")]) == "NOT_AFFECTED"


def test_statements_are_found_by_every_id() -> None:
    one, other = vex(OPENSSL, "GHSA-ccff-gghh-jjmm", CVE), vex(OPENSSL, "CVE-2024-0002")
    assert Statements([one, other]).about(finding(OPENSSL, CVE, "ghsa-ccff-gghh-jjmm")) == [one]
    assert Statements([one, other]).about(finding(OPENSSL, "CVE-2024-0003")) == []


STATEMENTS = st.lists(
    st.builds(
        lambda product, says, digest, at: vex(product, says=says, digest=digest, at=at),
        st.sampled_from([OPENSSL, "pkg:deb/debian/openssl", "pkg:deb/debian/openssl@9", f"{OPENSSL}?arch=amd64"]),
        st.sampled_from(["NOT_AFFECTED", "AFFECTED", None]),
        st.sampled_from("ab"),
        st.sampled_from([None, EARLY, LATE]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(STATEMENTS, STATEMENTS)
def test_order_does_not_matter_and_another_author_never_excuses_more(some: list[Vex], more: list[Vex]) -> None:
    found = finding(OPENSSL)
    strangers = [Vex(each.ids, each.status, each.products, "z") for each in more]
    for each in some:
        alone = status(each, found, Statements(some))
        assert alone == status(each, found, some[::-1])
        together = status(each, found, [*some, *strangers])
        assert together in (None, alone)


def test_thousands_of_statements_and_findings_take_little_time() -> None:
    statements = Statements(vex(OPENSSL, f"CVE-2024-{index:05}") for index in range(5_000))
    excused = 0
    with soon():
        for index in range(5_000):
            found = finding(OPENSSL, f"CVE-2024-{index:05}")
            excused += sum(status(each, found, statements) == "NOT_AFFECTED" for each in statements.about(found))
    assert excused == 5_000
