"""The signature as an artifact: the manifest that binds an envelope to what it signs, as Notation writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from policyengine.oci import Descriptor, digest_of
from policyengine.verification.certificates import Chain
from policyengine.verification.notation.manifest import ARTIFACT_TYPE, MANIFEST_TYPE, THUMBPRINTS

CREATED = "org.opencontainers.image.created"


class Artifact(Struct, frozen=True):
    """A manifest, the blobs that it names, and its descriptor as an index lists it."""

    manifest: bytes
    blobs: tuple[bytes, ...]
    descriptor: Descriptor


def described(target: Descriptor) -> dict[str, Any]:
    """The descriptor of `target`, by which it is signed and referred to."""
    return {"mediaType": target.media_type, "digest": target.digest, "size": target.size}


def build(target: Descriptor, envelope: bytes, media_type: str, chain: Chain, at: datetime) -> Artifact:
    """The signature manifest for `target` (signature specification, "OCI Signatures"), in the form of OCI 1.0.

    Registries that do not know artifact types serve that form too, and verifiers know it.
    """
    thumbprints = json.dumps([each.fingerprint for each in chain], separators=(",", ":"))
    annotations = {THUMBPRINTS: thumbprints, CREATED: at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    config = b"{}"
    manifest = _compact(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _blob(ARTIFACT_TYPE, config),
            "layers": [_blob(media_type, envelope)],
            "subject": described(target),
            "annotations": annotations,
        }
    )
    listed = Descriptor(MANIFEST_TYPE, digest_of(manifest), len(manifest), ARTIFACT_TYPE, annotations)
    return Artifact(manifest, (config, envelope), listed)


def _blob(media_type: str, content: bytes) -> Mapping[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
