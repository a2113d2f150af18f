"""Layouts as other tools write them, and as attackers would."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from policyengine import limits
from policyengine.errors import (
    DigestMismatch,
    InvalidReference,
    Malformed,
    NotFound,
    PolicyEngineError,
    TooLarge,
    UsageError,
)
from policyengine.oci import OCI_MANIFEST, Descriptor
from policyengine.registry.layout import Layout, parse_layout_reference
from policyengine.registry.referrers import ELSEWHERE, IRRELEVANT, Failure, attached
from tests.simulator.content import SARIF, SIGNATURE, SPDX, Content, bare, descriptor, tar
from tests.tables import rows

REF_NAME = "org.opencontainers.image.ref.name"


@pytest.fixture
def content() -> Content:
    return Content()


def types(layout: Layout, subject: dict[str, Any]) -> list[str]:
    return sorted(referrer.descriptor.artifact_type for referrer in attached(layout, subject["digest"]).referrers)


def remove(folder: Path, digest: str) -> None:
    (folder / "blobs" / digest.replace(":", "/")).unlink()


def corrupt(folder: Path, digest: str) -> None:
    path = folder / "blobs" / digest.replace(":", "/")
    path.write_bytes(path.read_bytes()[:-1] + b" ")


# What people name


@pytest.mark.parametrize(
    ("text", "path", "target"),
    [
        (f"layout@sha256:{'a' * 64}", "layout", f"sha256:{'a' * 64}"),
        ("layout:1.2", "layout", "1.2"),
        (f"layout:1.2@sha256:{'a' * 64}", "layout", f"sha256:{'a' * 64}"),
        (f"a@b/layout@sha512:{'a' * 128}", "a@b/layout", f"sha512:{'a' * 128}"),
        ("C:\\images\\app:1", "C:\\images\\app", "1"),
        ("/foo/bar:busybox:latest", "/foo/bar", "busybox:latest"),
    ],
)
def test_layout_references(text: str, path: str, target: str) -> None:
    assert parse_layout_reference(text) == (Path(path), target)


@pytest.mark.parametrize("text", ["", "layout", "layout:", ":1", "layout@sha256:abc", f"layout@md5:{'a' * 32}"])
def test_a_layout_reference_names_a_tag_or_a_digest(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_layout_reference(text)
    assert caught.value.exit_code == 2


def test_a_digest_behind_a_path_with_a_colon(tmp_path: Path) -> None:
    (tmp_path / "with:colon").mkdir()
    text = f"{tmp_path}/with:colon@sha256:{'a' * 64}"
    assert parse_layout_reference(text)[0] == tmp_path / "with:colon"


FILE = "(file scope)"


def test_the_names_of_layouts(shared: Path) -> None:
    for table in ("tests", "tests2"):
        for case in rows(shared, "layout_tar.json", FILE, table):
            if case["image"]:
                assert parse_layout_reference(case["ref"]) == (Path(case["dir"]), case["image"])
            else:  # a layout may hold many images, so that one is always named
                with pytest.raises(InvalidReference):
                    parse_layout_reference(case["ref"])
    found = {
        case["scope"]: layout_name(f"{case['scope']}:tag") for case in rows(shared, "layout_tar.json", FILE, "tests3")
    }
    assert found == {
        "C:\\foo": ("C:\\foo", "tag"),
        "D:\\": ("D:\\", "tag"),
        # theirs have to be absolute paths, ours may be any
        "C:": ("C", ":tag"),
        "E": ("E", "tag"),
        "": None,
    }


def test_positions_are_no_names_of_images(shared: Path, content: Content, tmp_path: Path) -> None:
    """`@0` is the first entry there; here an image is named by what it is called or by its bytes."""
    content.image(tag="1")
    layout = Layout(content.write(tmp_path))
    valid = [case["ref"] for case in rows(shared, "layout_tar.json", FILE, "validTests")]
    for text in (*valid, *rows(shared, "layout_tar.json", FILE, "invalidTests")):
        assert layout_name(text) is None
        with pytest.raises(NotFound):
            layout.resolve(text)


def layout_name(text: str) -> tuple[str, str] | None:
    try:
        path, target = parse_layout_reference(text)
    except InvalidReference:
        return None
    return str(path), target


def test_resolve_by_tag_and_by_digest(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    layout = Layout(content.write(tmp_path))
    expected = Descriptor(OCI_MANIFEST, image["digest"], image["size"])
    assert layout.resolve("1") == layout.resolve(image["digest"]) == expected
    assert layout.manifest(expected) == content.blobs[image["digest"]]


def test_who_names_no_image_is_told_one(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1.2")
    content.attach(image, b"{}")
    content.list_by_tag(image)
    with pytest.raises(InvalidReference) as caught:
        parse_layout_reference(str(content.write(tmp_path)))
    assert f"{tmp_path}:1.2" in caught.value.help
    for text in ("", str(tmp_path / "absent"), "/dev/null"):
        with pytest.raises(InvalidReference) as caught:
            parse_layout_reference(text)
        assert "PATH:TAG" in caught.value.help


def test_what_is_not_there_is_named(content: Content, tmp_path: Path) -> None:
    content.image(tag="1.2")
    layout = Layout(content.write(tmp_path))
    with pytest.raises(NotFound, match='no image with the tag "2"') as caught:
        layout.resolve("2")
    assert '"1.2"' in caught.value.help
    with pytest.raises(NotFound, match="does not hold sha256:aaa"):
        layout.resolve("sha256:" + "a" * 64)
    with pytest.raises(InvalidReference, match="not supported"):
        layout.resolve("blake3:" + "a" * 64)


def test_two_images_with_one_tag_are_refused(content: Content, tmp_path: Path) -> None:
    entries = [{**content.image(name), "annotations": {REF_NAME: "1"}} for name in ("a", "b")]
    with pytest.raises(Malformed, match="two images"):
        Layout(content.write(tmp_path, entries)).resolve("1")


@pytest.mark.parametrize(
    "shape", ["absent", "file", "empty folder", "version", "no index", "pipe", "empty file", "loop"]
)
def test_what_is_no_layout(shape: str, content: Content, tmp_path: Path) -> None:
    path = tmp_path / "layout"
    if shape == "file":
        path.write_text("hello")
    elif shape == "empty file":
        path.write_bytes(b"")
    elif shape == "pipe":
        os.mkfifo(path)
    elif shape == "loop":
        path.symlink_to(path)
    elif shape == "empty folder":
        path.mkdir()
    elif shape != "absent":
        content.write(path)
        (path / "index.json").unlink() if shape == "no index" else (path / "oci-layout").write_text("{}")
    with pytest.raises(UsageError, match="is not an OCI image layout") as caught:
        Layout(path)
    assert caught.value.exit_code == 2


def test_a_path_that_no_system_has() -> None:
    for path in ("\0", "a" * 5000):
        with pytest.raises(UsageError):
            Layout(path)


# Content is never believed


def test_changed_bytes_are_found(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    folder = content.write(tmp_path)
    layer = content.blob(b"x" * 10)
    content.write(tmp_path)
    corrupt(folder, image["digest"])
    corrupt(folder, layer["digest"])
    layout = Layout(folder)
    with pytest.raises(DigestMismatch):
        layout.resolve("1")
    with pytest.raises(DigestMismatch):
        layout.resolve(image["digest"])
    with pytest.raises(DigestMismatch):
        layout.blob(descriptor(layer), 100)


def test_sizes_are_part_of_the_identity(content: Content, tmp_path: Path) -> None:
    blob = content.blob(b"x" * 10)
    layout = Layout(content.write(tmp_path))
    with pytest.raises(DigestMismatch, match="10 bytes where its descriptor states 9"):
        layout.blob(descriptor({**blob, "size": 9}), 100)
    with pytest.raises(TooLarge):
        layout.blob(descriptor({**blob, "size": 2**62}), 100)
    with pytest.raises(TooLarge):
        layout.blob(descriptor({**blob, "size": 4}), 5)


def test_an_unverifiable_digest_is_not_a_path(content: Content, tmp_path: Path) -> None:
    layout = Layout(content.write(tmp_path))
    for digest in ("blake3:" + "a" * 64, "sha256:../../../etc/passwd", "../x:y"):
        with pytest.raises(Malformed):
            layout.blob(Descriptor(SARIF, digest, 1), 100)


@pytest.mark.parametrize("where", ["blobs", "blobs/sha256", "blob", "index.json", "oci-layout"])
def test_symbolic_links_are_not_followed(where: str, content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    folder = content.write(tmp_path / "layout")
    name = f"blobs/{image['digest'].replace(':', '/')}" if where == "blob" else where
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises((Malformed, UsageError)):
        Layout(folder).resolve("1")


def test_a_pipe_in_the_place_of_a_blob_does_not_block(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    folder = content.write(tmp_path)
    remove(folder, image["digest"])
    os.mkfifo(folder / "blobs" / image["digest"].replace(":", "/"))
    with pytest.raises(Malformed, match="not a regular file"):
        Layout(folder).resolve("1")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[" * 100_000, b'{"schemaVersion":2,"manifests":[],"manifests":[]}', b"\xff"]
)
def test_a_broken_index(data: bytes, content: Content, tmp_path: Path) -> None:
    folder = content.write(tmp_path)
    (folder / "index.json").write_bytes(data)
    with pytest.raises(UsageError, match=r"index\.json"):
        Layout(folder)


def test_a_huge_manifest_is_not_read(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    folder = content.write(tmp_path)
    with (folder / "blobs" / image["digest"].replace(":", "/")).open("r+b") as file:
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(TooLarge):
        Layout(folder).resolve("1")


# Referrers


def test_referrers_of_entries_without_types(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    scan = content.attach(image, b"{}")
    content.attach(image, b"{}", SPDX)
    content.sign(image)
    content.sign(scan)
    other = content.image("other", tag="2")
    content.attach(other, b"other")
    layout = Layout(content.write(tmp_path))
    assert types(layout, image) == [SARIF, SPDX, SIGNATURE]
    assert types(layout, scan) == [SIGNATURE]
    assert types(layout, other) == [SARIF]
    assert types(layout, {"digest": "sha256:" + "0" * 64}) == []


def test_the_tag_schema(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    content.attach(image, b"{}")
    content.sign(image)
    index = content.list_by_tag(image)
    tagged = {**index, "annotations": {REF_NAME: "sha256-" + image["digest"][7:]}}
    layout = Layout(content.write(tmp_path, [{**image, "annotations": {REF_NAME: "1"}}, tagged]))
    assert types(layout, image) == [SARIF, SIGNATURE]


def test_referrers_within_nested_indexes_and_circles(content: Content, tmp_path: Path) -> None:
    image = content.image()
    content.attach(image, b"{}")
    inner = content.index([content.listed[image["digest"]][0], image])
    outer = content.index([inner, image, inner], subject=bare(image))
    layout = Layout(content.write(tmp_path, [outer, inner, outer]))
    assert types(layout, image) == [SARIF]


def test_a_broken_referrer_does_not_hide_the_others(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    scan = content.attach(image, b"{}")
    content.sign(image)
    folder = content.write(tmp_path)
    for damage in (corrupt, remove):
        damage(folder, scan["digest"])
        result = attached(Layout(folder), image["digest"])
        assert [referrer.descriptor.artifact_type for referrer in result.referrers] == [SIGNATURE]
        assert [failure.descriptor.digest for failure in result.failures] == [scan["digest"]]
        assert isinstance(result.failures[0].error, (DigestMismatch, NotFound))


def test_an_absent_platform_or_other_image_is_no_lost_referrer(content: Content, tmp_path: Path) -> None:
    platform = {"os": "linux", "architecture": "arm64"}
    absent = content.image("arm64")
    other = content.image("other", tag="2")
    image = content.index([{**absent, "platform": platform}], tag="1")
    folder = content.write(
        tmp_path, [{**image, "annotations": {REF_NAME: "1"}}, {**other, "annotations": {REF_NAME: "2"}}]
    )
    remove(folder, absent["digest"])
    remove(folder, other["digest"])
    assert attached(Layout(folder), image["digest"]).failures == ()


def test_a_broken_tag_schema_index_is_a_lost_referrer(content: Content, tmp_path: Path) -> None:
    image, other = content.image(tag="1"), content.image("other")
    content.sign(image)
    index = content.list_by_tag(image)
    tag = {"annotations": {REF_NAME: "sha256-" + image["digest"][7:]}}
    folder = content.write(tmp_path, [{**image, "annotations": {REF_NAME: "1"}}, {**index, **tag}])
    corrupt(folder, index["digest"])
    layout = Layout(folder)
    assert isinstance(attached(layout, image["digest"]).failures[0], Failure)
    assert attached(layout, other["digest"]).failures == ()


def test_a_referrer_counts_for_its_own_subject_only(content: Content, tmp_path: Path) -> None:
    image, other = content.image(tag="1"), content.image("other")
    content.sign(other)

    class Lying(Layout):
        def referrers(self, digest: str) -> tuple[Descriptor, ...]:
            assert digest == image["digest"]
            return tuple(descriptor(entry) for entry in content.listed[other["digest"]])

    result = attached(Lying(content.write(tmp_path)), image["digest"])
    assert result.referrers == ()
    assert [stray.reason for stray in result.strays] == [ELSEWHERE]


def test_irrelevant_referrers_are_not_fetched(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    for number in range(120):
        content.attach(image, b"%d" % number, "application/vnd.example.junk")
    content.sign(image)
    layout = Layout(content.write(tmp_path))
    layout.referrers(image["digest"])
    with patch.object(layout, "manifest", wraps=layout.manifest) as manifest:
        result = attached(layout, image["digest"], lambda kind: kind == SIGNATURE)
    assert manifest.call_count == len(result.referrers) == 1
    assert {stray.reason for stray in result.strays} == {IRRELEVANT}
    assert len(result.strays) == 120


def test_no_manifest_is_read_twice_for_the_map(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    scan = content.attach(image, b"{}")
    layout = Layout(content.write(tmp_path))
    with patch.object(layout, "blob", wraps=layout.blob) as blob:
        for digest in (image["digest"], scan["digest"], image["digest"]):
            layout.referrers(digest)
    read = [call.args[0].digest for call in blob.call_args_list]
    assert sorted(read) == sorted([image["digest"], scan["digest"]])


def test_a_bottomless_index_is_refused(content: Content, tmp_path: Path) -> None:
    image = entry = content.image()
    for _ in range(limits.INDEX_DEPTH + 2):
        entry = content.index([entry])
    with pytest.raises(TooLarge):
        attached(Layout(content.write(tmp_path, [entry])), image["digest"])


def test_what_is_listed_near_and_far_is_near(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    content.sign(image)
    entry = content.index([image])
    for _ in range(limits.INDEX_DEPTH + 2):
        entry = content.index([entry])  # all of which index.json lists too
    assert types(Layout(content.write(tmp_path)), image) == [SIGNATURE]


def test_each_returns_errors_in_their_place(content: Content, tmp_path: Path) -> None:
    layout = Layout(content.write(tmp_path))
    result = layout.each(layout.resolve, ["absent", "sha256:x"])
    assert [type(item) for item in result] == [NotFound, InvalidReference]
    with pytest.raises(ZeroDivisionError):
        layout.each(lambda number: 1 // number, [0])


def test_every_fixture(shared: Path) -> None:
    for case in json.loads((shared / "fixtures/cases.json").read_text()):
        layout = Layout(shared / "fixtures/layouts" / case["case"])
        image = layout.resolve(case["digest"])
        assert layout.resolve("1") == image
        result = attached(layout, image.digest)
        assert result.failures == ()
        if case["case"] != "nothing-attached":
            assert result.referrers


def test_layouts_of_other_tools(shared: Path) -> None:
    folder = shared / "data/registry/fixtures"
    oras = Layout(folder / "layout-oras-zot")
    chain = ["sha256:fd6ed2f3", "sha256:e2c6633a", "sha256:0cb8c4da"]
    digests = {entry.digest[:15]: entry.digest for entry in oras._entries}
    for subject, expected in itertools.pairwise(chain):
        (referrer,) = attached(oras, digests[subject]).referrers
        assert referrer.descriptor.digest.startswith(expected)
        assert referrer.descriptor.artifact_type in ("test/sbom.file", "test/signature.file")
    regclient = Layout(folder / "layout-regclient-testrepo")
    counts = [len(attached(regclient, entry.digest).referrers) for entry in regclient._entries]
    assert sorted(counts)[-3:] == [2, 2, 2]
    external = Layout(folder / "layout-regclient-external")
    (subject,) = set(external._find_subjects()[0])
    assert len(attached(external, subject).referrers) == 2


# Archives


@pytest.mark.parametrize("prefix", ["", "./", "layout/"])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives(prefix: str, form: int, content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    content.attach(image, b"{}")
    path = tmp_path / "layout.tar"
    path.write_bytes(tar(content.files(), prefix, form))
    layout = Layout(path)
    assert layout.resolve("1").digest == image["digest"]
    assert types(layout, image) == [SARIF]
    assert list(tmp_path.iterdir()) == [path], "nothing is extracted"


def test_long_names_in_gnu_and_pax_headers(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        path = tmp_path / f"{form}.tar"
        path.write_bytes(tar({"x" * 300: b"", **content.files()}, "a" * 90 + "/", form))
        assert Layout(path).resolve("1").digest == image["digest"]


def test_a_docker_archive_that_holds_a_layout(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    path = tmp_path / "saved.tar"
    path.write_bytes(tar({"manifest.json": b"[]", "repositories": b"{}", **content.files()}))
    assert Layout(path).resolve("1").digest == image["digest"]
    path.write_bytes(tar({"manifest.json": b"[]", "repositories": b"{}"}))
    with pytest.raises(UsageError, match="no file oci-layout") as caught:
        Layout(path)
    assert "skopeo copy" in caught.value.help


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % 512)


def resized(header: bytes, size: bytes) -> bytes:
    """A header with another size field, and its checksum."""
    block = header[:124] + size + header[136:148] + b" " * 8 + header[156:512]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:] + header[512:]


HOSTILE = {
    "leaves the archive": member("../oci-layout", b"x"),
    "absolute": member("/etc/passwd", b"x"),
    "backslash": member("..\\x", b"x"),
    "negative size": resized(member("x"), b"\xff" * 12),
    "size of nonsense": resized(member("x"), b"-0000000001\0"),
    "size beyond the end": resized(member("x"), b"77777777777\0"),
    "size beyond all": resized(member("x"), b"\x80" + b"\xff" * 11),
    "cut short": member("x", b"y" * 2000)[:700],
    "broken header": b"\1" * 512,
    "sparse": member("x", b"y", b"S"),
    "unknown kind": member("x", b"y", b"V"),
    "link with content": member("x", b"y", tarfile.SYMTYPE),
    "huge long name": member("././@LongLink", b"x" * 40_000, b"L"),
    "pax that lies": member("x", b"99 path=x\n", b"x"),
    "pax without end": member("x", b"9 path=xx", b"x"),
    "pax size": member("x", b"13 size=-100\n", b"x") + member("y"),
    "global path": member("x", b"10 path=x\n", b"g"),
    "pax sparse": member("x", b"22 GNU.sparse.major=1\n", b"x"),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_archives_end_in_an_error(attack: str, content: Content, tmp_path: Path) -> None:
    content.image(tag="1")
    good = tar(content.files())
    path = tmp_path / "layout.tar"
    start = time.monotonic()
    for data in (
        HOSTILE[attack] + good,
        good.rstrip(b"\0") + b"\0" * (-len(good.rstrip(b"\0")) % 512) + HOSTILE[attack],
    ):
        path.write_bytes(data)
        with pytest.raises(PolicyEngineError):
            Layout(path)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
@pytest.mark.parametrize("name", ["index.json", "blob"])
def test_only_regular_members_are_read(kind: bytes, name: str, content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    files = content.files()
    name = f"blobs/{image['digest'].replace(':', '/')}" if name == "blob" else name
    target = files.pop(name)
    path = tmp_path / "layout.tar"
    path.write_bytes(member("real", target) + member(name, b"", kind, "real") + tar(files))
    with pytest.raises((Malformed, UsageError), match="not a regular file"):
        Layout(path).resolve("1")


def test_a_name_that_is_there_twice_is_refused(content: Content, tmp_path: Path) -> None:
    content.image(tag="1")
    path = tmp_path / "layout.tar"
    path.write_bytes(member("./index.json", b"{}") + tar(content.files()))
    with pytest.raises(UsageError, match="twice"):
        Layout(path)


def test_too_many_members(content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_MEMBERS", 5)
    path = tmp_path / "layout.tar"
    path.write_bytes(tar({f"x{number}": b"" for number in range(10)} | content.files()))
    with pytest.raises(TooLarge):
        Layout(path)


@pytest.mark.parametrize("magic", [b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"BZh9"])
def test_an_archive_that_something_else_than_gzip_packed_says_so(magic: bytes, tmp_path: Path) -> None:
    path = tmp_path / "layout.tar.zst"
    path.write_bytes(magic + b"x" * 1000)
    with pytest.raises(UsageError) as caught:
        Layout(path)
    assert "uncompress" in caught.value.help


@pytest.mark.parametrize("prefix", ["", "./", "image/"])
def test_archives_that_gzip_packed(prefix: str, content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    content.sign(image)
    path = tmp_path / "layout.tar.gz"
    path.write_bytes(gzip.compress(tar(content.files(), prefix)))
    layout = Layout(path)
    assert layout.resolve("1").digest == image["digest"]
    assert types(layout, image) == [SIGNATURE]


def test_every_cut_of_a_packed_archive_is_refused(content: Content, tmp_path: Path) -> None:
    content.sign(content.image(tag="1"))
    data = gzip.compress(tar(content.files()))
    path = tmp_path / "layout.tar.gz"
    for end in range(3, len(data), 29):
        path.write_bytes(data[:end])
        with pytest.raises(PolicyEngineError):
            Layout(path)


@pytest.mark.parametrize("more", [b"x", gzip.compress(b"", mtime=0), b"\0" * 512], ids=["x", "gzip", "zeros"])
def test_nothing_follows_what_gzip_packed(more: bytes, content: Content, tmp_path: Path) -> None:
    content.image(tag="1")
    path = tmp_path / "layout.tar.gz"
    path.write_bytes(gzip.compress(tar(content.files())) + more)
    with pytest.raises(Malformed, match="follows what gzip packed"):
        Layout(path)


def test_an_archive_that_swells_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "layout.tar.gz"
    path.write_bytes(gzip.compress(bytes(64 * 1024 * 1024)))
    with pytest.raises(TooLarge, match="unpacks to more bytes"):
        Layout(path)


def test_a_packed_archive_of_a_packed_archive_is_none(content: Content, tmp_path: Path) -> None:
    content.image(tag="1")
    path = tmp_path / "layout.tar.gz"
    path.write_bytes(gzip.compress(gzip.compress(tar(content.files()))))
    with pytest.raises(UsageError, match="neither a folder nor a tar archive"):
        Layout(path)


def test_an_unpacked_archive_leaves_nothing_behind(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content.image(tag="1")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    path = tmp_path / "layout.tar.gz"
    path.write_bytes(gzip.compress(tar(content.files())))
    assert Layout(path).resolve("1").digest
    assert not list((tmp_path / "temporary").iterdir())


def test_every_cut_of_an_archive_ends_in_an_error_or_the_whole_truth(content: Content, tmp_path: Path) -> None:
    image = content.image(tag="1")
    content.sign(image)
    data = tar(content.files()).rstrip(b"\0")
    path = tmp_path / "layout.tar"
    for end in range(0, len(data), 97):
        path.write_bytes(data[:end])
        try:
            found = types(Layout(path), image)
        except PolicyEngineError:
            continue
        failures = attached(Layout(path), image["digest"]).failures
        assert found == [SIGNATURE] or failures, end
