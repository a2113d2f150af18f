"""Identities as policies write them, and whether a verified signer is one (language reference, section 5).

`x509("C=US, O=acme")` asks that the certificate's subject has these attributes, as trusted identities of the Notary
Project do; `keyless(issuer: "…", subject: "glob")` asks for an identity of a certificate authority such as Fulcio;
`key("sha256:…")` for one public key. Functions raise `ValueError` with a sentence where a text states no identity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from policyengine.evidence.globs import Glob, glob
from policyengine.evidence.model import Identity
from policyengine.evidence.problems import closest, quoted

OBJECT_IDS = {
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
    "2.5.4.15": "BUSINESSCATEGORY",
    "2.5.4.17": "POSTALCODE",
    "2.5.4.42": "GIVENNAME",
    "2.5.4.97": "ORGANIZATIONIDENTIFIER",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "EMAILADDRESS",
}
"""Attribute types of subjects by their object id."""

ALIASES = {"S": "ST", "E": "EMAILADDRESS", "EMAIL": "EMAILADDRESS", "T": "TITLE", "GN": "GIVENNAME"}
NAMES = frozenset(OBJECT_IDS.values())
OBJECT_ID = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+", re.ASCII)
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
ESCAPED = re.compile(r'\\(?:([ "#+,;<=>\\])|((?:[0-9A-Fa-f]{2})(?:\\[0-9A-Fa-f]{2})*))')
PIECE = re.compile(r"(?:[^\\,]|\\.)*+", re.DOTALL)

Attribute = tuple[str, str]


class IdentityPattern(Struct, frozen=True):
    """Who must have signed. `kind` is "x509", "keyless" or "key", as in `Identity`; only its fields count."""

    kind: str
    attributes: tuple[Attribute, ...] = ()
    issuer: str = ""
    subject: Glob | None = None
    fingerprint: str = ""

    def __str__(self) -> str:
        if self.kind == "x509":
            return f'x509("{", ".join(f"{name}={value}" for name, value in self.attributes)}")'
        if self.kind == "keyless":
            return f'keyless(issuer: "{self.issuer}", subject: "{self.subject}")'
        return f'key("{self.fingerprint}")'

    def matches(self, identity: Identity) -> bool:
        """Whether the verified `identity` is the one that is asked for."""
        if identity.kind != self.kind:
            return False
        if self.kind == "x509":
            return bool(self.attributes) and set(self.attributes) <= _attributes(identity)
        if self.kind == "keyless":
            return (
                self.subject is not None and identity.issuer == self.issuer and self.subject.matches(identity.subject)
            )
        return bool(self.fingerprint) and identity.fingerprint == self.fingerprint


def identity(pattern: IdentityPattern) -> Identity:
    """The identity that has just what `pattern` asks for: whom a test of a policy means by it."""
    return Identity(pattern.kind, pattern.attributes, pattern.issuer, str(pattern.subject or ""), pattern.fingerprint)


def _attributes(identity: Identity) -> set[Attribute]:
    return {(attribute_type(name), value) for name, value in identity.attributes}


def attribute_type(name: str) -> str:
    """The one name of an attribute's type: in upper case, `ST` for `S`, the short name for an object id."""
    folded = name.upper()
    return OBJECT_IDS.get(folded) or ALIASES.get(folded, folded)


def x509(text: str) -> IdentityPattern:
    """The identity of a certificate whose subject has the attributes of `text`, a distinguished name (RFC 4514).

    As in trust policies of the Notary Project no type occurs twice, no value is empty or in hexadecimal form, and no
    attributes are joined by `+`; other than there, any attributes will do.
    """
    attributes: dict[str, str] = {}
    for piece in _pieces(text):
        name, value = _attribute(piece, text)
        if name in attributes:
            raise ValueError(f"{quoted(text)} names {quoted(name)} twice")
        attributes[name] = value
    return IdentityPattern("x509", tuple(sorted(attributes.items())))


def _pieces(text: str) -> Iterator[str]:
    """What stands between the commas that are not escaped."""
    place = 0
    while True:
        match = PIECE.match(text, place)
        end = match.end() if match else place
        yield text[place:end]
        if end == len(text):
            return
        if text[end] == "\\":
            raise ValueError(f"{quoted(text)} ends in the middle of an escape")
        place = end + 1


def _attribute(piece: str, text: str) -> Attribute:
    name, equals, value = piece.partition("=")
    name = name.strip(" ")
    if not equals:
        raise ValueError(f"{quoted(piece.strip())} in {quoted(text)} is not of the form `TYPE=value`, as `O=acme` is")
    type_ = attribute_type(name)
    if type_ not in NAMES and not OBJECT_ID.fullmatch(type_):
        near = closest(name.upper(), sorted(NAMES))
        hint = f", did you mean `{near}`?" if near else ""
        raise ValueError(f"{quoted(name)} in {quoted(text)} is not an attribute of a certificate's subject{hint}")
    return type_, _value(_trimmed(value), text)


def _trimmed(value: str) -> str:
    """`value` without the white space around it, but with an escaped space at its end."""
    value = value.lstrip(" ")
    bare = value.rstrip(" ")
    return f"{bare} " if bare != value and _ends_escaped(bare) else bare


def _ends_escaped(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _value(value: str, text: str) -> str:
    """The value with its escapes resolved (RFC 4514, section 3)."""
    if not value:
        raise ValueError(f"{quoted(text)} has an attribute without a value")
    if value.startswith("#"):
        raise ValueError(f"{quoted(text)} has a value in hexadecimal form, which is not supported")
    plain = ESCAPED.sub("", value)
    for sign, why in (("+", "joins two attributes"), ("\\", "is no escape"), ('"', "must be escaped"),
                      (";", "must be escaped"), ("<", "must be escaped"), (">", "must be escaped")):  # fmt: skip
        if sign in plain:
            raise ValueError(
                f"`{sign}` in {quoted(text)} {why}: attributes are separated by commas, signs escaped by `\\`"
            )
    try:
        return ESCAPED.sub(_unescaped, value)
    except UnicodeDecodeError:
        raise ValueError(f"{quoted(text)} has an escape that is not UTF-8") from None


def _unescaped(match: re.Match[str]) -> str:
    return match[1] or bytes.fromhex(match[2].replace("\\", "")).decode("utf-8")


def keyless(issuer: str, subject: str) -> IdentityPattern:
    """The identity that the OIDC `issuer` vouches for, whose subject matches the glob `subject`."""
    if not issuer.strip() or not issuer.isprintable():
        raise ValueError(f"{quoted(issuer)} is not an issuer: write its URL, as in the certificates that it is behind")
    return IdentityPattern("keyless", issuer=issuer, subject=glob(subject))


def key(fingerprint: str) -> IdentityPattern:
    """The identity of one public key: `sha256:…` over the DER of its SubjectPublicKeyInfo."""
    folded = fingerprint.strip().lower()
    if not FINGERPRINT.fullmatch(folded):
        raise ValueError(f"{quoted(fingerprint)} is not a fingerprint: `sha256:` and 64 hexadecimal digits")
    return IdentityPattern("key", fingerprint=folded)
