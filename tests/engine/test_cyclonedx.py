"""CycloneDX is an SBOM, and may be a scan and a VEX beside that: whoever asks for one of them is shown it."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine import Decision, Layout, PolicySet
from policyengine.errors import Unreachable
from tests.engine import layouts
from tests.engine.attaching import CI, attach, grype, later, signed
from tests.engine.deciding import decided
from tests.engine.layouts import blob, image, opened
from tests.engine.stores import watched
from tests.example import build

CYCLONEDX = "application/vnd.cyclonedx+json"
SCANS = """policy p
  rule scanned deny "a scan by Trivy" require some scan where scan.tool is "trivy" and scan.format is "cyclonedx-json"
  rule clean deny "nothing critical" forbid finding where finding.severity is CRITICAL"""
LISTED = 'rule listed warn "an SBOM" require some sbom where sbom.tool is "trivy"'


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def bom(*severities: str) -> bytes:
    """What `trivy image --format cyclonedx --scanners vuln` writes."""
    listed = [
        {"id": f"CVE-2026-{n}000", "ratings": [{"severity": word}], "affects": [{"ref": "x"}]}
        for n, word in enumerate(severities, 1)
    ]
    metadata = {"timestamp": "2026-11-22T19:00:00Z", "tools": {"components": [{"name": "trivy", "version": "0.69.1"}]}}
    package = {"bom-ref": "x", "type": "library", "name": "a", "purl": "pkg:deb/debian/a@1"}
    return build.compact(  # type: ignore[no-any-return]
        {
            "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": metadata, "components": [package],
            "vulnerabilities": listed,
        }
    )  # fmt: skip


def under(layout: Path, policy: str) -> Decision:
    return decided(Layout(layout), policies=PolicySet.parse(policy))


def states(decision: Decision) -> dict[str, str]:
    return {rule.identifier.rpartition(".")[2]: rule.status for rule in decision.rules}


def test_policies_that_ask_for_scans_alone_see_one_in_cyclonedx(layout: Path) -> None:
    signed(layout, "clean", bom("medium"), kind=CYCLONEDX)
    assert states(under(layout, SCANS)) == {"scanned": "passed", "clean": "passed"}

    signed(layout, "vulnerable", bom("critical"), kind=CYCLONEDX)
    found = decided(Layout(layout), "vulnerable", policies=PolicySet.parse(SCANS))
    assert states(found) == {"scanned": "passed", "clean": "violated"}


def test_what_else_is_asked_for_changes_no_scan(layout: Path) -> None:
    signed(layout, "clean", bom("critical"), kind=CYCLONEDX)
    signed(layout, "clean", grype("Low"), later(19))
    assert states(under(layout, SCANS)) == {"scanned": "passed", "clean": "violated"}
    assert states(under(layout, f"{SCANS}\n{LISTED}"))["clean"] == "violated"


def test_statements_in_cyclonedx_are_seen_by_whoever_asks_for_statements(layout: Path) -> None:
    listed = {"id": "CVE-2026-1000", "affects": [{"ref": "pkg:npm/a@1"}], "analysis": {"state": "exploitable"}}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [listed]}
    signed(layout, "clean", build.compact(document), kind=CYCLONEDX)
    found = under(layout, 'policy p rule told deny "a statement" require some vex where vex.status is AFFECTED')
    assert states(found) == {"told": "passed"}


def test_one_that_cannot_be_had_may_hold_findings(layout: Path) -> None:
    signed(layout, "clean", grype("Low"), later(19))
    with opened(layout) as written:
        attachment = attach(written, image("clean"), CYCLONEDX, bom("critical"))
        build.sign(written, attachment, CI)
    blob(layout, attachment["digest"]).unlink()
    policy = 'policy p rule clean deny "nothing critical" forbid finding where finding.severity is CRITICAL'
    for more in ("", LISTED):
        found = under(layout, f"{policy}\n{more}")
        assert (found.decision, states(found)["clean"]) == ("deny", "undetermined")


def test_an_unsigned_one_is_the_scan_that_was_accepted_unsigned(layout: Path) -> None:
    with opened(layout) as written:
        attach(written, image("clean"), CYCLONEDX, bom("critical"))
    accepting = SCANS.replace("policy p", "policy p accept unsigned scan")
    assert states(under(layout, accepting)) == {"scanned": "passed", "clean": "violated"}
    assert states(under(layout, SCANS))["scanned"] != "passed"


def test_a_broken_one_that_is_accepted_as_an_sbom_is_not_overlooked(layout: Path) -> None:
    signed(layout, "clean", bom(), kind=CYCLONEDX)
    with opened(layout) as written:
        attach(written, image("clean"), CYCLONEDX, b"{")
    rules = 'rule only deny "no other" forbid package where package.name is "b"'
    found = under(layout, f"{SCANS.replace('policy p', 'policy p accept unsigned sbom')}\n{rules}")
    assert states(found)["only"] == "undetermined"


def test_it_is_not_fetched_where_neither_is_asked_for(layout: Path) -> None:
    with opened(layout) as written:
        attachment = attach(written, image("clean"), CYCLONEDX, bom("critical"))
        build.sign(written, attachment, CI)
    store = watched(layout)
    policy = 'policy p rule built deny "built by us" require some provenance where provenance.builder is "us"'
    decided(store, policies=PolicySet.parse(policy))
    assert attachment["digest"] not in {name for _, name in store.asked}


def test_an_outage_hides_no_sbom_of_which_the_scan_is_accepted_unsigned(layout: Path) -> None:
    """Beside another SBOM, which is signed and would do by itself."""
    with opened(layout) as written:
        document = attach(written, image("clean"), CYCLONEDX, bom("low"))
        build.sign(written, document, CI)
    policies = PolicySet.parse(
        'policy p accept unsigned scan rule packages deny "no a" forbid package where package.name is "a" '
        'rule findings deny "none critical" forbid finding where finding.severity is CRITICAL'
    )
    assert states(decided(Layout(layout), policies=policies))["packages"] == "violated"

    store = watched(layout, {("referrers", document["digest"]): Unreachable("no answer")})
    decision = decided(store, policies=policies)
    assert (decision.decision, states(decision)["packages"]) == ("error", "undetermined")
