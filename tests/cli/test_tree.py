"""`policyengine tree`: who signed what, what documents are, and that it says so when nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.example import CLEAN, TRUST
from tests.command import Finished, policyengine
from tests.engine import attaching, layouts
from tests.engine.layouts import image
from tests.example import AT, LAYOUT, REPOSITORY, build, digest
from tests.simulator.content import Content
from tests.simulator.registry import Fault, Simulator

BY_CI = "C=US, ST=WA, O=Example Orders, CN=ci"


def tree(reference: object, *options: object) -> Finished:
    return policyengine(
        "tree", "--oci-layout", reference, "--repository", REPOSITORY, "--at", AT, "--offline", *TRUST, *options
    )


def by_kind(found: Any) -> dict[str, list[Any]]:
    """Every artifact of a document, by its kind or artifact type."""
    result: dict[str, list[Any]] = {}
    for each in found.get("referrers", ()):
        result.setdefault(each.get("kind") or each.get("artifactType") or "", []).append(each)
        for name, more in by_kind(each).items():
            result.setdefault(name, []).extend(more)
    return result


def test_every_artifact_has_its_verdict() -> None:
    ran = tree(CLEAN, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["signers"] == ["C=US, ST=WA, O=Example Orders, CN=release"]
    found = by_kind(ran.json)
    (scan,), (sbom,) = found["scan"], found["sbom"]
    assert (scan["signed"], scan["signers"], scan["tool"]) == (True, [BY_CI], "trivy")
    assert (sbom["signed"], sbom["signers"]) == (True, [BY_CI])
    statuses = [each["signature"]["status"] for each in found["application/vnd.cncf.notary.signature"]]
    assert statuses == ["verified"] * 3


def test_the_tree_shows_them() -> None:
    lines = tree(CLEAN).out.splitlines()
    assert lines[0].startswith(f"✓ {LAYOUT}@{digest('clean')}  signed by")
    assert any(line.startswith("├─ ✓ scan ") and "signed by" in line for line in lines)
    assert any(line.startswith("│  └─ ✓ signature ") for line in lines)
    assert len(tree(CLEAN, "-o", "table").out.splitlines()) == len(lines)


def test_what_a_stranger_signed_and_what_nobody_signed(layout: Path) -> None:
    with layouts.opened(layout) as written:
        scan = attaching.attach(written, image("clean"), attaching.SARIF, attaching.scan("clean"))
        build.sign(written, scan, attaching.STRANGER)
        attaching.attach(written, image("clean"), attaching.SARIF, b"{}")
    ran = tree(f"{layout}:clean", "-o", "json")
    assert ran.code == 0
    unsigned = [each for each in ran.json["referrers"] if each.get("signed") is False]
    assert {each["digest"]: bool(each.get("problem")) for each in unsigned} == {
        scan["digest"]: False,
        next(each["digest"] for each in unsigned if each["digest"] != scan["digest"]): True,
    }
    (rejected,) = next(each for each in unsigned if each["digest"] == scan["digest"])["referrers"]
    assert rejected["signature"]["status"] == "rejected"
    shown = tree(f"{layout}:clean").out
    assert "not signed by anyone trusted" in shown
    assert "unreadable" in shown


def test_an_image_that_nobody_trusted_signed_is_1() -> None:
    ran = policyengine("tree", "--oci-layout", CLEAN, "--at", AT, "--offline")
    assert ran.code == 1
    assert "no signature is trusted" in ran.err
    assert ran.out.startswith("✗ ")


def test_a_signature_of_another_image_signs_nothing(layout: Path) -> None:
    """Attached to the image, but made for another."""
    entries = layouts.entries(layout)
    own = next(e for e in entries if _signs(layout, e, "clean"))
    other = next(e for e in entries if _signs(layout, e, "vulnerable"))
    swapped = layouts.manifest(layout, other["digest"]) | {
        "subject": layouts.manifest(layout, own["digest"])["subject"]
    }
    layouts.relist(layout, [entry for entry in entries if entry["digest"] != own["digest"]])
    with layouts.opened(layout) as written:
        written.manifest({key: value for key, value in swapped.items() if key not in ("schemaVersion", "mediaType")})
    assert tree(f"{layout}:clean").code == 1


def _signs(layout: Path, entry: dict[str, Any], tag: str) -> bool:
    manifest = layouts.manifest(layout, entry["digest"])
    notary = "application/vnd.cncf.notary.signature"
    return bool(manifest["config"]["mediaType"] == notary and manifest["subject"]["digest"] == digest(tag))


def test_the_platforms_of_a_signed_index_are_signed_with_it(tmp_path: Path) -> None:
    content = Content()
    one = content.image("one")
    content.index([{**one, "platform": {"os": "linux", "architecture": "amd64"}}], "1.4")
    folder = content.write(tmp_path / "layout")
    assert tree(f"{folder}:1.4").code == 1
    with layouts.opened(folder) as written:
        index = next(entry for entry in layouts.entries(folder) if "annotations" in entry)
        build.sign(written, layouts.bare(index), attaching.RELEASE)
    ran = tree(f"{folder}:1.4")
    assert ran.code == 0
    assert "signed with its index" in ran.out


@pytest.mark.parametrize("where", ["/referrers/", "/manifests/", "/blobs/"])
def test_what_nobody_knows_is_3(where: str) -> None:
    content = Content()
    image_ = content.image(tag="1.4")
    signature = content.sign(image_, b"envelope")
    layer = next(name for name, data in content.blobs.items() if data == b"envelope")
    part = {"/referrers/": "", "/manifests/": signature["digest"], "/blobs/": layer}[where]
    with Simulator(content, [Fault(where + part, "status", 403)]) as registry:
        ran = policyengine("tree", f"{registry.host}/prod/app:1.4", *TRUST, "--timeout", "30")
    assert ran.code == 3
    assert "not known whether it is signed" in ran.out or "could not" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["127.0.0.1:1/app:x", "--offline"], 2, "opens no connection"),
        (["127.0.0.1:1/app:x", "--repository", "a/b"], 2, "for layouts only"),
        (["--oci-layout", CLEAN, "--at", "noon"], 2, "is not a time"),
        (["--oci-layout", CLEAN, "--trust-policy", "missing.json"], 2, "missing.json"),
        (["--oci-layout", CLEAN, "-o", "html"], 2, "html"),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], code: int, words: str) -> None:
    ran = policyengine("tree", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
