"""`policyengine discover`: what is attached, what could not be listed, and what cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Finished, policyengine
from tests.simulator.content import SARIF, SIGNATURE, SPDX, Content
from tests.simulator.registry import Fault, Simulator

CREATED = {"annotations": {"org.opencontainers.image.created": "2026-11-22T17:30:00Z"}}


class Case:
    """An image with a signature, a signed scan and an SBOM."""

    def __init__(self) -> None:
        self.content = Content()
        self.image = self.content.image(tag="1.4")
        self.signature = self.content.sign(self.image)
        self.scan = self.content.attach(self.image, b"scan", SARIF, **CREATED)
        self.sbom = self.content.attach(self.image, b"sbom" * 500, SPDX)
        self.nested = self.content.sign(self.scan, b"of the scan")

    def discover(self, registry: Simulator, *options: str, target: str = ":1.4") -> Finished:
        return policyengine("discover", f"{registry.host}/prod/app{target}", *options)


def tree(found: Any) -> Any:
    """The digests of a document, with those of what refers to each."""
    return {each["digest"]: tree(each) for each in found.get("referrers", ())}


def test_everything_is_shown_with_what_refers_to_it() -> None:
    case = Case()
    with Simulator(case.content) as registry:
        ran = case.discover(registry, "-o", "json")
        assert (ran.code, ran.err) == (0, "")
        assert ran.json["digest"] == case.image["digest"]
        assert tree(ran.json) == {
            case.signature["digest"]: {},
            case.scan["digest"]: {case.nested["digest"]: {}},
            case.sbom["digest"]: {},
        }
        scan = next(each for each in ran.json["referrers"] if each["digest"] == case.scan["digest"])
        assert (scan["artifactType"], scan["contentSize"], scan["created"]) == (SARIF, 4, "2026-11-22T17:30:00Z")
        assert scan["reference"] == f"{registry.host}/prod/app@{case.scan['digest']}"


def test_the_tree_and_the_table_name_digest_type_size_and_time() -> None:
    case = Case()
    with Simulator(case.content) as registry:
        shown = case.discover(registry).out
        table = case.discover(registry, "-o", "table").out
    lines = shown.splitlines()
    assert lines[0] == f"{registry.host}/prod/app@{case.image['digest']}"
    scan = next(number for number, line in enumerate(lines) if case.scan["digest"] in line)
    assert lines[scan].startswith(f"├─ {SARIF} ")
    assert lines[scan].endswith("4 B  2026-11-22T17:30:00Z")
    assert lines[scan + 1].startswith(f"│  └─ {SIGNATURE}")
    assert case.nested["digest"] in lines[scan + 1]
    assert "2.0 kB" in shown
    assert {each["digest"] in table for each in (case.signature, case.scan, case.sbom, case.nested)} == {True}


def test_one_level_and_one_type() -> None:
    case = Case()
    with Simulator(case.content) as registry:
        ran = case.discover(registry, "--depth", "1", "-o", "json")
        assert set(tree(ran.json)) == {case.signature["digest"], case.scan["digest"], case.sbom["digest"]}
        assert all("referrers" not in each for each in ran.json["referrers"])
        assert not any(case.nested["digest"] in path for path in registry.paths())
        ran = case.discover(registry, "--artifact-type", SIGNATURE, "-o", "json")
        assert tree(ran.json) == {case.signature["digest"]: {}, case.scan["digest"]: {case.nested["digest"]: {}}}
        ran = case.discover(registry, "--artifact-type", "application/none")
        assert ran.code == 0
        assert "nothing of the type" in ran.err


def test_what_one_place_lists_and_the_other_does_not() -> None:
    """Notation writes its tag where the API exists too, and oras asks the API: each place may know other artifacts."""
    case = Case()
    case.content.list_by_tag(case.image, [case.scan])
    listed = case.content.listed[case.image["digest"]]
    listed[:] = [each for each in listed if each["digest"] == case.signature["digest"]]
    found = {}
    with Simulator(case.content) as registry:
        for mode in ("api", "tag", "auto"):
            ran = case.discover(registry, "--depth", "1", "--referrers", mode, "-o", "json")
            found[mode] = set(tree(ran.json))
    one, other = {case.signature["digest"]}, {case.scan["digest"]}
    assert found == {"api": one, "tag": other, "auto": one | other}


@pytest.mark.parametrize("text", ["localhost:5000", "127.0.0.1:5000", "registry.example.com", "localhost"])
def test_a_registry_alone_is_no_image(text: str) -> None:
    """By the grammar it would be an image on Docker Hub, and its port a tag."""
    ran = policyengine("discover", text)
    assert ran.code == 2
    assert "no repository in it" in ran.err


def test_that_there_is_nothing_is_an_answer() -> None:
    content = Content()
    content.image(tag="1.4")
    with Simulator(content) as registry:
        ran = policyengine("discover", f"{registry.host}/prod/app:1.4", "-o", "json")
        assert (ran.code, ran.err, ran.json["referrers"]) == (0, "", [])
        assert "nothing" in policyengine("discover", f"{registry.host}/prod/app:1.4").out


@pytest.mark.parametrize(
    ("kind", "value"),
    [("status", 500), ("status", 403), ("drop", None)],
)
def test_that_nobody_knows_is_another(kind: str, value: Any) -> None:
    case = Case()
    with Simulator(case.content, [Fault("/referrers/", kind, value)]) as registry:
        ran = case.discover(registry, "-o", "json", "--timeout", "30")
        assert ran.code == 3
        assert "not everything could be had" in ran.err
        assert "referrers" not in ran.json
        assert ran.json["unlisted"]["message"]
        assert "could not be listed" in case.discover(registry, "--timeout", "30").out


def test_a_referrer_that_cannot_be_had_is_said_so_and_does_not_hide_the_others() -> None:
    case = Case()
    with Simulator(case.content, [Fault(f"/manifests/{case.scan['digest']}", "status", 503)]) as registry:
        ran = case.discover(registry, "-o", "json", "--timeout", "30")
    found = {each["digest"]: each.get("status") for each in ran.json["referrers"]}
    assert found == {case.signature["digest"]: None, case.scan["digest"]: "error", case.sbom["digest"]: None}
    assert ran.code == 3


def test_what_is_listed_for_another_image_is_told_apart() -> None:
    case = Case()
    other = case.content.image("other")
    foreign = case.content.attach(other, b"theirs", SARIF)
    case.content.listed[case.image["digest"]].append({**foreign, "artifactType": SARIF})
    with Simulator(case.content) as registry:
        ran = case.discover(registry, "-o", "json")
    (stray,) = [each for each in ran.json["referrers"] if each["digest"] == foreign["digest"]]
    assert stray["status"] == "other-subject"
    assert ran.code == 0


def test_a_list_that_names_the_image_itself_ends() -> None:
    case = Case()
    case.content.listed[case.image["digest"]].append({**case.image, "artifactType": SARIF})
    with Simulator(case.content) as registry:
        ran = case.discover(registry, "-o", "json")
    assert len(ran.json["referrers"]) == 4
    assert ran.code == 0


def test_where_there_is_no_api_the_tag_is_read() -> None:
    case = Case()
    case.content.list_by_tag(case.image)
    case.content.list_by_tag(case.scan)
    with Simulator(case.content, api=False) as registry:
        ran = case.discover(registry, "-o", "json", target=f"@{case.image['digest']}")
    assert tree(ran.json)[case.scan["digest"]] == {case.nested["digest"]: {}}


def test_the_platforms_of_an_index_have_referrers_too() -> None:
    content = Content()
    image = content.image()
    scan = content.attach(image, b"scan", SARIF)
    index = content.index([{**image, "platform": {"os": "linux", "architecture": "arm64"}}], "1.4")
    signature = content.sign(index)
    with Simulator(content) as registry:
        ran = policyengine("discover", f"{registry.host}/prod/app:1.4", "-o", "json")
        shown = policyengine("discover", f"{registry.host}/prod/app:1.4").out
    assert tree(ran.json) == {signature["digest"]: {}}
    (platform,) = ran.json["platforms"]
    assert (platform["platform"], tree(platform)) == ("linux/arm64", {scan["digest"]: {}})
    assert "└─ linux/arm64" in shown


def test_a_layout_is_shown_like_a_registry(layout: Path) -> None:
    ran = policyengine("discover", "--oci-layout", f"{layout}:clean", "-o", "json")
    assert ran.code == 0
    assert [len(each) for each in tree(ran.json).values()] == [1, 1, 0]
    blob = next(path for path in (layout / "blobs/sha256").iterdir() if path.name in json.dumps(tree(ran.json)))
    blob.unlink()
    ran = policyengine("discover", "--oci-layout", f"{layout}:clean")
    assert ran.code == 3
    assert "does not hold" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["127.0.0.1:1/app"], 2, "names neither a tag nor a digest"),
        (["127.0.0.1:1/app:x", "--artifact-type", "sarif"], 2, "is not an artifact type"),
        (["127.0.0.1:1/app:x", "--depth", "0"], 2, "depth"),
        (["127.0.0.1:1/app:x", "-o", "yaml"], 2, "there is no format"),
        (["127.0.0.1:1/app:x"], 3, "cannot be reached"),
        (["--oci-layout", "nowhere:1"], 2, "it does not exist"),
        ([], 2, "REFERENCE"),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], code: int, words: str) -> None:
    ran = policyengine("discover", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert words.lower() in ran.err.lower()


def test_a_name_from_a_registry_gives_no_order() -> None:
    content = Content()
    image = content.image(tag="1.4")
    content.attach(image, b"x", "a/\x1b[31m##vso[task.complete]")
    with Simulator(content) as registry:
        ran = policyengine("discover", f"{registry.host}/prod/app:1.4")
    assert "\x1b" not in ran.out
    assert "##vso[" not in ran.out
