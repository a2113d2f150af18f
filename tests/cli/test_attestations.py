"""Attestations in an image's index, as the commands show, fetch, copy and record them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.example import TRUST
from tests.command import Finished, policyengine
from tests.engine.buildkit import Image, provenance, sbom
from tests.example import AT, REPOSITORY
from tests.simulator.loading import loaded
from tests.simulator.registry import Simulator

POLICY = """\
policy p "What a build says of itself"

rule no-leftpad deny "no leftpad"
  forbid package where package.name is "leftpad"

rule built deny "built by us"
  require some provenance where provenance.builder matches "https://github.com/acme/**"
"""


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path / "layout").sign()


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.policy"
    path.write_text(POLICY)
    return path


def evaluate(policy: Path, *arguments: object, layout: bool = True) -> Finished:
    base = ("--oci-layout", "--repository", REPOSITORY) if layout else ()
    return policyengine("eval", *base, "--at", AT, *TRUST, policy, *arguments, timeout=60)


def blobs(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in (folder / "blobs/sha256").iterdir()}


def layers(image: Image) -> list[dict[str, Any]]:
    return list(json.loads(image.kit.blob(image.entry["digest"]).read_bytes())["layers"])


def test_discover_says_what_they_hold(image: Image) -> None:
    tree = policyengine("discover", "--oci-layout", f"{image.kit.folder}:1.4")
    assert f"attestation of {image.platform['digest'][:19]}: provenance, sbom" in tree.out
    entry = policyengine("discover", "--oci-layout", f"{image.kit.folder}:1.4", "-o", "json").json["platforms"][1]
    assert entry["artifactType"] == "application/vnd.in-toto+json"
    assert entry["predicateTypes"] == ["https://spdx.dev/Document", "https://slsa.dev/provenance/v1"]
    assert entry["contentSize"] == sum(layer["size"] for layer in layers(image))


def test_discover_says_that_one_could_not_be_had(image: Image) -> None:
    image.kit.blob(image.entry["digest"]).unlink()
    ran = policyengine("discover", "--oci-layout", f"{image.kit.folder}:1.4")
    assert ran.code != 0
    assert "not everything could be had" in ran.err


def test_tree_says_that_they_are_signed_with_the_index(image: Image) -> None:
    base = ("--repository", REPOSITORY, "--at", AT, "--offline", *TRUST)
    ran = policyengine("tree", "--oci-layout", f"{image.kit.folder}:1.4", *base)
    lines = ran.out.splitlines()
    found = next(number for number, line in enumerate(lines) if "attestation of" in line)
    assert (ran.code, "signed with its index" in lines[found]) == (0, True)
    assert "sbom" in lines[found + 1]
    assert "syft" in lines[found + 1]
    assert "slsa-provenance-1" in lines[found + 2]
    told = policyengine("tree", "--oci-layout", f"{image.kit.folder}:1.4", *base, "-o", "json").json["platforms"][1]
    assert [each["kind"] for each in told["statements"]] == ["sbom", "provenance"]


def test_tree_knows_an_attestation_that_is_a_referrer_too(tmp_path: Path) -> None:
    found = Image(tmp_path / "layout", artifact=True).sign()
    base = ("--repository", REPOSITORY, "--at", AT, "--offline", *TRUST)
    ran = policyengine("tree", "--oci-layout", f"{found.kit.folder}:1.4", *base)
    lines = [line for line in ran.out.splitlines() if found.entry["digest"][:19] in line]
    assert ["signed with its index" in line for line in lines] == [True, True]


def test_tree_says_which_statement_is_unreadable(image: Image) -> None:
    image.kit.blob(layers(image)[0]["digest"]).write_bytes(b"{}")
    base = ("--repository", REPOSITORY, "--at", AT, "--offline", *TRUST)
    ran = policyengine("tree", "--oci-layout", f"{image.kit.folder}:1.4", *base, "-o", "json")
    broken, whole = ran.json["platforms"][1]["statements"]
    assert (broken["problem"]["code"], whole["kind"]) == ("PE401", "provenance")


def test_pull_fetches_them(image: Image, tmp_path: Path) -> None:
    ran = policyengine("pull", "--oci-layout", f"{image.kit.folder}:1.4", "--to", tmp_path / "pulled", "-o", "json")
    assert ran.code == 0
    of = {each["digest"]: each["artifact"] for each in ran.json["files"]}
    for layer in layers(image):
        assert of[layer["digest"]]["digest"] == image.entry["digest"]
        assert of[layer["digest"]]["subject"] == image.platform["digest"]
    written = {path.read_bytes() for path in (tmp_path / "pulled").iterdir()}
    assert {image.kit.blob(layer["digest"]).read_bytes() for layer in layers(image)} < written
    narrow = ("--artifact-type", "application/vnd.in-toto+json", "--to", tmp_path / "narrow", "-o", "json")
    assert len(policyengine("pull", "--oci-layout", f"{image.kit.folder}:1.4", *narrow).json["files"]) == 2


def test_what_was_pulled_can_be_read(image: Image, tmp_path: Path) -> None:
    layer = image.kit.blob(layers(image)[1]["digest"])
    assert policyengine("read", layer, "-o", "json").json["kind"] == "provenance"


def test_a_copy_is_decided_about_as_the_original_is(image: Image, policy: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    arguments = ("--from-oci-layout", f"{image.kit.folder}:1.4", "--to-oci-layout", f"{target}:1.4")
    assert policyengine("copy", *arguments).code == 0
    assert blobs(image.kit.folder) <= blobs(target)
    assert evaluate(policy, f"{target}:1.4").code == 0


def test_a_record_holds_them(image: Image, policy: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.tar"
    before = evaluate(policy, f"{image.kit.folder}:1.4", "-o", "json", "--record", record)
    assert (before.code, [each["kind"] for each in before.json["evidence"]]) == (0, ["sbom", "provenance"])
    again = policyengine("eval", "--replay", record, "-o", "json")
    assert (again.code, again.out) == (before.code, before.out)


def test_the_table_says_why_they_do_not_count(policy: Path, tmp_path: Path) -> None:
    unsigned = Image(tmp_path / "layout")
    ran = evaluate(policy, f"{unsigned.kit.folder}:1.4")
    assert ran.code == 1
    assert "neither it nor the index that holds it is signed by a trusted identity" in ran.out


def test_the_reports_show_the_signature_of_the_index(image: Image, policy: Path) -> None:
    ran = evaluate(policy, f"{image.kit.folder}:1.4")
    rows = [line.split()[1] for line in ran.out.partition("evidence")[2].splitlines() if "signed by" in line]
    assert rows == ["signature", "sbom", "provenance"]


@pytest.mark.parametrize("artifact", [False, True], ids=["image manifest", "OCI artifact"])
@pytest.mark.parametrize(("package", "code"), [("curl", 0), ("leftpad", 1)])
def test_in_a_registry(artifact: bool, package: str, code: int, policy: Path, tmp_path: Path) -> None:
    """As an OCI artifact it is listed as a referrer, too, and one artifact all the same: fetched once, told once."""
    found = Image(tmp_path / "layout", lambda about: sbom(about, package), provenance, artifact=artifact).sign()
    with Simulator(loaded(found.kit.folder)) as registry:
        trust = json.loads(Path(TRUST[1]).read_bytes())
        for each in trust["trustPolicies"]:
            each["registryScopes"] = ["*"]
        (tmp_path / "trustpolicy.json").write_text(json.dumps(trust))
        arguments = (f"{registry.host}/prod/app@{found.index['digest']}", "--no-cache", "-o", "json", "--trust-policy")
        ran = evaluate(policy, *arguments, tmp_path / "trustpolicy.json", layout=False)
        paths = [each.path for each in registry.seen]
    assert ran.code == code
    assert [(each["kind"], each["status"]) for each in ran.json["evidence"]] == [
        ("sbom", "used"),
        ("provenance", "used"),
    ]
    assert sum(path.endswith(f"manifests/{found.entry['digest']}") for path in paths) == 1
