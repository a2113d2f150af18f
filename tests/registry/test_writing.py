"""Attaching to a layout on disk: what appears, what stays, and what is refused."""

from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import DigestMismatch, Malformed, PolicyEngineError, TooLarge, UsageError
from policyengine.oci import OCI_INDEX, OCI_MANIFEST, Descriptor, digest_of
from policyengine.registry.content import Content, of_bytes, of_file
from policyengine.registry.layout import Layout
from policyengine.registry.writing import LayoutWriter

IMAGE = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "ab" * 32, "size": 7, "platform": {"os": "a", "x": "y"}}
BLOBS = (b"{}", b"content")
REF_NAME = "org.opencontainers.image.ref.name"
TAG = "sha256-" + "ab" * 32


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    put(tmp_path, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [IMAGE], "annotations": {"k": "v"}})
    return tmp_path


def put(layout: Path, index: Any) -> None:
    (layout / "index.json").write_text(json.dumps(index))


def listed(layout: Path) -> list[Any]:
    entries: list[Any] = json.loads((layout / "index.json").read_text())["manifests"]
    return entries


def manifest(number: int = 0) -> bytes:
    blob = {"mediaType": "a/b", "digest": digest_of(b"{}"), "size": 2}
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob, "layers": [], "subject": IMAGE}
    return json.dumps({**document, "artifactType": f"a/{number}"}).encode()


def attach(layout: Path, number: int = 0) -> Descriptor:
    data = manifest(number)
    entry = Descriptor(OCI_MANIFEST, digest_of(data), len(data), f"a/{number}", {"n": str(number)})
    LayoutWriter(layout).attach(data, BLOBS, entry)
    return entry


def files(layout: Path) -> list[str]:
    return sorted(str(path.relative_to(layout)) for path in layout.rglob("*") if path.is_file())


def test_what_is_attached_is_there_and_everything_else_stays(layout: Path) -> None:
    entry = attach(layout)
    own: dict[str, Any] = {"mediaType": OCI_MANIFEST, "digest": entry.digest, "size": entry.size, "artifactType": "a/0"}
    own |= {"annotations": {"n": "0"}}
    listing = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [own]}
    data = json.dumps(listing, separators=(",", ":")).encode()
    under_tag = {"mediaType": OCI_INDEX, "digest": digest_of(data), "size": len(data), "annotations": {REF_NAME: TAG}}
    assert listed(layout) == [IMAGE, own, under_tag], "for oras and Notation, and for regctl"
    assert json.loads((layout / "index.json").read_text())["annotations"] == {"k": "v"}
    assert Layout(layout).referrers(str(IMAGE["digest"]))[0].digest == entry.digest
    names = [f"blobs/{digest.replace(':', '/')}" for digest in (*map(digest_of, BLOBS), entry.digest, digest_of(data))]
    assert files(layout) == sorted([*names, "index.json", "oci-layout"])


def test_attaching_twice_changes_nothing(layout: Path) -> None:
    attach(layout)
    before = (layout / "index.json").read_bytes()
    attach(layout)
    assert (layout / "index.json").read_bytes() == before


