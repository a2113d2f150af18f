"""What we attach, real tools find and pull; what they wrote, we find, pull and copy; on servers with and without the
referrers API."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests import example
from tests.command import Finished, policyengine
from tests.interop import peers
from tests.interop.debian import DockerRegistry, installed
from tests.interop.peers import Notation, Referrers, Registry
from tests.interop.pipeline import POLICY, SCAN, TYPES, Pipeline

NUMBER = count(1)
SIGNATURE = "application/vnd.cncf.notary.signature"


@pytest.fixture(scope="module", params=["api", "tag"])
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the referrers API, and one without."""
    options = ["--api-referrer=false"] if request.param == "tag" else []
    found = Registry(tmp_path_factory.mktemp("moving"), *options)
    yield found
    found.stop()


@pytest.fixture
def mode(request: pytest.FixtureRequest, serving: Registry) -> Referrers:
    """Where that registry's referrers are listed, so that Notation writes its signatures there."""
    found: Referrers = request.node.callspec.params["serving"]
    return found


@pytest.fixture
def image(serving: Registry) -> str:
    """The clean image in a repository of its own."""
    name = f"{serving.host}/moving/app-{next(NUMBER)}"
    peers.push(example.LAYOUT, "clean", f"{name}:clean")
    return f"{name}@{example.digest('clean')}"


def discovered(reference: str, *options: str) -> Any:
    """What oras finds attached, all levels."""
    return json.loads(peers.run("oras", "discover", "--format", "json", *options, reference))["referrers"] or []


def digests(found: Any) -> dict[str, Any]:
    return {each["digest"]: digests(each.get("referrers") or []) for each in found}


def scan(folder: Path) -> Path:
    path = folder / SCAN
    path.write_bytes(example.documents("clean")[SCAN])
    return path


def test_what_we_attach_oras_finds_and_pulls(image: str, tmp_path: Path) -> None:
    theirs = peers.attach(image, TYPES[SCAN], scan(tmp_path))
    ran = policyengine("attach", image, scan(tmp_path), "-a", "by=us", "-o", "json")
    assert ran.code == 0, ran.err
    ours = ran.json["digest"]
    found = discovered(image, "--plain-http")
    assert {each["digest"] for each in found} == {theirs, ours}
    own = next(each for each in found if each["digest"] == ours)
    assert (own["artifactType"], own["annotations"]["by"]) == (TYPES[SCAN], "us")
    (tmp_path / "out").mkdir()
    repository = image.partition("@")[0]
    peers.run("oras", "pull", "--plain-http", f"{repository}@{ours}", "-o", tmp_path / "out")
    assert (tmp_path / "out" / SCAN).read_bytes() == scan(tmp_path).read_bytes()


def test_what_oras_and_notation_wrote_we_find_and_pull(
    image: str, mode: Referrers, notation: Notation, tmp_path: Path
) -> None:
    attached = peers.attach(image, TYPES[SCAN], scan(tmp_path))
    repository = image.partition("@")[0]
    notation.sign(image, "release", referrers=mode)
    notation.sign(f"{repository}@{attached}", "ci", "jws", mode)
    found = policyengine("discover", image, "-o", "json").json["referrers"]
    assert digests(found) == digests(discovered(image, "--plain-http"))
    assert sorted(len(each) for each in digests(found).values()) == [0, 1]
    assert policyengine("pull", image, "--to", tmp_path / "out").code == 0
    names = sorted(path.name.partition("-")[2] for path in (tmp_path / "out").iterdir())
    assert [name.partition(".")[2] for name in names].count("sarif.json") == 1
    assert sorted(Path(name).suffix for name in names) == [".cose", ".json", ".jws"]


def test_a_large_file_arrives_whole(image: str, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(12 << 20))
    ran = policyengine("attach", image, path, "--artifact-type", "application/vnd.example", "-o", "json")
    assert ran.code == 0, ran.err
    reference = ran.json["reference"]
    assert policyengine("pull", reference, "--to", tmp_path / "out").code == 0
    assert (tmp_path / "out/large.bin").read_bytes() == path.read_bytes()


def evaluated(reference: str, notation: Notation, *options: str) -> Finished:
    trust = ("--trust-policy", notation.folder / "trustpolicy.json", "--trust-store", notation.folder / "truststore")
    return policyengine("eval", reference, "-p", POLICY, "-o", "json", *trust, *options)


