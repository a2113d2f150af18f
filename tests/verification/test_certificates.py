"""The certificate profile: signature specification, "Certificate Requirements", rule by rule."""

from __future__ import annotations

import itertools
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from policyengine.errors import VerificationError
from policyengine.verification import certificates, der
from tests.verification import signing
from tests.verification.responder import OPENSSL
from tests.verification.signing import NOW, Chain, Holder

LEAF = signing.usage("digital_signature")
CODE = ExtendedKeyUsageOID.CODE_SIGNING


def checked(chain: Chain) -> certificates.Chain:
    return certificates.signing_chain(tuple(chain.ders))


def leaf(*extensions: tuple[x509.ExtensionType, bool]) -> Chain:
    return signing.chain(leaf=extensions)


def purposes(*oids: ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage(list(oids)), False


GOOD = {
    "basic constraints of a leaf": leaf((x509.BasicConstraints(False, None), False), (LEAF, True)),
    "critical basic constraints of a leaf": leaf((x509.BasicConstraints(False, None), True), (LEAF, True)),
    "no extended key usage": leaf((LEAF, True)),
    "content commitment": leaf((signing.usage("digital_signature", "content_commitment"), True)),
    "critical code signing": leaf((LEAF, True), (x509.ExtendedKeyUsage([CODE]), True)),
    "an unknown purpose": leaf((LEAF, True), purposes(ObjectIdentifier("1.2.3.4"))),
    "an unknown critical extension": leaf((LEAF, True), (signing.with_oid("1.2.3.4.5"), True)),
    "name constraints": signing.chain(
        middle=[
            *signing.ca_extensions(0),
            (x509.NameConstraints([x509.DirectoryName(signing.name(("O", "other")))], None), True),
        ]
    ),
    "an unknown critical extension of a CA": signing.chain(
        root=[*signing.ca_extensions(), (signing.with_oid("1.2.3.4.5"), True)]
    ),
    "path lengths that just suffice": signing.chain(middle=signing.ca_extensions(0), root=signing.ca_extensions(1)),
    "a CA for clients only": signing.chain(
        middle=[*signing.ca_extensions(), purposes(ExtendedKeyUsageOID.CLIENT_AUTH)]
    ),
    "an RSA authority over an EC leaf": signing.chain(ca_kind="RSA-2048"),
}


@pytest.mark.parametrize("name", GOOD)
def test_allowed(name: str) -> None:
    assert len(checked(GOOD[name])) == 3


CA = signing.ca_extensions
BAD: dict[str, tuple[Chain, str]] = {
    "a CA as leaf": (leaf((x509.BasicConstraints(True, None), True), (LEAF, True)), "is a CA"),
    "no key usage": (leaf(), "no key usage digitalSignature"),
    "key usage not critical": (leaf((LEAF, False)), "is not critical"),
    "no digital signature": (leaf((signing.usage("content_commitment"), True)), "no key usage digitalSignature"),
    "CA constraints not critical": (
        signing.chain(middle=[(x509.BasicConstraints(True, None), False), CA()[1]]),
        "without critical basic constraints",
    ),
    "CA without constraints": (signing.chain(middle=[CA()[1]]), "without critical basic constraints"),
    "CA that is none": (
        signing.chain(middle=[(x509.BasicConstraints(False, None), True), CA()[1]]),
        "without critical basic constraints",
    ),
    "CA without key usage": (signing.chain(middle=[CA()[0]]), "no key usage keyCertSign"),
    "CA that may not sign certificates": (
        signing.chain(middle=[CA()[0], (signing.usage("crl_sign"), True)]),
        "no key usage keyCertSign",
    ),
    "CA key usage not critical": (
        signing.chain(middle=[CA()[0], (signing.usage("key_cert_sign"), False)]),
        "is not critical",
    ),
    "path length exceeded": (signing.chain(root=CA(0)), "does not allow 1 CAs below it"),
    "root without constraints": (signing.chain(root=[CA()[1]]), "without critical basic constraints"),
    "RSA-1024": (signing.chain("RSA-1024"), "RSA 1024"),
    "RSA-2560": (signing.chain("RSA-2560"), "RSA 2560"),
    "secp256k1": (signing.chain("secp256k1"), "secp256k1"),
    "RSA-1024 authorities": (signing.chain(ca_kind="RSA-1024"), "a CA's key (RSA 1024)"),
    "secp256k1 authorities": (signing.chain(ca_kind="secp256k1"), "a CA's key (secp256k1)"),
}
for _bit, _name in (
    ("key_encipherment", "keyEncipherment"),
    ("data_encipherment", "dataEncipherment"),
    ("key_agreement", "keyAgreement"),
    ("key_cert_sign", "keyCertSign"),
    ("crl_sign", "cRLSign"),
):
    BAD[f"leaf with {_name}"] = leaf((signing.usage("digital_signature", _bit), True)), f"has the key usage {_name}"
for _purpose in (
    "ANY_EXTENDED_KEY_USAGE",
    "SERVER_AUTH",
    "CLIENT_AUTH",
    "EMAIL_PROTECTION",
    "TIME_STAMPING",
    "OCSP_SIGNING",
):
    BAD[f"leaf with {_purpose}"] = (
        leaf((LEAF, True), purposes(CODE, getattr(ExtendedKeyUsageOID, _purpose))),
        "has the extended key usage",
    )


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    chain, reason = BAD[name]
    with pytest.raises(VerificationError) as caught:
        checked(chain)
    assert reason in str(caught.value)


def test_an_ed25519_leaf_is_refused() -> None:
    good = signing.good_chain()
    private: Any = ed25519.Ed25519PrivateKey.generate()
    holder = signing.issue(signing.subject("x"), private, good.holders[1], signing.signer_extensions())
    with pytest.raises(VerificationError, match=r"the leaf's key \(Ed25519\) is not"):
        checked(Chain((holder, *good.holders[1:])))


# Order

EVERY_ORDER = [each for each in itertools.permutations(range(3)) if each != (0, 1, 2)]


@pytest.mark.parametrize("order", EVERY_ORDER)
def test_every_other_order_is_refused(order: tuple[int, ...]) -> None:
    good = signing.good_chain()
    with pytest.raises(VerificationError):
        checked(Chain(tuple(good.holders[index] for index in order)))


@pytest.mark.parametrize("kept", [(0,), (0, 1), (0, 2), (1, 2), (1,), ()])
def test_every_part_of_a_chain_is_refused(kept: tuple[int, ...]) -> None:
    good = signing.good_chain()
    with pytest.raises(VerificationError):
        checked(Chain(tuple(good.holders[index] for index in kept)))


@pytest.mark.parametrize("position", [0, 1, 2, 3])
@pytest.mark.parametrize("what", ["root", "leaf", "stranger"])
def test_nothing_may_be_added(position: int, what: str) -> None:
    good = signing.good_chain()
    stranger = signing.issue(signing.subject("stranger"), signing.key("P-256", 7), None, CA())
    extra = {"root": good.root, "leaf": good.leaf, "stranger": stranger}[what]
    with pytest.raises(VerificationError):
        checked(Chain((*good.holders[:position], extra, *good.holders[position:])))


@pytest.mark.parametrize("position", [1, 2])
def test_a_namesake_is_no_issuer(position: int) -> None:
    good = signing.good_chain()
    holders = list(good.holders)
    old = holders[position].certificate
    issuer = holders[2] if position == 1 else None
    holders[position] = signing.issue(old.subject, signing.key("P-256", 9), issuer, CA())
    with pytest.raises(VerificationError, match="is not issued by"):
        checked(Chain(tuple(holders)))


def test_a_leaf_issued_by_another_leaf_is_refused() -> None:
    good = signing.good_chain()
    below = signing.issue(signing.subject("below"), signing.key("P-256", 5), good.leaf, signing.signer_extensions())
    with pytest.raises(VerificationError, match="in the place of a CA"):
        checked(Chain((below, *good.holders)))


def test_a_chain_of_ten_is_allowed_and_one_of_eleven_is_not() -> None:
    def long(count: int) -> Chain:
        holders = [signing.issue(signing.subject("0"), signing.key("P-256", 20), None, CA())]
        for number in range(1, count - 1):
            private = signing.key("P-256", 20 + number)
            holders.insert(0, signing.issue(signing.subject(str(number)), private, holders[0], CA()))
        leaf = signing.issue(signing.subject("leaf"), signing.key(), holders[0], signing.signer_extensions())
        return Chain((leaf, *holders))

    assert len(checked(long(10))) == 10
    with pytest.raises(VerificationError, match="more than 10 certificates"):
        checked(long(11))


# What cannot be read


def test_sha_1_is_refused_wherever_it_signs() -> None:
    """The library no longer signs with SHA-1, so the name of the hash is changed in good certificates."""
    good = [certificates.read(der) for der in signing.good_chain().ders]
    from msgspec.structs import replace

    for position, weak in itertools.product(range(3), ("sha1", "md5", None)):
        chain = tuple(replace(each, hash=weak) if index == position else each for index, each in enumerate(good))
        with pytest.raises(VerificationError, match="is signed with"):
            certificates.check_order(chain)


def test_a_signature_of_a_certificate_is_whole_bytes() -> None:
    """The count of unused bits stands outside what is signed, and the library passes over it."""
    der = bytearray(next(der for der in map(_fresh, range(99)) if not der[-1] & 1))
    start = len(der) - len(certificates.read(bytes(der)).x509.signature) - 1
    assert der[start] == 0
    der[start] = 1
    with pytest.raises(VerificationError, match="whole number of bytes"):
        certificates.read(bytes(der))


def _fresh(number: int) -> bytes:
    del number
    return signing.issue(signing.subject("x"), signing.key(), None, CA()).der


@pytest.mark.parametrize("usage", [b"\x03\x02\x00\x81", b"\x03\x02\x07\x00", b"\x03\x00", b"\x04\x01\x80", b""])
def test_a_malformed_extension_is_refused_and_raises_nothing_else(usage: bytes) -> None:
    malformed = x509.UnrecognizedExtension(x509.KeyUsage.oid, usage)
    with pytest.raises(VerificationError):
        checked(leaf((malformed, True)))


CURVE = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
FORMS = {
    "RSA with restrictions": ("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    "a curve by its numbers": ("genpkey", *CURVE, "-pkeyopt", "ec_param_enc:explicit"),
    "RSA": ("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "a curve": ("genpkey", *CURVE),
}


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not there")
@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_written_as_every_reader_knows_it(tmp_path: Path, form: str) -> None:
    """A curve by its numbers may be another than it seems (CVE-2020-0601), and Go reads neither of the first two."""

    def openssl(*arguments: str) -> None:
        subprocess.run([str(OPENSSL), *arguments], cwd=tmp_path, check=True, capture_output=True)

    openssl(*FORMS[form], "-out", "key")
    openssl("req", "-x509", "-new", "-key", "key", "-out", "certificate", "-outform", "DER", "-subj", "/CN=x")
    der = (tmp_path / "certificate").read_bytes()
    if form in ("RSA", "a curve"):
        assert certificates.read(der).subject == "CN=x"
    else:
        with pytest.raises(VerificationError, match="not in the usual form"):
            certificates.read(der)


def test_a_point_is_written_in_full() -> None:
    holder = signing.issue(signing.subject("x"), signing.key(), None, CA())
    body, algorithm, _ = der.elements(der.read(holder.der, der.SEQUENCE))
    key = holder.private.public_key()
    full = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    half = signing.der(3, b"\0" + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
    info = signing.sequence(der.elements(der.read(full, der.SEQUENCE))[0].raw, half)
    signed = signing.sequence(*(info if each.raw == full else each.raw for each in der.elements(body)))
    assert isinstance(holder.private, ec.EllipticCurvePrivateKey)
    signature = signing.der(3, b"\0" + holder.private.sign(signed, ec.ECDSA(hashes.SHA256())))
    with pytest.raises(VerificationError, match="not in the usual form"):
        certificates.read(signing.sequence(signed, algorithm.raw, signature))


def test_a_malformed_name_in_an_extension_is_refused_and_raises_nothing_else() -> None:
    malformed = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x03\x82\x05x")
    with pytest.raises(VerificationError, match="cannot be read"):
        checked(leaf((LEAF, True), (malformed, False)))


def of_a_long_country() -> bytes:
    """A certificate of which `cryptography` warns: its country has three letters."""
    with warnings.catch_warnings(action="ignore"):
        subject = x509.Name([x509.NameAttribute(signing.NAMES["C"], "USA", _validate=False)])
        return signing.chain(leaf_subject=subject).leaf.der


def test_what_is_odd_in_a_certificate_warns_nobody_and_leaves_the_filters_of_warnings_alone() -> None:
    code = (
        "import sys, warnings; from policyengine.verification import certificates; before = list(warnings.filters);"
        "print(certificates.read(sys.stdin.buffer.read()).subject, warnings.filters == before)"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    ran = subprocess.run(command, input=of_a_long_country(), capture_output=True, check=False)
    assert (ran.stdout.split(), ran.stderr) == ([b"C=USA", b"True"], b"")


def test_threads_read_certificates_at_once() -> None:
    der, before = of_a_long_country(), list(warnings.filters)
    with ThreadPoolExecutor(8) as threads:
        assert {found.subject for found in threads.map(certificates.read, [der] * 400)} == {"C=USA"}
    assert warnings.filters == before


def test_text_from_a_certificate_is_escaped_and_cut() -> None:
    chain = signing.chain(leaf_subject=signing.name(("O", 'a, CN="b"+c=d\n' + "x" * 40)))
    certificate = certificates.read(chain.leaf.der)
    assert certificate.subject.startswith('O=a\\, CN\\=\\"b\\"\\+c\\=d')
    assert "\n" not in str(certificate)


# Validity


def test_validity_includes_its_ends() -> None:
    holder: Holder = signing.issue(signing.subject("x"), signing.key(), None, CA(), start=NOW, end=NOW + timedelta(1))
    chain = (certificates.read(holder.der),)
    certificates.check_validity(chain, NOW, NOW + timedelta(1))
    for first, last in ((NOW - timedelta(seconds=1), NOW), (NOW, NOW + timedelta(days=1, seconds=1))):
        with pytest.raises(VerificationError):
            certificates.check_validity(chain, first, last)


def test_equality_is_that_of_the_bytes() -> None:
    one, two = (certificates.read(signing.good_chain().root.der) for _ in range(2))
    assert one == two
    assert len({one, two}) == 1
    assert one != certificates.read(signing.good_chain().leaf.der)
    assert hashes.SHA256.name == one.hash
