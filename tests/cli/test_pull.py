"""`policyengine pull`: what is written, under which names, and what is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policyengine.oci import digest_of
from tests.cli.example import CLEAN
from tests.command import Finished, policyengine
from tests.example import LAYOUT
from tests.simulator.content import SARIF, SIGNATURE, Content, bare, manifest
from tests.simulator.registry import Fault, Simulator


def titled(content: Content, subject: dict[str, Any], *files: tuple[str, bytes], kind: str = SARIF) -> dict[str, Any]:
    """An artifact of several files with titles, as oras writes it."""
    layers = [
        {**content.blob(data, kind), "annotations": {"org.opencontainers.image.title": title}} for title, data in files
    ]
    empty = content.blob(b"{}", "application/vnd.oci.empty.v1+json")
    return content.put(manifest(empty, layers, artifactType=kind, subject=bare(subject)))


class Case:
    """An image with two signed scans of the same title."""

    def __init__(self) -> None:
        content = self.content = Content()
        self.image = content.image(tag="1.4")
        self.one = titled(content, self.image, ("trivy.sarif", b"one"))
        self.two = titled(content, self.image, ("trivy.sarif", b"two"))
        self.signature = content.sign(self.one)

    def pull(self, registry: Simulator, *options: object, target: str = ":1.4") -> Finished:
        return policyengine("pull", f"{registry.host}/prod/app{target}", "--timeout", "30", *options)


def short(entry: dict[str, Any]) -> str:
    return str(entry["digest"])[7:19]


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_of_an_image_everything_that_is_attached(tmp_path: Path) -> None:
    case = Case()
    with Simulator(case.content) as registry:
        ran = case.pull(registry, "--to", tmp_path / "a/b", "-o", "json")
    assert (ran.code, ran.err) == (0, "")
    assert written(tmp_path / "a/b") == {
        f"{short(case.one)}-trivy.sarif": b"one",
        f"{short(case.two)}-trivy.sarif": b"two",
        f"{short(case.signature)}-{digest_of(b'signature')[7:19]}.cose": b"signature",
    }
    told = {each["digest"]: each["artifact"] for each in ran.json["files"]}
    assert told[digest_of(b"one")] == {
        "digest": case.one["digest"], "artifactType": SARIF, "subject": case.image["digest"],
    }  # fmt: skip
    assert told[digest_of(b"signature")]["subject"] == case.one["digest"]


def test_of_another_artifact_its_own_files(tmp_path: Path) -> None:
    case = Case()
    with Simulator(case.content) as registry:
        assert case.pull(registry, "--to", tmp_path, target=f"@{case.one['digest']}").code == 0
        assert written(tmp_path) == {"trivy.sarif": b"one"}
        assert not any("referrers" in path for path in registry.paths())
        assert case.pull(registry, "--to", tmp_path, "--all", target=f"@{case.one['digest']}").code == 0
    assert len(written(tmp_path)) == 2


def test_one_type_only(tmp_path: Path) -> None:
    case = Case()
    with Simulator(case.content) as registry:
        ran = case.pull(registry, "--to", tmp_path, "--artifact-type", SIGNATURE, "-o", "json")
        assert [each["digest"] for each in ran.json["files"]] == [digest_of(b"signature")]
        refused = case.pull(registry, "--artifact-type", SIGNATURE, target=f"@{case.one['digest']}")
        none = case.pull(registry, "--artifact-type", "application/none")
    assert refused.code == 2
    assert (none.code, "nothing of the type" in none.err) == (0, True)


def test_no_title_leads_out_of_the_folder(tmp_path: Path) -> None:
    content = Content()
    image = content.image(tag="1.4")
    titles = ["../../out", "/etc/passwd", ".ssh/authorized_keys", "a\\..\\b", "x\x00y", "\x1b[2J", "..", ""]
    evil = titled(content, image, *((title, str(n).encode()) for n, title in enumerate(titles)))
    with Simulator(content) as registry:
        for target in (":1.4", f"@{evil['digest']}"):
            folder = tmp_path / "deep" / target[1:4]
            ran = policyengine("pull", f"{registry.host}/prod/app{target}", "--to", folder)
            assert ran.code == 0, ran.err
            assert sorted(written(folder).values()) == [str(n).encode() for n in range(len(titles))]
            assert all(path.parent == folder for path in folder.rglob("*"))
            assert "\x1b" not in ran.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep"]


def test_files_that_differ_in_case_only_do_not_meet(tmp_path: Path) -> None:
    content = Content()
    image = content.image(tag="1.4")
    both = titled(content, image, ("A.json", b"1"), ("a.json", b"2"), ("x/a.json", b"3"), ("a.json", b"2"))
    with Simulator(content) as registry:
        policyengine("pull", f"{registry.host}/prod/app@{both['digest']}", "--to", tmp_path)
    found = written(tmp_path)
    assert sorted(found.values()) == [b"1", b"2", b"3"]
    assert len({name.lower() for name in found}) == 3


def test_nothing_is_written_over(tmp_path: Path) -> None:
    case = Case()
    (tmp_path / "trivy.sarif").write_bytes(b"mine")
    (tmp_path / "outside").write_bytes(b"mine too")
    with Simulator(case.content) as registry:
        target = f"@{case.one['digest']}"
        ran = case.pull(registry, "--to", tmp_path, target=target)
        assert (ran.code, ran.out) == (2, "")
        assert "is there: a file with another content" in ran.err
        assert (tmp_path / "trivy.sarif").read_bytes() == b"mine"
        assert case.pull(registry, "--to", tmp_path, "--force", target=target).code == 0
        assert (tmp_path / "trivy.sarif").read_bytes() == b"one"
        again = case.pull(registry, "--to", tmp_path, "-o", "json", target=target)
        assert again.json["files"][0]["present"] is True
        (tmp_path / "trivy.sarif").unlink()
        (tmp_path / "trivy.sarif").symlink_to(tmp_path / "outside")
        assert case.pull(registry, "--to", tmp_path, target=target).code == 2
        assert case.pull(registry, "--to", tmp_path, "--force", target=target).code == 0
    assert (tmp_path / "outside").read_bytes() == b"mine too"
    assert not (tmp_path / "trivy.sarif").is_symlink()


@pytest.mark.parametrize(
    ("value", "code"),
    [((b"six", {}), 1), ((b"too many", {}), 1)],
)
def test_other_bytes_are_not_written(tmp_path: Path, value: Any, code: int) -> None:
    case = Case()
    with Simulator(case.content, [Fault(f"/blobs/{digest_of(b'one')}", "body", value)]) as registry:
        ran = case.pull(registry, "--to", tmp_path, target=f"@{case.one['digest']}")
    assert ran.code == code
    assert written(tmp_path) == {}


def test_what_cannot_be_had_does_not_hide_the_rest(tmp_path: Path) -> None:
    case = Case()
    with Simulator(case.content, [Fault(f"/manifests/{case.two['digest']}", "status", 403)]) as registry:
        ran = case.pull(registry, "--to", tmp_path)
    assert ran.code == 3
    assert "not everything could be had" in ran.err
    assert len(written(tmp_path)) == 2


def test_an_image_without_anything_attached(tmp_path: Path) -> None:
    content = Content()
    content.image(tag="1.4")
    with Simulator(content) as registry:
        ran = policyengine("pull", f"{registry.host}/prod/app:1.4", "--to", tmp_path / "new")
    assert ran.code == 0
    assert "nothing" in ran.out


def test_a_layout_is_pulled_from_like_a_registry(tmp_path: Path) -> None:
    assert policyengine("pull", "--oci-layout", CLEAN, "--to", tmp_path).code == 0
    assert sorted(name.partition("-")[2] for name in written(tmp_path))[-2:] == ["sbom.spdx.json", "trivy.sarif.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--oci-layout", CLEAN, "--to", "file"], 2, "is not a folder"),
        (["--oci-layout", CLEAN, "--to", "file/below"], 2, "cannot make the folder"),
        (["--oci-layout", CLEAN, "--artifact-type", "sarif"], 2, "is not an artifact type"),
        (["--oci-layout", f"{LAYOUT}@sha256:{'0' * 64}"], 3, "does not hold"),
        ([CLEAN], 2, "is an image layout"),
        (["127.0.0.1:1/app:x", "--to", "new"], 3, "cannot be reached"),
    ],
)
def test_what_cannot_be_pulled(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    (tmp_path / "file").write_text("")
    ran = policyengine("pull", *arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
