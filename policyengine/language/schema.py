"""What rules can ask about: records, their fields, enums and collections (language reference, section 6)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from policyengine.language.types import (
    BOOL,
    DECIMAL,
    DIGEST,
    DURATION,
    IDENTITY,
    INT,
    LICENSE,
    PURL,
    SEVERITY,
    TEXT,
    TIME,
    VULNERABILITY,
    Type,
    list_of,
    set_of,
)  # fmt: skip


class Field(Struct, frozen=True):
    """One field of a record. `keyed` fields are asked for by key (`image.labels["team"]`)."""

    type: Type
    optional: bool = False
    keyed: bool = False


def _(type_: Type) -> Field:
    return Field(type_)


def optional(type_: Type) -> Field:
    return Field(type_, optional=True)


KEYED = Field(TEXT, optional=True, keyed=True)
CATEGORY, PACKAGE_KIND, STATUS = Type("category"), Type("package_kind"), Type("status")
SIGNATURES = _(list_of(Type("signature")))

ENUMS: Mapping[str, tuple[str, ...]] = {
    "severity": ("UNKNOWN", "NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"),
    "category": ("VULNERABILITY", "SECRET", "MISCONFIGURATION", "LICENSE", "CODE", "OTHER"),
    "package_kind": ("LIBRARY", "APPLICATION", "OPERATING_SYSTEM", "CONTAINER", "FILE", "OTHER"),
    "status": ("NOT_AFFECTED", "AFFECTED", "FIXED", "UNDER_INVESTIGATION"),
}
"""The members of each enum type, in their order."""

RECORDS: Mapping[str, Mapping[str, Field]] = {
    "image": {
        "reference": _(TEXT), "registry": _(TEXT), "repository": _(TEXT), "media_type": _(TEXT), "digest": _(DIGEST),
        "size": _(INT), "tag": optional(TEXT), "platform": optional(TEXT), "user": optional(TEXT),
        "base_name": optional(TEXT), "base_digest": optional(DIGEST), "created": optional(TIME), "labels": KEYED,
        "annotations": KEYED, "signatures": SIGNATURES,
    },
    "signature": {
        "identity": _(IDENTITY), "format": _(TEXT), "trust_policy": optional(TEXT), "signed_at": optional(TIME),
        "expires": optional(TIME), "timestamped": _(BOOL), "metadata": KEYED, "digest": _(DIGEST),
    },
    "scan": {
        "kind": _(TEXT), "tool": _(TEXT), "format": _(TEXT), "artifact_type": _(TEXT), "tool_version": optional(TEXT),
        "finished": optional(TIME), "digest": _(DIGEST), "signatures": SIGNATURES,
        "findings": _(list_of(Type("finding"))),
    },
    "finding": {
        "id": _(VULNERABILITY), "aliases": _(set_of(VULNERABILITY)), "severity": _(SEVERITY),
        "cvss": optional(DECIMAL), "package": optional(Type("package")), "fix": optional(TEXT),
        "title": optional(TEXT), "location": optional(TEXT), "published": optional(TIME), "age": optional(DURATION),
        "category": _(CATEGORY), "tool": _(TEXT), "suppressed": _(BOOL),
    },
    "sbom": {
        "kind": _(TEXT), "format": _(TEXT), "version": _(TEXT), "artifact_type": _(TEXT), "tool": optional(TEXT),
        "created": optional(TIME), "digest": _(DIGEST), "signatures": SIGNATURES,
        "packages": _(list_of(Type("package"))),
    },
    "package": {
        "name": _(TEXT), "version": optional(TEXT), "ecosystem": optional(TEXT), "supplier": optional(TEXT),
        "purl": optional(PURL), "license": optional(LICENSE), "license_declared": optional(LICENSE),
        "license_concluded": optional(LICENSE), "kind": _(PACKAGE_KIND),
    },
    "provenance": {
        "kind": _(TEXT), "builder": _(TEXT), "build_type": _(TEXT), "source": optional(TEXT),
        "source_digest": optional(TEXT), "started": optional(TIME), "finished": optional(TIME), "digest": _(DIGEST),
        "signatures": SIGNATURES,
    },
    "vex": {
        "kind": _(TEXT), "id": _(VULNERABILITY), "status": _(STATUS), "justification": optional(TEXT),
        "author": optional(TEXT), "timestamp": optional(TIME), "products": _(set_of(PURL)), "digest": _(DIGEST),
        "signatures": SIGNATURES,
    },
}  # fmt: skip
"""The closed records of language version 1."""

COLLECTIONS: Mapping[str, str] = {
    "scans": "scan", "findings": "finding", "sboms": "sbom", "packages": "package", "provenances": "provenance",
    "vexes": "vex",
}  # fmt: skip
"""The collections an expression can name, and the record of their elements."""

DOCUMENTS = ("scan", "sbom", "vex", "provenance")
"""The kinds of documents that every policy knows."""


class Schema(Struct, frozen=True):
    """The schema one policy sees: the closed records and the document kinds that it declares."""

    kinds: Mapping[str, Mapping[str, Field]] = {}

    def record(self, name: str) -> Mapping[str, Field]:
        """The fields of the record `name`; of `scan|sbom` those that both have, with equal types."""
        first, *others = (self.kinds.get(part) or RECORDS.get(part, {}) for part in name.split("|"))
        shared = {field for field in first if all(field in other for other in others)}
        return {
            field: Field(spec.type, spec.optional or any(o[field].optional for o in others), spec.keyed)
            for field, spec in first.items()
            if field in shared and all(other[field].type == spec.type for other in others)
        }

    def is_record(self, name: str) -> bool:
        return name.split("|", maxsplit=1)[0] in RECORDS or name in self.kinds

    def is_document(self, name: str) -> bool:
        """Whether values of this type are documents (or the image): things that can be signed."""
        return all(part in (*DOCUMENTS, "image") or part in self.kinds for part in name.split("|"))

    @property
    def collections(self) -> dict[str, str]:
        """The collections by name, the declared kinds' among them (`coverage` → `coverages`)."""
        return {**COLLECTIONS, **{f"{kind}s": kind for kind in self.kinds}}

    def home(self, element: str) -> str | None:
        """The collection that a bare element name ranges over: `finding` → `findings`."""
        return next((name for name, record in self.collections.items() if record == element), None)


CUSTOM_FIELDS: Mapping[str, Field] = {"kind": _(TEXT), "digest": _(DIGEST), "signatures": SIGNATURES}
"""What every document of a declared kind has beside its own fields."""
