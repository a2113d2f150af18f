"""Kinds of documents that policies declare: they add to what is seen, and hide nothing from anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from policyengine import Decision, Layout, PolicySet
from policyengine.errors import Unreachable
from policyengine.language.source import Source
from policyengine.oci import Descriptor
from tests.engine import layouts
from tests.engine.deciding import decided
from tests.engine.layouts import bare, image, opened
from tests.engine.stores import Watched, watched
from tests.example import build

NO_HIGH = 'policy scans rule no-high deny "no high finding" forbid finding where finding.severity >= HIGH'
DIRTY = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {"driver": {"name": "another scanner"}},
            "results": [{"ruleId": "CVE-2024-1111", "level": "error", "message": {"text": "bad"}}],
        }
    ],
}
APPROVAL = "application/vnd.acme.approval+json"
NOT_REVOKED = f"""
policy approvals
evidence approval from "{APPROVAL}" {{ state: text }}
rule not-revoked deny "the approval was not revoked"
  forbid approval where approval.state is "revoked"
"""


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def attached(folder: Path, artifact_type: str, content: Any) -> Descriptor:
    """Attach a document to the clean image, signed by CI."""
    with opened(folder) as written:
        layer = written.blob("application/json", json.dumps(content).encode())
        config = written.blob("application/vnd.oci.empty.v1+json", b"{}")
        value = {"artifactType": artifact_type, "config": config, "layers": [layer], "subject": image("clean")}
        made = bare(written.manifest(value))
        build.sign(written, made, build.signer("ci", "order-api test root"))
    return Descriptor(made["mediaType"], made["digest"], made["size"])


def statuses(decision: Decision) -> dict[str, str]:
    return {rule.identifier: rule.status for rule in decision.rules}


def under(store: Any, *texts: str) -> Decision:
    sources = [Source(f"{number}.policy", text) for number, text in enumerate(texts)]
    return decided(store, policies=PolicySet.compile(sources))


def declaring(artifact_type: str, *rules: str) -> str:
    head = f'policy other evidence report from "{artifact_type}" {{ version: text optional }}'
    return "\n".join([head, 'rule reported deny "there is a report" require some report where true', *rules])


@pytest.mark.parametrize(
    "artifact_type", ["application/sarif+json", "application/json", "application/vnd.oci.empty.v1+json"]
)
def test_a_scan_stays_a_scan_where_another_policy_declares_its_type(artifact_type: str, layout: Path) -> None:
    attached(layout, artifact_type, DIRTY)

    assert statuses(under(Layout(layout), NO_HIGH)) == {"scans.no-high": "violated"}
    both = under(Layout(layout), NO_HIGH, declaring(artifact_type))
    assert (both.decision, statuses(both)) == ("deny", {"scans.no-high": "violated", "other.reported": "passed"})


@pytest.mark.parametrize("artifact_type", ["application/sarif+json", "application/json"])
def test_a_scan_stays_a_scan_where_the_policy_itself_declares_its_type(artifact_type: str, layout: Path) -> None:
    attached(layout, artifact_type, DIRTY)
    rule = 'rule no-high deny "no high finding" forbid finding where finding.severity >= HIGH'

    found = statuses(under(Layout(layout), declaring(artifact_type, rule)))
    assert found == {"other.reported": "passed", "other.no-high": "violated"}


def test_a_report_of_no_known_format_is_what_the_policy_declares_and_nothing_else(layout: Path) -> None:
    attached(layout, "application/json", {"version": "7"})
    rule = 'rule no-high deny "no high finding" forbid finding where finding.severity >= HIGH'

    found = under(Layout(layout), declaring("application/json", rule))
    assert found.allowed
    assert [each.kind for each in found.evidence if each.artifact_type == "application/json"] == ["report"]


def test_a_policy_sees_what_it_sees_alone(layout: Path) -> None:
    """What is no known format may be a broken scan, for whoever does not declare it."""
    attached(layout, "application/json", {"version": "7"})

    alone, both = under(Layout(layout), NO_HIGH), under(Layout(layout), NO_HIGH, declaring("application/json"))
    assert statuses(alone)["scans.no-high"] == statuses(both)["scans.no-high"] == "undetermined"


class Untyped(Watched):
    """A store whose lists do not tell artifact types, as `oras attach` writes them to a layout."""

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        return tuple(replace(entry, artifact_type="") for entry in super().referrers(digest))


@pytest.mark.parametrize("store", [Watched, Untyped])
def test_an_outage_does_not_hide_what_may_be_of_a_declared_kind(store: type[Watched], layout: Path) -> None:
    attached(layout, APPROVAL, {"state": "granted"})
    revoked = attached(layout, APPROVAL, {"state": "revoked"})
    outage = {("manifest", revoked.digest): Unreachable("no answer")}

    assert under(watched(layout), NOT_REVOKED).decision == "deny"
    decision = under(store(Layout(layout), outage), NOT_REVOKED)
    assert (decision.decision, statuses(decision)) == ("error", {"approvals.not-revoked": "undetermined"})
