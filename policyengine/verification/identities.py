"""Trusted identities: distinguished names as a trust policy writes them, and which one matches a subject.

Trust policy specification, "Trusted Identities Constraints"; the text form is RFC 4514.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from policyengine.strictjson import quoted

SUBJECT = "x509.subject"
ANY = "*"
MANDATORY = ("C", "ST", "O")

Attributes = tuple[tuple[str, str], ...]
"""Pairs of attribute type and value: `(("C", "US"), ("CN", "release"))`."""

TYPES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "TITLE",
    "2.5.4.17": "POSTALCODE",
    "2.5.4.42": "GN",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "EMAIL",
}
"""Names of attribute types (RFC 4519 and common use); the others go by their dotted number."""


class TrustedIdentity(Struct, frozen=True):
    """One entry of `trustedIdentities`: as written, its kind (before the colon, or `*`) and its attributes.

    Entries of other kinds than `x509.subject` belong to plugins; they are legal and match nothing.
    """

    text: str
    kind: str
    attributes: Attributes = ()

    def matches(self, subject: Attributes) -> bool:
        """Whether every attribute stands in `subject` with exactly this value (case and spaces count)."""
        return self.kind == ANY or (self.kind == SUBJECT and set(self.attributes) <= set(subject))

    def overlaps(self, other: TrustedIdentity) -> bool:
        """Whether some certificate could match both: the same kind, and no attribute type has two values."""
        if (self.kind, other.kind) != (SUBJECT, SUBJECT):
            return self.text == other.text
        mine, theirs = dict(self.attributes), dict(other.attributes)
        return all(mine[name] == theirs[name] for name in mine.keys() & theirs.keys())

    def unknown_types(self) -> tuple[str, ...]:
        """Attribute types that no certificate's subject is given here: they can never match."""
        return tuple(name for name, _ in self.attributes if not name[0].isdigit() and name not in TYPES.values())


def parse(text: str) -> TrustedIdentity:
    """The identity that `text` writes; raises `ValueError` with a sentence."""
    if text == ANY:
        return TrustedIdentity(text, ANY)
    kind, colon, value = text.partition(":")
    if not colon or not kind.strip() or not value.strip():
        raise ValueError(f'identity {quoted(text)} is neither "*" nor a kind, a colon and a value')
    if kind != SUBJECT:
        return TrustedIdentity(text, kind)
    attributes = parse_name(value)
    missing = [name for name in MANDATORY if name not in dict(attributes)]
    if missing:
        raise ValueError(f"identity {quoted(text)} lacks {' and '.join(missing)}; C, ST and O are required")
    return TrustedIdentity(text, kind, attributes)


_VALUE = r'(?:[^\\,;+"<>\x00]|\\(?:[ #=+,;<>"\\]|[0-9a-fA-F]{2}))*'
_RDN = rf" *([A-Z][A-Z0-9-]*|[0-9]+(?:\.[0-9]+)+) *=({_VALUE})"
_PIECE = r"\\[0-9a-fA-F]{2}|\\.|[^\\]+"
_STRAY = {
    "+": "has an attribute with several values",
    ";": 'has a ";" that is not escaped',
    '"': "has a quote that is not escaped",
    "<": 'has a "<" that is not escaped',
    ">": 'has a ">" that is not escaped',
    "\\": "has an escape that does not exist",
}


def parse_name(text: str) -> Attributes:
    """The attributes of a distinguished name (RFC 4514); raises `ValueError` with a sentence.

    One value per RDN, no type twice, no `#` values (CVE-2023-25656), types in upper case, `S` for `ST`.
    """
    attributes: dict[str, str] = {}
    comma, rest = ",", text
    while comma:
        match = re.match(_RDN, rest)
        if match is None:
            raise ValueError(f"name {quoted(text)} {_why_no_attribute(rest)}")
        comma, rest = rest[match.end() : match.end() + 1], rest[match.end() + 1 :]
        if comma not in ("", ","):
            raise ValueError(f"name {quoted(text)} {_STRAY.get(comma, 'has a stray character')}")
        name = "ST" if match[1] == "S" else TYPES.get(match[1], match[1])
        if name in attributes:
            raise ValueError(f"name {quoted(text)} has {name} twice")
        attributes[name] = _value(name, match[2])
    return tuple(attributes.items())


def _why_no_attribute(rest: str) -> str:
    name = rest.partition("=")[0].strip()
    if "=" in rest and name.upper() in TYPES.values():
        return f"writes {quoted(name)} where {quoted(name.upper())} is the attribute's type"
    return f"has no attribute (TYPE=value) at {quoted(rest.strip(), 20)}"


def _value(name: str, raw: str) -> str:
    value = raw.lstrip(" ").rstrip(" ")
    if (len(value) - len(value.rstrip("\\"))) % 2:
        value += " "  # the last space was escaped
    if value.startswith("#"):
        raise ValueError(f'the value of {name} begins with "#", which would be an encoded value; escape it as "\\#"')
    pieces = (_plain(piece) for piece in re.findall(_PIECE, value))
    try:
        plain = b"".join(pieces).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"the value of {name} is not UTF-8 once unescaped") from None
    if not plain:
        raise ValueError(f"the value of {name} is empty")
    return plain


def _plain(piece: str) -> bytes:
    if not piece.startswith("\\"):
        return piece.encode()
    return bytes.fromhex(piece[1:]) if len(piece) == 3 else piece[1:].encode()


def unambiguous(names: Iterable[Iterable[tuple[str, str]]]) -> Attributes | None:
    """A subject's attributes where every RDN has one value and no type occurs twice; else `None`.

    With two common names, or two values in one RDN, "the" common name is a matter of the reader:
    such a subject matches no identity.
    """
    flat = []
    for rdn in names:
        pairs = tuple(rdn)
        if len(pairs) != 1:
            return None
        flat.append(pairs[0])
    return tuple(flat) if len({name for name, _ in flat}) == len(flat) else None
