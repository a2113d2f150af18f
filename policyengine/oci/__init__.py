"""References, digests, descriptors, manifests and indexes, by their specifications.

Everything here is pure: text and bytes in, frozen values out. A digest is a text (`sha256:…`).
"""

from policyengine.oci.descriptors import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    EMPTY_CONFIG,
    IN_TOTO,
    INDEXES,
    MANIFESTS,
    OCI_ARTIFACT,
    OCI_INDEX,
    OCI_MANIFEST,
    REFERENCE,
    Descriptor,
    parse_descriptor,
)
from policyengine.oci.digests import (
    digest_of,
    is_digest,
    parse_digest,
    quoted,
    verifiable,
    verify,
)
from policyengine.oci.fields import parse_json
from policyengine.oci.hosts import DOCKER_HUB
from policyengine.oci.manifests import Index, Manifest, parse_manifest
from policyengine.oci.references import Reference, is_tag

__all__ = [
    "DOCKER_HUB",
    "DOCKER_INDEX",
    "DOCKER_MANIFEST",
    "EMPTY_CONFIG",
    "INDEXES",
    "IN_TOTO",
    "MANIFESTS",
    "OCI_ARTIFACT",
    "OCI_INDEX",
    "OCI_MANIFEST",
    "REFERENCE",
    "Descriptor",
    "Index",
    "Manifest",
    "Reference",
    "digest_of",
    "is_digest",
    "is_tag",
    "parse_descriptor",
    "parse_digest",
    "parse_json",
    "parse_manifest",
    "quoted",
    "verifiable",
    "verify",
]
