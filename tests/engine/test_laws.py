"""What is attached and signed: every trusted document is heard, the newest of each tool counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine import Layout, PolicySet
from tests import example
from tests.engine import layouts
from tests.engine.attaching import CI, RELEASE, attach, grype, later, scan, signed
from tests.engine.deciding import decided, evidence, rules, states, verdict
from tests.engine.layouts import bare, blob, image, opened
from tests.example import build


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


# Documents that are signed


@pytest.mark.parametrize(
    ("severity", "status", "decision"),
    [("Critical", "violated", "deny"), ("Unknown", "undetermined", "deny"), ("Medium", "passed", "allow")],
)
def test_a_second_scan_of_another_tool_is_heard(severity: str, status: str, decision: str, layout: Path) -> None:
    signed(layout, "clean", grype("Low", severity))
    found = decided(Layout(layout))

    assert (found.decision, states(found)["no-critical"]) == (decision, status)
    assert evidence(found, "scan") == ["used", "used"]


def test_a_clean_scan_of_another_tool_excuses_nothing(layout: Path) -> None:
    signed(layout, "vulnerable", grype(), later(19))

    assert states(decided(Layout(layout), "vulnerable")) == states(decided(Layout(example.LAYOUT), "vulnerable"))


@pytest.mark.parametrize(("hour", "decision"), [(10, "allow"), (19, "deny")])
def test_of_two_scans_of_one_tool_the_newer_counts(hour: int, decision: str, layout: Path) -> None:
    signed(layout, "clean", scan("vulnerable"), later(hour))
    found = decided(Layout(layout))

    assert found.decision == decision
    assert evidence(found, "scan") == ["superseded", "used"]


def test_a_newer_clean_scan_replaces_a_dirty_one(layout: Path) -> None:
    signed(layout, "vulnerable", scan("clean"), later(19))

    assert verdict(layout, "vulnerable") == "allow"


def test_a_newer_clean_scan_by_the_wrong_signer_is_named(layout: Path) -> None:
    signed(layout, "vulnerable", scan("clean"), later(19), by=RELEASE)
    decision = decided(Layout(layout), "vulnerable")

    assert decision.decision == "deny"
    assert rules(decision, "violated") == {"evidence-signed"}


def test_a_dirty_scan_that_cannot_be_read_is_not_a_clean_one(layout: Path) -> None:
    dirty = scan("vulnerable")
    signed(layout, "clean", dirty[: len(dirty) // 2], later(19))
    decision = decided(Layout(layout))

    assert decision.decision == "deny"
    assert rules(decision, "undetermined") >= {"no-critical"}
    assert not rules(decision, "violated")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"runs": []}', b"\xff\xfe", b"<html>sign in</html>"])
def test_a_signed_document_without_content_proves_nothing(content: bytes, layout: Path) -> None:
    signed(layout, "clean", content, later(19))

    assert verdict(layout) == "deny"


def test_an_sbom_that_is_accepted_unsigned_excuses_no_finding(layout: Path) -> None:
    """A CycloneDX document may hold VEX statements: nobody accepted those unsigned."""
    policies = PolicySet.parse(
        """policy p
        accept unsigned sbom
        rule clean deny "no critical finding" forbid finding where finding.severity >= CRITICAL
          unless some vex where vex covers finding and vex.status is NOT_AFFECTED
        rule listed deny "an SBOM" require some sbom where sbom.kind is "sbom"
        """
    )
    signed(layout, "clean", grype("Critical"), later(19))
    product = {"bom-ref": "x", "type": "library", "name": "libexample", "purl": "pkg:deb/debian/libexample@1"}
    statement = {"id": "CVE-2026-1000", "affects": [{"ref": "x"}], "analysis": {"state": "not_affected"}}
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [product], "vulnerabilities": [statement]}
    kind = "application/vnd.cyclonedx+json"
    with opened(layout) as written:
        attachment = attach(written, image("clean"), kind, build.compact(bom))
    decision = decided(Layout(layout), policies=policies)
    assert (decision.decision, states(decision)) == ("deny", {"clean": "violated", "listed": "passed"})

    with opened(layout) as written:
        build.sign(written, attachment, CI)
    assert decided(Layout(layout), policies=policies).decision == "allow"


# Indexes


def test_a_signature_of_an_index_counts_for_its_platforms_and_for_nobody_else(layout: Path) -> None:
    with opened(layout) as written:
        listed = {"schemaVersion": 2, "mediaType": build.INDEX, "manifests": [image("clean")]}
        index = bare(written.blob(build.INDEX, build.compact(listed)))
        written.entries.append(index)
        build.sign(written, index, RELEASE)
    for digest, role in layouts.roles().items():
        if role in ("clean/signature", "vulnerable/signature"):
            blob(layout, digest).unlink()

    assert verdict(layout, index["digest"]) == "allow"
    assert verdict(layout, "clean") == "deny"
    assert verdict(layout, "vulnerable") == "deny"