def told(finished: Finished) -> tuple[int, Any, Any]:
    """What a decision came to."""
    document = finished.json
    rules = {rule["id"]: rule["status"] for rule in document["rules"]}
    signatures = {(each["subject"], each.get("identity"), each["status"]) for each in document["signatures"]}
    return finished.code, rules, signatures


def test_a_copy_is_decided_about_as_the_original_is(
    serving: Registry, mode: Referrers, notation: Notation, tmp_path: Path
) -> None:
    pipeline = Pipeline.start(serving, notation, f"prod/order-api-moving-{next(NUMBER)}", tmp_path)
    pipeline.attach_all().sign_all(referrers=mode)
    name = pipeline.image.partition("@")[0]
    layout = tmp_path / "layout"
    ran = policyengine("copy", pipeline.image, "--to-oci-layout", f"{layout}:clean", "-o", "json")
    assert ran.code == 0, ran.err
    original = told(evaluated(pipeline.image, notation))
    assert original[0] == 0
    assert told(evaluated(f"{layout}:clean", notation, "--oci-layout", "--repository", name)) == original
    found = discovered(f"{layout}:clean", "--oci-layout")
    assert digests(found) == digests(discovered(pipeline.image, "--plain-http"))

    back = f"{serving.host}/prod/back-{next(NUMBER)}"
    ran = policyengine("copy", "--from-oci-layout", f"{layout}:clean", f"{back}:again")
    assert ran.code == 0, ran.err
    assert digests(discovered(f"{back}:again", "--plain-http")) == digests(found)
    notation.verify(f"{back}@{example.digest('clean')}")


def test_signatures_that_only_the_tag_lists_are_copied_too(
    registry: Registry, notation: Notation, tmp_path: Path
) -> None:
    """Notation writes the tag by default, where the registry has the API and lists other things by it."""
    pipeline = Pipeline.start(registry, notation, f"prod/order-api-moving-{next(NUMBER)}", tmp_path)
    pipeline.attach_all().sign_all(referrers="tag")
    ran = policyengine("copy", pipeline.image, "--to-oci-layout", tmp_path / "layout", "-o", "json")
    assert [each.get("artifactType") for each in ran.json["attached"]].count(SIGNATURE) == 3


def test_between_registries_nothing_is_carried_twice(image: str, serving: Registry) -> None:
    policyengine("attach", image, "-a", "k=v", "--artifact-type", "a/b")
    target = f"{serving.host}/moving/mirror-{next(NUMBER)}"
    first = policyengine("copy", image, f"{target}:1", "-o", "json").json["blobs"]
    second = policyengine("copy", image, f"{target}:1", "-o", "json").json["blobs"]
    assert first["copied"] > 0
    assert (second["copied"], second["present"]) == (0, first["copied"] + first["present"])
    assert peers.fetch(f"{target}:1") == peers.fetch(image)


def test_what_oras_copied_with_its_referrers_we_read(image: str, tmp_path: Path) -> None:
    ours = policyengine("attach", image, scan(tmp_path), "-o", "json").json["digest"]
    layout = tmp_path / "layout"
    peers.run("oras", "cp", "-r", "--from-plain-http", "--to-oci-layout", image, f"{layout}:clean")
    found = policyengine("discover", "--oci-layout", f"{layout}:clean", "-o", "json")
    assert [each["digest"] for each in found.json["referrers"]] == [ours]


def test_a_registry_over_our_layout_lists_what_is_attached(tmp_path: Path) -> None:
    """By olareg, which keeps repositories as layouts and finds referrers as regctl does, by their subject's tag."""
    layout = tmp_path / "registry/prod/app"
    ran = policyengine("copy", "--from-oci-layout", f"{example.LAYOUT}:clean", "--to-oci-layout", f"{layout}:clean")
    assert ran.code == 0, ran.err
    added = policyengine("attach", "--oci-layout", f"{layout}:clean", scan(tmp_path), "-o", "json").json["digest"]
    served = Registry(tmp_path / "registry")
    try:
        found = digests(discovered(f"{served.host}/prod/app:clean", "--plain-http"))
    finally:
        served.stop()
    assert added in found
    assert found == digests(discovered(f"{layout}:clean", "--oci-layout"))


