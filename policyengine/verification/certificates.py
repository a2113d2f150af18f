"""Certificates, chains, and the profiles that the Notary Project asks of them.

Signature specification, "Certificate Requirements". Only basic constraints, key usage and extended
key usage are honoured; every other extension, even a critical one, must not be ("Other
requirements", 2), which rules out general path validators. One rule is our own: no certificate of
a chain may have a key weaker than the weakest that a leaf may have.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from msgspec import Struct

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.strictjson import quoted
from policyengine.verification import algorithms
from policyengine.verification.identities import TYPES

WEAK_HASHES = frozenset(("md5", "sha1"))

# What `cryptography` warns of in a certificate would be a stranger's words on the user's terminal. Filters are
# the process's: changing them around each call is not safe between threads, so this is said once, of these modules.
warnings.filterwarnings("ignore", module=r"policyengine\.verification\.")


class Certificate(Struct, frozen=True, eq=False):
    """One certificate, with everything that is looked at already decoded.

    `rdns` is the subject: one tuple of `(type, value)` pairs for each RDN, in certificate order.
    `usage` and `purposes` (dotted numbers) are `None` where the extension is missing, and so is `ca`
    where there are no basic constraints. `revocable` says that it names an OCSP responder or a CRL.
    Equality is that of the bytes.
    """

    der: bytes
    x509: x509.Certificate
    key: CertificatePublicKeyTypes
    rdns: tuple[tuple[tuple[str, str], ...], ...]
    not_before: datetime
    not_after: datetime
    hash: str | None
    ca: bool | None
    ca_critical: bool
    path_length: int | None
    usage: frozenset[str] | None
    usage_critical: bool
    purposes: frozenset[str] | None
    purposes_critical: bool
    revocable: bool

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, in lower-case hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def subject(self) -> str:
        """The subject as text, for people: `CN=release, O=acme`; what would look like structure is escaped."""
        return ", ".join("+".join(f"{name}={_escaped(value)}" for name, value in rdn) for rdn in self.rdns)

    def __str__(self) -> str:
        return quoted(self.subject or self.fingerprint, 120)


Chain = tuple[Certificate, ...]
"""Certificates, the leaf first and the root last."""


@lru_cache(maxsize=128)
def read(der: bytes) -> Certificate:
    """The certificate that `der` encodes; raises `VerificationError`.

    Kept, since the authorities of one chain are those of many, and stand in the trust store too.
    """
    if len(der) > limits.CERTIFICATE_BYTES:
        raise VerificationError(f"a certificate has more than {limits.CERTIFICATE_BYTES} bytes")
    try:
        return _decode(der, x509.load_der_x509_certificate(der))
    except Exception as fault:  # noqa: BLE001  whatever hostile bytes do to the library, they are refused
        raise VerificationError(f"a certificate cannot be read: {quoted(str(fault) or type(fault).__name__)}") from None


def _decode(der: bytes, parsed: x509.Certificate) -> Certificate:
    if not der.endswith(b"\x00" + parsed.signature):  # the count of unused bits, which nobody signs
        raise ValueError("its signature is not a whole number of bytes")
    key = parsed.public_key()
    _check_form(key, der)
    found = {extension.oid: extension for extension in parsed.extensions}
    basic, usage = found.get(x509.BasicConstraints.oid), found.get(x509.KeyUsage.oid)
    purposes = found.get(x509.ExtendedKeyUsage.oid)
    algorithm = parsed.signature_hash_algorithm
    return Certificate(
        der=der,
        x509=parsed,
        key=key,
        rdns=tuple(tuple(map(_attribute, rdn)) for rdn in parsed.subject.rdns),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        hash=algorithm.name if algorithm else None,
        ca=basic.value.ca if basic else None,
        ca_critical=bool(basic and basic.critical),
        path_length=basic.value.path_length if basic else None,
        usage=_usages(usage.value) if usage else None,
        usage_critical=bool(usage and usage.critical),
        purposes=frozenset(purpose.dotted_string for purpose in purposes.value) if purposes else None,
        purposes_critical=bool(purposes and purposes.critical),
        revocable=_is_revocable(found),
    )


def _check_form(key: CertificatePublicKeyTypes, der: bytes) -> None:
    """An RSA or EC key is written as every reader knows it; raises `ValueError`.

    A curve by its name, a point in full, and RSA without restrictions to honour (RFC 5480, section 2.1.1; RFC 3279,
    section 2.3.1). What the library reads beyond that others refuse, or read as another key.
    """
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        form = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if form not in der:
            raise ValueError("its key is not in the usual form")


def _attribute(attribute: x509.NameAttribute[Any]) -> tuple[str, str]:
    value = attribute.value
    name = TYPES.get(attribute.oid.dotted_string, attribute.oid.dotted_string)
    return name, value if isinstance(value, str) else f"#{value.hex()}"


_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "contentCommitment",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}


def _usages(extension: x509.KeyUsage) -> frozenset[str]:
    """The bits that are set; encipherOnly and decipherOnly have a meaning with keyAgreement only."""
    return frozenset(name for bit, name in _USAGES.items() if getattr(extension, bit))


def _escaped(value: str) -> str:
    return "".join(f"\\{character}" if character in ',+"\\<>;=' else character for character in value)


def _is_revocable(found: dict[x509.ObjectIdentifier, x509.Extension[Any]]) -> bool:
    access = found.get(x509.AuthorityInformationAccess.oid)
    named = access.value if access else ()
    ocsp = any(each.access_method == AuthorityInformationAccessOID.OCSP for each in named)
    return ocsp or x509.CRLDistributionPoints.oid in found


E = TypeVar("E", bound=x509.ExtensionType)


def extension(certificate: Certificate, kind: type[E]) -> E | None:
    """The certificate's extension of this kind, for those that the profiles do not look at; `None` without one."""
    found = (each.value for each in certificate.x509.extensions if isinstance(each.value, kind))
    return next(found, None)


