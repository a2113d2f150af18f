"""From documents to collections: what counts, what is current, what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policyengine.errors import EvidenceError
from policyengine.evidence.assembly import Assembly, Declared, Document, Evidence, assemble
from policyengine.evidence.model import (
    Collection,
    Custom,
    Finding,
    Gap,
    Image,
    Package,
    Provenance,
    Sbom,
    Scan,
    Severity,
    Vex,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
IMAGE = Image("sha256:image")
OUTAGE = Gap("the registry does not answer", outside=True, retry=True)


def at(hours: int | None) -> datetime | None:
    return None if hours is None else NOW + timedelta(hours=hours)


def scan(digest: str, hours: int | None = 0, tool: str = "trivy", findings: Sequence[Finding] = ()) -> Document:
    """A signed scan that is readable."""
    record = Scan(tool, "sarif-2.1.0", digest, finished=at(hours), findings=Collection(tuple(findings)))
    return document(digest, record)


def sbom(digest: str, hours: int | None = 0, tool: str | None = "syft", packages: Sequence[Package] = ()) -> Document:
    record = Sbom("spdx-2.3", "2.3", digest, tool=tool, created=at(hours), packages=Collection(tuple(packages)))
    return document(digest, record)


def document(digest: str, *records: Any, **more: Any) -> Document:
    kinds = frozenset({records[0].kind}) if records else frozenset({"scan"})
    stated: dict[str, Any] = {"kinds": kinds, "records": records, "signed": True}
    return Document(digest, "application/json", **(stated | more))


def unread(digest: str, *kinds: str, problem: Gap | None = None, **more: Any) -> Document:
    """A document of which nothing is known but that it may be of one of these kinds."""
    stated = problem or Gap("the text ends too early")
    return Document(digest, "application/json", frozenset(kinds), problem=stated, **({"signed": True} | more))


def assembled(*documents: Document, accepts: Sequence[str] = (), gaps: Sequence[Gap] = ()) -> Assembly:
    return assemble(Evidence(IMAGE, documents, tuple(gaps)), frozenset(accepts))


def digests(found: Assembly, collection: str = "scans") -> list[str]:
    return [record.digest for record in found.collections[collection].items]


def gaps(found: Assembly, collection: str = "scans") -> list[str]:
    return [gap.reason for gap in found.collections[collection].gaps]


def statuses(found: Assembly) -> dict[str, str]:
    return {status.document.digest: status.status for status in found.statuses}


# Who is trusted


def test_nothing_is_not_an_empty_collection() -> None:
    found = assembled()

    for kind, collection in {"scan": "scans", "sbom": "sboms", "vex": "vexes", "provenance": "provenances"}.items():
        assert (digests(found, collection), gaps(found, collection)) == ([], [f"no usable {kind}: none is attached"])
    assert gaps(found, "findings") == ["no usable scan: none is attached"]
    assert gaps(found, "packages") == ["no usable sbom: none is attached"]
    assert all(gap.many for gap in found.collections["findings"].gaps)


def test_what_nobody_signed_does_not_exist() -> None:
    dirty = scan("a", findings=[Finding(("CVE-1",), Severity.CRITICAL)])
    unsigned = assembled(replace(dirty, signed=False))

    assert statuses(unsigned) == {"a": "untrusted"}
    assert digests(unsigned) == digests(unsigned, "findings") == []
    assert gaps(unsigned) == ["no usable scan: 1 found, not signed by a trusted identity"]


@pytest.mark.parametrize(("listed", "reason"), [((), "not signed"), (("s",), "no signature by a trusted identity")])
def test_why_a_document_is_not_trusted(listed: tuple[str, ...], reason: str) -> None:
    found = assembled(document("a", kinds=frozenset({"scan"}), signed=False, listed=listed))

    assert [status.reason for status in found.statuses] == [reason]


def test_untrusted_documents_beside_a_trusted_one_leave_no_trace() -> None:
    alone = assembled(scan("a"))
    beside = assembled(scan("a"), unread("b", "scan", signed=False), document("c", signed=False))

    assert beside.collections == alone.collections


def test_a_kind_that_is_accepted_unsigned() -> None:
    unsigned = document("a", Scan("trivy", "sarif-2.1.0", "a"), signed=False)

    assert digests(assembled(unsigned, accepts=["scan"])) == ["a"]
    assert digests(assembled(unsigned, accepts=["sbom"])) == []


def test_accepting_one_kind_accepts_no_other_in_the_same_document() -> None:
    statement = Vex(("CVE-1",), "NOT_AFFECTED", frozenset({"pkg:deb/debian/a"}), "a")
    both = document("a", Sbom("cyclonedx", "1.6", "a"), statement, signed=False)
    found = assembled(both, accepts=["sbom"])

    assert digests(found, "sboms") == ["a"]
    assert found.collections["vexes"].items == ()
    assert gaps(found, "vexes") == ["no usable vex: 1 found, not signed by a trusted identity"]
    assert [status.status for status in found.statuses] == ["used"]
    assert len(assembled(both, accepts=["sbom", "vex"]).collections["vexes"].items) == 1


def test_a_document_that_may_be_of_another_kind_is_not_accepted_as_one() -> None:
    found = assembled(unread("a", "scan", "sbom", signed=False), accepts=["scan"])

    assert statuses(found) == {"a": "untrusted"}


def test_an_outage_hides_what_may_be_accepted() -> None:
    found = assembled(scan("b"), unread("a", "scan", "sbom", signed=False, problem=OUTAGE), accepts=["scan"])

    assert statuses(found) == {"b": "used", "a": "unreadable"}
    assert [gap.outside for gap in found.collections["scans"].gaps] == [True]


def test_irrelevant_documents_are_listed() -> None:
    found = assembled(document("a", kinds=frozenset(), signed=False, reason="no rule asks for it"))

    assert [(status.status, status.reason) for status in found.statuses] == [("irrelevant", "no rule asks for it")]


# What is not known


def test_a_document_that_cannot_be_read_is_one_element_of_which_nothing_is_known() -> None:
    found = assembled(scan("a", findings=[Finding(("CVE-1",))]), unread("sha256:b", "scan"))

    assert statuses(found) == {"a": "used", "sha256:b": "unreadable"}
    assert digests(found) == ["a"]
    assert gaps(found) == ["scan sha256:b cannot be read: the text ends too early"]
    assert [gap.many for gap in found.collections["scans"].gaps] == [False]
    assert [gap.many for gap in found.collections["findings"].gaps] == [True]
    assert len(found.collections["findings"].items) == 1


def test_the_only_document_cannot_be_read() -> None:
    assert gaps(assembled(unread("sha256:b", "scan"))) == [
        "no usable scan: scan sha256:b cannot be read: the text ends too early"
    ]


def test_a_document_of_an_unknown_kind_leaves_a_gap_in_every_kind_that_it_may_be() -> None:
    found = assembled(scan("a"), sbom("b"), unread("c", "scan", "sbom"))

    assert len(gaps(found)) == len(gaps(found, "sboms")) == 1
    assert gaps(found, "provenances") == ["no usable provenance: none is attached"]


def test_signatures_that_could_not_be_had_leave_a_doubt() -> None:
    found = assembled(scan("a"), document("b", kinds=frozenset({"scan"}), signed=False, doubt=OUTAGE))

    assert statuses(found) == {"a": "used", "b": "untrusted"}
    assert [(gap.outside, gap.retry, gap.many) for gap in found.collections["scans"].gaps] == [(True, True, False)]


def test_a_doubt_about_one_kind_is_none_about_another() -> None:
    found = assembled(scan("a"), sbom("b"), document("c", kinds=frozenset({"sbom"}), signed=False, doubt=OUTAGE))

    assert gaps(found) == []
    assert gaps(found, "sboms") == [OUTAGE.reason]


def test_what_holds_for_everything_holds_for_every_collection() -> None:
    found = assembled(scan("a"), gaps=[OUTAGE])

    for collection in ("scans", "findings", "sboms", "packages", "vexes", "provenances"):
        assert OUTAGE in found.collections[collection].gaps


def test_what_a_document_does_not_say_stays_a_gap_in_its_collection() -> None:
    unknown = Gap("result 3 has no id", many=False)
    record = Scan("trivy", "sarif-2.1.0", "a", finished=NOW, findings=Collection((), (unknown,)))
    found = assembled(document("a", record))

    assert gaps(found) == []
    assert found.collections["findings"].gaps == (unknown,)


# Which are current


def test_of_one_tool_the_newest_counts() -> None:
    found = assembled(scan("old", -5), scan("new", 0), scan("older", -9), scan("other", -20, tool="grype"))

    assert sorted(digests(found)) == ["new", "other"]
    assert statuses(found) == {"old": "superseded", "new": "used", "older": "superseded", "other": "used"}


def test_a_list_in_a_bom_takes_no_scans_place_and_no_scan_takes_its() -> None:
    listed = Scan("trivy", "cyclonedx-json", "bom", finished=at(2))
    older = document("older", replace(listed, digest="older", finished=at(1)))
    found = assembled(scan("old", 0), scan("new", 1), document("bom", listed), older)
    assert digests(found) == ["new", "bom"]


def test_the_newest_of_each_subject_counts() -> None:
    older = replace(scan("platform", -5), attached="sha256:platform")
    newer = replace(scan("index", 0), attached="sha256:index")

    assert sorted(digests(assembled(older, newer))) == ["index", "platform"]
    assert digests(assembled(older, replace(newer, attached="sha256:platform"))) == ["index"]


def test_where_a_time_is_missing_all_stay() -> None:
    found = assembled(scan("old", -5), scan("timeless", None), scan("new", 0))

    assert sorted(digests(found)) == ["new", "old", "timeless"]


def test_two_of_the_same_time_both_stay() -> None:
    assert sorted(digests(assembled(scan("a", 0), scan("b", 0), scan("c", -1)))) == ["a", "b"]


def test_a_document_that_cannot_be_read_supersedes_nothing_and_is_not_superseded() -> None:
    found = assembled(scan("old", -5), scan("new", 0), unread("sha256:unread", "scan"))

    assert statuses(found) == {"old": "superseded", "new": "used", "sha256:unread": "unreadable"}
    assert len(gaps(found)) == 1


def test_an_untrusted_document_supersedes_nothing() -> None:
    newer = Scan("trivy", "sarif-2.1.0", "new", finished=at(5))

    assert digests(assembled(scan("old", -5), document("new", newer, signed=False))) == ["old"]


def test_a_scan_does_not_supersede_an_sbom_by_the_same_tool() -> None:
    found = assembled(scan("a", 5, tool="trivy"), sbom("b", -5, tool="trivy"))

    assert (digests(found), digests(found, "sboms")) == (["a"], ["b"])


@pytest.mark.parametrize("tool", [None, ""])
def test_nobody_supersedes_what_names_no_maker(tool: str | None) -> None:
    assert sorted(digests(assembled(sbom("a", -5, tool), sbom("b", 0, tool)), "sboms")) == ["a", "b"]


def test_superseded_findings_and_packages_are_gone() -> None:
    bad = [Finding(("CVE-1",), Severity.CRITICAL)]
    found = assembled(
        scan("old", -5, findings=bad), scan("new", 0), sbom("x", -5, packages=[Package("gpl")]), sbom("y")
    )

    assert found.collections["findings"] == Collection()
    assert found.collections["packages"] == Collection()


def test_builders_and_authors_are_makers_too() -> None:
    def built(digest: str, builder: str, hours: int) -> Document:
        return document(digest, Provenance(builder, "type", digest, finished=at(hours)))

    def said(digest: str, author: str | None, hours: int) -> Document:
        return document(digest, Vex(("CVE-1",), "FIXED", frozenset(), digest, author=author, timestamp=at(hours)))

    found = assembled(built("a", "x", 0), built("b", "x", -1), built("c", "y", -1))
    assert sorted(digests(found, "provenances")) == ["a", "c"]
    found = assembled(
        said("a", "x", 0), said("b", "x", -1), said("c", "y", -1), said("d", None, -9), said("e", None, 0)
    )
    assert sorted(digests(found, "vexes")) == ["a", "c", "d", "e"]


def test_the_statements_of_one_document_stay_together() -> None:
    def statement(hours: int, digest: str = "a") -> Vex:
        return Vex(("CVE-1",), "FIXED", frozenset(), digest, author="x", timestamp=at(hours))

    found = assembled(document("a", statement(0), statement(-5)), document("b", statement(-3, "b")))

    assert digests(found, "vexes") == ["a", "a"]
    assert statuses(found) == {"a": "used", "b": "superseded"}


def test_a_document_with_one_current_part_is_used() -> None:
    two = document("a", Scan("trivy", "sarif", "a", finished=at(-5)), Scan("grype", "sarif", "a", finished=at(-5)))
    found = assembled(two, scan("b", 0, "trivy"))

    assert statuses(found) == {"a": "used", "b": "used"}
    assert sorted((record.tool, record.digest) for record in found.collections["scans"].items) == [
        ("grype", "a"), ("trivy", "b"),
    ]  # fmt: skip


documents = st.lists(
    st.builds(
        scan,
        digest=st.sampled_from("abcdefgh"),
        hours=st.none() | st.integers(-3, 3),
        tool=st.sampled_from(["trivy", "grype"]),
        findings=st.lists(st.sampled_from([Finding(("CVE-1",)), Finding(("CVE-2",))]), max_size=2),
    ),
    max_size=6,
    unique_by=lambda each: each.digest,
)


@given(documents, st.randoms())
def test_order_does_not_matter(listed: list[Document], random: Any) -> None:
    shuffled = random.sample(listed, len(listed))

    assert sorted(digests(assembled(*listed))) == sorted(digests(assembled(*shuffled)))
    assert statuses(assembled(*listed)) == statuses(assembled(*shuffled))


@given(documents)
def test_every_tool_is_heard_and_only_older_documents_are_passed_over(listed: list[Document]) -> None:
    found = assembled(*listed)
    scans = [document.records[0] for document in listed]
    current = found.collections["scans"].items

    assert {scan.tool for scan in current} == {scan.tool for scan in scans}
    for each in scans:
        if each not in current:
            assert any(c.tool == each.tool and c.finished > each.finished for c in current)


@given(documents, documents.map(lambda listed: listed[:1]))
def test_one_unread_document_more_only_adds_a_gap(listed: list[Document], more: list[Document]) -> None:
    before, after = assembled(*listed), assembled(*listed, *(unread("z", "scan") for _ in more))

    assert after.collections["scans"].items == before.collections["scans"].items
    assert bool(after.collections["scans"].gaps) >= bool(before.collections["scans"].gaps or more)


def test_findings_that_two_scans_report_count_once_and_each_scan_keeps_its_own() -> None:
    found = assembled(
        scan("a", findings=[Finding(("CVE-1",))]), scan("b", tool="grype", findings=[Finding(("CVE-1",))])
    )

    assert [len(each.findings.items) for each in found.collections["scans"].items] == [1, 1]
    assert (len(found.collections["findings"].items), found.collections["findings"].repeated) == (2, (0, 0))


# Kinds that policies declare


COVERAGE = "application/vnd.example.coverage"


def read(document: Document) -> Custom:
    if document.data != b"good":
        raise EvidenceError("it has no percentage")
    return Custom("coverage", {"percent": 80}, document.digest, document.created)


def covered(*documents: Document, accepts: Sequence[str] = (), kind: str = "coverage") -> Assembly:
    evidence = Evidence(IMAGE, documents)
    return assemble(evidence, frozenset(accepts), (Declared(kind, COVERAGE, read),))


def custom(digest: str, data: bytes | None = b"good", hours: int = 0, **more: Any) -> Document:
    stated: dict[str, Any] = {"signed": True, "data": data, "created": at(hours), "declared": True}
    return Document(digest, COVERAGE, **(stated | more))


def test_a_declared_kind_is_a_collection() -> None:
    found = covered(custom("a"))

    assert [record.fields for record in found.collections["coverages"].items] == [{"percent": 80}]
    assert statuses(found) == {"a": "used"}


def test_a_declared_kind_without_documents_is_not_known() -> None:
    assert gaps(covered(), "coverages") == ["no usable coverage: none is attached"]


def test_of_a_declared_kind_the_newest_counts() -> None:
    assert digests(covered(custom("old", hours=-5), custom("new")), "coverages") == ["new"]


def test_a_document_that_is_not_of_the_declared_kind_cannot_be_read() -> None:
    found = covered(custom("a", b"bad"))

    assert statuses(found) == {"a": "unreadable"}
    assert gaps(found, "coverages") == ["no usable coverage: coverage a cannot be read: it has no percentage"]


def test_a_declared_kind_has_to_be_signed_or_accepted() -> None:
    assert statuses(covered(custom("a", signed=False))) == {"a": "untrusted"}
    assert statuses(covered(custom("a", signed=False), accepts=["coverage"])) == {"a": "used"}
    assert statuses(covered(custom("a", signed=False), accepts=["scan"])) == {"a": "untrusted"}


def test_a_declared_document_that_was_not_fetched_is_not_lost() -> None:
    found = covered(custom("a", None, problem=OUTAGE))

    assert statuses(found) == {"a": "unreadable"}
    assert [gap.outside for gap in found.collections["coverages"].gaps] == [True]


def test_the_kinds_of_one_policy_are_none_of_another() -> None:
    declared = assemble(Evidence(IMAGE, (custom("a"),)))

    assert statuses(declared) == {"a": "irrelevant"}
    assert "coverages" not in declared.collections