def test_regctl_finds_what_we_attach_and_we_what_it_does(tmp_path: Path) -> None:
    regctl, layout = peers.built("regctl"), tmp_path / "layout"
    ran = policyengine("copy", "--from-oci-layout", f"{example.LAYOUT}:clean", "--to-oci-layout", f"{layout}:clean")
    assert ran.code == 0, ran.err
    ours = policyengine("attach", "--oci-layout", f"{layout}:clean", scan(tmp_path), "-o", "json").json["digest"]
    image = ["--subject", f"ocidir://{layout}:clean"]
    put = ["artifact", "put", "--artifact-type", "a/b", "--file", str(scan(tmp_path)), *image]
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run([regctl, *put], check=True, capture_output=True, env=environment)
    tree = ["artifact", "tree", f"ocidir://{layout}:clean"]
    shown = subprocess.run([regctl, *tree], check=True, capture_output=True, text=True, env=environment).stdout
    found = policyengine("discover", "--oci-layout", f"{layout}:clean", "-o", "json").json["referrers"]
    theirs = [each["digest"] for each in found if each.get("artifactType") == "a/b"]
    assert len(theirs) == 1
    assert {ours, *theirs} < set(digests(found))
    assert all(digest in shown for digest in digests(found))


def test_skopeo_reads_and_writes_what_we_copy(image: str, serving: Registry, tmp_path: Path) -> None:
    skopeo = [installed("skopeo"), "--insecure-policy", "copy", "--all", "--preserve-digests"]
    layout = tmp_path / "layout"
    policyengine("copy", image, "--to-oci-layout", f"{layout}:clean")
    target = f"{serving.host}/moving/skopeo-{next(NUMBER)}:clean"
    subprocess.run([*skopeo, "--dest-tls-verify=false", f"oci:{layout}:clean", f"docker://{target}"], check=True)
    assert peers.fetch(target) == peers.fetch(image)
    archive = tmp_path / "image.tar"
    subprocess.run(
        [*skopeo, "--src-tls-verify=false", f"docker://{target}", f"oci-archive:{archive}:clean"], check=True
    )
    ran = policyengine(
        "copy", "--from-oci-layout", f"{archive}:clean", "--to-oci-layout", tmp_path / "other", "-o", "json"
    )
    assert ran.code == 0, ran.err
    assert ran.json["digest"] == example.digest("clean")


@pytest.fixture(params=["2.8", "3.0"])
def locked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DockerRegistry]:
    """The distribution project's registry: TLS by an authority of its own, a login, and no referrers API."""
    program = installed("docker-registry") if request.param == "2.8" else peers.built("registry")
    found = DockerRegistry(tmp_path / "docker-registry", program)
    yield found
    found.stop()


def test_the_whole_way_through_a_registry_with_a_login_and_no_api(
    locked: DockerRegistry, notation: Notation, tmp_path: Path
) -> None:
    name = f"{locked.host}/prod/order-api"
    login = locked.login(tmp_path)
    reach = ("--ca-file", str(locked.ca_file), "--registry-config", str(login))
    oras = ("--ca-file", str(locked.ca_file), "--registry-config", str(login))
    source = ("copy", "--from-oci-layout", f"{example.LAYOUT}:clean", f"{name}:clean")
    refused = policyengine(*source, "--ca-file", locked.ca_file)
    assert refused.code == 3
    assert "asks for a login" in refused.err
    ran = policyengine(*source, *reach, "-o", "json")
    assert ran.code == 0, ran.err
    attached = policyengine("attach", f"{name}:clean", scan(tmp_path), *reach, "-o", "json").json["digest"]
    found = policyengine("discover", f"{name}:clean", *reach, "-o", "json").json["referrers"]
    assert attached in digests(found)
    assert digests(found) == digests(discovered(f"{name}:clean", *oras))
    assert sorted(len(each) for each in digests(found).values()) == [0, 0, 1, 1]
    ran = policyengine("pull", f"{name}@{attached}", "--to", tmp_path / "out", *reach)
    assert ran.code == 0, ran.err
    assert (tmp_path / "out" / SCAN).read_bytes() == scan(tmp_path).read_bytes()
    copied = policyengine("copy", f"{name}:clean", "--to-oci-layout", tmp_path / "copy", *reach)
    assert copied.code == 0, copied.err
    wrong = json.loads(login.read_text())
    wrong["auths"][locked.host] = {"username": "user", "password": "wrong-password"}
    login.write_text(json.dumps(wrong))
    ran = policyengine("attach", f"{name}@{attached}", scan(tmp_path), *reach)
    assert ran.code == 3
    assert "wrong-password" not in ran.err + ran.out
