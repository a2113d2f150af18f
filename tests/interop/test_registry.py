"""The whole path through a real registry: what real tools push, attach and sign, and one thing broken at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import example
from tests.interop import peers
from tests.interop.peers import Notation, Referrers, Registry
from tests.interop.pipeline import SBOM, SCAN, Pipeline, Verdict

ALLOWED: Verdict = (0, "allow", set(), set())
NOTHING_TRUSTED = {"scanned", "no-critical", "no-network-copyleft"}


@pytest.mark.parametrize("envelope", ["cose", "jws"])
@pytest.mark.parametrize("referrers", ["tag", "api"])
def test_a_signed_image_with_signed_evidence_is_allowed(
    pipeline: Pipeline, envelope: str, referrers: Referrers
) -> None:
    pipeline.attach_all().sign_all(envelope=envelope, referrers=referrers)

    assert pipeline.verdict() == ALLOWED


def test_a_signature_that_only_the_tag_lists_is_found_beside_evidence_that_only_the_api_lists(
    pipeline: Pipeline,
) -> None:
    pipeline.sign_all(referrers="tag")
    for reference in pipeline.attach_all().attached.values():
        pipeline.notation.sign(reference, "ci", referrers="tag")

    assert pipeline.verdict() == ALLOWED


def test_a_registry_without_the_referrers_api(notation: Notation, tmp_path: Path) -> None:
    serving = Registry(tmp_path / "registry", "--api-referrer=false")
    try:
        pipeline = Pipeline.start(serving, notation, "prod/order-api", tmp_path).attach_all().sign_all()
        assert pipeline.verdict() == ALLOWED
        assert pipeline.verdict("--referrers", "tag") == ALLOWED
    finally:
        serving.stop()


def test_signatures_listed_by_the_api_alone_are_not_looked_for_under_the_tag(pipeline: Pipeline) -> None:
    pipeline.attach_all().sign_all(referrers="api")

    assert pipeline.verdict("--referrers", "api") == ALLOWED
    assert pipeline.verdict("--referrers", "tag") == (1, "deny", {"image-signed"}, NOTHING_TRUSTED)


def test_a_tag_is_resolved_once_and_shown_as_a_digest(released: Pipeline) -> None:
    finished = released.evaluate(reference=f"{released.registry.host}/{released.repository}:clean")

    assert finished.code == 0
    assert finished.json["subject"]["digest"] == example.digest("clean")
    assert finished.json["subject"]["repository"] == f"{released.registry.host}/{released.repository}"


def test_the_report_says_who_signed_what(released: Pipeline) -> None:
    report = released.evaluate().json
    by = {found["subject"]: str(found["identity"]) for found in report["signatures"]}
    subjects = {example.digest("clean"), *(reference.rpartition("@")[2] for reference in released.attached.values())}

    assert by.keys() == subjects
    assert "CN=release" in by.pop(example.digest("clean"))
    assert all("CN=ci" in identity for identity in by.values())
    assert {found["status"] for found in report["signatures"]} == {"verified"}


def test_nothing_attached(pipeline: Pipeline) -> None:
    assert pipeline.verdict() == (1, "deny", {"image-signed"}, NOTHING_TRUSTED)


def test_the_image_is_not_signed(pipeline: Pipeline) -> None:
    for reference in pipeline.attach_all().attached.values():
        pipeline.notation.sign(reference, "ci")

    assert pipeline.verdict() == (1, "deny", {"image-signed"}, set())


def test_the_sbom_is_not_signed(pipeline: Pipeline) -> None:
    pipeline.attach(SCAN)
    pipeline.sign_all().attach(SBOM)

    assert pipeline.verdict() == (1, "deny", set(), {"no-network-copyleft"})


def test_the_scan_is_not_signed(pipeline: Pipeline) -> None:
    pipeline.attach(SBOM)
    pipeline.sign_all().attach(SCAN)

    assert pipeline.verdict() == (1, "deny", set(), {"no-critical", "scanned"})


def test_signed_by_a_stranger_who_uses_the_trusted_name(pipeline: Pipeline) -> None:
    pipeline.attach_all().sign_all(release="stranger", ci="stranger")

    assert pipeline.verdict() == (1, "deny", {"image-signed"}, NOTHING_TRUSTED)


def test_a_stranger_who_signs_too_changes_nothing(released: Pipeline) -> None:
    released.sign_all(release="stranger", ci="stranger")

    assert released.verdict() == ALLOWED


def test_a_scan_with_critical_findings(registry: Registry, notation: Notation, tmp_path: Path) -> None:
    pipeline = Pipeline.start(registry, notation, "prod/order-api-vulnerable", tmp_path, tag="vulnerable")
    pipeline.attach_all().sign_all()

    assert pipeline.verdict() == (1, "deny", {"no-critical"}, set())


def test_an_unsigned_clean_scan_does_not_hide_a_signed_dirty_one(
    registry: Registry, notation: Notation, tmp_path: Path
) -> None:
    pipeline = Pipeline.start(registry, notation, "prod/order-api-hidden", tmp_path, tag="vulnerable")
    pipeline.attach_all().sign_all()
    pipeline.attach(SCAN, example.documents("clean")[SCAN])

    assert pipeline.verdict() == (1, "deny", {"no-critical"}, set())


def test_the_scan_was_changed_in_the_registry(released: Pipeline) -> None:
    released.tamper(released.attached[SCAN])

    assert released.verdict() == (1, "deny", set(), {"no-critical", "scanned"})


def test_the_sbom_was_changed_in_the_registry(released: Pipeline) -> None:
    released.tamper(released.attached[SBOM])

    assert released.verdict() == (1, "deny", set(), {"no-network-copyleft"})


@pytest.mark.parametrize("envelope", ["cose", "jws"])
def test_the_signature_was_changed_in_the_registry(pipeline: Pipeline, envelope: str) -> None:
    pipeline.attach_all().sign_all(envelope=envelope, referrers="api")
    (signature,) = peers.discover(pipeline.image, example.build.SIGNATURE)
    pipeline.tamper(pipeline.named(signature))

    assert pipeline.verdict() == (1, "deny", {"image-signed"}, set())


def test_the_image_was_changed_in_the_registry(released: Pipeline) -> None:
    path = released.registry.blob(released.repository, example.digest("clean"))
    path.write_bytes(path.read_bytes().replace(b'"size":', b'"size": ', 1))
    finished = released.evaluate()

    assert finished.code == 1
    assert not finished.out or finished.json["decision"] == "deny"


def test_a_signature_copied_from_another_image(registry: Registry, notation: Notation, tmp_path: Path) -> None:
    pipeline = Pipeline.start(registry, notation, "prod/order-api-copied", tmp_path)
    pipeline.sign_all(referrers="api")
    (signature,) = peers.discover(pipeline.image, example.build.SIGNATURE)
    victim = Pipeline.start(registry, notation, pipeline.repository, tmp_path, tag="vulnerable")
    copied = peers.fetch(pipeline.named(signature))
    copied["subject"] |= {"digest": example.digest("vulnerable"), "size": peers.size(victim.image)}
    peers.push_manifest(f"{registry.host}/{victim.repository}", copied, tmp_path)

    assert len(peers.discover(victim.image, example.build.SIGNATURE)) == 1
    assert victim.verdict() == (1, "deny", {"image-signed"}, NOTHING_TRUSTED)


def test_the_registry_stopped(own_registry: Registry, notation: Notation, tmp_path: Path) -> None:
    pipeline = Pipeline.start(own_registry, notation, "prod/order-api", tmp_path).attach_all().sign_all()
    own_registry.stop()
    finished = pipeline.evaluate("--timeout", "5")

    assert finished.code == 3
    assert not finished.out or finished.json["decision"] == "error"
    assert own_registry.host in finished.out + finished.err


def test_an_image_that_is_not_there(pipeline: Pipeline) -> None:
    finished = pipeline.evaluate(reference=pipeline.named("sha256:" + "0" * 64))

    assert finished.code == 3
    assert not finished.out or finished.json["decision"] == "error"


def test_notation_and_the_engine_agree(pipeline: Pipeline) -> None:
    pipeline.attach_all().sign_all(referrers="api")
    for reference in (pipeline.image, *pipeline.attached.values()):
        pipeline.notation.verify(reference)

    assert pipeline.verdict() == ALLOWED
