"""What others sign about signatures, damaged: timestamps, OCSP responses, revocation lists.

Each is taken with the meaning that it had, or refused with a reason; nothing else is raised. The keys are new in every
process, so that a case is the same damage to other bytes.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from random import Random

from msgspec import Struct

from policyengine.errors import VerificationError
from policyengine.verification import certificates, crl, ocsp, timestamps
from policyengine.verification.certificates import Certificate
from tests.fuzz.mutation import damaged
from tests.verification import revoking, signing
from tests.verification.signing import NOW, Timestamper

CASES = 150
STAMPED = b"the bytes of a signature"


class Made(Struct, frozen=True):
    """Bytes that somebody answered: `kind` says to what."""

    kind: str
    data: bytes


@cache
def answers() -> dict[str, bytes]:
    """One of each kind that is right, by kind; the certificate that they are about is revoked."""
    leaf, issuer, _ = signing.good_chain().holders
    delegate = revoking.delegate(issuer)
    return {
        "timestamp": Timestamper().token(STAMPED),
        "response": revoking.response(leaf, issuer, revoking.REVOKED),
        "response of a delegate": revoking.response(leaf, issuer, revoking.REVOKED, by=delegate),
        "list": revoking.crl(issuer, revoking.entry(leaf), extensions=[revoking.scope(only_contains_user_certs=True)]),
    }


def make_input(random: Random) -> Made:
    """An answer that is damaged."""
    kind = random.choice(list(answers()))
    return Made(kind, damaged(random, answers()[kind]))


def check(made: Made) -> None:
    """It means what it meant, or it is refused."""
    leaf, issuer, _ = chain()
    with suppress(VerificationError):
        if made.kind == "timestamp":
            stamp = timestamps.verify(made.data, STAMPED, clock())
            assert f"{stamp.time:%Y%m%d%H%M%SZ}" == Timestamper().time
        elif made.kind == "list":
            entry = crl.entry(crl.read(made.data, issuer), leaf)
            assert entry is not None
            assert entry.since == NOW - revoking.DAY
        else:
            found = ocsp.read(made.data, leaf, issuer, NOW).found
            assert found.revoked
            assert found.this_update == NOW - revoking.HOUR


@cache
def chain() -> tuple[Certificate, ...]:
    return tuple(map(certificates.read, signing.good_chain().ders))


@cache
def clock() -> tuple[Certificate, ...]:
    return (certificates.read(signing.stamping_chain().root.der),)
