"""`policyengine attach`: what is made of files, and what cannot be attached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policyengine.oci import digest_of
from tests import example
from tests.command import policyengine
from tests.engine import layouts
from tests.simulator.content import Content, tar
from tests.simulator.registry import Fault, Simulator

SARIF = "application/sarif+json"
AT = ("--at", "2026-11-22T20:00:00Z")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "trivy.sarif"
    path.write_bytes(example.documents("clean")["trivy.sarif.json"])
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    return path


def attach(layout: Path, *arguments: object) -> Any:
    return policyengine("attach", "--oci-layout", f"{layout}:clean", *arguments)


def test_a_scan_is_attached_as_what_it_is(layout: Path, scan: Path) -> None:
    ran = attach(layout, scan, *AT, "-a", "team=payments", "-o", "json")
    assert ran.code == 0, ran.err
    manifest = layouts.manifest(layout, ran.json["digest"])
    assert manifest["artifactType"] == SARIF
    assert manifest["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json", "digest": digest_of(b"{}"), "size": 2, "data": "e30=",
    }  # fmt: skip
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == SARIF
    assert layer["annotations"] == {"org.opencontainers.image.title": "trivy.sarif"}
    assert layouts.blob(layout, layer["digest"]).read_bytes() == scan.read_bytes()
    created = {"org.opencontainers.image.created": "2026-11-22T20:00:00Z"}
    assert manifest["annotations"] == {**created, "team": "payments"}
    image = next(entry for entry in layouts.entries(layout) if entry["digest"] == manifest["subject"]["digest"])
    assert manifest["subject"] == layouts.bare(image)
    found = policyengine("discover", "--oci-layout", f"{layout}:clean", "-o", "json").json["referrers"]
    assert ran.json["digest"] in [each["digest"] for each in found]


def test_the_same_is_attached_as_the_same_bytes(layout: Path, scan: Path) -> None:
    one = attach(layout, scan, *AT, "-o", "json").json
    before = (layout / "index.json").read_bytes()
    epoch = policyengine(
        "attach", "--oci-layout", f"{layout}:clean", scan, "-o", "json", SOURCE_DATE_EPOCH="1795377600"
    ).json
    assert one == epoch
    assert (layout / "index.json").read_bytes() == before


def test_several_files_and_types_that_are_said(layout: Path, scan: Path, text: Path) -> None:
    ran = attach(layout, f"{scan}:application/json", text, "--artifact-type", "application/vnd.example", "-o", "json")
    assert [(each["file"], each["mediaType"]) for each in ran.json["files"]] == [
        ("trivy.sarif", "application/json"),
        ("notes.txt", "application/octet-stream"),
    ]


def test_annotations_alone(layout: Path) -> None:
    ran = attach(layout, "-a", "approved=yes", "--artifact-type", "application/vnd.example", "-o", "json")
    (layer,) = layouts.manifest(layout, ran.json["digest"])["layers"]
    assert layer["mediaType"] == "application/vnd.oci.empty.v1+json"


def test_to_a_platform_of_an_index(tmp_path: Path, text: Path) -> None:
    content = Content()
    one, other = content.image("one"), content.image("other")
    platforms = [
        {**entry, "platform": {"os": "linux", "architecture": name}}
        for entry, name in ((one, "amd64"), (other, "arm64"))
    ]
    content.index(platforms, "1.4")
    layout = content.write(tmp_path / "layout")
    where = ("attach", "--oci-layout", f"{layout}:1.4", text, "--artifact-type", "a/b", "-o", "json", "--platform")
    assert policyengine(*where, "linux/arm64").json["subject"]["digest"] == other["digest"]
    ran = policyengine(*where, "linux/s390x")
    assert ran.code == 2
    assert "`linux/amd64`, `linux/arm64`" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.sarif"], "there is no file `missing.sarif`"),
        (["missing.sarif:application/json"], "there is no file `missing.sarif`"),
        (["."], "`.` is a folder"),
        (["notes.txt"], "cannot be told from it"),
        (["notes.txt", "trivy.sarif"], "what it is was not said"),
        (["notes.txt:text", "--artifact-type", "a/b"], "is not a media type"),
        (["notes.txt", "--artifact-type", "sarif"], "is not an artifact type"),
        (["notes.txt", "--artifact-type", "a/b\nc"], "is not an artifact type"),
        (["notes.txt", "notes.txt", "--artifact-type", "a/b"], "two files are called"),
        ([], "nothing to attach"),
        (["trivy.sarif", "-a", "team"], "is not an annotation"),
        (["trivy.sarif", "-a", "a=1", "-a", "a=2"], "is there twice"),
        (["trivy.sarif", "--at", "yesterday"], "is not a time"),
        (["trivy.sarif", "-o", "yaml"], "there is no format"),
    ],
)
def test_what_cannot_be_attached(layout: Path, scan: Path, text: Path, arguments: list[str], words: str) -> None:
    before = (layout / "index.json").read_bytes()
    ran = policyengine("attach", "--oci-layout", f"{layout}:clean", *arguments, cwd=scan.parent)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert (layout / "index.json").read_bytes() == before


def test_arguments_the_other_way_round(scan: Path) -> None:
    ran = policyengine("attach", "trivy.sarif", "registry.example.com/app:1.4", cwd=scan.parent)
    assert ran.code == 2
    assert "`trivy.sarif` is a file" in ran.err
    assert "the reference comes first" in ran.err


def test_where_nothing_can_be_attached_to(layout: Path, scan: Path, tmp_path: Path) -> None:
    ran = policyengine("attach", f"{layout}:clean", scan)
    assert ran.code == 2
    assert "is an image layout" in ran.err
    ran = policyengine("attach", "--oci-layout", f"{layout}:nowhere", scan)
    assert ran.code == 3
    assert 'it has "clean", "vulnerable"' in ran.err
    content = Content()
    content.image(tag="1.4")
    (tmp_path / "image.tar").write_bytes(tar(content.files()))
    ran = policyengine("attach", "--oci-layout", f"{tmp_path / 'image.tar'}:1.4", scan)
    assert ran.code == 2
    assert "unpack it first" in ran.err


def test_a_layout_that_may_not_be_written(layout: Path, scan: Path, unprivileged: None) -> None:
    for path in (layout / "blobs/sha256", layout):
        path.chmod(0o555)
    try:
        ran = attach(layout, scan)
    finally:
        for path in (layout, layout / "blobs/sha256"):
            path.chmod(0o755)
    assert ran.code == 2
    assert "cannot be written: permission denied" in ran.err


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "may push"),
        (403, "may push"),
        (405, "read-only"),
        (404, "create the repository"),
        (413, "larger than"),
        (507, "unexpected way"),
    ],
)
def test_a_registry_that_does_not_take_it(scan: Path, status: int, words: str) -> None:
    content = Content()
    content.image(tag="1.4")
    with Simulator(content, [Fault("/blobs/uploads/", "status", status)]) as registry:
        ran = policyengine("attach", f"{registry.host}/prod/app:1.4", scan)
    assert (ran.code, ran.out) == (3, "")
    assert words in ran.err


def test_an_epoch_that_is_none(layout: Path, scan: Path) -> None:
    ran = policyengine("attach", "--oci-layout", f"{layout}:clean", scan, SOURCE_DATE_EPOCH="now")
    assert ran.code == 2
    assert "SOURCE_DATE_EPOCH" in ran.err


def test_a_document_of_no_reader_needs_its_type_said(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"own": "report"}))
    assert "cannot be told" in attach(layout, tmp_path / "a.json").err
    ran = attach(layout, tmp_path / "a.json", "--artifact-type", "a/b", "-o", "json")
    assert ran.json["files"][0]["mediaType"] == "application/json"
