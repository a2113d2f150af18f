"""Descriptors: what names some content, by media type, digest and size."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from policyengine.errors import Malformed
from policyengine.oci.digests import ALGORITHMS, digest_fault, is_digest, quoted
from policyengine.oci.fields import annotations_field, folded, json_object, text_field

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"

IN_TOTO = "application/vnd.in-toto+json"
"""The media type of in-toto statements, which are the layers of attestations."""
REFERENCE_TYPE, REFERENCE = "vnd.docker.reference.type", "vnd.docker.reference.digest"
"""Annotations of an index's entry: the first says that it is an attestation, the second which manifest it is about."""

INDEXES = frozenset((OCI_INDEX, DOCKER_INDEX))
MANIFESTS = frozenset((OCI_MANIFEST, DOCKER_MANIFEST, OCI_ARTIFACT))


class Descriptor(Struct, frozen=True):
    """What names some content: media type, digest, size in bytes (image specification, `descriptor.md`).

    `artifact_type` is empty and `platform` (`os/arch[/variant]`) is `None` where none is stated. The
    digest is well formed, but may be of an algorithm that cannot be verified: fetching it fails then.
    """

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = {}
    platform: str | None = None

    @property
    def is_index(self) -> bool:
        """Whether this names an index (a multi-platform image), by its media type."""
        return self.media_type in INDEXES

    @property
    def is_attestation(self) -> bool:
        """Whether this entry of an image's index is a BuildKit attestation, not a platform.

        Both marks are needed: a real platform cannot hide behind the annotation alone.
        """
        return self.platform == "unknown/unknown" and REFERENCE_TYPE in self.annotations

    def attests(self, digest: str) -> bool:
        """Whether this entry of an index is an attestation about the manifest `digest` of that index."""
        stated = self.annotations.get(REFERENCE_TYPE), self.annotations.get(REFERENCE)
        return self.is_attestation and stated == ("attestation-manifest", digest)

    def runs_on(self, platform: str) -> bool:
        """Whether a container runtime may take this entry for `platform` (`os/arch[/variant]`; without a variant any).

        Runtimes read names in several spellings, and fill in their own system where an entry states none: whatever
        they might take has to be looked at.
        """
        if self.platform is None:
            return False
        asked, own = normal_platform(platform), normal_platform(self.platform)
        if own.startswith("unknown/"):
            own = f"{asked.partition('/')[0]}{own.removeprefix('unknown')}"
        if own.endswith("/arm"):
            own = f"{own}/v7"
        return f"{own}/".startswith(f"{asked}/")


ARCHITECTURES = {
    "aarch64": "arm64",
    "armel": "arm/v6",
    "armhf": "arm/v7",
    "i386": "386",
    "x86-64": "amd64",
    "x86_64": "amd64",
}
"""Other names of architectures, as containerd reads them."""


def normal_platform(platform: str) -> str:
    """`os/arch[/variant]` in the one spelling that containerd compares; what goes without saying is left out."""
    system, _, rest = platform.strip().lower().partition("/")
    architecture, _, variant = rest.partition("/")
    architecture, _, implied = ARCHITECTURES.get(architecture, architecture).partition("/")
    variant = implied or (f"v{variant}" if architecture.startswith("arm") and variant.isdecimal() else variant)
    if (architecture, variant) in (("amd64", "v1"), ("arm64", "v8")):
        variant = ""
    return "/".join(part for part in ("darwin" if system == "macos" else system, architecture, variant) if part)


_DESCRIPTOR_FIELDS = folded("mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform")
_PLATFORM_FIELDS = folded("architecture", "os", "os.version", "os.features", "variant", "features")


def parse_descriptor(value: object, what: str = "a descriptor") -> Descriptor:
    """The descriptor in decoded JSON; `what` names it in messages. Raises `Malformed`."""
    fields = json_object(value, what, _DESCRIPTOR_FIELDS)
    digest = text_field(fields, "digest", what)
    fault = digest_fault(digest)
    if fault and (digest.partition(":")[0] in ALGORITHMS or not is_digest(digest)):
        raise Malformed(f"the digest of {what}, {quoted(digest)}, {fault}")
    size = fields.get("size")
    if type(size) is not int or not 0 <= size < 2**63:
        raise Malformed(f"{what} states no size in bytes")
    return Descriptor(
        media_type=text_field(fields, "mediaType", what),
        digest=digest,
        size=size,
        artifact_type=text_field(fields, "artifactType", what, required=False),
        annotations=annotations_field(fields, what),
        platform=_platform(fields.get("platform"), what),
    )


def _platform(value: object, what: str) -> str | None:
    if value is None:
        return None
    what = f"the platform of {what}"
    fields = json_object(value, what, _PLATFORM_FIELDS)
    system, architecture, variant = (
        text_field(fields, key, what, required=False) for key in ("os", "architecture", "variant")
    )
    return f"{system or 'unknown'}/{architecture or 'unknown'}" + (f"/{variant}" if variant else "")
