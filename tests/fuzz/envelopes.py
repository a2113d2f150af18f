"""Signature envelopes by chance: no traceback, and nothing verifies that was not signed so.

Some are good ones whose bytes were damaged. Of others the header, the payload or a certificate was damaged first
and the envelope signed afterwards, by the right key: such damage is behind the signature, where parsers are reached.
The keys are new in every process, so that a case is the same damage to other bytes.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from random import Random

import cbor2
from msgspec import Struct

from policyengine.errors import VerificationError
from policyengine.verification.notation import envelope, verify, view
from policyengine.verification.notation.envelope import Envelope
from policyengine.verification.trust import Trust
from tests.fuzz.mutation import damaged
from tests.verification import judging, signing
from tests.verification.signing import COSE, JWS, NOW, PREFIX, TARGET, Signing, Timestamper

CASES = 150

PARTS = ("bytes", "bytes", "header", "payload", "certificate", "chain", "timestamp")
"""What is damaged; all but the first before the envelope is signed."""


class Made(Struct, frozen=True):
    """An envelope of a media type, and what of it was damaged."""

    data: bytes
    media_type: str
    part: str


def make_input(random: Random) -> Made:
    """An envelope that may be none."""
    media_type, part = random.choice((COSE, JWS)), random.choice(PARTS)
    made = Signing(expires=NOW.replace(year=NOW.year + 1)) if random.random() < 0.3 else Signing()
    if part == "bytes":
        return Made(damaged(random, _written(made, media_type)), media_type, part)
    if part == "header":
        return Made(_with_header(random, made, media_type), media_type, part)
    if part == "payload":
        made.payload = damaged(random, signing.payload())
    elif part == "timestamp":
        made.unsigned = {PREFIX + "timestampSignature": _token(random, media_type)}
    else:
        made.ders = _chain(random, part)
    return Made(_written(made, media_type), media_type, part)


def _written(made: Signing, media_type: str) -> bytes:
    return made.cose() if media_type == COSE else made.jws()


def _with_header(random: Random, made: Signing, media_type: str) -> bytes:
    if media_type == COSE:
        return made.cose(damaged(random, cbor2.dumps(made.cose_protected())))
    return made.jws(damaged(random, json.dumps(made.jws_protected()).encode()))


def _chain(random: Random, part: str) -> list[bytes]:
    ders = signing.good_chain().ders
    if part == "certificate":
        at = random.randrange(len(ders))
        return [damaged(random, der) if place == at else der for place, der in enumerate(ders)]
    others = [*ders, *signing.stamping_chain().ders]
    return [random.choice(others) for _ in range(random.randint(0, 5))]


def _token(random: Random, media_type: str) -> bytes | str:
    token = damaged(random, Timestamper().token(b"of another signature"))
    return token if media_type == COSE else signing.standard(token)


@cache
def trusts() -> tuple[Trust, ...]:
    """The usual trust, at the strictest and at the mildest level, and one that asks for timestamps."""
    stores = {"ca:acme": [signing.good_chain()], "tsa:clock": [signing.stamping_chain()]}
    return (
        judging.trust(),
        judging.trust(signatureVerification=judging.level("audit")),
        judging.trust(stores, signatureVerification=judging.level("permissive")),
    )


def check(made: Made) -> None:
    """No envelope raises, and one that counts says what was signed, by the chain that signed it."""
    shown_or_not(made)
    for by in trusts():
        found = judging.judge(made.data, made.media_type, by=by)
        assert found.status in ("verified", "rejected", "audited")
        assert found.reason or found.status == "verified"
        if found.status != "rejected":
            counts(verify.parse(made.data, made.media_type))


def shown_or_not(made: Made) -> None:
    """An envelope can be shown, or it is none."""
    envelope.recognised(made.data)
    with suppress(VerificationError):
        assert view.describe(made.data, made.media_type).scheme


def counts(read: Envelope) -> None:
    """Only the chain of the right signer, and only the image that was asked about."""
    assert list(read.chain) == signing.good_chain().ders
    stated = json.loads(read.payload)["targetArtifact"]
    assert (stated["mediaType"], stated["digest"], stated["size"]) == (TARGET.media_type, TARGET.digest, TARGET.size)