def test_writers_at_the_same_time_lose_nothing(layout: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        entries = list(threads.map(lambda number: attach(layout, number), range(16)))
    *others, under_tag = listed(layout)[1:]
    digests = {entry.digest for entry in entries}
    assert {entry["digest"] for entry in others} == digests
    assert {entry["digest"] for entry in held(layout, under_tag)["manifests"]} == digests


def held(layout: Path, entry: Any) -> Any:
    return json.loads((layout / "blobs" / entry["digest"].replace(":", "/")).read_text())


@pytest.mark.parametrize("harm", ["not there", "other bytes", "an image", "no entry at all"])
def test_a_list_that_cannot_be_read_is_left_as_it_is(layout: Path, harm: str) -> None:
    """It may be all that says what else refers to the image, so that nobody takes the rest for the whole."""
    attach(layout, 1)
    *others, under_tag = listed(layout)
    path = layout / "blobs" / under_tag["digest"].replace(":", "/")
    if harm == "not there":
        path.unlink()
    elif harm == "other bytes":
        path.write_text("{}")
    elif harm == "an image":
        under_tag["digest"] = next(each["digest"] for each in others if each is not others[0])
    else:
        del under_tag["digest"]
    put(layout, {"schemaVersion": 2, "manifests": [*others, under_tag]})
    entry = attach(layout, 2)
    assert under_tag in listed(layout)
    assert entry.digest in {each.get("digest") for each in listed(layout)}


def test_a_blob_that_was_damaged_is_written_anew(layout: Path) -> None:
    entry = attach(layout)
    path = layout / f"blobs/{entry.digest.replace(':', '/')}"
    path.write_bytes(b"damage")
    attach(layout)
    assert path.read_bytes() == manifest()


@pytest.mark.parametrize("bytes_", [b"shorter", b"something longer", b"same len"])
def test_content_of_another_digest_is_not_stored(layout: Path, bytes_: bytes) -> None:
    content = Content(digest_of(b"original"), 8, lambda: iter([bytes_[:4], bytes_[4:]]))
    with pytest.raises(DigestMismatch):
        LayoutWriter(layout).store(content)
    assert files(layout) == ["index.json", "oci-layout"]


def test_a_full_disk_leaves_no_trace(layout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="cannot be written: no space left"):
        attach(layout)
    assert files(layout) == ["index.json", "oci-layout"]
    assert listed(layout) == [IMAGE]


@pytest.mark.parametrize("name", ["blobs", "blobs/sha256"])
def test_no_link_is_followed_out_of_the_layout(
    layout: Path, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (layout / name).parent.mkdir(exist_ok=True)
    (layout / name).symlink_to(outside, target_is_directory=True)
    with pytest.raises(PolicyEngineError, match="not a folder"):
        attach(layout)
    assert not list(outside.rglob("*"))


@pytest.mark.parametrize(
    ("index", "error"),
    [
        ([], Malformed),
        ({"manifests": {}}, Malformed),
        ({"manifests": [], "x": 1.5}, Malformed),
        (" " * 5_000_000, TooLarge),
    ],
)
def test_an_index_that_is_none_is_left_alone(layout: Path, index: Any, error: type[PolicyEngineError]) -> None:
    put(layout, index)
    before = (layout / "index.json").read_bytes()
    with pytest.raises(error):
        attach(layout)
    assert (layout / "index.json").read_bytes() == before


def test_nothing_is_attached_to_an_archive(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"")
    with pytest.raises(UsageError, match="is an archive"):
        LayoutWriter(tmp_path / "image.tar")


def test_a_file_as_content_has_its_digest(tmp_path: Path) -> None:
    data = os.urandom(700_000)
    (tmp_path / "file").write_bytes(data)
    content = of_file(tmp_path / "file")
    assert (content.digest, content.size) == (digest_of(data), len(data))
    assert b"".join(content.pieces()) == b"".join(content.pieces()) == data == b"".join(of_bytes(data).pieces())
    (tmp_path / "file").unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        list(content.pieces())


def test_a_layout_is_made_where_there_is_nothing(tmp_path: Path) -> None:
    for name in ("new/below", "empty", "left"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "left").mkdir()
    (tmp_path / "left/index.json").write_text("{}")  # of an attempt that was stopped between two files
    for name in ("new/below", "empty", "left"):
        LayoutWriter.made(tmp_path / name).store(of_bytes(b"content"))
        LayoutWriter.made(tmp_path / name)
        assert Layout(tmp_path / name).referrers(str(IMAGE["digest"])) == ()
        assert len(files(tmp_path / name)) == 3


def test_a_layout_is_made_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/index.json").write_text("{}")
    (tmp_path / "full/other").write_text("")
    for name in ("file", "full", "file/below"):
        with pytest.raises(UsageError):
            LayoutWriter.made(tmp_path / name)
    assert (tmp_path / "full/index.json").read_text() == "{}"
