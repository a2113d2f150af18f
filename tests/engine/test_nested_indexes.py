"""Indexes of many platforms, indexes in indexes, and what BuildKit puts beside the platforms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from policyengine import Decision, Layout, PolicySet, limits
from policyengine.errors import Unreachable
from tests import example
from tests.engine import layouts
from tests.engine.deciding import decided, rules
from tests.engine.layouts import bare, image, opened
from tests.engine.stores import watched
from tests.example import build

Entry = dict[str, Any]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def on(platform: str, descriptor: Entry, **more: Any) -> Entry:
    system, architecture = platform.split("/")
    return {**descriptor, "platform": {"os": system, "architecture": architecture}, **more}


def index(folder: Path, entries: Sequence[Entry]) -> Entry:
    """Write an index of `entries`; its descriptor."""
    with opened(folder) as written:
        value = {"schemaVersion": 2, "mediaType": build.INDEX, "manifests": list(entries)}
        found = bare(written.blob(build.INDEX, build.compact(value)))
        written.entries.append(found)
    return dict(found)


def platforms(decision: Decision) -> list[tuple[str, str]]:
    return [(each.platform, each.decision) for each in decision.platforms]


CLEAN, VULNERABLE = image("clean"), image("vulnerable")
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": CLEAN["digest"]}


def test_twelve_platforms_take_the_rounds_of_one(layout: Path) -> None:
    found = index(layout, [on(f"linux/a{number}", CLEAN) for number in range(12)])
    store = watched(layout)
    decision = decided(store, found["digest"])

    assert platforms(decision) == [(f"linux/a{number}", "allow") for number in range(12)]
    assert store.rounds <= 4 + 4


def test_more_platforms_than_are_looked_at(layout: Path) -> None:
    entries = [on(f"linux/a{number}", VULNERABLE) for number in range(limits.PLATFORMS + 1)]

    assert decided(Layout(layout), index(layout, entries)["digest"]).reasons[0].code == "too-large"
    halves = [index(layout, entries[:40]), index(layout, entries[40:])]
    assert decided(Layout(layout), index(layout, halves)["digest"]).reasons[0].code == "too-large"
    assert len(decided(Layout(layout), index(layout, entries[1:])["digest"]).platforms) == limits.PLATFORMS


def test_one_image_under_two_platforms_is_decided_about_as_each(layout: Path, tmp_path: Path) -> None:
    """A rule about one of them would not hold for it under the name of the other, which may stand before it."""
    file = tmp_path / "here.policy"
    file.write_text('policy here "Here"\nrule here deny "no amd64"\n  require image.platform is not "linux/amd64"\n')
    policies = PolicySet.load(file)
    found = index(layout, [on("linux/s390x", CLEAN), on("linux/amd64", CLEAN)])["digest"]

    decision = decided(Layout(layout), found, policies=policies)
    assert platforms(decision) == [("linux/s390x", "allow"), ("linux/amd64", "deny")]
    assert decided(Layout(layout), found, policies=policies, platform="linux/amd64").decision == "deny"


def test_platforms_of_an_index_in_an_index_count(layout: Path) -> None:
    inner = index(layout, [on("linux/amd64", CLEAN), on("linux/arm64", VULNERABLE)])
    outer = index(layout, [on("linux/riscv64", CLEAN), inner, on("linux/s390x", CLEAN)])
    decision = decided(Layout(layout), outer["digest"])

    assert decision.decision == "deny"
    assert platforms(decision) == [
        ("linux/riscv64", "allow"), ("linux/amd64", "allow"), ("linux/arm64", "deny"), ("linux/s390x", "allow"),
    ]  # fmt: skip
    assert decided(Layout(layout), outer["digest"], platform="linux/amd64").decision == "allow"
    assert decided(Layout(layout), outer["digest"], platform="linux/arm64").decision == "deny"
    assert decided(Layout(layout), outer["digest"], platform="linux/mips").decision == "deny"


def test_an_inner_index_that_cannot_be_had_is_no_allow(layout: Path) -> None:
    inner = index(layout, [on("linux/amd64", CLEAN)])
    outer = index(layout, [on("linux/riscv64", CLEAN), inner])
    for platform in (None, "linux/amd64", "linux/riscv64"):
        store = watched(layout, {("manifest", inner["digest"]): Unreachable("no answer")})
        assert decided(store, outer["digest"], platform=platform).decision == "error"
    layouts.blob(layout, inner["digest"]).write_bytes(b"{}")
    assert decided(Layout(layout), outer["digest"]).decision == "deny"


def test_an_empty_inner_index_is_no_allow(layout: Path) -> None:
    outer = index(layout, [on("linux/amd64", CLEAN), index(layout, [])])

    assert decided(Layout(layout), outer["digest"]).decision == "deny"


@pytest.mark.parametrize(
    ("levels", "decision"), [(1, "allow"), (limits.INDEX_DEPTH, "allow"), (limits.INDEX_DEPTH + 1, "deny")]
)
def test_indexes_end_somewhere(levels: int, decision: str, layout: Path) -> None:
    found = index(layout, [on("linux/amd64", CLEAN)])
    for _ in range(levels):
        found = index(layout, [found])

    assert decided(Layout(layout), found["digest"]).decision == decision


def test_what_is_not_known_of_an_outer_index_is_not_known_of_its_platforms(layout: Path) -> None:
    inner = index(layout, [on("linux/amd64", CLEAN)])
    outer = index(layout, [inner])
    for digest in (inner["digest"], outer["digest"]):
        decision = decided(watched(layout, {("referrers", digest): Unreachable("no answer")}), outer["digest"])
        assert decision.decision == "error"
        assert "no-critical" in rules(decision, "undetermined")


def test_a_buildkit_attestation_is_no_platform(layout: Path) -> None:
    attestation = on("unknown/unknown", VULNERABLE, annotations=ATTESTATION)
    decision = decided(Layout(layout), index(layout, [on("linux/amd64", CLEAN), attestation])["digest"])

    assert platforms(decision) == [("linux/amd64", "allow")]


@pytest.mark.parametrize("disguise", ["platform alone", "annotation alone", "another platform"])
def test_no_platform_hides_as_an_attestation(disguise: str, layout: Path) -> None:
    entry = {
        "platform alone": on("unknown/unknown", VULNERABLE),
        "annotation alone": {**VULNERABLE, "annotations": ATTESTATION},
        "another platform": on("linux/arm64", VULNERABLE, annotations=ATTESTATION),
    }[disguise]
    decision = decided(Layout(layout), index(layout, [on("linux/amd64", CLEAN), entry])["digest"])

    assert decision.decision == "deny"
    assert len(decision.platforms) == 2


def test_an_index_of_attestations_alone_is_not_allowed(layout: Path) -> None:
    attestation = on("unknown/unknown", CLEAN, annotations=ATTESTATION)

    assert decided(Layout(layout), index(layout, [attestation])["digest"]).decision == "deny"


def test_the_example_is_what_these_tests_take_it_for() -> None:
    assert decided(Layout(example.LAYOUT)).allowed
    assert not decided(Layout(example.LAYOUT), "vulnerable").allowed
