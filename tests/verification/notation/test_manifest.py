"""Which manifests are signatures, and of what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from policyengine.errors import VerificationError
from policyengine.oci import parse_manifest
from policyengine.verification.notation import manifest
from tests.verification.signing import TARGET, Descriptor

EMPTY = {"digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "size": 2}
SUBJECT = {"mediaType": TARGET.media_type, "digest": TARGET.digest, "size": TARGET.size}
LAYER = {"mediaType": "application/cose", "digest": "sha256:" + "cd" * 32, "size": 99}
PRINTS = {manifest.THUMBPRINTS: json.dumps(["AB" * 32, "cd" * 32])}


def written(**changes: Any) -> Any:
    members: Mapping[str, Any] = {
        "schemaVersion": 2,
        "mediaType": manifest.MANIFEST_TYPE,
        "artifactType": manifest.ARTIFACT_TYPE,
        "config": {"mediaType": manifest.EMPTY_CONFIG, **EMPTY},
        "layers": [LAYER],
        "subject": SUBJECT,
        "annotations": PRINTS,
    }
    document = {name: value for name, value in {**members, **changes}.items() if value is not None}
    return parse_manifest(json.dumps(document).encode())


OLD = {"artifactType": None, "config": {"mediaType": manifest.ARTIFACT_TYPE, **EMPTY}}


@pytest.mark.parametrize("changes", [{}, OLD, {"layers": [LAYER | {"mediaType": "application/jose+json"}]}])
def test_both_forms_are_signatures(changes: dict[str, Any]) -> None:
    found = written(**changes)
    assert manifest.is_signature(found)
    assert manifest.envelope_layer(found, TARGET).digest == LAYER["digest"]
    assert manifest.thumbprints(found) == ("ab" * 32, "cd" * 32)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a Docker manifest": (
        {"mediaType": "application/vnd.docker.distribution.manifest.v2+json"},
        "is not an OCI image manifest",
    ),
    "another artifact type": ({"artifactType": "application/sarif+json"}, "are not those of a signature"),
    "a config of another type": (
        {"config": {"mediaType": "application/vnd.oci.image.config.v1+json", **EMPTY}},
        "are not those of a signature",
    ),
    "no layer": ({"layers": []}, "has 0 layers instead of one"),
    "two layers": ({"layers": [LAYER, LAYER]}, "has 2 layers instead of one"),
    "another format": ({"layers": [LAYER | {"mediaType": "application/octet-stream"}]}, "neither COSE nor JWS"),
    "no subject": ({"subject": None}, "another artifact, or missing"),
    "another digest": ({"subject": SUBJECT | {"digest": "sha256:" + "ef" * 32}}, "another artifact"),
    "another size": ({"subject": SUBJECT | {"size": 1}}, "another artifact"),
    "another media type": (
        {"subject": SUBJECT | {"mediaType": "application/vnd.oci.image.index.v1+json"}},
        "another artifact",
    ),
    "no thumbprints": ({"annotations": None}, "is missing or not a list"),
    "no list": ({"annotations": {manifest.THUMBPRINTS: "{}"}}, "is missing or not a list"),
    "an empty list": ({"annotations": {manifest.THUMBPRINTS: "[]"}}, "is missing or not a list"),
    "numbers": ({"annotations": {manifest.THUMBPRINTS: "[1]"}}, "is missing or not a list"),
    "no JSON": ({"annotations": {manifest.THUMBPRINTS: "ab"}}, "is missing or not a list"),
}


@pytest.mark.parametrize("name", BAD)
def test_other_manifests_are_not(name: str) -> None:
    changes, reason = BAD[name]
    with pytest.raises(VerificationError) as caught:
        manifest.envelope_layer(written(**changes), TARGET)
    assert reason in str(caught.value)


def test_a_signature_of_one_artifact_is_none_of_another() -> None:
    with pytest.raises(VerificationError):
        manifest.envelope_layer(written(), Descriptor(digest="sha256:" + "11" * 32))
