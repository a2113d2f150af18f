"""What may be attached to an image without changing the decision, and what may not.

Whoever can push can attach anything. So nothing that is not signed by somebody trusted may help an
image, and nothing of it may keep a good one from running.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine import Decision, Layout, PolicySet, limits
from policyengine.errors import TooLarge
from tests import example
from tests.engine import layouts
from tests.engine.deciding import decided, evidence, rules, states, verdict
from tests.engine.layouts import SIGNATURE, bare, blob, image, opened
from tests.engine.stores import watched
from tests.example import build

SARIF, SPDX = "application/sarif+json", "application/spdx+json"
RELEASE, CI = (build.signer(name, "order-api test root") for name in ("release", "ci"))
STRANGER = build.signer("release", "somebody's own root")
Junk = Callable[[Any, dict[str, Any]], None]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def scan(tag: str) -> bytes:
    """The scan of the example's image `tag`."""
    return example.documents(tag)["trivy.sarif.json"]


def grype(*severities: str) -> bytes:
    """A report of Grype with a fixable finding of each of the `severities`."""
    matches = [
        {
            "vulnerability": {"id": f"CVE-2026-{1000 + n}", "severity": word, "fix": {"versions": ["2"]}},
            "artifact": {"name": "libexample", "version": "1", "purl": "pkg:deb/debian/libexample@1"},
        }
        for n, word in enumerate(severities)
    ]
    return build.compact({"matches": matches, "descriptor": {"name": "grype", "version": "0.90.0"}})  # type: ignore[no-any-return]


def attach(written: Any, target: dict[str, Any], kind: str, content: bytes, created: datetime | None = None) -> Any:
    """Attach a document, with the given time as its annotation; its descriptor."""
    empty = written.blob("application/vnd.oci.empty.v1+json", b"{}")
    value = {"artifactType": kind, "config": empty, "layers": [written.blob(kind, content)], "subject": target}
    stated = {"org.opencontainers.image.created": build.rfc3339(created)} if created else {}
    return written.manifest({**value, "annotations": stated})


def later(hour: int) -> datetime:
    """An instant on the day of the example; its own scans are of half past five."""
    return datetime(2026, 11, 22, hour, tzinfo=UTC)


# Junk


def irrelevant(written: Any, target: dict[str, Any]) -> None:
    attach(written, target, "application/vnd.example.junk", b"junk")


def unsigned_scan(written: Any, target: dict[str, Any]) -> None:
    attach(written, target, SARIF, grype("Critical"), later(19))


def unsigned_clean_scan(written: Any, target: dict[str, Any]) -> None:
    attach(written, target, SARIF, scan("clean"), later(19))


def unsigned_sbom(written: Any, target: dict[str, Any]) -> None:
    attach(written, target, SPDX, b'{"spdxVersion": "SPDX-2.3"')


def stranger_scan(written: Any, target: dict[str, Any]) -> None:
    build.sign(written, attach(written, target, SARIF, scan("clean"), later(19)), STRANGER)


def stranger_signature(written: Any, target: dict[str, Any]) -> None:
    build.sign(written, target, STRANGER)


def trusted_junk(written: Any, target: dict[str, Any]) -> None:
    """Signed by the pipeline, and of a type that no rule asks about."""
    build.sign(written, attach(written, target, "application/vnd.example.coverage", b"{}"), CI)


def copied_signature(written: Any, target: dict[str, Any]) -> None:
    """A valid envelope over another image."""
    other = image("vulnerable" if target == image("clean") else "clean")
    envelope = written.blob("application/cose", build.envelope(other, RELEASE))
    annotations = {"io.cncf.notary.x509chain.thumbprint#S256": "[]"}
    value = {"config": written.blob(SIGNATURE, b"{}"), "layers": [envelope], "annotations": annotations}
    written.manifest({**value, "subject": target})


def broken_signature(written: Any, target: dict[str, Any]) -> None:
    config = written.blob(SIGNATURE, b"{}")
    written.manifest({"config": config, "layers": [written.blob("application/cose", b"\xd2\x84")], "subject": target})


def copied_scan(written: Any, target: dict[str, Any]) -> None:
    """The clean image's signed scan, on which somebody copied the signature too: it names another manifest."""
    copy = attach(written, target, SARIF, scan("clean"), later(19))
    envelope = next(digest for digest, role in layouts.roles().items() if role == "clean/scan/signature/envelope")
    layer = written.blob("application/cose", example.blob(envelope))
    written.manifest({"config": written.blob(SIGNATURE, b"{}"), "layers": [layer], "subject": copy})


def foreign_scan(written: Any, target: dict[str, Any]) -> None:
    """Attached to an image that is not here."""
    attach(written, {**target, "digest": f"sha256:{'0' * 64}"}, SARIF, scan("vulnerable"))


def missing_referrer(written: Any, target: dict[str, Any]) -> None:
    """Listed, and nobody has it."""
    entry = {"mediaType": build.MANIFEST, "digest": f"sha256:{'1' * 64}", "size": 1000}
    written.entries.append(entry)


def unreadable_referrer(written: Any, target: dict[str, Any]) -> None:
    written.entries.append(written.blob(build.MANIFEST, b"no JSON"))


def index_as_referrer(written: Any, target: dict[str, Any]) -> None:
    value = {"schemaVersion": 2, "mediaType": build.INDEX, "manifests": [], "artifactType": SARIF, "subject": target}
    written.entries.append(written.blob(build.INDEX, build.compact(value)))


