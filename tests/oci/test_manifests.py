"""Manifests and indexes: one reading of the same bytes, or none."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine import limits
from policyengine.errors import ContentError, Malformed, TooLarge
from policyengine.oci import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_ARTIFACT,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    digest_of,
    parse_descriptor,
    parse_manifest,
    verify,
)
from tests.tables import rows

DIGEST = "sha256:" + "a" * 64
CONFIG = {"mediaType": "application/vnd.example.config", "digest": DIGEST, "size": 2}
MANIFEST = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": []}
INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def encode(document: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({key: value for key, value in {**document, **changes}.items() if value is not ...}).encode()


def test_a_manifest_with_everything() -> None:
    subject = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "b" * 64, "size": 513}
    layer = {
        "mediaType": "application/sarif+json",
        "digest": DIGEST,
        "size": 7,
        "annotations": {"title": "trivy.sarif"},
    }
    manifest = parse_manifest(encode(MANIFEST, layers=[layer], subject=subject, annotations={"a": "b"}))
    assert isinstance(manifest, Manifest)
    assert manifest.artifact_type == "application/vnd.example.config", "the configuration's type where none is stated"
    assert manifest.config == Descriptor("application/vnd.example.config", DIGEST, 2)
    assert manifest.layers[0].annotations == {"title": "trivy.sarif"}
    assert manifest.subject == Descriptor(OCI_MANIFEST, "sha256:" + "b" * 64, 513)
    assert manifest.annotations == {"a": "b"}


def test_the_stated_artifact_type_beats_the_configuration() -> None:
    manifest = parse_manifest(encode(MANIFEST, artifactType="application/sarif+json"))
    assert manifest.artifact_type == "application/sarif+json"
    manifest = parse_manifest(encode(MANIFEST, artifactType=""))
    assert manifest.artifact_type == "application/vnd.example.config", "an empty one counts as none"


def test_an_index_and_its_platforms() -> None:
    def entry(platform: dict[str, str] | None, **more: Any) -> dict[str, Any]:
        return {
            "mediaType": OCI_MANIFEST,
            "digest": DIGEST,
            "size": 1,
            **({"platform": platform} if platform else {}),
            **more,
        }

    attestation = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    index = parse_manifest(
        encode(
            INDEX,
            manifests=[
                entry({"os": "linux", "architecture": "arm64", "variant": "v8"}),
                entry({"os": "linux", "architecture": "amd64"}, **attestation),
                entry({"os": "unknown", "architecture": "unknown"}, **attestation),
                entry(None),
            ],
        )
    )
    assert isinstance(index, Index)
    assert [entry.platform for entry in index.manifests] == ["linux/arm64/v8", "linux/amd64", "unknown/unknown", None]
    assert [entry.is_attestation for entry in index.manifests] == [False, False, True, False]
    assert [entry.runs_on("linux/arm64") for entry in index.manifests] == [True, False, False, False]
    assert not index.manifests[0].runs_on("linux/arm")
    assert not index.manifests[0].runs_on("linux/arm64/v7")


@pytest.mark.parametrize(
    ("document", "declared", "kind"),
    [
        (MANIFEST, "", OCI_MANIFEST),
        (MANIFEST, OCI_MANIFEST, OCI_MANIFEST),
        ({**MANIFEST, "mediaType": None}, "", OCI_MANIFEST),
        ({**MANIFEST, "mediaType": DOCKER_MANIFEST}, "", DOCKER_MANIFEST),
        ({**MANIFEST, "mediaType": None}, DOCKER_MANIFEST, DOCKER_MANIFEST),
        (INDEX, "", OCI_INDEX),
        ({**INDEX, "mediaType": None}, "", OCI_INDEX),
        ({**INDEX, "mediaType": DOCKER_INDEX}, "", DOCKER_INDEX),
        ({"mediaType": OCI_ARTIFACT, "artifactType": "a/b", "blobs": []}, "", OCI_ARTIFACT),
    ],
)
def test_kinds(document: dict[str, Any], declared: str, kind: str) -> None:
    assert parse_manifest(encode(document), declared).media_type == kind


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"\xef\xbb\xbf" + encode(MANIFEST), "byte order mark"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[" * 100_000, "JSON"),
        (b'{"a":' * 100_000, "JSON"),
        (encode(MANIFEST) + b"{}", "JSON"),
        (encode(MANIFEST)[:-1] + b',"layers":[]}', "JSON"),
        (encode(MANIFEST)[:-1] + b',"x":NaN}', "JSON"),
        (encode(MANIFEST, Subject={"digest": DIGEST}), '"Subject"'),
        (encode({**MANIFEST, "ſubject": {}}), "readers take differently"),
        (encode(MANIFEST, schemaVersion=1), "schemaVersion"),
        (encode(MANIFEST, schemaVersion="2"), "schemaVersion"),
        (encode(MANIFEST, schemaVersion=True), "schemaVersion"),
        (encode(MANIFEST, schemaVersion=...), "schemaVersion"),
        (encode(MANIFEST, mediaType="text/plain"), "not the media type"),
        (encode(MANIFEST, mediaType=7), "mediaType"),
        (encode(MANIFEST, manifests=[]), "manifest and an index"),
        (encode(INDEX, layers=[]), "manifest and an index"),
        (encode(INDEX, config=CONFIG), "manifest and an index"),
        (encode(INDEX, mediaType=..., layers=[]), "manifest and an index"),
        (encode(MANIFEST, fsLayers=[]), "schema 1"),
        (encode({"mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"}), "schema 1"),
        (encode(MANIFEST, config=...), "config is not a JSON object"),
        (encode(MANIFEST, layers=...), "layers is not a list"),
        (encode(MANIFEST, layers={}), "layers is not a list"),
        (encode(MANIFEST, layers=[{**CONFIG, "digest": "sha256:../../x"}]), "entry 1 of layers"),
        (encode(MANIFEST, layers=[{**CONFIG, "Digest": DIGEST}]), '"Digest"'),
        (encode(MANIFEST, config={**CONFIG, "digest": "sha256:" + "A" * 64}), "lower-case"),
        (encode(MANIFEST, config={**CONFIG, "size": -1}), "size"),
        (encode(MANIFEST, config={**CONFIG, "size": 2**63}), "size"),
        (encode(MANIFEST, config={**CONFIG, "size": 1.0}), "size"),
        (encode(MANIFEST, config={**CONFIG, "size": True}), "size"),
        (encode(MANIFEST, config={**CONFIG, "mediaType": ""}), "mediaType"),
        (encode(MANIFEST, subject="sha256:x"), "subject is not a JSON object"),
        (encode(MANIFEST, annotations={"a": 1}), "annotations"),
        (encode(MANIFEST, annotations=["a"]), "annotations"),
        (encode({"mediaType": OCI_ARTIFACT, "blobs": []}), "artifactType"),
    ],
)
def test_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        parse_manifest(data)
    assert caught.value.message.isprintable()


def test_null_is_an_empty_list_as_registries_written_in_go_send_it() -> None:
    assert parse_manifest(encode(INDEX, manifests=None)) == Index(OCI_INDEX, ())


def test_a_declared_media_type_is_not_contradicted() -> None:
    with pytest.raises(Malformed, match="declared as"):
        parse_manifest(encode(MANIFEST), OCI_INDEX)
    with pytest.raises(Malformed, match="manifest and an index"):
        parse_manifest(encode(MANIFEST, mediaType=...), OCI_INDEX)


def test_bounds() -> None:
    with pytest.raises(TooLarge):
        parse_manifest(b" " * (limits.MANIFEST_BYTES + 1))
    entries = [{"mediaType": "a/b", "digest": "x:y", "size": 0}] * (limits.REFERRERS + 1)
    with pytest.raises(TooLarge, match="manifests has more than"):
        parse_manifest(encode(INDEX, manifests=entries))


def test_a_hostile_manifest_costs_little_memory() -> None:
    data = b'{"a":' * 700_000
    tracemalloc.start()
    with pytest.raises(ContentError):
        parse_manifest(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(data)


def test_a_digest_that_cannot_be_verified_spoils_only_its_own_entry() -> None:
    manifest = parse_manifest(encode(MANIFEST, layers=[{**CONFIG, "digest": "blake3:" + "a" * 64}]))
    assert isinstance(manifest, Manifest)
    assert manifest.layers[0].digest.startswith("blake3:")


def attempt(read: Callable[[Any], Any], value: Any) -> Any:
    """What `read` makes of `value`, or the error that it raises on purpose."""
    try:
        return read(value)
    except ContentError as error:
        return error


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(DIGEST),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["mediaType", "digest", "size", "artifactType", "annotations", "platform", "data", "urls", "Size"]


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_any_json_is_a_descriptor_or_malformed(value: object) -> None:
    result = attempt(parse_descriptor, value)
    assert result.message.isprintable() if isinstance(result, ContentError) else result.size >= 0


@settings(max_examples=100)
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys((*MANIFEST, "manifests", "subject", "artifactType", "blobs"), JSON)
    )
)
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    for base in (MANIFEST, INDEX):
        result = attempt(parse_manifest, json.dumps({**base, **document}).encode())
        assert result.message.isprintable() if isinstance(result, ContentError) else result.media_type


REFUSED = {
    "unknown-version.manifest.json",
    "non-json.manifest.json",
    "v2s1.manifest.json",
    "v2s1-unsigned.manifest.json",
    "v2s1-invalid-signatures.manifest.json",
    "ociv1.artifact.json",  # its config has an empty digest
    "ociv1nomime.artifact.json",
}


def test_media_types_of_other_tools_manifests(shared: Path) -> None:
    data = json.loads((shared / "data/registry/layout_tar.json").read_text())
    for case in rows(shared, "layout_tar.json", "TestGuessMIMEType"):
        content = (shared / "data/registry/fixtures/manifests-containers-image" / case["path"]).read_bytes()
        if case["path"] in REFUSED:
            with pytest.raises(Malformed):
                parse_manifest(content)
        else:
            assert parse_manifest(content).media_type == data["symbols"][case["mimeType"]["$ident"]], case["path"]


def test_every_manifest_of_other_tools_is_read_or_refused(shared: Path) -> None:
    folder = shared / "data/registry/fixtures/manifests-containers-image"
    results = {path.name: attempt(parse_manifest, path.read_bytes()) for path in folder.glob("*.json")}
    assert len(results) == 36
    refused = {name for name, result in results.items() if isinstance(result, Malformed)}
    assert refused == REFUSED | {"schema2-to-schema1-by-docker.json", "v2s1.everything.json"}
    whole = results["ociv1.everything.json"]
    assert (whole.artifact_type, whole.subject.artifact_type) == ("application/our-artifact", "application/our-subject")


def test_digests_of_other_tools_manifests(shared: Path) -> None:
    """A digest is that of the bytes; theirs for schema 1 is that of what its signatures sign, which nobody serves."""
    symbols = json.loads((shared / "data/registry/layout_tar.json").read_text())["symbols"]
    found = {}
    for case in rows(shared, "layout_tar.json", "TestDigest"):
        data = (shared / "data/registry/fixtures/manifests-containers-image" / case["path"]).read_bytes()
        found[case["path"]] = digest_of(data) == symbols[case["expectedDigest"]["$ident"]].partition(" ")[0]
    signed = "v2s1.manifest.json"
    assert found == {"v2s2.manifest.json": True, signed: False, "v2s1-unsigned.manifest.json": True}
    for case in rows(shared, "layout_tar.json", "TestMatchesDigest"):
        data = (shared / "data/registry/fixtures/manifests-containers-image" / case["path"]).read_bytes()
        digest = stated(case["expectedDigest"], symbols)
        assert (case["result"] and case["path"] != signed) == (attempt(partial(verify, digest=digest), data) == data), (
            case
        )


def stated(row: Any, symbols: dict[str, str]) -> str:
    """The digest of a row: a constant, one of three with something added or taken away, or a text."""
    if isinstance(row, str):
        return row
    known = symbols["TestDockerV2S2ManifestDigest"]
    if "$expr" in row:
        return f"{known}{row['$expr'][-1]}"
    return known[:20] if "$index" in row else symbols[row["$ident"]]
