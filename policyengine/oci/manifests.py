"""Manifests and indexes, read so strictly that no other reader sees another content in the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.errors import Malformed, TooLarge
from policyengine.oci.descriptors import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    INDEXES,
    MANIFESTS,
    OCI_ARTIFACT,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    parse_descriptor,
)
from policyengine.oci.digests import quoted
from policyengine.oci.fields import annotations_field, folded, json_object, parse_json, text_field

SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"


class Manifest(Struct, frozen=True):
    """A manifest of an image or of any other artifact.

    `artifact_type` is the effective one: the manifest's own, else its configuration's media type.
    `config` is `None` only in the short-lived artifact manifest of ORAS 1.0.
    """

    media_type: str
    artifact_type: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}


class Index(Struct, frozen=True):
    """An index: a multi-platform image, or a list of referrers."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}


_MANIFEST_FIELDS = folded(
    *("schemaVersion", "mediaType", "artifactType", "config", "layers", "blobs", "manifests", "subject"),
    *("annotations", "fsLayers", "history"),
)


def parse_manifest(data: bytes, media_type: str = "") -> Manifest | Index:
    """The manifest or index that `data` is.

    `media_type` is what its descriptor or the registry's answer calls it, where known: it stands in
    for a missing `mediaType` and must not contradict one. Raises `TooLarge` or `Malformed`.
    """
    if len(data) > limits.MANIFEST_BYTES:
        raise TooLarge(f"the manifest has more than {limits.MANIFEST_BYTES} bytes")
    fields = json_object(parse_json(data, "the manifest"), "the manifest", _MANIFEST_FIELDS)
    kind = _kind(fields, media_type)
    return _index(fields, kind) if kind in INDEXES else _manifest(fields, kind)


def _kind(fields: Mapping[str, Any], declared: str) -> str:
    """The media type, once it is sure that every reader would take the document for the same kind."""
    stated = text_field(fields, "mediaType", "the manifest", required=False)
    if stated and declared and stated != declared:
        raise Malformed(f"the manifest calls itself {quoted(stated)} where it is declared as {quoted(declared)}")
    kind = stated or declared or _guess(fields)
    if kind.startswith(SCHEMA_1) or "fsLayers" in fields or "history" in fields:
        raise Malformed(
            "the manifest is of Docker's schema 1, which is no longer read", "push the image again with a current tool"
        )
    if kind not in INDEXES and kind not in MANIFESTS:
        raise Malformed(f"{quoted(kind)} is not the media type of a manifest or index")
    foreign = ("config", "layers", "blobs") if kind in INDEXES else ("manifests",)
    if any(key in fields for key in foreign):
        raise Malformed(
            "the document is a manifest and an index at once", "it may have been made to deceive (CVE-2021-41190)"
        )
    if kind != OCI_ARTIFACT and (type(fields.get("schemaVersion")) is not int or fields["schemaVersion"] != 2):
        raise Malformed("the manifest's schemaVersion is not 2")
    return kind


def _guess(fields: Mapping[str, Any]) -> str:
    """The media type of a manifest that does not state one, by its content."""
    if "manifests" in fields:
        return OCI_INDEX
    config = fields.get("config")
    docker = isinstance(config, dict) and config.get("mediaType") == DOCKER_CONFIG
    return DOCKER_MANIFEST if docker else OCI_MANIFEST


def _manifest(fields: Mapping[str, Any], kind: str) -> Manifest:
    legacy = kind == OCI_ARTIFACT
    config = None if legacy else parse_descriptor(fields.get("config"), "the manifest's config")
    stated = text_field(fields, "artifactType", "the manifest", required=legacy)
    return Manifest(
        media_type=kind,
        artifact_type=stated or (config.media_type if config else ""),
        config=config,
        layers=_descriptors(fields, "blobs" if legacy else "layers", required=not legacy),
        subject=_subject(fields),
        annotations=annotations_field(fields, "the manifest"),
    )


def _index(fields: Mapping[str, Any], kind: str) -> Index:
    return Index(
        media_type=kind,
        manifests=_descriptors(fields, "manifests", required=True),
        artifact_type=text_field(fields, "artifactType", "the index", required=False),
        subject=_subject(fields),
        annotations=annotations_field(fields, "the index"),
    )


def _subject(fields: Mapping[str, Any]) -> Descriptor | None:
    value = fields.get("subject")
    return None if value is None else parse_descriptor(value, "the manifest's subject")


def _descriptors(fields: Mapping[str, Any], key: str, required: bool) -> tuple[Descriptor, ...]:
    """The descriptors under `key`. Null counts as an empty list, since registries written in Go send it for one."""
    values = fields.get(key)
    if values is None and (key in fields or not required):
        return ()
    if not isinstance(values, list):
        raise Malformed(f"the manifest's {key} is not a list")
    if len(values) > limits.REFERRERS:
        raise TooLarge(f"the manifest's {key} has more than {limits.REFERRERS} entries")
    return tuple(parse_descriptor(value, f"entry {i} of {key}") for i, value in enumerate(values, 1))
