"""The types of the language (language reference, section 5)."""

from __future__ import annotations

from msgspec import Struct

SCALARS = (
    "bool", "int", "text", "decimal", "severity", "time", "date", "duration", "vulnerability", "purl", "range",
    "license", "glob", "identity", "digest",
)  # fmt: skip
"""The words an author may write where a type is asked for, beside the records."""

FOREIGN = {
    "float": "decimal", "double": "decimal", "number": "decimal", "real": "decimal", "string": "text", "str": "text",
    "char": "text", "boolean": "bool", "integer": "int", "long": "int", "datetime": "time", "timestamp": "time",
    "instant": "time", "interval": "duration", "timedelta": "duration", "licence": "license", "cve": "vulnerability",
    "url": "text", "regex": "glob", "pattern": "glob", "hash": "digest", "version": "text", "array": "list of …",
}  # fmt: skip
"""Names of types in other languages, and what they are called here."""

ORDERED = ("int", "decimal", "severity", "time", "date", "duration")
"""The types that `<` and its relatives compare."""

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
"""Seconds in each unit of a duration; the plural is accepted too."""


class Type(Struct, frozen=True):
    """A type. `container` is `set`, `list` or empty; `name` is the type, or that of the members.

    A list of records is a collection of evidence, which may have gaps; any other set or list is
    finite and fully known. The name `scan|sbom` is that of an element that may be either.
    """

    name: str
    container: str = ""

    def __str__(self) -> str:
        words = self.name.replace("|", " or ").replace("_", " ")
        return f"{self.container} of {words}" if self.container else words

    @property
    def member(self) -> Type:
        """The type of the members of a set or list."""
        return Type(self.name)


BOOL, INT, TEXT, DECIMAL = Type("bool"), Type("int"), Type("text"), Type("decimal")
SEVERITY, TIME, DATE, DURATION = Type("severity"), Type("time"), Type("date"), Type("duration")
VULNERABILITY, PURL, RANGE, LICENSE = Type("vulnerability"), Type("purl"), Type("range"), Type("license")
GLOB, IDENTITY, DIGEST = Type("glob"), Type("identity"), Type("digest")
UNKNOWN = Type("?")
"""The type of what is wrong already: it fits everywhere, so that one mistake is reported once."""


def set_of(type_: Type) -> Type:
    return Type(type_.name, "set")


def list_of(type_: Type) -> Type:
    return Type(type_.name, "list")
