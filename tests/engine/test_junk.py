"""What anybody who can push may attach: it helps no image, hides nothing, and keeps no good image from running."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine import Decision, Layout, engine, limits
from policyengine.errors import TooLarge
from policyengine.oci import Descriptor
from tests import example
from tests.engine import layouts
from tests.engine.attaching import CI, RELEASE, SARIF, SPDX, STRANGER, attach, grype, later, scan
from tests.engine.deciding import decided, states, verdict
from tests.engine.layouts import SIGNATURE, blob, image, opened
from tests.engine.stores import Lying, watched
from tests.example import build

Junk = Callable[[Any, dict[str, Any]], None]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


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


@pytest.mark.parametrize("tag", ["clean", "vulnerable"])
@pytest.mark.parametrize("typed", [True, False])
def test_a_registry_that_lists_everything_everywhere_deceives_nobody(tag: str, typed: bool) -> None:
    types = {"signature": SIGNATURE, "scan": SARIF, "sbom": SPDX}
    listed = [
        Descriptor(build.MANIFEST, digest, len(example.blob(digest)), types[last] if typed else "")
        for digest, role in layouts.roles().items()
        if (last := role.rpartition("/")[2]) in types
    ]
    decision = decided(Lying(Layout(example.LAYOUT), listed), tag)

    assert essence(decision) == essence(decided(Layout(example.LAYOUT), tag))
    assert "names another subject" in str({document.reason for document in decision.evidence})


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
    monkeypatch.setattr(engine, "Terms", partial(engine.Terms, signatures=3))


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
    assert "only 3 signatures of one artifact are tried" in str(decision.violations)


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
