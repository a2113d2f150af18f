"""Nothing fails open: whatever happens to one part of a good case, it is never allowed without that part.

What may be lost is what no rule asks about. It is named in `HARMLESS`, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine import Decision, Layout
from tests import example
from tests.engine import layouts
from tests.engine.deciding import decided, rules, verdict
from tests.engine.layouts import blob, changed, flipped, truncated

ROLES = {role: digest for digest, role in layouts.roles().items()}

OWN = {"clean/config", "clean/layer", "empty"}
"""Of the image: no rule reads its configuration or its files; the empty configuration of artifacts is never fetched."""

OTHER = {role for role in ROLES if role.startswith("vulnerable")} - {"vulnerable/scan", "vulnerable/sbom"}
"""Of the other image: all but the manifests that CI signed. Unread, they might be attached to this image too."""

HARMLESS = OWN | OTHER


def replaced(content: bytes, by: int) -> bytes:
    """Another valid blob's bytes."""
    others = [other for digest in ROLES.values() if (other := example.blob(digest)) != content]
    return others[by % len(others)]


def extended(content: bytes, by: int) -> bytes:
    return content + b" " * (by % 10 + 1)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layouts.copied(tmp_path_factory.mktemp("order-api") / "layout")


def test_the_good_case_is_good_and_the_bad_one_bad(layout: Path) -> None:
    assert len(ROLES) == len(list((example.LAYOUT / "blobs" / "sha256").iterdir()))
    assert (verdict(layout, "clean"), verdict(layout, "vulnerable")) == ("allow", "deny")


# One blob


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\0", b"[]"], ids=["removed", "empty", "{}", "NUL", "[]"])
def test_exactly_what_no_rule_asks_about_may_be_lost(content: bytes | None, layout: Path) -> None:
    allowed = set()
    for role, digest in ROLES.items():
        with changed(blob(layout, digest), content):
            assert verdict(layout, "vulnerable") != "allow"
            if verdict(layout, "clean") == "allow":
                allowed.add(role)

    assert allowed == HARMLESS


@given(
    role=st.sampled_from(sorted(ROLES)),
    change=st.sampled_from([truncated, flipped, replaced, extended]),
    where=st.integers(0, 10_000_000),
)
def test_no_change_of_one_blob_gets_an_image_through(
    layout: Path, role: str, change: Callable[[bytes, int], bytes], where: int
) -> None:
    path = blob(layout, ROLES[role])
    with changed(path, change(path.read_bytes(), where)):
        assert verdict(layout, "vulnerable") != "allow"
        assert (verdict(layout, "clean") == "allow") == (role in HARMLESS)


@given(lost=st.sets(st.sampled_from(sorted(ROLES)), min_size=1))
def test_nothing_is_allowed_without_what_its_rules_need(layout: Path, lost: set[str]) -> None:
    contents = {role: blob(layout, ROLES[role]).read_bytes() for role in lost}
    for role in lost:
        blob(layout, ROLES[role]).unlink()
    try:
        assert verdict(layout, "vulnerable") != "allow"
        assert verdict(layout, "clean") != "allow" or not {r for r in lost if r.startswith("clean")} - OWN
    finally:
        for role, content in contents.items():
            blob(layout, ROLES[role]).write_bytes(content)


def test_the_report_names_what_was_lost(layout: Path) -> None:
    path = blob(layout, ROLES["clean/scan/document"])
    with changed(path, flipped(path.read_bytes(), 99)):
        decision = decided(Layout(layout))

    assert rules(decision, "undetermined") >= {"no-critical"}
    assert "do not have that digest" in next(d.reason or "" for d in decision.evidence if d.status == "unreadable")


# The index of the layout: a list of hints


def test_an_entry_that_is_dropped_is_evidence_that_is_lost(layout: Path) -> None:
    names = {digest: role for role, digest in ROLES.items()}
    allowed = set()
    for entry in layouts.entries(layout):
        with changed(layout / "index.json", None):
            layouts.relist(layout, [other for other in layouts.entries(example.LAYOUT) if other != entry])
            assert verdict(layout, "vulnerable") != "allow"
            if verdict(layout, "clean") == "allow":
                allowed.add(names[entry["digest"]])

    manifests = {names[entry["digest"]] for entry in layouts.entries(layout)}
    needed = {role for role in manifests if role.startswith("clean/")}
    assert allowed == manifests - needed  # the image itself is asked for by its digest


def test_a_tag_that_is_gone_is_no_decision(layout: Path) -> None:
    with changed(layout / "index.json", None):
        layouts.relist(layout, [e for e in layouts.entries(example.LAYOUT) if e["digest"] != ROLES["vulnerable"]])
        decision = decided(Layout(layout).repository(example.REPOSITORY), "gone")

    assert (decision.decision, decision.exit_code) == ("error", 3)
    assert [reason.code for reason in decision.reasons] == ["not-found"]


def decisions(folder: Path) -> list[Decision]:
    return [decided(Layout(folder), tag) for tag in ("clean", "vulnerable")]


@settings(max_examples=40)
@given(data=st.data())
def test_neither_order_nor_repetition_of_entries_matters(layout: Path, data: st.DataObject) -> None:
    entries = layouts.entries(example.LAYOUT)
    listed = data.draw(st.permutations(entries)) + data.draw(st.lists(st.sampled_from(entries), max_size=3))
    with changed(layout / "index.json", None):
        layouts.relist(layout, listed)
        assert decisions(layout) == decisions(example.LAYOUT)


@given(change=st.sampled_from([truncated, flipped, replaced, extended]), where=st.integers(0, 10_000_000))
def test_a_broken_index_lets_nothing_through(layout: Path, change: Callable[[bytes, int], bytes], where: int) -> None:
    path = layout / "index.json"
    with changed(path, change(path.read_bytes(), where)):
        assert verdict(layout, "vulnerable") in {"deny", "error", "refused"}
        assert verdict(layout, "clean") in {"allow", "deny", "error", "refused"}  # never a fault
