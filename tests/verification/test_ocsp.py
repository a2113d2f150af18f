"""OCSP responses: which count, and which only look as if they did (RFC 6960, sections 3.2 and 4.2.2.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from policyengine.errors import VerificationError
from policyengine.verification import certificates
from policyengine.verification import ocsp as reading
from tests.verification import revoking, signing
from tests.verification.revoking import DAY, HOUR, NOCHECK, OCSP, PURPOSE, REVOKED, UNKNOWN, delegate, response
from tests.verification.signing import NOW

CHAIN = revoking.chain(revoking.responders(OCSP))
LEAF, ISSUER, ROOT = CHAIN.holders


def read(data: bytes, at: Any = NOW, signed_at: Any = None) -> reading.Response:
    leaf, issuer = (certificates.read(holder.der) for holder in (LEAF, ISSUER))
    return reading.read(data, leaf, issuer, at, signed_at)


def test_good_by_the_issuer() -> None:
    found = read(response(LEAF, ISSUER))
    assert (found.found.revoked, found.found.entry, found.responder) == (False, None, None)
    assert (found.found.this_update, found.found.next_update) == (NOW - HOUR, NOW + DAY)


def test_the_issuer_may_be_named_by_its_key() -> None:
    assert not read(response(LEAF, ISSUER, encoding=ocsp.OCSPResponderEncoding.HASH)).found.revoked


@pytest.mark.parametrize("hash", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_the_certificate_may_be_named_by_any_hash(hash: Any) -> None:
    assert not read(response(LEAF, ISSUER, named=hash)).found.revoked


@pytest.mark.parametrize("reason", [None, x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold])
def test_revoked_is_revoked_for_whatever_reason(reason: Any) -> None:
    found = read(response(LEAF, ISSUER, REVOKED, reason=reason)).found
    assert found.revoked
    assert str(found.entry) == (f"revoked since 2026-05-31T12:00:00Z ({reason.value if reason else 'unspecified'})")


def test_good_by_a_delegate() -> None:
    assert read(response(LEAF, ISSUER, by=delegate(ISSUER))).responder is None


def test_a_delegate_that_can_be_revoked_is_handed_over() -> None:
    able = delegate(ISSUER, PURPOSE, revoking.points("http://crl.example"))
    responder = read(response(LEAF, ISSUER, by=able)).responder
    assert responder is not None
    assert responder.der == able.der


def test_of_a_delegate_that_names_no_way_to_be_revoked_nobody_can_be_asked() -> None:
    assert read(response(LEAF, ISSUER, by=delegate(ISSUER, PURPOSE))).responder is None


def self_signed(name: str, number: int, *more: Any) -> signing.Holder:
    return signing.issue(signing.subject(name), signing.key("P-256", number), None, more or signing.ca_extensions())


def code_signer() -> signing.Holder:
    return signing.issue(signing.subject("x"), signing.key("P-256", 21), ISSUER, signing.signer_extensions())


def any_purpose() -> signing.Holder:
    usage = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), False)
    return delegate(ISSUER, usage)


def with_the_same_key() -> signing.Holder:
    return signing.issue(signing.subject("x"), LEAF.private, ISSUER, [PURPOSE, NOCHECK])


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "unknown": (lambda: response(LEAF, ISSUER, UNKNOWN), "does not know the certificate"),
    "no next update": (lambda: response(LEAF, ISSUER, next=None), "does not say when the next one comes"),
    "expired": (lambda: response(LEAF, ISSUER, next=NOW - timedelta(seconds=1)), "expired at 2026-06-01T11:59:59Z"),
    "of the future": (lambda: response(LEAF, ISSUER, this=NOW + HOUR), "later than the evaluation's instant"),
    "the revoked certificate itself": (lambda: response(LEAF, ISSUER, by=LEAF), "vouches for itself"),
    "the same key under another name": (lambda: response(LEAF, ISSUER, by=with_the_same_key()), "vouches for itself"),
    "a delegate without the purpose": (lambda: response(LEAF, ISSUER, by=code_signer()), "no extended key usage"),
    "a delegate for any purpose": (lambda: response(LEAF, ISSUER, by=any_purpose()), "no extended key usage"),
    "a delegate that has expired": (
        lambda: response(LEAF, ISSUER, by=delegate(ISSUER, end=NOW - HOUR)),
        "expired at",
    ),
    "a delegate of tomorrow": (lambda: response(LEAF, ISSUER, by=delegate(ISSUER, start=NOW + HOUR)), "valid only"),
    "a delegate of the root": (lambda: response(LEAF, ISSUER, by=delegate(ROOT)), "neither the issuer nor certified"),
    "a stranger": (lambda: response(LEAF, ISSUER, by=self_signed("x", 22)), "neither the issuer nor certified"),
    "the root": (lambda: response(LEAF, ISSUER, by=ROOT), "neither the issuer nor certified"),
    "a stranger who has the issuer's name": (
        lambda: response(LEAF, ISSUER, by=self_signed("intermediate", 23)),
        "its signature does not match",
    ),
    "a delegate whose key usage is another": (
        lambda: response(LEAF, ISSUER, by=delegate(ISSUER, PURPOSE, (signing.usage("key_cert_sign"), True))),
        "key usage without digitalSignature",
    ),
    "a delegate that is not carried": (
        lambda: response(LEAF, ISSUER, by=delegate(ISSUER), carried=[LEAF]),
        "does not carry its signer's certificate",
    ),
    "another certificate": (lambda: response(code_signer(), ISSUER), "about another certificate"),
    "the serial number of an authority with another name": (
        lambda: response(LEAF, ISSUER, name_hash=bytes(20)),
        "about another certificate",
    ),
    "the serial number of an authority with another key": (
        lambda: response(LEAF, ISSUER, key_hash=bytes(20)),
        "about another certificate",
    ),
    "a critical extension": (
        lambda: response(LEAF, ISSUER, extension=(x509.OCSPNonce(b"12345678"), True)),
        "critical extension that is not known",
    ),
    "no response": (lambda: b"", "cannot be read"),
    "a list": (lambda: revoking.crl(ISSUER), "cannot be read"),
    "more bytes behind": (lambda: response(LEAF, ISSUER) + b"\0", "cannot be read"),
    "try later": (
        lambda: ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
            serialization.Encoding.DER
        ),
        "the responder answers try_later",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, why = REFUSED[name]
    with pytest.raises(VerificationError, match=why):
        read(make())


def test_a_weak_signature_is_refused() -> None:
    """Such as ecdsa-with-SHA224, with which the library will still sign."""
    with pytest.raises(VerificationError, match="weak, not supported"):
        read(response(LEAF, ISSUER, signed_with=hashes.SHA224()))


def test_clocks_may_differ_a_little() -> None:
    late = response(LEAF, ISSUER, this=NOW + timedelta(minutes=4))
    assert not read(late).found.revoked
    assert read(response(LEAF, ISSUER, next=NOW)).found.entry is None


@given(st.data())
def test_no_bit_of_a_response_can_be_flipped(data: st.DataObject) -> None:
    """Whatever is flipped, nobody reads it as another answer: it is refused, or the bit means nothing."""
    flipped = bytearray(BY_DELEGATE)
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read(bytes(flipped)).found
    except VerificationError:
        return
    assert (found.revoked, str(found.entry)) == (True, "revoked since 2026-05-31T12:00:00Z (keyCompromise)")


BY_DELEGATE = response(LEAF, ISSUER, REVOKED, reason=x509.ReasonFlags.key_compromise, by=delegate(ISSUER))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with pytest.raises(VerificationError):
        read(data)


def test_a_question_goes_into_the_url_where_it_fits() -> None:
    leaf, issuer = (certificates.read(holder.der) for holder in (LEAF, ISSUER))
    asked = reading.question("http://ocsp.example/", leaf, issuer)
    assert asked.body is None
    assert asked.url.startswith("http://ocsp.example/MF")
    assert not set(asked.url.removeprefix("http://ocsp.example/")) & set("+/= ")
    posted = reading.question("http://ocsp.example/?ca=1", leaf, issuer)
    assert posted.url == "http://ocsp.example/?ca=1"
    request = ocsp.load_der_ocsp_request(posted.body or b"")
    assert request.serial_number == LEAF.certificate.serial_number


def test_only_urls_are_addresses_and_only_of_responders() -> None:
    access = x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, revoking.uri("http://ca.example")),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.DNSName("ocsp.example")),
            x509.AccessDescription(AuthorityInformationAccessOID.OCSP, revoking.uri("http://ocsp.example")),
        ]
    )
    leaf = certificates.read(revoking.chain((access, False)).leaf.der)
    assert reading.addresses(leaf) == ("http://ocsp.example",)
    assert leaf.revocable


# Invalidity dates


@pytest.mark.parametrize(
    ("signed_at", "revoked"),
    [(None, True), (NOW - 2 * DAY, False), (NOW - 2 * DAY + HOUR, True), (NOW - DAY, True)],
)
def test_an_invalidity_date_excuses_an_authentic_signing_time_before_it(signed_at: Any, revoked: bool) -> None:
    data = revoking.raw_response(ISSUER, revoking.single(LEAF, ISSUER, invalid_since=NOW - 2 * DAY + HOUR))
    found = read(data, signed_at=signed_at).found
    assert found.revoked == revoked
    assert str(found.entry) == "revoked since 2026-05-31T12:00:00Z (unspecified)"


def test_a_response_about_two_certificates_is_refused() -> None:
    both = [revoking.single(LEAF, ISSUER), revoking.single(code_signer(), ISSUER)]
    assert not read(revoking.raw_response(ISSUER, both[0])).found.revoked
    for singles in (both, both[::-1], []):
        with pytest.raises(VerificationError):
            read(revoking.raw_response(ISSUER, *singles))
