"""Images for several platforms: the decision is the worst, and nobody is given another platform's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from policyengine import Decision, Layout
from policyengine.errors import NotFound, Unreachable
from tests import example
from tests.engine import layouts
from tests.engine.deciding import decided, rules
from tests.engine.layouts import bare, image, opened
from tests.engine.stores import watched
from tests.example import build

AMD64, ARM64 = "linux/amd64", "linux/arm64/v8"
CONFIG = next(digest for digest, role in layouts.roles().items() if role == "clean/config")


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def indexed(folder: Path, images: Mapping[str, dict[str, Any]]) -> str:
    """Write an index of the `images` by platform; its digest."""
    with opened(folder) as written:
        listed = []
        for platform, descriptor in images.items():
            system, architecture, *variant = platform.split("/")
            stated = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
            listed.append({**descriptor, "platform": stated})
        value = {"schemaVersion": 2, "mediaType": build.INDEX, "manifests": listed}
        index = bare(written.blob(build.INDEX, build.compact(value)))
        written.entries.append(index)
    return str(index["digest"])


def platforms(decision: Decision) -> dict[str, str]:
    return {each.platform: each.decision for each in decision.platforms}


def test_the_worst_platform_decides(layout: Path) -> None:
    digest = indexed(layout, {AMD64: image("clean"), ARM64: image("vulnerable")})
    decision = decided(Layout(layout), digest)

    assert platforms(decision) == {AMD64: "allow", ARM64: "deny"}
    assert (decision.decision, rules(decision, "violated")) == ("deny", {"no-critical", "high-backlog"})
    assert {violation.platform for violation in decision.violations} == {ARM64}


@pytest.mark.parametrize(
    ("platform", "decision"),
    [(AMD64, "allow"), (ARM64, "deny"), ("linux/arm64", "deny"), ("linux/arm", "deny"), ("windows/amd64", "deny")],
)
def test_one_platform_of_an_index(platform: str, decision: str, layout: Path) -> None:
    digest = indexed(layout, {AMD64: image("clean"), ARM64: image("vulnerable")})

    assert decided(Layout(layout), digest, platform=platform).decision == decision


def test_an_index_without_the_platform_says_so(layout: Path) -> None:
    decision = decided(Layout(layout), indexed(layout, {AMD64: image("clean")}), platform="linux/s390x")

    assert (decision.decision, decision.exit_code, decision.rules) == ("deny", 1, ())
    assert [(reason.code, reason.message) for reason in decision.reasons] == [
        ("malformed", 'the index has no manifest for "linux/s390x"')
    ]


def test_an_index_of_nothing_is_not_allowed(layout: Path) -> None:
    assert decided(Layout(layout), indexed(layout, {})).decision == "deny"


@pytest.mark.parametrize(
    ("platform", "decision"),
    [(AMD64, "allow"), ("linux/amd64/v2", "deny"), ("linux/arm64", "deny"), ("linux/am", "deny")],
)
def test_an_image_by_itself_is_held_to_the_platform_that_is_asked_for(platform: str, decision: str) -> None:
    found = decided(Layout(example.LAYOUT), platform=platform)

    assert found.decision == decision
    if decision == "deny":
        assert "linux/amd64" in found.reasons[0].message


def test_a_configuration_that_cannot_be_had_is_no_platform(layout: Path) -> None:
    request = ("blob", CONFIG)
    outage = decided(watched(layout, {request: Unreachable("no answer")}), platform=AMD64)
    gone = decided(watched(layout, {request: NotFound("not there")}), platform=AMD64)
    layouts.blob(layout, CONFIG).write_bytes(b"{}")

    assert (outage.decision, outage.reasons[0].retry) == ("error", True)
    assert gone.decision == "error"
    assert decided(Layout(layout), platform=AMD64).decision == "deny"
    assert decided(Layout(layout)).decision == "allow"  # nobody asked for a platform, and no rule reads it


def test_an_outage_of_one_platform_is_not_an_allow(layout: Path) -> None:
    digest = indexed(layout, {AMD64: image("clean"), ARM64: image("vulnerable")})
    store = watched(layout, {("manifest", example.digest("clean")): Unreachable("no answer")})
    decision = decided(store, digest)

    assert platforms(decision) == {AMD64: "error", ARM64: "deny"}
    assert decision.decision != "allow"
    assert "no-critical" in rules(decision, "violated")


def test_what_may_be_attached_to_the_index_counts_for_its_platforms(layout: Path) -> None:
    digest = indexed(layout, {AMD64: image("clean")})
    assert decided(watched(layout), digest).allowed
    decision = decided(watched(layout, {("referrers", digest): Unreachable("no answer")}), digest)

    assert decision.decision == "error"
    assert rules(decision, "undetermined") >= {"no-critical"}
    assert "image-signed" in rules(decision, "passed")
