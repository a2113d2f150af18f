"""Bad input: one sentence, the right exit code, no traceback; nothing hangs and nothing fills the memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from policyengine.cli.main import run
from tests import command, example
from tests.cli.bounded import DEEP, LIMITS, denied, file, refused
from tests.cli.example import evaluate
from tests.command import Finished
from tests.engine import layouts
from tests.engine.layouts import opened
from tests.example import build

pytestmark = pytest.mark.usefixtures("limited")

ROLES = {role: digest for digest, role in layouts.roles().items()}
CLEAN = ROLES["clean"]


def blob(layout: Path, role: str) -> Path:
    return layouts.blob(layout, ROLES[role])


def stored(layout: Path, content: bytes) -> str:
    """`LAYOUT@DIGEST` of a blob with this content."""
    digest = sha256(content).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(content)
    return f"{layout}@sha256:{digest}"


def attached(layout: Path, content: bytes, kind: str = "application/sarif+json") -> str:
    """The clean image with one more document, signed as the others are."""
    with opened(layout) as written:
        config = written.blob("application/vnd.oci.empty.v1+json", b"{}")
        value = {"artifactType": kind, "config": config, "layers": [written.blob(kind, content)]}
        document = written.manifest({**value, "subject": layouts.image("clean")})
        build.sign(written, document, build.signer("ci", "order-api test root"))
    return f"{layout}@{CLEAN}"


def test_the_limits_hold_and_leave_room_for_good_input() -> None:
    hungry = subprocess.run([sys.executable, "-c", f"{LIMITS} bytearray(1 << 30)"], capture_output=True, check=False)

    assert b"MemoryError" in hungry.stderr
    assert evaluate(f"{example.LAYOUT}@{CLEAN}").code == 0


# References


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("registry.example.com/prod/order-api", "names neither a tag nor a digest"),
        ("registry.example.com/prod/order-api@sha256:abc", "is not a sha256 digest"),
        ("https://registry.example.com/prod/order-api:1", "begins with a scheme"),
        ("registry.example.com/Prod/order-api:1", "lower case"),
        (f"registry.example.com/{'a/' * 30_000}b:1", "is not an image reference"),
        (os.fsdecode(b"\xff\xfe/b:1"), "holds a character that no reference has"),
    ],
)
def test_a_reference_that_names_no_image(reference: str, said: str) -> None:
    refused(command.policyengine("eval", reference, example.POLICIES), 2, said)


def test_a_layout_without_a_tag_or_a_digest(layout: Path) -> None:
    refused(evaluate("layout"), 2, "names neither a tag nor a digest")
    refused(evaluate(layout), 2, "is an image layout, not policies")


def test_what_is_not_in_the_layout(layout: Path) -> None:
    refused(evaluate(f"{layout}@sha256:{'0' * 64}"), 3, "does not hold sha256:0000")
    refused(evaluate(f"{layout}:gone"), 3, 'no image with the tag "gone"')
    blob(layout, "clean").unlink()
    refused(evaluate(f"{layout}:clean"), 3, "does not hold sha256:")


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", "a\0b/c:d", "p"],
        ["eval", "--oci-layout", "a\0b:c", "p"],
        ["eval", "a/b:c", "p", "--trust-policy", "t\0"],
        ["eval", "a/b:c", "p", "-o", "json=\0"],
        ["read", "\0"],
        ["trust", "--trust-policy", "\0"],
        ["check", "\0"],
    ],
)
def test_an_argument_with_a_nul(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No shell passes one on; whoever calls the command from Python can."""
    code = run(arguments)

    refused(Finished(code, "", capsys.readouterr().err), 2, "holds a NUL character")


# Layouts


def test_a_layout_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    file(tmp_path, "text", "file")
    os.mkfifo(tmp_path / "pipe")
    for name, said in {
        "folder": "has no file oci-layout", "file": "neither a folder nor a tar archive", "missing": "does not exist",
        "pipe": "neither a folder nor a file", "/dev/zero": "neither a folder nor a file",
    }.items():  # fmt: skip
        refused(evaluate(f"{tmp_path / name}@{CLEAN}"), 2, "is not an OCI image layout", said)


