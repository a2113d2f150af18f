"""Which manifests are Notary Project signatures (signature specification, "OCI Signatures").

Everything here is unsigned: it decides what is fetched and tried, never what is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from policyengine.errors import VerificationError
from policyengine.strictjson import JsonError, loads
from policyengine.verification.notation.envelope import FORMATS
from policyengine.verification.result import Target

ARTIFACT_TYPE = "application/vnd.cncf.notary.signature"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
THUMBPRINTS = "io.cncf.notary.x509chain.thumbprint#S256"


class SignatureManifest(Protocol):
    """What is read of a manifest; `oci.Manifest` is one. The artifact type is the effective one (OCI 1.1)."""

    @property
    def media_type(self) -> str: ...
    @property
    def artifact_type(self) -> str: ...
    @property
    def config(self) -> Target | None: ...
    @property
    def layers(self) -> Sequence[Target]: ...
    @property
    def subject(self) -> Target | None: ...
    @property
    def annotations(self) -> Mapping[str, str]: ...


def is_signature(manifest: SignatureManifest) -> bool:
    """Whether the manifest says that it is a signature: by its artifact type, which may be its config's."""
    return manifest.artifact_type == ARTIFACT_TYPE


def envelope_layer(manifest: SignatureManifest, target: Target) -> Target:
    """The descriptor of the envelope in the signature manifest of `target`; its media type names the format.

    Raises `VerificationError` with the rule that the manifest breaks.
    """
    _check_type(manifest)
    if len(manifest.layers) != 1:
        raise VerificationError(f"the signature manifest has {len(manifest.layers)} layers instead of one")
    layer = manifest.layers[0]
    if layer.media_type not in FORMATS:
        raise VerificationError("the signature envelope is neither COSE nor JWS by its media type")
    subject = manifest.subject
    if subject is None or _identity(subject) != _identity(target):
        raise VerificationError("the signature manifest's subject is another artifact, or missing")
    thumbprints(manifest)
    return layer


def thumbprints(manifest: SignatureManifest) -> tuple[str, ...]:
    """The SHA-256 fingerprints that the manifest lists, leaf first, in lower-case hexadecimal.

    They are unsigned: good for passing over signatures that cannot be trusted, before they are counted.
    Raises `VerificationError` where the annotation is missing or is not a JSON list of fingerprints.
    """
    try:
        listed = loads(manifest.annotations.get(THUMBPRINTS, "").encode())
    except JsonError:
        listed = None
    if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
        raise VerificationError(f"the signature manifest's annotation {THUMBPRINTS} is missing or not a list")
    return tuple(each.lower() for each in listed)


def _check_type(manifest: SignatureManifest) -> None:
    """OCI 1.1 names the artifact type and an empty config; OCI 1.0 has the type in the config."""
    if manifest.media_type != MANIFEST_TYPE:
        raise VerificationError("the signature manifest is not an OCI image manifest")
    config = manifest.config.media_type if manifest.config else ""
    if manifest.artifact_type != ARTIFACT_TYPE or config not in (EMPTY_CONFIG, ARTIFACT_TYPE):
        raise VerificationError("the artifact type and the config's media type are not those of a signature")


def _identity(descriptor: Target) -> tuple[str, str, int]:
    return descriptor.media_type, descriptor.digest, descriptor.size
