"""What a test gives, as facts: records of the language become the values that readers would have made.

Fields have the defaults of the language reference, section 8: a required field that is left out is the least
remarkable value of its type, an optional one is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from policyengine.evidence.model import (
    Collection,
    Custom,
    Finding,
    Identity,
    Image,
    Package,
    Provenance,
    Sbom,
    Scan,
    Severity,
    Signature,
    Vex,
)
from policyengine.language.checked import CustomKind, GivenRecord
from policyengine.language.schema import RECORDS, Field
from policyengine.language.types import TIME, Type

TEXT = "test"
UNNAMED = Identity("key", fingerprint=TEXT)
"""Who signed a document whose test does not say: verified, and nobody a policy can name."""

DEFAULTS: Mapping[str, Any] = {
    "severity": None,
    "status": None,
    "bool": False,
    "int": 0,
    "category": "VULNERABILITY",
    "package_kind": "LIBRARY",
    "identity": UNNAMED,
    "purl": "pkg:generic/test",
}
"""Values of required fields that are left out, by type; every other type is a text."""


class Records:
    """Makes the records of one test; every document, signature and image has a digest of its own."""

    def __init__(self, kinds: Mapping[str, CustomKind]) -> None:
        self.kinds = kinds
        self._numbers = count(1)

    def digest(self) -> str:
        """A digest that no other record of this test has."""
        return f"sha256:{next(self._numbers):064x}"

    def image(self, given: Mapping[str, Any], signatures: Collection[Signature]) -> Image:
        own = tuple(map(self.signature, given.get("signatures", ())))
        return Image(
            **self._fields("image", given, {"signatures": Collection(own + signatures.items, signatures.gaps)})
        )

    def signature(self, given: GivenRecord) -> Signature:
        return Signature(**self._fields("signature", given.values))

    def signatures(self, given: Mapping[str, Any]) -> Collection[Signature]:
        """The signatures of a document: those given, or one by nobody in particular; none when `unsigned`."""
        if given.get("unsigned"):
            return Collection()
        if "signatures" in given:
            return Collection(tuple(map(self.signature, given["signatures"])))
        return Collection((Signature(**self._fields("signature", {})),))

    def finding(self, given: GivenRecord, scan: Mapping[str, Any]) -> Finding:
        """A finding of the document `scan` (its fields): the tool is the scan's unless said otherwise."""
        package = given.values.get("package")
        known = {"package": self.package(package, scan["digest"]) if package else None, "age": None}
        values = self._fields("finding", {"tool": scan["tool"], **given.values}, known)
        ids = (values.pop("id"), *sorted(values.pop("aliases")))
        del values["age"]
        return Finding(ids=ids, document=scan["digest"], **values)

    def package(self, given: GivenRecord, document: str) -> Package:
        """A package; its licence is the concluded one, else the declared one, unless said outright."""
        values = self._fields("package", given.values)
        concluded = values["license_concluded"]
        fallback = values["license_declared"] if concluded in (None, "NOASSERTION") else concluded
        values["license"] = given.values.get("license", fallback)
        return Package(document=document, **values)

    def document(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a document, without what is inside it; a scan's may be read by its findings."""
        if kind in self.kinds:
            return self._declared(self.kinds[kind], given)
        known = {"kind": kind, "signatures": self.signatures(given), "findings": Collection(), "packages": Collection()}
        return self._fields(kind, given, {name: value for name, value in known.items() if name in RECORDS[kind]})

    def record(self, kind: str, fields: dict[str, Any]) -> Scan | Sbom | Provenance | Vex | Custom:
        """The record of a document from its fields."""
        if kind in self.kinds:
            return Custom(**fields)
        if kind == "vex":
            return Vex(ids=(fields["id"],), **{name: value for name, value in fields.items() if name != "id"})
        records: dict[str, type[Scan | Sbom | Provenance]] = {"scan": Scan, "sbom": Sbom, "provenance": Provenance}
        return records[kind](**fields)

    def _declared(self, kind: CustomKind, given: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a document of a declared kind; the checker has seen that what needs to be given is."""
        fields = {
            field.name: self._value(Field(field.type, field.optional), field.name, given) for field in kind.fields
        }
        digest = given.get("digest") or self.digest()
        created = None if "created" in fields else real(TIME, given.get("created"))
        signatures = self.signatures(given)
        return {"kind": kind.name, "fields": fields, "digest": digest, "created": created, "signatures": signatures}

    def _fields(self, kind: str, given: Mapping[str, Any], known: Mapping[str, Any] = {}) -> dict[str, Any]:
        """Every field of a closed record: known already, given, or its default."""
        others = {name: field for name, field in RECORDS[kind].items() if name not in known}
        return {**known, **{name: self._value(field, name, given) for name, field in others.items()}}

    def _value(self, field: Field, name: str, given: Mapping[str, Any]) -> Any:
        if name in given:
            return given[name] if field.keyed else real(field.type, given[name])
        if field.keyed:
            return {}
        if field.optional:
            return None
        if field.type.container:
            return frozenset()
        return self.digest() if field.type.name == "digest" else DEFAULTS.get(field.type.name, TEXT)


def real(type_: Type, value: Any) -> Any:
    """The value behind a constant in portable form, as the facts hold it."""
    if value is None:
        return None
    if type_.container:
        members = (real(type_.member, member) for member in value)
        return frozenset(members) if type_.container == "set" else tuple(members)
    return CONVERSIONS[type_.name](value) if type_.name in CONVERSIONS else value


def identity(portable: tuple[str, ...]) -> Identity:
    """The identity that an identity literal writes, as if it had been verified."""
    from policyengine.verification.identities import parse_name

    kind, *parts = portable
    if kind == "x509":
        return Identity(kind, attributes=parse_name(parts[0]))
    return Identity(kind, fingerprint=parts[0]) if kind == "key" else Identity(kind, issuer=parts[0], subject=parts[1])


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "duration": lambda seconds: timedelta(seconds=seconds),
    "severity": Severity,
    "identity": identity,
}
"""How portable constants become values, for the types whose values are not their own portable form."""
