"""`policyengine sign`: what it writes verifies, and what could not verify is not written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from policyengine import Layout
from policyengine.oci import Manifest, parse_manifest
from tests import example
from tests.command import Finished, policyengine
from tests.simulator.answers import Answer, Server
from tests.verification import responder, signing
from tests.verification.signing import Chain, Holder
from tests.verification.stamper import Stamper

DIGEST = example.digest("clean")
AT = "2026-06-01T12:00:00Z"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return Path(shutil.copytree(example.LAYOUT, tmp_path / "layout"))


def files(folder: Path, chain: Chain | None = None, **wrong: bytes) -> list[object]:
    """A key and its chain in files; the options to sign with them."""
    chain = chain or signing.good_chain()
    content = {"key": pem(chain.leaf), "cert": b"".join(holder.pem for holder in chain.holders)} | wrong
    for name, data in content.items():
        (folder / f"by.{name}").write_bytes(data)
    return ["--key", folder / "by.key", "--cert", folder / "by.cert"]


def pem(holder: Holder, secret: bytes = b"", form: Any = serialization.PrivateFormat.PKCS8) -> bytes:
    how = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    return holder.private.private_bytes(serialization.Encoding.PEM, form, how)


def sign(layout: Path, *arguments: object) -> Finished:
    return policyengine("sign", "--oci-layout", f"{layout}@{DIGEST}", *arguments)


def envelope(layout: Path, ran: Finished) -> Path:
    """The file of the envelope that was written."""
    store = Layout(layout)
    manifest = parse_manifest(store.manifest(store.resolve(ran.json["signature"]["digest"])))
    assert isinstance(manifest, Manifest)
    assert manifest.subject is not None
    assert manifest.subject.digest == DIGEST
    return layout / "blobs" / manifest.layers[0].digest.replace(":", "/")


def said(layout: Path, ran: Finished) -> Any:
    return policyengine("read", envelope(layout, ran), "-o", "json").json


@pytest.mark.parametrize("format", ["cose", "jws"])
def test_what_is_signed(tmp_path: Path, layout: Path, format: str) -> None:
    more = ["--format", format, "--expiry", "1h30m", "-m", "build=7", "-m", "x=a=b", "--at", AT, "-o", "json"]
    found = said(layout, sign(layout, *files(tmp_path), *more))
    assert (found["format"], found["algorithm"], found["signingScheme"]) == (format, "ES256", "notary.x509")
    assert (found["signedAt"], found["expires"]) == (AT, "2026-06-01T13:30:00Z")
    assert found["signingAgent"].startswith("policyengine/")
    assert found["targetArtifact"]["digest"] == DIGEST
    assert found["targetArtifact"]["annotations"] == {"build": "7", "x": "a=b"}
    assert len(found["certificates"]) == 3
    assert found["warnings"] == []


def test_what_a_tag_named_is_said(tmp_path: Path, layout: Path) -> None:
    by = [*files(tmp_path), "--at", AT]
    ran = policyengine("sign", "--oci-layout", f"{layout}:clean", *by)
    assert (ran.code, DIGEST in ran.out, DIGEST in ran.err) == (0, True, True)
    assert "warning: a tag may be moved" in ran.err
    assert sign(layout, *by).err == ""


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("kind", ["RSA-2048", "P-384"])
def test_keys_in_either_form(tmp_path: Path, layout: Path, kind: str, form: str) -> None:
    chain = signing.good_chain(kind)
    by = files(tmp_path, chain, key=pem(chain.leaf, form=getattr(serialization.PrivateFormat, form)))
    assert said(layout, sign(layout, *by, "--at", AT, "-o", "json"))["warnings"] == []


def test_the_rest_of_the_layout_stays_as_it_is(tmp_path: Path, layout: Path) -> None:
    index = json.loads((layout / "index.json").read_bytes())
    (layout / "index.json").write_text(json.dumps({**index, "annotations": {"kept": "yes"}}))
    before = {path: path.read_bytes() for path in layout.rglob("*") if path.is_file() and path.name != "index.json"}
    assert sign(layout, *files(tmp_path), "--at", AT).code == 0
    after = json.loads((layout / "index.json").read_bytes())
    assert after["annotations"] == {"kept": "yes"}
    *others, signature, under_tag = after["manifests"]
    assert others == index["manifests"]
    assert signature["artifactType"] == "application/vnd.cncf.notary.signature"
    assert under_tag["annotations"]["org.opencontainers.image.ref.name"].startswith("sha256-")
    assert {path: path.read_bytes() for path in before} == before
    assert not [path for path in layout.rglob(".*") if path.is_file()]


def test_several_may_sign_at_once(tmp_path: Path, layout: Path) -> None:
    by = files(tmp_path)
    with ThreadPoolExecutor(4) as threads:
        ran = list(threads.map(lambda number: sign(layout, *by, "--at", AT, "-m", f"number={number}"), range(8)))
    assert [each.code for each in ran] == [0] * 8
    listed = [entry["digest"] for entry in json.loads((layout / "index.json").read_bytes())["manifests"]]
    before = [entry["digest"] for entry in json.loads((example.LAYOUT / "index.json").read_bytes())["manifests"]]
    assert len(set(listed)) == len(listed) == len(before) + 8 + 1, "and a list of all of them"


def self_issued() -> Chain:
    return Chain((signing.issue(signing.subject("x"), signing.key(), None, signing.ca_extensions()),))


REFUSED: dict[str, tuple[dict[str, Any], list[object], str]] = {
    "an encrypted key": ({"key": pem(signing.good_chain().leaf, b"secret")}, [], "is encrypted"),
    "no key": ({"key": b"hello"}, [], "no private key in PEM"),
    "a certificate for a key": ({"key": signing.good_chain().leaf.pem}, [], "no private key in PEM"),
    "another's key": ({"key": pem(signing.good_chain().root)}, [], "is not the key of the first certificate"),
    "no certificate": ({"cert": b"hello"}, [], "no certificates in PEM"),
    "no root": ({"cert": signing.good_chain().leaf.pem}, [], "does not end in a self-signed root"),
    "the wrong order": (
        {"cert": b"".join(holder.pem for holder in signing.good_chain().holders[::-1])},
        [],
        "would not verify",
    ),
    "a CA": ({"chain": self_issued()}, [], "is a CA"),
    "an expired certificate": ({}, ["--at", "2030-01-01T00:00:00Z"], "expired at"),
    "a certificate of tomorrow": ({}, ["--at", "2020-01-01T00:00:00Z"], "valid only from"),
    "no time": ({}, ["--expiry", "soon"], "no length of time"),
    "an expiry at once": ({}, ["--expiry", "0h"], "no length of time"),
    "an expiry beyond all time": ({}, ["--expiry", "999999w"], "no length of time"),
    "metadata without a value": ({}, ["-m", "build"], "no metadata"),
    "metadata twice": ({}, ["-m", "a=1", "-m", "a=2"], "in use"),
    "reserved metadata": ({}, ["-m", "io.cncf.notary.x=1"], "no metadata"),
    "no URL": ({}, ["--timestamp-url", "tsa.example"], "not the URL"),
    "an unknown format": ({}, ["--format", "pgp"], "pgp"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_written(tmp_path: Path, layout: Path, name: str) -> None:
    wrong, options, why = REFUSED[name]
    before = (layout / "index.json").read_bytes()
    ran = sign(layout, *files(tmp_path, **wrong), *(["--at", AT] if "--at" not in options else []), *options)
    assert (ran.code, ran.out) == (2, "")
    assert why in " ".join(ran.err.split())
    assert (layout / "index.json").read_bytes() == before
    ran = policyengine("sign", "127.0.0.1:1/prod/app:1", *files(tmp_path, **wrong), *options)
    assert ran.code == 2, "nobody was asked either"


@pytest.mark.parametrize("file", ["missing", "."])
def test_files_that_are_none(tmp_path: Path, layout: Path, file: str) -> None:
    by = files(tmp_path)
    assert sign(layout, "--key", tmp_path / file, *by[2:]).code == 2
    assert sign(layout, *by[:2], "--cert", tmp_path / file).code == 2
    assert sign(layout, *by[:2]).code == 2


def test_layouts_that_cannot_be_written(tmp_path: Path, layout: Path) -> None:
    by = [*files(tmp_path), "--at", AT]
    assert policyengine("sign", "--oci-layout", f"{tmp_path}@{DIGEST}", *by).code == 2
    assert policyengine("sign", "--oci-layout", f"{layout}@sha256:{'0' * 64}", *by).code == 3
    archive = Path(shutil.make_archive(str(tmp_path / "image"), "tar", layout))
    ran = policyengine("sign", "--oci-layout", f"{archive}@{DIGEST}", *by)
    assert ran.code == 2
    assert "is an archive" in ran.err


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_no_link_leads_out_of_the_layout(tmp_path: Path, layout: Path) -> None:
    outside = tmp_path / "outside"
    (layout / "blobs" / "sha256").rename(outside)
    (layout / "blobs" / "sha256").symlink_to(outside)
    before = len(list(outside.iterdir()))
    assert sign(layout, *files(tmp_path), "--at", AT).code == 1
    assert len(list(outside.iterdir())) == before


# Timestamps


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Server]:
    """A time stamping authority, and what else may stand at such an address."""
    if responder.OPENSSL is None:
        (pytest.fail if os.environ.get("POLICYENGINE_REQUIRE_INTEROP") else pytest.skip)("openssl is not there")
    start, folder = responder.now() - timedelta(days=1), tmp_path / "tsa"
    folder.mkdir()
    top = signing.issue(
        signing.subject("tsa root"), signing.key("P-256", 3), None, signing.ca_extensions(), start=start
    )
    leaf = signing.issue(
        signing.subject("tsa"), signing.key("P-256", 4), top, signing.stamper_extensions(), start=start
    )
    with Server({"/tsa": Stamper(folder, Chain((leaf, top)))}) as serving:
        yield serving


@pytest.mark.parametrize("format", ["cose", "jws"])
def test_a_timestamp(tmp_path: Path, layout: Path, authority: Server, format: str) -> None:
    more = ["--timestamp-url", authority.url("/tsa"), "--format", format, "--at", AT, "-o", "json"]
    found = said(layout, sign(layout, *files(tmp_path), *more))
    assert found["timestamp"]["subject"].endswith("CN=tsa")
    assert found["warnings"] == []
    ((method, _, headers, _),) = authority.seen
    assert (method, headers["Content-Type"]) == ("POST", "application/timestamp-query")


def test_answers_that_are_no_timestamp(tmp_path: Path, layout: Path, authority: Server) -> None:
    stamp = authority.at["/tsa"]
    assert callable(stamp)
    other = b"\x30\x39\x02\x01\x01\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
    authority.at |= {
        "/html": b"<html>",
        "/empty": b"",
        "/refused": bytes.fromhex("30053003020102"),
        "/other": stamp(other + bytes(32) + b"\x01\x01\xff"),
        "/error": Answer([b"x"], 500),
    }
    before = (layout / "index.json").read_bytes()
    for path in ("/html", "/empty", "/refused", "/other", "/error", "/missing"):
        ran = sign(layout, *files(tmp_path), "--at", AT, "--timestamp-url", authority.url(path))
        assert ran.code in (1, 3), path
        assert ran.out == ""
        assert authority.host in ran.err
    assert (layout / "index.json").read_bytes() == before
