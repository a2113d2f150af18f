"""RFC 3161 tokens: what is accepted, and every part of a token that may be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.verification import certificates, timestamps
from policyengine.verification.timestamps import Stamp
from tests.verification import signing
from tests.verification.signing import Chain, Timestamper

STAMPED = b"the bytes of a signature"


def roots(chain: Chain | None = None) -> tuple[certificates.Certificate, ...]:
    return (certificates.read((chain or signing.stamping_chain()).root.der),)


def verified(made: Timestamper) -> Stamp:
    return timestamps.verify(made.token(STAMPED), STAMPED, roots(made.chain))


def authority(kind: str = "P-256", **options: Any) -> Chain:
    """Another time stamping authority, its leaf's extensions or validity being `options`."""
    top = signing.issue(signing.subject("tsa root"), signing.key("P-256", 3), None, signing.ca_extensions())
    extensions = options.pop("extensions", signing.stamper_extensions())
    return Chain((signing.issue(signing.subject("tsa"), signing.key(kind, 4), top, extensions, **options), top))


def purpose(*oids: x509.ObjectIdentifier, critical: bool = True) -> Any:
    return [(signing.usage("digital_signature"), True), (x509.ExtendedKeyUsage(list(oids)), critical)]


STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
SECONDS = signing.integer(2)
NONCE, ORDERED, TSA_NAME = (
    signing.integer(99),
    b"\x01\x01\xff",
    signing.der(0xA0, signing.der(0xA4, signing.sequence())),
)
EXTENSION = signing.oid("1.2.3"), signing.der(4, b"x")

