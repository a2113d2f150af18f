"""The facts that rules ask about: closed records, one per noun of the language reference, section 6.

Two conventions keep three-valued logic cheap. A field whose value is not known is `None`
(an `UNKNOWN` severity too), and a `Collection` carries, beside its items, the *gaps*: what
should have been there and could not be read, each with its reason. Nothing here is a default
that could help an artifact.

Instants are aware `datetime` values in UTC. Digests are texts, `sha256:…`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Severity(IntEnum):
    """A scanner's severity. Unknown is not on the scale: it is `None`."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Gap(Struct, frozen=True):
    """Something that should be in a collection and is not known, with the reason as a sentence.

    `outside` says that the reason lies outside the artifact (a registry that does not answer);
    `retry` that trying again may help. `many` says that it stands for an unknown number of
    elements; otherwise for exactly one.
    """

    reason: str
    outside: bool = False
    retry: bool = False
    many: bool = True


class Collection(Struct, Generic[T], frozen=True):
    """What is known of a collection: its items, and the gaps beside them.

    `repeated` is for findings only: groups of items that are one finding reported more than once,
    as a tuple that holds for each item the index of the first item of its group. Empty where
    nothing is repeated.
    """

    items: tuple[T, ...] = ()
    gaps: tuple[Gap, ...] = ()
    repeated: tuple[int, ...] = ()


class Identity(Struct, frozen=True):
    """Who signed, as verified: never built from unverified bytes outside tests.

    For `kind` "x509" `attributes` are the subject's `(type, value)` pairs (`("CN", "release")`) in
    certificate order; for "keyless" `issuer` and `subject` are those of the certificate; for "key"
    `fingerprint` is `sha256:…` over the public key's DER.
    """

    kind: str
    attributes: tuple[tuple[str, str], ...] = ()
    issuer: str = ""
    subject: str = ""
    fingerprint: str = ""

    def __str__(self) -> str:
        if self.kind == "x509":
            return ", ".join(f"{name}={value}" for name, value in self.attributes)
        return f"{self.subject} ({self.issuer})" if self.kind == "keyless" else self.fingerprint


class Signature(Struct, frozen=True):
    """One verified signature of one artifact. `digest` is that of the signature's manifest."""

    identity: Identity
    format: str
    digest: str
    trust_policy: str | None = None
    signed_at: datetime | None = None
    expires: datetime | None = None
    timestamped: bool = False
    metadata: Mapping[str, str] = {}


class Package(Struct, frozen=True):
    """One package of an SBOM, or the package that a finding is about.

    The three licences are the document's raw texts; `license` is the concluded one, else the
    declared one. `document` is the digest of the artifact it was read from.
    """

    name: str
    version: str | None = None
    ecosystem: str | None = None
    supplier: str | None = None
    purl: str | None = None
    license: str | None = None
    license_declared: str | None = None
    license_concluded: str | None = None
    kind: str = "LIBRARY"
    document: str = ""

    def __str__(self) -> str:
        return self.purl or (f"{self.name} {self.version}" if self.version else self.name)


class Finding(Struct, frozen=True):
    """One result of a scanner. `ids` is never empty: the primary id first, then its aliases."""

    ids: tuple[str, ...]
    severity: Severity | None = None
    cvss: Decimal | None = None
    package: Package | None = None
    fix: str | None = None
    title: str | None = None
    location: str | None = None
    published: datetime | None = None
    category: str = "VULNERABILITY"
    tool: str = ""
    suppressed: bool = False
    document: str = ""

    def __str__(self) -> str:
        where = self.package or self.location
        return f"{self.ids[0]} in {where}" if where else self.ids[0]


class Scan(Struct, frozen=True):
    """One scanner's report about the image (all runs of one tool in one document)."""

    tool: str
    format: str
    digest: str
    artifact_type: str = ""
    tool_version: str | None = None
    finished: datetime | None = None
    signatures: Collection[Signature] = Collection()
    findings: Collection[Finding] = Collection()
    kind: str = "scan"

    def __str__(self) -> str:
        return f"scan by {self.tool}"


class Sbom(Struct, frozen=True):
    """One software bill of materials. `version` is the format's (`SPDX-2.3`, `1.6`)."""

    format: str
    version: str
    digest: str
    artifact_type: str = ""
    tool: str | None = None
    created: datetime | None = None
    signatures: Collection[Signature] = Collection()
    packages: Collection[Package] = Collection()
    kind: str = "sbom"

    def __str__(self) -> str:
        return f"sbom by {self.tool}" if self.tool else "sbom"


class Provenance(Struct, frozen=True):
    """One build provenance (SLSA)."""

    builder: str
    build_type: str
    digest: str
    artifact_type: str = ""
    source: str | None = None
    source_digest: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    signatures: Collection[Signature] = Collection()
    kind: str = "provenance"

    def __str__(self) -> str:
        return f"provenance by {self.builder}"


class Vex(Struct, frozen=True):
    """One VEX statement: what its author says of one vulnerability in some products.

    `ids` are the vulnerability's ids, the primary one first; `products` are package URLs.
    """

    ids: tuple[str, ...]
    status: str | None
    products: frozenset[str]
    digest: str
    justification: str | None = None
    author: str | None = None
    timestamp: datetime | None = None
    signatures: Collection[Signature] = Collection()
    kind: str = "vex"

    def __str__(self) -> str:
        return f"vex statement on {self.ids[0]}"


class Custom(Struct, frozen=True):
    """A document of a kind that a policy declares itself (`evidence coverage from "…"`).

    `fields` holds the declared fields only, already of their declared types.
    """

    kind: str
    fields: Mapping[str, Any]
    digest: str
    created: datetime | None = None
    signatures: Collection[Signature] = Collection()

    def __str__(self) -> str:
        return self.kind


class Image(Struct, frozen=True):
    """The image that is decided about: one platform's manifest.

    `repository` includes the registry (`registry.example.com/prod/app`). `size` is the manifest's
    in bytes. What the configuration would say is `None` where it was not asked for or not readable.
    """

    digest: str
    reference: str = ""
    registry: str = ""
    repository: str = ""
    media_type: str = ""
    size: int = 0
    tag: str | None = None
    platform: str | None = None
    user: str | None = None
    base_name: str | None = None
    base_digest: str | None = None
    created: datetime | None = None
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    signatures: Collection[Signature] = Collection()

    def __str__(self) -> str:
        return self.reference or self.digest


SINGULAR = {
    "scans": "scan",
    "findings": "scan",
    "sboms": "sbom",
    "packages": "sbom",
    "provenances": "provenance",
    "vexes": "vex",
}
"""The kind of document that each collection comes from."""


def singular(collection: str) -> str:
    """The kind of document that `collection` comes from, as messages name it."""
    return SINGULAR.get(collection, collection.removesuffix("s"))


def joined(parts: Iterable[Collection[T]]) -> Collection[T]:
    """One collection of the items and the gaps of all `parts`."""
    listed = list(parts)
    items = tuple(item for part in listed for item in part.items)
    return Collection(items, tuple(gap for part in listed for gap in part.gaps))
