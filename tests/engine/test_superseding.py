"""Newer documents supersede older ones, unless that would let somebody hide what a trusted scanner found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policyengine import Decision, Layout, PolicySet
from tests.engine import layouts
from tests.engine.deciding import decided
from tests.engine.layouts import bare, image, opened
from tests.example import build

NO_HIGH = 'rule no-high deny "no high finding" forbid finding where finding.severity >= HIGH'
EARLY, LATE = "2026-11-22T19:00:00Z", "2026-11-22T19:30:00Z"
BAD = {"ruleId": "CVE-2024-1111", "level": "error", "message": {"text": "bad"}}


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def scan(
    folder: Path, finished: str, *results: Any, tool: str = "scanner", signed: bool = True, target: Any = None
) -> None:
    """Attach a scan by `tool` to the clean image, or to `target`."""
    run = {"tool": {"driver": {"name": tool}}, "invocations": [{"executionSuccessful": True, "endTimeUtc": finished}]}
    log = {"version": "2.1.0", "runs": [{**run, "results": results}]}
    with opened(folder) as written:
        layer = written.blob("application/json", json.dumps(log).encode())
        config = written.blob("application/vnd.oci.empty.v1+json", b"{}")
        value = {"artifactType": "application/sarif+json", "config": config, "layers": [layer]}
        made = bare(written.manifest({**value, "subject": target or image("clean")}))
        if signed:
            build.sign(written, made, build.signer("ci", "order-api test root"))


def verdict(folder: Path, *items: str) -> Decision:
    return decided(Layout(folder), policies=PolicySet.parse("\n".join(["policy p", *items, NO_HIGH])))


def test_a_newer_scan_that_is_signed_supersedes(layout: Path) -> None:
    scan(layout, EARLY, BAD)
    assert verdict(layout).decision == "deny"
    scan(layout, LATE)
    assert verdict(layout).decision == "allow"


@pytest.mark.parametrize("finished", [LATE, "9999-12-31T23:59:59Z"])
def test_a_newer_scan_that_nobody_signed_hides_nothing_that_is_signed(finished: str, layout: Path) -> None:
    scan(layout, EARLY, BAD)
    scan(layout, finished, signed=False)

    assert verdict(layout, "accept unsigned scan").decision == "deny"


def test_among_unsigned_scans_the_newest_counts_and_a_signed_one_supersedes_them(layout: Path) -> None:
    scan(layout, EARLY, BAD, signed=False)
    assert verdict(layout, "accept unsigned scan").decision == "deny"
    scan(layout, LATE, signed=False)
    assert verdict(layout, "accept unsigned scan").decision == "allow"
    scan(layout, "2026-11-22T19:45:00Z", BAD)
    assert verdict(layout, "accept unsigned scan").decision == "deny"
    scan(layout, "2026-11-22T19:50:00Z")
    assert verdict(layout, "accept unsigned scan").decision == "allow"


@pytest.mark.parametrize("tool", ["", " "])
def test_a_scanner_without_a_name_is_not_the_same_as_another_without_one(tool: str, layout: Path) -> None:
    scan(layout, EARLY, BAD, tool=tool)
    scan(layout, LATE, tool=tool)

    assert verdict(layout).decision == "deny"


def test_the_case_of_a_name_makes_no_second_scanner(layout: Path) -> None:
    scan(layout, EARLY, BAD, tool="Some Scanner")
    scan(layout, LATE, tool="some  scanner")

    assert verdict(layout).decision == "allow"


def test_what_is_attached_to_an_index_hides_nothing_that_is_attached_to_its_platform(layout: Path) -> None:
    with opened(layout) as written:
        entry = bare(image("clean")) | {"platform": {"os": "linux", "architecture": "amd64"}}
        value = {"schemaVersion": 2, "mediaType": build.INDEX, "manifests": [entry]}
        index = bare(written.blob(build.INDEX, build.compact(value)))
        written.entries.append(index)
    scan(layout, LATE, target=index)
    policies = PolicySet.parse(f"policy p\n{NO_HIGH}")
    assert decided(Layout(layout), index["digest"], policies=policies).allowed

    scan(layout, EARLY, BAD)
    assert decided(Layout(layout), index["digest"], policies=policies).decision == "deny"
