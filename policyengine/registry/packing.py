"""An artifact in the making: the manifest that binds files to the image they are about, as oras writes it.

Image specification 1.1, "Guidelines for Artifact Usage": an artifact type, the empty configuration, a layer for each
file with its name as the title, and the subject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from policyengine.oci import EMPTY_CONFIG, OCI_MANIFEST, Descriptor, digest_of
from policyengine.registry.content import Content, of_bytes
from policyengine.registry.writing import compact

TITLE = "org.opencontainers.image.title"
CREATED = "org.opencontainers.image.created"
EMPTY = b"{}"


class Packed(Struct, frozen=True):
    """A manifest, the blobs that it names, and its descriptor as an index lists it."""

    manifest: bytes
    blobs: tuple[Content, ...]
    descriptor: Descriptor


class File(Struct, frozen=True):
    """A file to attach: its title, media type and content."""

    title: str
    media_type: str
    content: Content


def pack(subject: Descriptor, artifact_type: str, files: Sequence[File], annotations: Mapping[str, str]) -> Packed:
    """The artifact of these files about `subject`; without files it is its annotations alone."""
    empty = {"mediaType": EMPTY_CONFIG, "digest": digest_of(EMPTY), "size": len(EMPTY), "data": "e30="}
    layers = [_layer(file) for file in files]
    manifest = compact(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": empty,
            "layers": layers or [empty],
            "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
            "annotations": dict(annotations),
        }
    )
    listed = Descriptor(OCI_MANIFEST, digest_of(manifest), len(manifest), artifact_type, annotations)
    blobs = {content.digest: content for content in (of_bytes(EMPTY), *(file.content for file in files))}
    return Packed(manifest, tuple(blobs.values()), listed)


def _layer(file: File) -> Mapping[str, object]:
    content = file.content
    named = {TITLE: file.title}
    return {"mediaType": file.media_type, "digest": content.digest, "size": content.size, "annotations": named}
