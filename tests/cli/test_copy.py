"""`policyengine copy`: byte for byte, whole or not at all, and decided about as the original is."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from policyengine.cli.main import run
from tests.cli.example import CLEAN, VULNERABLE, evaluate
from tests.command import Finished, policyengine
from tests.engine import layouts
from tests.example import LAYOUT, digest
from tests.simulator.content import SARIF, Content, tar
from tests.simulator.registry import Fault, Simulator


def copy(source: object, target: object, *options: str) -> Finished:
    return policyengine("copy", "--from-oci-layout", source, "--to-oci-layout", target, *options)


def pulled(registry: Simulator, target: object, *options: str, tag: str = ":1.4") -> Finished:
    return policyengine(
        "copy", f"{registry.host}/prod/app{tag}", "--to-oci-layout", target, "--timeout", "30", *options
    )


NAME = "org.opencontainers.image.ref.name"


def blobs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "blobs/sha256").iterdir()}


def tagged(folder: Path) -> dict[str, str]:
    """The digest of each tag of a layout that somebody gave."""
    names = ((entry.get("annotations", {}).get(NAME, "sha256-"), entry["digest"]) for entry in layouts.entries(folder))
    return {name: digest for name, digest in names if not name.startswith("sha256-")}


def carried(folder: Path) -> dict[str, bytes]:
    """The blobs of a layout without the lists that it has for regctl."""
    tags = (entry for entry in layouts.entries(folder) if entry.get("annotations", {}).get(NAME, "")[:7] == "sha256-")
    lists = {entry["digest"].removeprefix("sha256:") for entry in tags}
    return {name: data for name, data in blobs(folder).items() if name not in lists}


@pytest.mark.parametrize("tag", ["clean", "vulnerable"])
def test_the_copy_is_decided_about_as_the_original_is(tmp_path: Path, tag: str) -> None:
    source, target = {"clean": CLEAN, "vulnerable": VULNERABLE}[tag], tmp_path / "copy"
    ran = copy(source, target, "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["digest"], ran.json["tag"], len(ran.json["attached"])) == (digest(tag), tag, 5)
    one, other = evaluate(source, "-o", "json"), evaluate(f"{target}:{tag}", "-o", "json")
    assert (one.code, one.json) == (other.code, other.json)
    own = blobs(LAYOUT)
    assert all(own[name] == data for name, data in carried(target).items())
    assert tagged(target) == {tag: digest(tag)}


def test_two_images_in_one_layout_and_a_tag_that_moves(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    copy(CLEAN, target)
    copy(VULNERABLE, target)
    assert tagged(target) == {"clean": digest("clean"), "vulnerable": digest("vulnerable")}
    assert copy(VULNERABLE, f"{target}:clean").code == 0
    assert tagged(target)["clean"] == digest("vulnerable")
    assert evaluate(f"{target}@{digest('clean')}").code == 0


def test_what_is_there_is_not_copied_again(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    first = copy(CLEAN, target, "-o", "json").json["blobs"]
    before = (target / "index.json").read_bytes()
    second = copy(CLEAN, target, "-o", "json").json["blobs"]
    assert (first["copied"], second["copied"], second["present"]) == (8, 0, 8)
    assert (target / "index.json").read_bytes() == before


def test_a_damaged_copy_is_mended(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    copy(CLEAN, target)
    whole = blobs(target)
    for name in whole:
        (target / "blobs/sha256" / name).write_bytes(b"half")
    copy(CLEAN, target)
    assert blobs(target) == whole


class Case:
    """An index of two platforms with evidence on everything, in a registry."""

    def __init__(self) -> None:
        content = self.content = Content()
        layer = content.blob(os.urandom(300_000), "application/vnd.oci.image.layer.v1.tar")
        self.layer = layer["digest"]
        self.images = [content.image(name) for name in ("one", "other")]
        for image in self.images:
            content.sign(content.attach(image, f"scan of {image['digest']}".encode()))
        entries = [
            {**image, "platform": {"os": "linux", "architecture": name}}
            for image, name in zip(self.images, ("amd64", "arm64"), strict=True)
        ]
        self.index = content.index(entries, "1.4")
        self.signature = content.sign(self.index)
        config = content.blob(b"{}", "application/vnd.oci.empty.v1+json")
        self.big = content.put(
            {
                **json.loads(content.blobs[content.attach(self.index, b"sbom", "a/sbom")["digest"]]),
                "config": config,
                "layers": [layer],
            }
        )


@pytest.mark.parametrize("api", [True, False])
def test_an_index_comes_with_its_platforms_and_all_evidence(tmp_path: Path, api: bool) -> None:
    case = Case()
    for entry in (case.index, *case.images, *[e for found in list(case.content.listed.values()) for e in found]):
        case.content.list_by_tag(entry)
    with Simulator(case.content, api=api) as registry:
        ran = pulled(registry, tmp_path / "copy", "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.json["manifests"] == 3 + 2 + 2 + 1 + 2
    found = carried(tmp_path / "copy")
    assert all(case.content.blobs[f"sha256:{name}"] == data for name, data in found.items())
    shown = policyengine("discover", "--oci-layout", f"{tmp_path / 'copy'}:1.4", "-o", "json")
    assert shown.code == 0
    assert len(shown.json["referrers"]) == 3
    assert [len(platform["referrers"]) for platform in shown.json["platforms"]] == [1, 1]


def test_a_tar_archive_is_a_source(tmp_path: Path) -> None:
    case = Case()
    (tmp_path / "image.tar").write_bytes(tar(case.content.files()))
    assert copy(f"{tmp_path / 'image.tar'}:1.4", tmp_path / "copy").code == 0
    assert f"{case.layer.removeprefix('sha256:')}" in blobs(tmp_path / "copy")


def faulty(case: Case) -> dict[str, Fault]:
    signature = case.signature["digest"]
    return {
        "the list of referrers": Fault(f"/referrers/{case.images[1]['digest']}", "status", 500),
        "a signature": Fault(f"/manifests/{signature}", "status", 404),
        "a layer": Fault(f"/blobs/{case.layer}", "status", 403),
        "a layer cut short": Fault(f"/blobs/{case.layer}", "body", (b"x" * 300_000, {})),
    }


@pytest.mark.parametrize("what", faulty(Case()))
def test_what_is_not_whole_is_no_copy(tmp_path: Path, what: str) -> None:
    """A copy without one bad scan would be decided about differently."""
    case = Case()
    target = tmp_path / "copy"
    with Simulator(case.content, [faulty(case)[what]]) as registry:
        ran = pulled(registry, target)
        assert ran.code in (1, 3)
        assert "error[PE" in ran.err
        if target.exists():
            assert layouts.entries(target) == []
            assert not [path for path in target.rglob("*") if path.name.startswith(".")]
            assert all(case.content.blobs[f"sha256:{name}"] == data for name, data in blobs(target).items())
        registry.faults.clear()
        assert pulled(registry, target).code == 0  # and goes on from there
    assert tagged(target) == {"1.4": case.index["digest"]}


def test_what_is_listed_under_another_image_too_is_not_lost(tmp_path: Path) -> None:
    """Whoever lists a bad scan where it does not belong must not make a copy forget it where it does."""
    content = Content()
    image, other = content.image("app"), content.image("other")
    scan = content.attach(other, b"scan", SARIF)
    content.listed.setdefault(image["digest"], []).append({**scan, "artifactType": SARIF})
    entries = [{**each, "platform": {"os": "linux", "architecture": n}} for each, n in ((image, "a"), (other, "b"))]
    content.index(entries, "1.4")
    with Simulator(content) as registry:
        ran = pulled(registry, tmp_path / "copy", "-o", "json")
    assert [each["digest"] for each in ran.json["attached"]] == [scan["digest"]]
    assert "names another subject" in ran.err


def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    copy(VULNERABLE, tmp_path / "copy")
    monkeypatch.setattr(os, "fsync", full)
    assert run(["copy", "--from-oci-layout", CLEAN, "--to-oci-layout", str(tmp_path / "copy")]) == 2
    assert tagged(tmp_path / "copy") == {"vulnerable": digest("vulnerable")}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([CLEAN, "mirror"], 2, "is an image layout"),
        (["--from-oci-layout", CLEAN, "./mirror"], 2, "is a path, not a repository"),
        (["--from-oci-layout", CLEAN, "new"], 2, "write --to-oci-layout new"),
        (["--from-oci-layout", CLEAN, "new:tag"], 2, "write --to-oci-layout new:tag"),
        (["--from-oci-layout", CLEAN, "--to-oci-layout", "file"], 2, "is a file"),
        (["--from-oci-layout", CLEAN, "--to-oci-layout", "full"], 2, "with other things in it"),
        (["--from-oci-layout", CLEAN, "--to-oci-layout", ":tag"], 2, "names no folder"),
        (["--from-oci-layout", f"{LAYOUT}:none", "--to-oci-layout", "new"], 3, "has no image with the tag"),
        (["--from-oci-layout", str(LAYOUT), "--to-oci-layout", "new"], 2, "names neither a tag nor a digest"),
        (["--from-oci-layout", CLEAN, "--to-oci-layout", f"new@sha256:{'0' * 64}"], 2, "leave the digest out"),
        (["--from-oci-layout", CLEAN, "127.0.0.1:1/Prod/app"], 2, "lower case"),
        (["--from-oci-layout", CLEAN, "127.0.0.1:1/prod/app"], 3, "cannot be reached"),
        (["127.0.0.1:1/prod/app", "--to-oci-layout", "new"], 2, "neither a tag nor a digest"),
        (["127.0.0.1:1/a:1", "127.0.0.2:1/a", "--username", "me", "--password-stdin"], 2, "one registry"),
        (["127.0.0.1:1/a:1", "127.0.0.2:1/a", "--username", "me"], 2, "belong together"),
        (["127.0.0.1:1/a:1", "127.0.0.2:1/a", "--timeout", "nan"], 2, "not a positive number"),
        ([CLEAN], 2, "TO"),
    ],
)
def test_what_cannot_be_copied(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/other").write_text("")
    ran = policyengine("copy", *arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (code, "")
    assert words.lower() in ran.err.lower()
    assert not (tmp_path / "new").exists()


def test_progress_is_for_terminals(tmp_path: Path) -> None:
    assert copy(CLEAN, tmp_path / "copy").err == ""