INDEXES: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "has no file index.json"),
    "empty": (b"", "the text is empty"),
    "an array": (b"[]", "is not a JSON object"),
    "nested": (DEEP, "nested deeper than 512 levels"),
    "large": (b" " * 100_000_000, "has more than 4194304 bytes"),
    "text": (b"hello", "not strict JSON"),
    "repeated": (b'{"schemaVersion":2,"manifests":[],"manifests":[]}', "the same key occurs twice"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_that_is_none(name: str, layout: Path) -> None:
    content, said = INDEXES[name]
    (layout / "index.json").unlink()
    if content is not None:
        file(layout, content, "index.json")
    for target in (f"@{CLEAN}", ":clean"):
        refused(evaluate(f"{layout}{target}"), 2, "is not an OCI image layout", said)


def test_an_index_that_lists_nothing(layout: Path) -> None:
    file(layout, b'{"schemaVersion": 2, "manifests": []}', "index.json")

    refused(evaluate(f"{layout}:clean"), 3, 'no image with the tag "clean"')
    denied(evaluate(f"{layout}@{CLEAN}"), "is not signed by the release pipeline")


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_a_folder_where_a_file_of_the_layout_is_expected(name: str, layout: Path) -> None:
    (layout / name).unlink()
    (layout / name).mkdir()

    refused(evaluate(f"{layout}@{CLEAN}"), 2 if name == "index.json" else 1, name, "cannot be read")


# Manifests


MANIFEST = b'{"schemaVersion":2,"mediaType":"%s","config":{},"layers":[],"x":' % build.MANIFEST.encode()
MANIFESTS = {
    "100 MB": (MANIFEST + b'"' + b"x" * 100_000_000 + b'"}', "more than 4194304 bytes"),
    "nested": (MANIFEST + DEEP + b"}", "nested deeper than 512 levels"),
    "nested objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper than 512 levels"),
    "never closed": (b"[" * 1_000_000, "nested deeper than 512 levels"),
    "empty": (b"", "the text is empty"),
    "binary": (bytes(range(256)), "not strict JSON"),
    "a number": (b"9" * 4_000_000, "not strict JSON"),
    "no manifest": (b"{}", "schemaVersion is not 2"),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_that_is_none(name: str, layout: Path) -> None:
    content, said = MANIFESTS[name]
    finished = evaluate(stored(layout, content))

    refused(finished, 1, said)
    assert "DENY" in finished.out


def test_a_large_manifest_beside_the_good_ones_changes_nothing(layout: Path) -> None:
    reference = stored(layout, MANIFESTS["100 MB"][0])
    entry = {"mediaType": build.MANIFEST, "digest": reference.rpartition("@")[2], "size": len(MANIFESTS["100 MB"][0])}
    layouts.relist(layout, [*layouts.entries(layout), entry])

    assert evaluate(f"{layout}@{CLEAN}").code == 0
    refused(evaluate(reference), 1, "the limit is 4194304")


def test_a_manifest_whose_bytes_do_not_match(layout: Path) -> None:
    path = blob(layout, "clean")
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    refused(evaluate(f"{layout}@{CLEAN}"), 1, "do not have that digest")
    path.write_bytes(b"")
    refused(evaluate(f"{layout}@{CLEAN}"), 1, "has 0 bytes where its descriptor states")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_manifest_that_is_no_file(make: Callable[[Path], None], layout: Path) -> None:
    path = blob(layout, "clean")
    path.unlink()
    make(path)

    refused(evaluate(f"{layout}@{CLEAN}"), 1, "in the layout")


# Documents


DOCUMENTS = {
    "nested": DEEP,
    "nested results": b'{"version":"2.1.0","runs":' + DEEP + b"}",
    "never closed": b"[" * 1_000_000,
    "empty": b"",
    "HTML": b"<!doctype html><title>Sign in</title>",
    "an XML bomb": b'<!DOCTYPE b [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><bom xmlns="http://cyclonedx.org/schema/bom/1.5">&b;</bom>',
    "nested XML": b'<bom xmlns="http://cyclonedx.org/schema/bom/1.5">' + b"<a>" * 100_000,
    "other numbers": b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"trivy"}},"results":1e999999999}]}',
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_signed_document_that_nobody_can_read(name: str, layout: Path) -> None:
    report = evaluate(attached(layout, DOCUMENTS[name]), "-o", "json")
    statuses = {rule["id"]: rule["status"] for rule in report.json["rules"]}

    assert (report.code, report.err, report.json["decision"]) == (1, "", "deny")
    assert statuses["order-api.no-critical"] == "undetermined"
    assert "violated" not in statuses.values()
    assert len([document for document in report.json["evidence"] if document["status"] == "unreadable"]) == 1


def test_a_document_that_does_not_fit_in_memory(layout: Path) -> None:
    """Fifty million bytes of JSON can become gigabytes of objects."""
    content = b'{"version":"2.1.0","runs":[{"results":[' + b"{}," * 25_000_000 + b"{}]}]}"

    denied(evaluate(attached(layout, content)), "takes more memory than there is")


def test_a_document_whose_bytes_do_not_match(layout: Path) -> None:
    path = blob(layout, "clean/sbom/document")
    path.write_bytes(path.read_bytes().replace(b"MIT", b"BSD"))

    denied(evaluate(f"{layout}@{CLEAN}"), "do not have that digest", "undetermined")


# Options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "yesterday"), "`yesterday` is not a time"),
        (("--at", "2026-11-22T20:00:00"), "is not a time"),
        (("--at", "2026-02-30T00:00:00Z"), "is not a time"),
        (("--at", "9" * 10_000), "is not a time"),
        (("--enviroment", "dev"), "there is no option `--enviroment`"),
        (("--platform", "amd64"), "is not a platform"),
        (("-o", "jsn"), "there is no format `jsn`"),
        (("-o", "json=/nowhere/report.json"), "its folder is not there"),
        (("--repository", "registry.example.com/a:1"), "is more than a repository"),
    ],
)
def test_options_that_cannot_be(arguments: tuple[str, str], said: str) -> None:
    refused(evaluate(f"{example.LAYOUT}@{CLEAN}", *arguments), 2, said)


def test_an_unknown_option_is_answered_with_the_nearest() -> None:
    assert "help: did you mean `--environment`?" in evaluate(f"{example.LAYOUT}@{CLEAN}", "--enviroment", "dev").err


def test_a_platform_that_the_image_is_not_for() -> None:
    refused(evaluate(f"{example.LAYOUT}@{CLEAN}", "--platform", "linux/s390x"), 1, '"linux/amd64"', '"linux/s390x"')
    assert evaluate(f"{example.LAYOUT}@{CLEAN}", "--platform", "linux/amd64").code == 0


def test_json_reports_stay_json(layout: Path) -> None:
    for reference in (f"{layout}@sha256:{'0' * 64}", stored(layout, DEEP)):
        finished = evaluate(reference, "-o", "json")
        assert finished.code in (1, 3)
        assert json.loads(finished.out)["reasons"]