# Chains


@lru_cache(maxsize=64)
def signing_chain(encoded: tuple[bytes, ...]) -> Chain:
    """The chain of an envelope, with its order and profile checked; raises `VerificationError`.

    The answer depends on the bytes alone, neither on time nor on trust, and an image's signatures share
    their chains: kept, a verification takes 0.25 ms instead of 1.1 ms (P-256, three certificates).
    """
    if not encoded:
        raise VerificationError("the certificate chain is empty")
    if len(encoded) > limits.CHAIN_LENGTH:
        raise VerificationError(f"the certificate chain has more than {limits.CHAIN_LENGTH} certificates")
    chain = tuple(read(der) for der in encoded)
    check_order(chain)
    check_signing_profile(chain)
    return chain


def check_order(chain: Chain) -> None:
    """Each certificate issued by the next, the last one by itself, and none of them twice.

    "Other requirements", 1 to 3: complete, ordered, nothing unrelated, and no weak hash in any signature,
    a root's own included. Whether an issuer may issue is the profile's matter.
    """
    for certificate in chain:
        if certificate.hash is None or certificate.hash in WEAK_HASHES:
            algorithm = certificate.hash or "an unsupported algorithm"
            raise VerificationError(f"certificate {certificate} is signed with {algorithm}")
    if len(set(chain)) != len(chain):
        raise VerificationError("the certificate chain has a certificate twice")
    for certificate, issuer in zip(chain, (*chain[1:], chain[-1]), strict=True):
        if not is_issued_by(certificate, issuer):
            problem = "does not end in a self-signed root" if certificate is issuer else "is not in order"
            raise VerificationError(f"the certificate chain {problem}: {certificate} is not issued by {issuer}")
    for certificate in chain[:-1]:
        if is_issued_by(certificate, certificate):
            raise VerificationError(f"the certificate chain goes on after the self-signed {certificate}")