JUNK = (
    irrelevant, unsigned_scan, unsigned_clean_scan, unsigned_sbom, stranger_scan, stranger_signature, trusted_junk,
    copied_signature, broken_signature, copied_scan, foreign_scan, missing_referrer, unreadable_referrer,
    index_as_referrer,
)  # fmt: skip


def essence(decision: Decision) -> Any:
    """What was decided and why, without the list of what was ignored."""
    return decision.decision, decision.rules, decision.reasons


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: junk.__name__)
@pytest.mark.parametrize("tag", ["clean", "vulnerable"])
def test_no_junk_changes_the_decision(tag: str, junk: Junk, layout: Path) -> None:
    before = decided(Layout(layout), tag)
    with opened(layout) as written:
        junk(written, image(tag))

    assert essence(decided(Layout(layout), tag)) == essence(before)


@settings(max_examples=40)
@given(junk=st.lists(st.sampled_from(JUNK), min_size=2, max_size=8))
def test_no_mixture_of_junk_changes_the_decision(junk: list[Junk], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = layouts.copied(tmp_path_factory.mktemp("junk") / "layout")
    with opened(folder) as written:
        for each in junk:
            for tag in ("clean", "vulnerable"):
                each(written, image(tag))

    for tag in ("clean", "vulnerable"):
        assert essence(decided(Layout(folder), tag)) == essence(decided(Layout(example.LAYOUT), tag))


def test_what_is_ignored_is_listed_with_the_reason(layout: Path) -> None:
    with opened(layout) as written:
        for junk in (irrelevant, unsigned_scan, stranger_scan):
            junk(written, image("clean"))
    decision = decided(Layout(layout))
    reasons = {document.reason for document in decision.evidence if document.status in ("untrusted", "irrelevant")}

    assert reasons == {
        "no rule asks for artifacts of this type", "not signed", "no signature by a trusted identity",
    }  # fmt: skip


# Documents that are signed


def signed(folder: Path, tag: str, content: bytes, at: datetime | None = None, by: Any = CI, kind: str = SARIF) -> None:
    """Attach a document to the image `tag`, and sign it."""
    with opened(folder) as written:
        build.sign(written, attach(written, image(tag), kind, content, at), by)


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


# More than is looked at


def crowd(written: Any, target: dict[str, Any], number: int, *, naming: Any = STRANGER, size: int = 10) -> None:
    """Sign `target` `number` times with junk; `naming` is whose certificates the junk claims to be by."""
    thumbprints = [sha256(der).hexdigest() for der in naming.certificates]
    annotations = {"io.cncf.notary.x509chain.thumbprint#S256": build.compact(thumbprints).decode()}
    for n in range(number):
        envelope = written.blob("application/cose", b"%010d" % n + bytes(size))
        value = {"config": written.blob(SIGNATURE, b"{}"), "layers": [envelope], "annotations": annotations}
        written.manifest({**value, "subject": target})


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three signatures of an artifact are tried, and not a hundred."""
    monkeypatch.setattr(limits, "SIGNATURES_PER_SUBJECT", 3)


@pytest.mark.usefixtures("three")
def test_junk_signatures_do_not_crowd_out_a_good_one(layout: Path) -> None:
    with opened(layout) as written:
        crowd(written, image("clean"), 20)

    assert verdict(layout) == "allow"


@pytest.mark.usefixtures("three")
def test_signatures_that_nobody_tried_are_not_known(layout: Path) -> None:
    with opened(layout) as written:
        crowd(written, image("clean"), 20, naming=RELEASE)
        for signature in ("clean/signature", "clean/scan/signature"):
            blob(layout, next(digest for digest, role in layouts.roles().items() if role == signature)).unlink()
    decision = decided(Layout(layout))

    assert decision.decision == "deny"
    assert states(decision)["image-signed"] == "undetermined"


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("size", [1, 2000])
@pytest.mark.parametrize("before", [0, 20])
def test_junk_signatures_do_not_hide_a_dirty_scan(
    before: int, size: int, layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by their number nor by their size: a scan whose signatures were not all tried may be signed."""
    monkeypatch.setattr(limits, "ENVELOPES_BYTES", 10_000)
    with opened(layout) as written:
        dirty = attach(written, image("clean"), SARIF, scan("vulnerable"), later(19))
        crowd(written, dirty, before, naming=CI, size=size)
        build.sign(written, dirty, CI)
        crowd(written, dirty, 20 - before, naming=CI, size=size)

    assert verdict(layout) == "deny"


def test_a_dirty_scan_with_too_many_referrers_is_not_forgotten(layout: Path) -> None:
    """Whether somebody trusted signed it cannot be learnt."""
    with opened(layout) as written:
        dirty = attach(written, image("clean"), SARIF, scan("vulnerable"), later(19))
        build.sign(written, dirty, CI)
    store = watched(layout, {("referrers", dirty["digest"]): TooLarge("more than 10000 referrers")})
    decision = decided(store)

    assert decision.decision == "deny"
    assert states(decision)["no-critical"] == "undetermined"


def test_a_manifest_that_is_too_large_by_itself_hides_nothing_else(layout: Path) -> None:
    with opened(layout) as written:
        written.entries.append({"mediaType": build.MANIFEST, "digest": f"sha256:{'1' * 64}", "size": 10**9})

    assert verdict(layout) == "allow"
    assert verdict(layout, "vulnerable") == "deny"
