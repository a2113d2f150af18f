"""RFC 3161 timestamps, asked for: the request, and the token in the answer (sections 2.4.1 and 2.4.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from policyengine.errors import VerificationError
from policyengine.verification import der, timestamps
from policyengine.verification.der import Fields

Post = Callable[[bytes], bytes]
"""Sends a request to the authority that the user named; the body of its answer."""

SHA256 = bytes.fromhex("300d06096086480165030402010500")
"""The AlgorithmIdentifier of SHA-256."""
GRANTED = (0, 1)
"""PKIStatus: granted, and granted with modifications."""


def token(signature: bytes, post: Post) -> bytes:
    """A token over `signature`, by whoever answers; raises `VerificationError` for any other answer.

    Whether that authority is trusted is for those to say who verify the signature.
    """
    answer = Fields(der.read(post(_request(signature)), der.SEQUENCE))
    status = der.integer(Fields(answer.take(der.SEQUENCE)).take(der.INTEGER))
    if status not in GRANTED:
        raise VerificationError(f"the time stamping authority refuses to stamp (status {status})")
    found = answer.take(der.SEQUENCE).raw
    timestamps.check(found, signature)
    return found


def _request(signature: bytes) -> bytes:
    """TimeStampReq: version 1, the imprint, and the wish for certificates in the token.

    Every signature is new by its randomness, so its imprint does what a nonce would.
    """
    imprint = _sequence(SHA256, _element(der.OCTET_STRING, hashlib.sha256(signature).digest()))
    return _sequence(_element(der.INTEGER, b"\x01"), imprint, _element(der.BOOLEAN, b"\xff"))


def _sequence(*parts: bytes) -> bytes:
    return _element(der.SEQUENCE, b"".join(parts))


def _element(tag: int, content: bytes) -> bytes:
    """All elements of a request are shorter than 128 bytes, so their length takes one."""
    assert len(content) < 0x80
    return bytes([tag, len(content)]) + content