@lru_cache(maxsize=256)
def is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether `issuer` has the name that the certificate's issuer has, and its key made the signature.

    Kept like the certificates: it follows from their bytes alone, and takes longer than anything else here.
    """
    try:
        certificate.x509.verify_directly_issued_by(issuer.x509)
    except Exception:  # noqa: BLE001  as above: what cannot be verified is not issued by it
        return False
    return True


def check_validity(chain: Iterable[Certificate], first: datetime, last: datetime) -> None:
    """All of the time from `first` to `last` lies in the validity of every certificate, ends included."""
    for certificate in chain:
        if first < certificate.not_before:
            raise VerificationError(f"certificate {certificate} is valid only from {_instant(certificate.not_before)}")
        if last > certificate.not_after:
            raise VerificationError(f"certificate {certificate} expired at {_instant(certificate.not_after)}")


def _instant(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


# Profiles

_LEAF_FORBIDDEN = frozenset(_USAGES.values()) - {"digitalSignature", "contentCommitment"}
_TIME_STAMPING = frozenset((ExtendedKeyUsageOID.TIME_STAMPING.dotted_string,))
_FORBIDDEN_PURPOSES = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string: "anyExtendedKeyUsage",
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "clientAuth",
    ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING.dotted_string: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string: "OCSPSigning",
}
"""Not for code signing. OCSPSigning is not in the specification's list, but in Notation's."""


def check_signing_profile(chain: Chain) -> None:
    """The profile of a chain that signs artifacts; a single certificate has to satisfy the leaf's rules."""
    leaf = chain[0]
    _check_leaf(leaf)
    if not leaf.usage_critical:
        raise VerificationError(f"the key usage of the signing certificate {leaf} is not critical")
    for purpose in sorted(leaf.purposes or ()):
        if purpose in _FORBIDDEN_PURPOSES:
            name = _FORBIDDEN_PURPOSES[purpose]
            raise VerificationError(f"the signing certificate {leaf} has the extended key usage {name}")
    for below, authority in enumerate(chain[1:]):
        _check_authority(authority, below)
        if not authority.usage_critical:
            raise VerificationError(f"the key usage of the CA certificate {authority} is not critical")


def check_timestamping_profile(chain: Chain) -> None:
    """The profile of a time stamping authority's chain: the leaf's only purpose is timeStamping, critical."""
    leaf = chain[0]
    _check_leaf(leaf)
    if leaf.purposes != _TIME_STAMPING or not leaf.purposes_critical:
        raise VerificationError(f"the certificate {leaf} is not for timeStamping alone, by critical extended key usage")
    for below, authority in enumerate(chain[1:]):
        _check_authority(authority, below)


def _check_leaf(leaf: Certificate) -> None:
    """What "Leaf Certificates" asks of both kinds: 1, 2 and 4."""
    algorithms.for_key(leaf.key)
    if leaf.ca:
        raise VerificationError(f"the leaf certificate {leaf} is a CA")
    if leaf.usage is None or "digitalSignature" not in leaf.usage:
        raise VerificationError(f"the leaf certificate {leaf} has no key usage digitalSignature")
    if leaf.usage & _LEAF_FORBIDDEN:
        raise VerificationError(f"the leaf certificate {leaf} has the key usage {min(leaf.usage & _LEAF_FORBIDDEN)}")


def _check_authority(authority: Certificate, below: int) -> None:
    """What "Root and Intermediate CA Certificates" asks, with `below` other authorities under it."""
    algorithms.check_strength(authority.key)
    if not authority.ca or not authority.ca_critical:
        raise VerificationError(f"certificate {authority} is in the place of a CA without critical basic constraints")
    if authority.path_length is not None and authority.path_length < below:
        raise VerificationError(f"the path length of {authority} does not allow {below} CAs below it")
    if authority.usage is None or "keyCertSign" not in authority.usage:
        raise VerificationError(f"the CA certificate {authority} has no key usage keyCertSign")
