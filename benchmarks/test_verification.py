"""What verifying a signature costs, beside the operations of `cryptography` that it cannot do without.

Those are: loading each certificate of the chain, one signature for each of them, and the envelope's own.
The goal is a ratio of 1.5 at most for signatures that share their chain, as those of an image do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509

from policyengine.verification import algorithms, certificates
from policyengine.verification.notation import cose
from tests.verification import signing
from tests.verification.judging import judge, trust
from tests.verification.signing import Chain, Signing

GOAL = 1.5


def chain_of(length: int, kind: str) -> Chain:
    """A chain of two or three certificates whose leaf has a key of this kind."""
    if length == 3:
        return signing.good_chain(kind)
    root = signing.good_chain().root
    return Chain((signing.issue(signing.subject("x"), signing.key(kind), root, signing.signer_extensions()), root))


def cases(length: int, kind: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Verifying an envelope, and the bare operations."""
    chain = chain_of(length, kind)
    envelope, by = Signing(chain=chain).cose(), trust({"ca:acme": [chain]})
    read = cose.read(envelope)

    def bare() -> None:
        loaded = [x509.load_der_x509_certificate(der) for der in read.chain]
        for certificate, issuer in zip(loaded, [*loaded[1:], loaded[-1]], strict=True):
            certificate.verify_directly_issued_by(issuer)
        algorithms.verify(loaded[0].public_key(), read.signature, read.signed)

    return lambda: judge(envelope, by=by), bare


def forget() -> None:
    """No certificate was seen before."""
    for kept in (certificates.read, certificates.is_issued_by, certificates.signing_chain):
        kept.cache_clear()


def cost(operation: Callable[[], Any], times: int = 100) -> float:
    """Seconds of processor time of one operation."""
    start = time.process_time()
    for _ in range(times):
        operation()
    return (time.process_time() - start) / times


@pytest.mark.benchmark(group="one COSE envelope")
@pytest.mark.parametrize("kind", ["P-256", "RSA-3072"])
@pytest.mark.parametrize("length", [2, 3])
def test_verify(benchmark: Any, length: int, kind: str) -> None:
    verified, _ = cases(length, kind)
    assert benchmark(verified).status == "verified"


@pytest.mark.parametrize("kind", ["P-256", "RSA-3072"])
@pytest.mark.parametrize("length", [2, 3])
def test_ratio(length: int, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    verified, bare = cases(length, kind)

    others = certificates.signing_chain(tuple(chain_of(length, kind).ders))[1:]

    def first() -> None:
        forget()
        verified()

    def known_authorities() -> None:
        forget()
        for certificate, issuer in zip(others, (*others[1:], others[-1]), strict=True):
            certificates.is_issued_by(certificates.read(certificate.der), issuer)

    def authorities_first() -> None:
        known_authorities()
        verified()

    sets = [[cost(each) for each in (verified, first, authorities_first, known_authorities, bare)] for _ in range(5)]
    again = statistics.median(each[0] / each[4] for each in sets)
    once = statistics.median(each[1] / each[4] for each in sets)
    leaf = statistics.median((each[2] - each[3]) / each[4] for each in sets)
    per_second = 1 / min(each[0] for each in sets)
    with capsys.disabled():
        print(
            f"\n{kind}, chain of {length}: {per_second:.0f} verifications per second, {again:.2f} times the bare"
            f" operations (goal {GOAL}); {leaf:.2f} times for a leaf that was not seen before, by known authorities;"
            f" {once:.2f} times where none of them was"
        )
