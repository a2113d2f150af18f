"""Envelopes in COSE: `COSE_Sign1_Tagged` (RFC 9052, section 4.2; signature envelope specification for COSE)."""

from __future__ import annotations

from datetime import UTC, datetime

from policyengine.errors import VerificationError
from policyengine.verification import cbor
from policyengine.verification.notation import envelope
from policyengine.verification.notation.envelope import Envelope

ALG, CRIT, CONTENT_TYPE, KID, IV, PARTIAL_IV, X5CHAIN = 1, 2, 3, 4, 5, 6, 33
ALGORITHMS = {-37: "PS256", -38: "PS384", -39: "PS512", -7: "ES256", -35: "ES384", -36: "ES512"}
SIGN1 = 18
EPOCH_TIME = 1
LATEST = 1 << 36
"""Seconds since 1970 that a time may reach: the year 4147, so that no arithmetic overflows."""

Headers = dict["int | str", object]


def read(data: bytes) -> Envelope:
    """The envelope that `data` is; raises `VerificationError`. Nothing is verified but its form."""
    signed_bytes, unprotected, payload, signature = _sign1(data)
    protected = _headers(cbor.loads(signed_bytes))
    envelope.check_headers(protected, unprotected, (ALG, CRIT, CONTENT_TYPE))
    _check_common(protected | unprotected)
    algorithm = protected.get(ALG)
    if type(algorithm) is not int or algorithm not in ALGORITHMS:
        raise VerificationError("the algorithm is missing or none of PS256, PS384, PS512, ES256, ES384, ES512")
    envelope.check_content_type(protected.get(CONTENT_TYPE))
    named = {label: value for label, value in protected.items() if isinstance(label, str)}
    timestamp = unprotected.get(envelope.TIMESTAMP, b"")
    if not isinstance(timestamp, bytes):
        raise VerificationError("the timestamp signature is not a byte string")
    agent = unprotected.get(envelope.AGENT)
    return Envelope(
        format="cose",
        algorithm=ALGORITHMS[algorithm],
        payload=payload,
        signed=_to_be_signed(signed_bytes, payload),
        signature=signature,
        chain=_chain(protected, unprotected),
        attributes=envelope.attributes(named, protected.get(CRIT), _time),
        timestamp=timestamp or None,
        agent=agent if isinstance(agent, str) else None,
    )


def _sign1(data: bytes) -> tuple[bytes, Headers, bytes, bytes]:
    """Tag 18 around an array of the protected header's bytes, the unprotected header, payload and signature."""
    message = cbor.loads(data)
    fields = message.value if isinstance(message, cbor.Tag) and message.number == SIGN1 else None
    if not isinstance(fields, list) or len(fields) != 4:
        raise VerificationError("the envelope is not a tagged COSE_Sign1 message")
    protected, unprotected, payload, signature = fields
    if not isinstance(protected, bytes) or not isinstance(payload, bytes) or not isinstance(signature, bytes):
        raise VerificationError("the protected header, the payload or the signature is not a byte string")
    return protected, _headers(unprotected), payload, signature


def _headers(value: object) -> Headers:
    """Labels are integers or texts (RFC 9052, section 1.4)."""
    if not isinstance(value, dict) or not all(isinstance(label, int | str) for label in value):
        raise VerificationError("a header is not a map of integer and text labels")
    return value


def _check_common(headers: Headers) -> None:
    """The common headers that nothing is made of here have their own type all the same (RFC 9052, section 3.1)."""
    if not all(isinstance(headers.get(label, b""), bytes) for label in (KID, IV, PARTIAL_IV)):
        raise VerificationError("a key identifier or initialization vector is not a byte string")
    if IV in headers and PARTIAL_IV in headers:
        raise VerificationError("there is an initialization vector and a partial one, which exclude each other")


def _chain(protected: Headers, unprotected: Headers) -> tuple[bytes, ...]:
    """`x5chain` as an array, leaf first; the specification allows it in either header (never in both)."""
    chain = protected.get(X5CHAIN, unprotected.get(X5CHAIN))
    if not isinstance(chain, list) or not all(isinstance(each, bytes) for each in chain):
        raise VerificationError("the certificate chain (x5chain) is missing or not an array of byte strings")
    return tuple(chain)


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """Sig_structure (RFC 9052, section 4.4), over the protected header as it was received."""
    return b"\x84\x6aSignature1" + _byte_string(protected) + b"\x40" + _byte_string(payload)


def _byte_string(data: bytes) -> bytes:
    size = len(data)
    if size < 24:
        return bytes([0x40 | size]) + data
    width = next(width for width in (0, 1, 2, 3) if size < 1 << (8 << width))
    return bytes([0x58 + width]) + size.to_bytes(1 << width, "big") + data


def _time(name: str, value: object) -> datetime:
    """Seconds since 1970 under tag 1 (RFC 8949, section 3.4.2); a fraction is legal."""
    seconds = value.value if isinstance(value, cbor.Tag) and value.number == EPOCH_TIME else None
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < LATEST:
        return datetime.fromtimestamp(seconds, UTC)
    raise VerificationError(f"{name} is not a time (tag 1) in range")
