"""Envelopes in JWS: flattened JSON (RFC 7515, section 7.2.2; signature envelope specification for JWS)."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

from policyengine.errors import VerificationError
from policyengine.verification.notation import envelope, members
from policyengine.verification.notation.envelope import Envelope

ALGORITHMS = ("PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
TOP = ("payload", "protected", "header", "signature")
PROTECTED = ("alg", "cty", "crit", *sorted(envelope.SIGNED_NAMES))
UNPROTECTED = ("x5c", envelope.TIMESTAMP)
SIGNED_ONLY = ("alg", "cty", "crit", "b64")


def read(data: bytes) -> Envelope:
    """The envelope that `data` is; raises `VerificationError`. Nothing is verified but its form."""
    top = members.read("the envelope", data, TOP)
    if set(top) != set(TOP):
        raise VerificationError(f"the envelope has other members than {', '.join(TOP)}")
    encoded = {name: _text(name, top[name]) for name in TOP if name != "header"}
    protected = members.read("the protected header", _base64url("protected", encoded["protected"]), PROTECTED)
    header = members.exact("the unprotected header", top["header"], UNPROTECTED)
    envelope.check_headers(protected, header, SIGNED_ONLY)
    if protected.get("alg") not in ALGORITHMS:
        raise VerificationError(f"the algorithm is missing or none of {', '.join(ALGORITHMS)}")
    envelope.check_content_type(protected.get("cty"))
    agent = header.get(envelope.AGENT)
    return Envelope(
        format="jws",
        algorithm=str(protected["alg"]),
        payload=_base64url("payload", encoded["payload"]),
        signed=f"{encoded['protected']}.{encoded['payload']}".encode(),
        signature=_base64url("signature", encoded["signature"]),
        chain=_chain(header.get("x5c")),
        attributes=envelope.attributes(protected, protected.get("crit"), _time),
        timestamp=_timestamp(header),
        agent=agent if isinstance(agent, str) else None,
    )


def _chain(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise VerificationError("the certificate chain (x5c) is missing or not a list")
    return tuple(_base64("x5c", _text("x5c", each)) for each in value)


def _timestamp(header: members.Members) -> bytes | None:
    if envelope.TIMESTAMP not in header:
        return None
    return _base64(envelope.TIMESTAMP, _text(envelope.TIMESTAMP, header[envelope.TIMESTAMP])) or None


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise VerificationError(f"{name} is not a text")
    return value


def _base64url(name: str, text: str) -> bytes:
    """RFC 7515, section 2: no padding, no other characters, no bits that are left over."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_")
    except ValueError:
        data = b""
    if base64.urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise VerificationError(f"{name} is not base64url as RFC 7515 writes it")
    return data


def _base64(name: str, text: str) -> bytes:
    """RFC 4648, section 4, in its one canonical form."""
    try:
        data = base64.b64decode(text)
    except ValueError:
        data = b""
    if base64.b64encode(data) != text.encode():
        raise VerificationError(f"{name} is not base64 as RFC 4648 writes it")
    return data


_TIME = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"  # date and time
    r"(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"  # fraction, offset
)


def _time(name: str, value: object) -> datetime:
    """RFC 3339 with an offset; a fraction is legal."""
    match = re.fullmatch(_TIME, value) if isinstance(value, str) else None
    if match is None:
        raise VerificationError(f"{name} is not a time with an offset (RFC 3339)")
    fraction = (match[2] or "0").ljust(6, "0")[:6]
    try:
        return datetime.fromisoformat(f"{match[1]}.{fraction}{match[3]}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise VerificationError(f"{name} is a time that does not exist") from None
