"""The embedded example is what its script says, and decides as it should."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests import example
from tests.command import Finished, policyengine


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def evaluated(tag: str, *more: str) -> Finished:
    """Evaluate the example's image `tag` as `make demo` does, with JSON for the report."""
    trust = ["--trust-policy", example.FOLDER / "notation/trustpolicy.json"]
    store = ["--trust-store", example.FOLDER / "notation/truststore"]
    subject = ["--oci-layout", f"{example.LAYOUT}:{tag}", "--repository", example.REPOSITORY, example.POLICIES]
    return policyengine("eval", *subject, *trust, *store, "--at", example.AT, "-o", "json", *more)


def test_building_again_gives_the_same_bytes(tmp_path: Path) -> None:
    example.build.build(tmp_path)

    for part in ("layout", "notation"):
        assert files(tmp_path / part) == files(example.FOLDER / part)


def test_every_blob_has_its_digest_and_is_small() -> None:
    blobs = files(example.LAYOUT / "blobs" / "sha256")

    assert all(sha256(content).hexdigest() == name for name, content in blobs.items())
    assert sum(map(len, blobs.values())) < 300_000


def test_no_private_key_is_in_the_repository() -> None:
    assert not [name for name, content in files(example.FOLDER).items() if b"PRIVATE KEY" in content]


def test_the_documents_speak_of_the_example_only() -> None:
    for tag in ("clean", "vulnerable"):
        for content in example.documents(tag).values():
            assert b"localhost" not in content
            assert not [old for old in example.build.SCANNED if old.encode() in content]
            assert example.digest(tag).encode() in content


def test_the_clean_image_has_nothing_of_what_the_scan_complains_about() -> None:
    scan = json.loads(example.documents("vulnerable")["trivy.sarif.json"])
    lines = [result["message"]["text"].splitlines() for result in scan["runs"][0]["results"]]
    complaints = {(text[0].removeprefix("Package: "), text[1].removeprefix("Installed Version: ")) for text in lines}
    sbom = json.loads(example.documents("clean")["sbom.spdx.json"])
    packages = {(package["name"], package.get("versionInfo")) for package in sbom["packages"]}

    assert complaints
    assert not complaints & packages
    assert {name for name, _ in complaints} <= {name for name, _ in packages}


def test_the_clean_image_is_allowed() -> None:
    finished = evaluated("clean")

    assert (finished.code, finished.json["decision"]) == (0, "allow")
    assert {rule["status"] for rule in finished.json["rules"]} == {"passed"}
    assert {signature["status"] for signature in finished.json["signatures"]} == {"verified"}


def test_the_vulnerable_image_is_denied_for_its_critical_findings_alone() -> None:
    finished = evaluated("vulnerable")
    violated = {rule["id"]: rule["violations"] for rule in finished.json["rules"] if rule["status"] != "passed"}

    assert (finished.code, finished.json["decision"]) == (1, "deny")
    assert violated.keys() == {"order-api.no-critical", "order-api.high-backlog"}
    assert sorted(violation["message"] for violation in violated["order-api.no-critical"]) == [
        "CVE-2019-10744 in lodash 4.17.4, fixed in 4.17.12",
        "CVE-2023-38545 in curl 7.88.1-10, fixed in 7.88.1-10+deb12u4",
        "CVE-2024-5535 in openssl 3.0.9-1, fixed in 3.0.15-1~deb12u1",
    ]


@pytest.mark.parametrize("tag", ["clean", "vulnerable"])
def test_a_decision_is_the_same_bytes_every_time(tag: str) -> None:
    first, second = evaluated(tag), evaluated(tag)

    assert first.json["decision"] in {"allow", "deny"}
    assert (first.code, first.out) == (second.code, second.out)


def test_the_policy_passes_its_own_tests() -> None:
    finished = policyengine("test", example.POLICIES)

    assert finished.code == 0, finished.out
