"""What a signature envelope says, whichever its format: the payload, who claims to have signed, and when.

Signature specification, "Signature Envelope". The two formats differ in how they write it down
(`cose`, `jws`); which attributes there must and may be, and which have to be critical, is here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from msgspec import Struct

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.strictjson import JsonError, loads, quoted

FORMATS = {"application/cose": "cose", "application/jose+json": "jws"}
"""The envelope formats by the media type of the signature manifest's layer; each has a module of its name."""

COSE, JWS = FORMATS
COSE_SIGN1 = b"\xd2"
"""How every `COSE_Sign1_Tagged` begins: tag 18."""

PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
X509, SIGNING_AUTHORITY = "notary.x509", "notary.x509.signingAuthority"

PREFIX = "io.cncf.notary."
SCHEME = PREFIX + "signingScheme"
SIGNING_TIME = PREFIX + "signingTime"
AUTHENTIC_TIME = PREFIX + "authenticSigningTime"
EXPIRY = PREFIX + "expiry"
PLUGIN = PREFIX + "verificationPlugin"
PLUGIN_VERSION = PREFIX + "verificationPluginMinVersion"
SIGNED_NAMES = frozenset((SCHEME, SIGNING_TIME, AUTHENTIC_TIME, EXPIRY, PLUGIN, PLUGIN_VERSION))
CRITICAL_NAMES = frozenset((SCHEME, AUTHENTIC_TIME, EXPIRY, PLUGIN, PLUGIN_VERSION))
"""The attributes that have to be critical wherever they are present; signing time is only informative."""

TIMESTAMP = PREFIX + "timestampSignature"
AGENT = PREFIX + "signingAgent"


class Attributes(Struct, frozen=True):
    """The signed attributes. `signed_at` is the signer's claim, or authentic under a signing authority.

    `names` are the text labels of the signed header; `critical` is the value of `crit`.
    """

    scheme: str
    signed_at: datetime
    expires: datetime | None
    names: frozenset[str]
    critical: object
    plugin: str | None = None


class Envelope(Struct, frozen=True):
    """A well-formed envelope, of which nothing is verified yet.

    `signed` are the octets that `signature` is over; `chain` is DER, leaf first; `timestamp` is the
    RFC 3161 token. `algorithm` is what the header states, by its JWS name.
    """

    format: str
    algorithm: str
    payload: bytes
    signed: bytes
    signature: bytes
    chain: tuple[bytes, ...]
    attributes: Attributes
    timestamp: bytes | None = None
    agent: str | None = None


Time = Callable[[str, object], datetime]
"""Reads the value of a named attribute as a time, in the format's own notation."""


def attributes(named: Mapping[str, object], critical: object, time: Time) -> Attributes:
    """The signed attributes among the text-labelled headers that are signed; raises `VerificationError`.

    "Standard attributes": which time there is depends on the scheme.
    """
    scheme = named.get(SCHEME)
    if scheme not in (X509, SIGNING_AUTHORITY):
        raise VerificationError(f"the signing scheme is {quoted(str(scheme))}, which is not supported")
    wanted, other = (SIGNING_TIME, AUTHENTIC_TIME) if scheme == X509 else (AUTHENTIC_TIME, SIGNING_TIME)
    if wanted not in named or other in named:
        raise VerificationError(f'under the scheme "{scheme}" there has to be {wanted} and no {other}')
    signed_at = time(wanted, named[wanted])
    expires = time(EXPIRY, named[EXPIRY]) if EXPIRY in named else None
    if expires is not None and expires <= signed_at:
        raise VerificationError("the expiry is not after the signing time")
    return Attributes(str(scheme), signed_at, expires, frozenset(named), critical, _plugin(named))


def _plugin(named: Mapping[str, object]) -> str | None:
    """The plugin that has to take part; a minimum version alone asks for one too."""
    if PLUGIN not in named and PLUGIN_VERSION not in named:
        return None
    for name in (PLUGIN, PLUGIN_VERSION):
        if not isinstance(named.get(name, ""), str):
            raise VerificationError(f"{name} is not a text")
    return str(named.get(PLUGIN) or "unnamed")


def recognised(data: bytes) -> str | None:
    """The media type of the envelope that `data` looks like, by its beginning or its members; `None` if like none."""
    if data.startswith(COSE_SIGN1):
        return COSE
    if len(data) <= limits.ENVELOPE_BYTES and data.lstrip()[:1] == b"{" and b'"protected"' in data:
        try:
            found = loads(data)
        except JsonError:
            return None
        return JWS if isinstance(found, dict) and {"payload", "protected", "signature"} <= found.keys() else None
    return None


def check_critical(found: Attributes) -> None:
    """`crit` (RFC 9052, section 3.1; RFC 7515, section 4.1.11; "Signed Attributes", "Extended attributes").

    A list of names, without repetition, all present, all understood, with every name that must be critical;
    and no plugin, since what it would check nobody checks here ("Guidelines for implementations").
    """
    critical = found.critical
    if not isinstance(critical, list) or not critical:
        raise VerificationError("crit is missing, empty or not a list")
    listed = {name for name in critical if isinstance(name, str)}
    missing = {name for name in CRITICAL_NAMES if name in found.names} - listed
    if missing:
        raise VerificationError(f"{min(missing)} is not critical")
    _refuse_plugin(found)
    for index, name in enumerate(critical):
        if not isinstance(name, str) or name not in CRITICAL_NAMES | {SIGNING_TIME}:
            message = f"the critical attribute {quoted(str(name))} is not known, so the signature must not be accepted"
            raise VerificationError(message, "have the artifact signed without critical extensions")
        if name in critical[:index] or name not in found.names:
            raise VerificationError(f"crit lists {name} twice, or without its being there")


def _refuse_plugin(found: Attributes) -> None:
    if found.plugin is not None:
        raise VerificationError(
            f"the signature asks for the verification plugin {quoted(found.plugin)}, which is not available here",
            "verify it with notation and that plugin, or sign with a key that needs no plugin to verify",
        )


def check_headers(signed: Collection[object], unsigned: Collection[object], signed_only: Collection[object]) -> None:
    """No label in both headers (RFC 9052, section 3; RFC 7515, section 7.2.1), and some in the signed one only."""
    for label in unsigned:
        if label in signed:
            raise VerificationError(f"the header {quoted(str(label))} is both signed and unsigned")
        if label in signed_only or label in SIGNED_NAMES:
            raise VerificationError(f"the header {quoted(str(label))} is not signed, where it has to be")


def check_content_type(value: object) -> None:
    """The one payload type there is ("Content Type")."""
    if value != PAYLOAD_TYPE:
        raise VerificationError(f"the content type is not {PAYLOAD_TYPE}")
