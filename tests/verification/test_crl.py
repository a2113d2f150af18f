"""Revocation lists, complete and delta: which count, for which certificates, and what their entries mean (RFC 5280)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from policyengine.errors import VerificationError
from policyengine.verification import certificates
from policyengine.verification import crl as reading
from policyengine.verification.answers import Revoked
from tests.verification import revoking, signing
from tests.verification.revoking import CRL, DAY, DELTA, HOUR, crl, entry, freshest, scope
from tests.verification.signing import NOW

CHAIN = revoking.chain(revoking.points(CRL))
LEAF, ISSUER, ROOT = CHAIN.holders
REASON = x509.ReasonFlags


def read(data: bytes, issuer: signing.Holder = ISSUER) -> reading.List:
    return reading.read(data, certificates.read(issuer.der))


def test_a_list_of_the_issuer() -> None:
    found = read(crl(ISSUER, entry(1), number=7))
    assert (found.number, found.base, found.scope, found.freshest) == (7, None, None, ())
    assert (found.this_update, found.next_update) == (NOW - HOUR, NOW + DAY)


def unable() -> signing.Holder:
    """The issuer without the right to sign lists."""
    extensions = [(x509.BasicConstraints(True, 0), True), (signing.usage("key_cert_sign"), True)]
    return signing.issue(signing.subject("intermediate"), ISSUER.private, ROOT, extensions)


UNKNOWN = signing.with_oid("1.2.3.4")
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "another issuer": (lambda: read(crl(ROOT)), "of another issuer"),
    "another key": (lambda: read(crl(ISSUER, by=ROOT)), "signature does not match"),
    "an issuer that may not sign lists": (lambda: read(crl(ISSUER), unable()), "no key usage cRLSign"),
    "a weak signature": (lambda: read(crl(ISSUER, signed_with=hashes.SHA224())), "weak, not supported"),
    "an unknown critical extension": (
        lambda: read(crl(ISSUER, extensions=[(UNKNOWN, True)])),
        "the list has a critical extension",
    ),
    "an unknown critical extension of another's entry": (
        lambda: read(crl(ISSUER, entry(1), entry(2, None, (UNKNOWN, True)))),
        "an entry of the list has a critical extension",
    ),
    "an entry of another issuer": (
        lambda: read(crl(ISSUER, entry(1, None, (x509.CertificateIssuer([revoking.uri("http://x")]), True)))),
        "an entry of the list has a critical extension",
    ),
    "no list": (lambda: read(b"-----BEGIN X509 CRL-----"), "cannot be read"),
    "a certificate": (lambda: read(LEAF.der), "cannot be read"),
    "more bytes behind": (lambda: read(crl(ISSUER) + b"\0"), "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, why = REFUSED[name]
    with pytest.raises(VerificationError, match=why):
        make()


def test_what_is_not_critical_does_not_matter() -> None:
    other = (UNKNOWN, False)
    found = read(crl(ISSUER, entry(LEAF, REASON.superseded, other), extensions=[other]))
    assert reading.entry(found, certificates.read(LEAF.der)) == Revoked(NOW - DAY, "superseded")


def test_a_serial_number_that_looks_like_a_critical_flag_is_none() -> None:
    assert read(crl(ISSUER, entry(0x010101FF), entry(LEAF))).number == 5


REVOKES = crl(ISSUER, entry(1), entry(LEAF, REASON.key_compromise))


@given(st.integers(0, len(REVOKES) - 1), st.integers(0, 7))
def test_no_bit_of_a_list_can_be_flipped(place: int, bit: int) -> None:
    flipped = bytearray(REVOKES)
    flipped[place] ^= 1 << bit
    try:
        found = read(bytes(flipped))
    except VerificationError:
        return
    assert reading.entry(found, certificates.read(LEAF.der)) == Revoked(NOW - DAY, "keyCompromise")


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with pytest.raises(VerificationError):
        read(data)


# Scope

ADDRESS = reading.Address(CRL, (revoking.uri(CRL), revoking.uri("http://mirror.example")))
SOME_REASONS = {"only_some_reasons": frozenset({REASON.key_compromise})}
RELATIVE = {"relative_name": x509.RelativeDistinguishedName([x509.NameAttribute(signing.NAMES["CN"], "x")])}


@pytest.mark.parametrize(
    ("limits", "leaf", "authority"),
    [
        ({"only_contains_user_certs": True}, "", "no CA's"),
        ({"only_contains_ca_certs": True}, "certificates of CAs", ""),
        ({"only_contains_attribute_certs": True}, "other certificates only", "other certificates only"),
        ({"indirect_crl": True}, "an indirect one", "an indirect one"),
        (SOME_REASONS, "for some reasons", "for some reasons"),
        (RELATIVE, "an indirect one", "an indirect one"),
        ({"full_name": [revoking.uri(CRL)]}, "", ""),
        ({"full_name": [revoking.uri("http://x"), revoking.uri("http://mirror.example")]}, "", ""),
        ({"full_name": [revoking.uri("http://crl.example/other.crl")]}, "another distribution", "another distribution"),
    ],
)
def test_scope(limits: dict[str, Any], leaf: str, authority: str) -> None:
    """A list for others says nothing of this certificate, and nor does that of another part of the certificates."""
    found = read(crl(ISSUER, extensions=[scope(**limits)]))
    for holder, why in ((LEAF, leaf), (ISSUER, authority)):
        certificate = certificates.read(holder.der)
        if why:
            with pytest.raises(VerificationError, match=why):
                reading.check_scope(found, certificate, ADDRESS)
        else:
            reading.check_scope(found, certificate, ADDRESS)


def test_a_delta_list_is_no_complete_one() -> None:
    with pytest.raises(VerificationError, match="delta list in the place"):
        reading.check_scope(read(crl(ISSUER, base=3)), certificates.read(LEAF.der), ADDRESS)


# Delta lists


@pytest.mark.parametrize(
    ("base", "number", "continues"),
    [(5, 6, True), (4, 6, True), (5, 5, True), (1, 9, True), (6, 7, False), (5, 4, False), (3, 4, False)],
)
def test_a_delta_list_continues_the_complete_one(base: int, number: int, continues: bool) -> None:
    complete, delta = read(crl(ISSUER, number=5)), read(crl(ISSUER, number=number, base=base))
    if continues:
        reading.check_delta(delta, complete)
    else:
        with pytest.raises(VerificationError, match="does not continue"):
            reading.check_delta(delta, complete)


@pytest.mark.parametrize(
    ("complete", "delta"),
    [
        (crl(ISSUER), crl(ISSUER, number=6)),
        (crl(ISSUER, number=None), crl(ISSUER, number=6, base=5)),
        (crl(ISSUER), crl(ISSUER, number=None, base=5)),
        (crl(ISSUER), crl(ISSUER, number=6, base=5, extensions=[scope(only_contains_user_certs=True)])),
        (crl(ISSUER, extensions=[scope(only_contains_user_certs=True)]), crl(ISSUER, number=6, base=5)),
    ],
)
def test_what_cannot_be_combined_is_refused(complete: bytes, delta: bytes) -> None:
    with pytest.raises(VerificationError):
        reading.check_delta(read(delta), read(complete))


OLD, NEW = NOW - 2 * DAY, NOW - DAY
BAD = Revoked(OLD, "keyCompromise")
HELD = Revoked(OLD, "certificateHold")


@pytest.mark.parametrize(
    ("complete", "delta", "result"),
    [
        (None, None, None),
        (BAD, None, BAD),
        (None, BAD, BAD),
        (HELD, BAD, BAD),
        (BAD, HELD, HELD),
        (HELD, Revoked(NEW, "removeFromCRL"), None),
        (HELD, Revoked(OLD, "removeFromCRL"), HELD),
        (HELD, Revoked(OLD - DAY, "removeFromCRL"), HELD),
        (BAD, Revoked(NEW, "removeFromCRL"), BAD),
        (None, Revoked(NEW, "removeFromCRL"), None),
    ],
)
def test_only_a_hold_is_taken_back_and_only_later(
    complete: Revoked | None, delta: Revoked | None, result: Revoked | None
) -> None:
    assert reading.combined(complete, delta) == result


def test_only_a_delta_list_takes_back() -> None:
    leaf = certificates.read(LEAF.der)
    taken = entry(LEAF, REASON.remove_from_crl)
    with pytest.raises(VerificationError, match="only a delta list can"):
        reading.entry(read(crl(ISSUER, taken)), leaf)
    assert reading.entry(read(crl(ISSUER, taken, base=5)), leaf) == Revoked(NOW - DAY, "removeFromCRL")


# Addresses


def test_only_points_with_the_issuers_own_full_lists_are_addresses() -> None:
    other = [x509.DirectoryName(ROOT.certificate.subject)]
    named = x509.CRLDistributionPoints(
        [
            revoking.point("http://a", "http://b"),
            revoking.point("http://c", crl_issuer=other),
            revoking.point("http://d", reasons=frozenset({REASON.key_compromise})),
            x509.DistributionPoint(None, RELATIVE["relative_name"], None, None),
            revoking.point(full_name=other),
            revoking.point("http://e"),
        ]
    )
    leaf = certificates.read(revoking.chain((named, False)).leaf.der)
    assert [address.url for address in reading.addresses(leaf)] == ["http://a", "http://b", "http://e"]
    assert leaf.revocable


def test_delta_lists_are_where_list_or_certificate_say() -> None:
    leaf = certificates.read(revoking.chain(freshest("http://a", DELTA)).leaf.der)
    found = read(crl(ISSUER, extensions=[freshest(DELTA)]))
    assert [address.url for address in reading.delta_addresses(found, leaf)] == [DELTA, "http://a"]