GOOD = {
    "EC": Timestamper(),
    "SHA-384": Timestamper(digest="sha384", imprint="sha512"),
    "SHA-512": Timestamper(digest="sha512", imprint="sha384"),
    "RSA PKCS #1": Timestamper(chain=authority("RSA-2048")),
    "RSA PSS": Timestamper(chain=authority("RSA-2048"), pkcs1=False),
    "RSA-3072 PSS": Timestamper(chain=authority("RSA-3072"), pkcs1=False, digest="sha384"),
    "without the root": Timestamper(carried=signing.stamping_chain().ders[:1]),
    "in another order": Timestamper(carried=signing.stamping_chain().ders[::-1]),
    "with other certificates": Timestamper(carried=[*signing.good_chain().ders, *signing.stamping_chain().ders]),
    "a nonce": Timestamper(tail=NONCE),
    "ordering, nonce and name": Timestamper(tail=ORDERED + NONCE + TSA_NAME),
    "an extension": Timestamper(tail=signing.der(0xA1, signing.sequence(*EXTENSION))),
    "a fraction": Timestamper(time="20260601120001.25Z"),
    "key usage not critical": Timestamper(
        chain=authority(extensions=[(signing.usage("digital_signature"), False), purpose(STAMPING)[1]])
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_accepted(name: str) -> None:
    stamp = verified(GOOD[name])
    fraction = 250_000 if name == "a fraction" else 0
    assert stamp.time == datetime(2026, 6, 1, 12, 0, 1, fraction, tzinfo=UTC)
    assert stamp.chain[-1] == roots(GOOD[name].chain)[0]


@pytest.mark.parametrize(
    ("accuracy", "policy", "expected"),
    [
        (b"", "1.2.3", timedelta()),
        (b"", timestamps.BASELINE_POLICY, timedelta(seconds=1)),
        (signing.sequence(), timestamps.BASELINE_POLICY, timedelta()),
        (signing.sequence(SECONDS), "1.2.3", timedelta(seconds=2)),
        (signing.sequence(signing.integer(500, 0x80)), "1.2.3", timedelta(milliseconds=500)),
        (signing.sequence(SECONDS, signing.integer(1, 0x80), signing.integer(7, 0x81)), "1.2.3", timedelta(0, 2, 7, 1)),
    ],
)
def test_accuracy(accuracy: bytes, policy: str, expected: timedelta) -> None:
    stamp = verified(Timestamper(accuracy=accuracy, policy=policy))
    assert (stamp.earliest, stamp.latest) == (stamp.time - expected, stamp.time + expected)


BAD: dict[str, tuple[Timestamper, str]] = {
    "over other bytes": (Timestamper(over=b"other"), "is over another signature"),
    "SHA-1 imprint": (Timestamper(imprint="sha1"), "none of SHA-256, SHA-384 and SHA-512"),
    "SHA-1 digest": (Timestamper(digest="sha1"), "none of SHA-256, SHA-384 and SHA-512"),
    "TSTInfo 2": (Timestamper(version=2), "is not of version 1"),
    "signer information 3": (Timestamper(signer_version=3), "is not of version 1"),
    "no signer": (Timestamper(signers=0), "0 signers instead of one"),
    "two signers": (Timestamper(signers=2), "2 signers instead of one"),
    "another content": (Timestamper(content_type="1.2.840.113549.1.7.1"), "has the object identifier"),
    "no certificate": (Timestamper(carried=[]), "carries no certificate"),
    "seventeen certificates": (Timestamper(carried=signing.stamping_chain().ders * 9), "or more than 16"),
    "a broken certificate": (Timestamper(carried=[*signing.stamping_chain().ders, b"\x30\x01x"]), "cannot be read"),
    "not the signer's": (Timestamper(carried=signing.good_chain().ders), "its signer's certificate"),
    "no content type": (Timestamper(drop=("content type",)), "lacks the signed attribute content type"),
    "no digest": (Timestamper(drop=("message digest",)), "lacks the signed attribute message digest"),
    "no signing certificate": (
        Timestamper(drop=("signing-certificate-v2",)),
        "lacks the signed attribute signing-certificate-v2",
    ),
    "two digests": (Timestamper(repeat=("message digest",)), "has a signed attribute twice"),
    "hash of another certificate": (Timestamper(certificate_hash=b"\x00" * 32), "the hash of another certificate"),
    "issuer of another": (
        Timestamper(
            issuer_serial=signing.sequence(
                signing.sequence(signing.der(0xA4, signing.name(("O", "other")).public_bytes())), signing.integer(1)
            )
        ),
        "names another issuer",
    ),
    "a critical extension": (
        Timestamper(tail=signing.der(0xA1, signing.sequence(EXTENSION[0], b"\x01\x01\xff", EXTENSION[1]))),
        "a critical extension that is not known",
    ),
    "a field too many": (Timestamper(tail=b"\x05\x00"), "a field follows"),
    "fields out of order": (Timestamper(tail=NONCE + ORDERED), "a field follows"),
    "a boolean of 1": (Timestamper(tail=b"\x01\x01\x01"), "a boolean is neither"),
    "a time without zone": (Timestamper(time="20260601120001"), "a time is not in the form"),
    "a time with an offset": (Timestamper(time="20260601120001+0100"), "a time is not in the form"),
    "a fraction with a zero": (Timestamper(time="20260601120001.50Z"), "a time is not in the form"),
    "the 31st of June": (Timestamper(time="20260631120001Z"), "a time does not exist"),
    "the year 1": (Timestamper(time="00010101000000Z"), "out of range"),
    "the year 9999": (Timestamper(time="99991231235959Z"), "out of range"),
    "accuracy of a week": (Timestamper(accuracy=signing.sequence(signing.integer(604_800))), "accuracy"),
    "accuracy of 1000 ms": (Timestamper(accuracy=signing.sequence(signing.integer(1000, 0x80))), "accuracy"),
    "negative accuracy": (Timestamper(accuracy=signing.sequence(signing.integer(-1))), "accuracy"),
    "code signing": (Timestamper(chain=signing.good_chain()), "not for timeStamping alone"),
    "purpose not critical": (
        Timestamper(chain=authority(extensions=purpose(STAMPING, critical=False))),
        "not for timeStamping alone",
    ),
    "two purposes": (
        Timestamper(chain=authority(extensions=purpose(STAMPING, ExtendedKeyUsageOID.CODE_SIGNING))),
        "not for timeStamping alone",
    ),
    "no purpose": (
        Timestamper(chain=authority(extensions=[(signing.usage("digital_signature"), True)])),
        "not for timeStamping alone",
    ),
    "a CA": (Timestamper(chain=authority(extensions=[*signing.ca_extensions(), purpose(STAMPING)[1]])), "is a CA"),
    "a weak key": (Timestamper(chain=authority("RSA-1024")), "RSA 1024"),
    "a certificate that ended before": (
        Timestamper(chain=authority(end=datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC))),
        "expired at",
    ),
    "a certificate that began after": (
        Timestamper(chain=authority(start=datetime(2026, 6, 1, 12, 0, 2, tzinfo=UTC))),
        "valid only from",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    made, reason = BAD[name]
    with pytest.raises(VerificationError) as caught:
        verified(made)
    assert reason in str(caught.value)


def test_a_namesake_of_the_root_is_not_the_root() -> None:
    token = Timestamper().token(STAMPED)
    namesake = Chain(
        (signing.issue(signing.subject("tsa root"), signing.key("P-256", 8), None, signing.ca_extensions()),)
    )
    for others in (roots(namesake), ()):
        with pytest.raises(VerificationError, match="does not lead to a root"):
            timestamps.verify(token, STAMPED, others)


def test_a_stamp_of_one_authority_does_not_pass_as_another_by_a_certificate_in_the_bag() -> None:
    """CVE-2026-39984: the signer is who the signed attribute says, not whoever lies in the bag."""
    trusted = signing.stamping_chain()
    stranger_root = signing.issue(signing.subject("r"), signing.key("P-256", 30), None, signing.ca_extensions())
    stranger = signing.issue(
        signing.subject("tsa"), signing.key("P-256", 31), stranger_root, signing.stamper_extensions()
    )
    forged = Timestamper(
        chain=Chain((stranger, stranger_root)), carried=[*trusted.ders, stranger.der, stranger_root.der]
    )
    with pytest.raises(VerificationError, match="does not lead to a root"):
        timestamps.verify(forged.token(STAMPED), STAMPED, roots())


def test_a_bag_of_certificates_that_sign_each_other_ends() -> None:
    names = [signing.subject(str(number)) for number in range(7)]
    keys = [signing.key("P-256", 40 + number) for number in range(7)]
    circle = [signing.Holder(signing.issue(names[0], keys[0], None, signing.ca_extensions()).certificate, keys[0])]
    for number in range(1, 7):
        circle.append(signing.issue(names[number], keys[number], circle[-1], signing.ca_extensions()))
    circle[0] = signing.issue(names[0], keys[0], circle[-1], signing.ca_extensions())
    leaf = signing.issue(signing.subject("tsa"), signing.key("P-256", 4), circle[3], signing.stamper_extensions())
    made = Timestamper(chain=Chain((leaf,)), carried=[leaf.der, *(each.der for each in circle)])
    with pytest.raises(VerificationError, match="does not lead to a root"):
        timestamps.verify(made.token(STAMPED), STAMPED, roots())


def test_a_token_may_carry_the_intermediates() -> None:
    root = signing.stamping_chain().root
    middle = signing.issue(signing.subject("tsa ca"), signing.key("P-256", 6), root, signing.ca_extensions(0))
    leaf = signing.issue(signing.subject("tsa"), signing.key("P-256", 4), middle, signing.stamper_extensions())
    made = Timestamper(chain=Chain((leaf, middle)))
    assert len(timestamps.verify(made.token(STAMPED), STAMPED, roots()).chain) == 3


def test_a_token_is_bounded_and_der() -> None:
    token = Timestamper().token(STAMPED)
    with pytest.raises(VerificationError, match="more than"):
        timestamps.verify(b"\x30" * (limits.TIMESTAMP_BYTES + 1), STAMPED, roots())
    indefinite = b"\x30\x80" + token[4:] + b"\x00\x00"
    for wrong in (b"", token[:-1], token + b"\x00", indefinite):
        with pytest.raises(VerificationError):
            timestamps.verify(wrong, STAMPED, roots())


TOKEN = Timestamper(tail=NONCE, carried=signing.stamping_chain().ders[:1]).token(STAMPED)


@given(st.integers(0, len(TOKEN) * 8 - 1))
def test_no_bit_of_a_token_can_be_flipped(bit: int) -> None:
    broken = bytearray(TOKEN)
    broken[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VerificationError):
        timestamps.verify(bytes(broken), STAMPED, roots())


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_without_another_exception(data: bytes) -> None:
    for token in (data, TOKEN[:40] + data, TOKEN[: -len(data) - 1] + data):
        with pytest.raises(VerificationError):
            timestamps.verify(token, STAMPED, roots())
