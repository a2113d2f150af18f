"""Envelopes as the Notary Project's specifications have them written, in COSE and in JWS."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from policyengine.signing.signer import Signer
from policyengine.verification.notation import cose as reading
from policyengine.verification.notation import envelope, verify

ALGORITHMS = {name: number for number, name in reading.ALGORITHMS.items()}
MEDIA_TYPES = {format: media_type for media_type, format in envelope.FORMATS.items()}

Stamp = Callable[[bytes], bytes]
"""Gets a timestamp token over a signature."""


class Claims(Struct, frozen=True):
    """What is signed beside the payload: when, until when, and by which program (which is not signed)."""

    signed_at: datetime
    expires: datetime | None
    agent: str


def write(format: str, payload: bytes, claims: Claims, signer: Signer, stamp: Stamp | None = None) -> bytes:
    """The envelope of `payload` in the format `cose` or `jws`, read back and found intact."""
    written = (cose if format == "cose" else jws)(payload, claims, signer, stamp)
    verify.intact(verify.parse(written, MEDIA_TYPES[format]))
    return written


def payload(target: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """The payload for the descriptor `target`, with metadata of the user's (signature specification, "Payload")."""
    return _json({"targetArtifact": {**target, **({"annotations": dict(metadata)} if metadata else {})}})


def cose(payload: bytes, claims: Claims, signer: Signer, stamp: Stamp | None) -> bytes:
    """COSE_Sign1_Tagged (signature envelope specification for COSE)."""
    import cbor2

    def time(instant: datetime) -> object:
        return cbor2.CBORTag(reading.EPOCH_TIME, int(instant.timestamp()))

    attributes = _attributes(claims, time)
    headers: dict[int | str, object] = {
        reading.ALG: ALGORITHMS[signer.algorithm],
        reading.CRIT: [name for name in attributes if name in envelope.CRITICAL_NAMES],
        reading.CONTENT_TYPE: envelope.PAYLOAD_TYPE,
    }
    protected = cbor2.dumps(headers | dict(attributes))
    signature = signer.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    unprotected: dict[int | str, object] = {reading.X5CHAIN: [each.der for each in signer.chain]}
    if stamp is not None:
        unprotected[envelope.TIMESTAMP] = stamp(signature)
    unprotected[envelope.AGENT] = claims.agent
    return cbor2.dumps(cbor2.CBORTag(reading.SIGN1, [protected, unprotected, payload, signature]))


def jws(payload: bytes, claims: Claims, signer: Signer, stamp: Stamp | None) -> bytes:
    """Flattened JSON (signature envelope specification for JWS)."""

    def time(instant: datetime) -> object:
        return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    attributes = _attributes(claims, time)
    critical = [name for name in attributes if name in envelope.CRITICAL_NAMES]
    stated = {"alg": signer.algorithm, "cty": envelope.PAYLOAD_TYPE, "crit": critical, **attributes}
    protected, body = _base64url(_json(stated)), _base64url(payload)
    signature = signer.sign(f"{protected}.{body}".encode())
    header: dict[str, object] = {"x5c": [base64.b64encode(each.der).decode() for each in signer.chain]}
    if stamp is not None:
        header[envelope.TIMESTAMP] = base64.b64encode(stamp(signature)).decode()
    header[envelope.AGENT] = claims.agent
    return _json({"payload": body, "protected": protected, "header": header, "signature": _base64url(signature)})


def _attributes(claims: Claims, time: Callable[[datetime], object]) -> dict[str, object]:
    """The signed attributes ("Standard attributes")."""
    found = {envelope.SCHEME: envelope.X509, envelope.SIGNING_TIME: time(claims.signed_at)}
    return found | ({envelope.EXPIRY: time(claims.expires)} if claims.expires else {})


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
