"""CMS SignedData (RFC 5652) as RFC 3161 tokens use it: strict DER, one signer, signed attributes.

What is read here is not trusted: `check_signature` says only that the certificate's key signed the content.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from msgspec import Struct

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.verification import algorithms, certificates, der
from policyengine.verification.certificates import Certificate
from policyengine.verification.der import Element, Fields

SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
RSA_ENCRYPTION, RSA_PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"


class Signer(Struct, frozen=True):
    """A SignerInfo (section 5.3). `attributes` maps types to their one value; `signed` is what was signed."""

    issuer: bytes
    serial: int
    hash: str
    attributes: dict[str, Element]
    signed: bytes
    algorithm: Element
    signature: bytes

    def attribute(self, kind: str, tag: int, name: str) -> Element:
        """A signed attribute that has to be there; raises `VerificationError`."""
        value = self.attributes.get(kind)
        if value is None or value.tag != tag:
            raise VerificationError(f"the timestamp lacks the signed attribute {name}")
        return value


class SignedData(Struct, frozen=True):
    """Content of one type, the certificates that came with it, and its one signer."""

    content_type: str
    content: bytes
    certificates: tuple[Certificate, ...]
    signer: Signer


def read(token: bytes, content_type: str) -> SignedData:
    """The SignedData of this content type that `token` is (sections 3 and 5.1); raises `VerificationError`."""
    if len(token) > limits.TIMESTAMP_BYTES:
        raise VerificationError(f"the timestamp has more than {limits.TIMESTAMP_BYTES} bytes")
    outer = Fields(der.read(token, der.SEQUENCE))
    _expect_oid(outer.take(der.OID), SIGNED_DATA)
    fields = Fields(der.read(outer.take(der.context(0)).content, der.SEQUENCE))
    outer.end()
    if der.integer(fields.take(der.INTEGER)) != 3:
        raise VerificationError("the timestamp is not signed data of version 3")
    digests = der.elements(fields.take(der.SET))
    content = _content(fields.take(der.SEQUENCE), content_type)
    bag = fields.maybe(der.context(0))
    fields.maybe(der.context(1))
    signers = der.elements(fields.take(der.SET))
    fields.end()
    if len(signers) != 1:
        raise VerificationError(f"the timestamp has {len(signers)} signers instead of one")
    signer = _signer(signers[0])
    if signer.hash not in map(hash_name, digests):
        raise VerificationError("the timestamp's signer uses a hash that is not among those announced")
    return SignedData(content_type, content, _certificates(bag), signer)


def _content(encapsulated: Element, content_type: str) -> bytes:
    fields = Fields(encapsulated)
    _expect_oid(fields.take(der.OID), content_type)
    content = der.read(fields.take(der.context(0)).content, der.OCTET_STRING).content
    fields.end()
    return content


def _certificates(bag: Element | None) -> tuple[Certificate, ...]:
    """The certificates of the token; their order means nothing, and real authorities write any."""
    found = der.elements(bag) if bag else ()
    if not 1 <= len(found) <= limits.TIMESTAMP_CERTIFICATES:
        raise VerificationError(f"the timestamp carries no certificate, or more than {limits.TIMESTAMP_CERTIFICATES}")
    return tuple(certificates.read(each.raw) for each in found if each.tag == der.SEQUENCE)


def _signer(element: Element) -> Signer:
    fields = Fields(der.expect(element, der.SEQUENCE))
    if der.integer(fields.take(der.INTEGER)) != 1:
        raise VerificationError("the timestamp's signer information is not of version 1")
    name = Fields(fields.take(der.SEQUENCE))
    issuer, serial = name.take(der.SEQUENCE).raw, der.integer(name.take(der.INTEGER))
    name.end()
    digest = hash_name(fields.take(der.SEQUENCE))
    attributes = fields.take(der.context(0))
    algorithm = fields.take(der.SEQUENCE)
    signature = fields.take(der.OCTET_STRING).content
    fields.maybe(der.context(1))
    fields.end()
    signed = bytes([der.SET]) + attributes.raw[1:]  # section 5.4: hashed as a SET OF, not as [0]
    return Signer(issuer, serial, digest, _attributes(attributes), signed, algorithm, signature)


def _attributes(element: Element) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for attribute in der.elements(element):
        fields = Fields(der.expect(attribute, der.SEQUENCE))
        kind = der.oid(fields.take(der.OID))
        values = der.elements(fields.take(der.SET))
        fields.end()
        if kind in found or len(values) != 1:
            raise VerificationError("the timestamp has a signed attribute twice, or with several values")
        found[kind] = values[0]
    return found


# Whose signature it is


def signing_certificate(data: SignedData) -> Certificate:
    """The certificate that the signer is identified by, twice: by issuer and serial, and by its hash.

    The attribute signing-certificate-v2 (RFC 5035, section 3; RFC 5816) is signed, so that no other
    certificate of the bag can take its place. Raises `VerificationError`.
    """
    signer = data.signer
    for certificate in data.certificates:
        if _issuer_and_serial(certificate) == (signer.issuer, signer.serial):
            _check_identified(certificate, signer)
            return certificate
    raise VerificationError("the timestamp does not carry its signer's certificate")


def _check_identified(certificate: Certificate, signer: Signer) -> None:
    """The first ESSCertIDv2 is that of the certificate."""
    stated = signer.attribute(SIGNING_CERTIFICATE_V2, der.SEQUENCE, "signing-certificate-v2")
    fields = Fields(Fields(Fields(stated).take(der.SEQUENCE)).take(der.SEQUENCE))
    algorithm = fields.maybe(der.SEQUENCE)
    digest = fields.take(der.OCTET_STRING).content
    issuer_serial = fields.maybe(der.SEQUENCE)
    fields.end()
    name = hash_name(algorithm) if algorithm else "sha256"
    if not hmac.compare_digest(hashlib.new(name, certificate.der).digest(), digest):
        raise VerificationError("the timestamp's signing-certificate-v2 has the hash of another certificate")
    if issuer_serial is not None and _stated_issuer_and_serial(issuer_serial) != (signer.issuer, signer.serial):
        raise VerificationError("the timestamp's signing-certificate-v2 names another issuer and serial number")


def _stated_issuer_and_serial(element: Element) -> tuple[bytes, int]:
    """IssuerSerial (RFC 5035, section 4): one directory name and a serial number."""
    fields = Fields(element)
    names = Fields(fields.take(der.SEQUENCE))
    issuer = der.read(names.take(der.context(4)).content, der.SEQUENCE).raw
    names.end()
    serial = der.integer(fields.take(der.INTEGER))
    fields.end()
    return issuer, serial


def _issuer_and_serial(certificate: Certificate) -> tuple[bytes, int]:
    """As they stand in the certificate's own bytes (RFC 5280, section 4.1)."""
    fields = Fields(Fields(der.read(certificate.der, der.SEQUENCE)).take(der.SEQUENCE))
    fields.maybe(der.context(0))
    serial = der.integer(fields.take(der.INTEGER))
    fields.take(der.SEQUENCE)
    return fields.take(der.SEQUENCE).raw, serial


# The signature


def check_signature(data: SignedData, certificate: Certificate) -> None:
    """Section 5.6: the attributes name type and digest of the content, and the signature is over them.

    The key has to satisfy the Notary Project's algorithm requirements. Raises `VerificationError`.
    """
    signer = data.signer
    if der.oid(signer.attribute(CONTENT_TYPE, der.OID, "content type")) != data.content_type:
        raise VerificationError("the timestamp's signed content type is not that of its content")
    stated = signer.attribute(MESSAGE_DIGEST, der.OCTET_STRING, "message digest").content
    if not hmac.compare_digest(hashlib.new(signer.hash, data.content).digest(), stated):
        raise VerificationError("the timestamp's content does not have the digest that is signed")
    algorithms.for_key(certificate.key)
    try:
        _check_raw(certificate.key, signer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise VerificationError("the timestamp's signature does not match") from None


def _check_raw(key: object, signer: Signer) -> None:
    fields = Fields(signer.algorithm)
    name = der.oid(fields.take(der.OID))
    digest = algorithms.HASHES[signer.hash.removeprefix("sha")]()
    if isinstance(key, rsa.RSAPublicKey) and name in (RSA_ENCRYPTION, RSA_PSS, *algorithms.RSA_WITH):
        _expect_hash(algorithms.RSA_WITH.get(name, signer.hash), signer.hash)
        scheme = _pss(fields, signer.hash) if name == RSA_PSS else padding.PKCS1v15()
        _end_without_parameters(fields)
        key.verify(signer.signature, signer.signed, scheme, digest)
    elif isinstance(key, ec.EllipticCurvePublicKey) and name in algorithms.ECDSA_WITH:
        _expect_hash(algorithms.ECDSA_WITH[name], signer.hash)
        _end_without_parameters(fields)
        key.verify(signer.signature, signer.signed, ec.ECDSA(digest))
    else:
        raise VerificationError("the timestamp's signature algorithm is not supported, or not the key's")


def _pss(fields: Fields, name: str) -> padding.PSS:
    """RSASSA-PSS-params (RFC 4055, section 3.1): the same hash throughout, the salt as long as it."""
    parameters = Fields(fields.take(der.SEQUENCE))
    _expect_hash(hash_name(Fields(parameters.take(der.context(0))).take(der.SEQUENCE)), name)
    generator = Fields(Fields(parameters.take(der.context(1))).take(der.SEQUENCE))
    _expect_oid(generator.take(der.OID), "1.2.840.113549.1.1.8")  # MGF1
    _expect_hash(hash_name(generator.take(der.SEQUENCE)), name)
    generator.end()
    salt = der.integer(Fields(parameters.take(der.context(2))).take(der.INTEGER))
    parameters.end()
    if salt != hashlib.new(name).digest_size:
        raise VerificationError("the timestamp's RSASSA-PSS salt is not as long as the hash")
    return padding.PSS(padding.MGF1(algorithms.HASHES[name.removeprefix("sha")]()), padding.PSS.DIGEST_LENGTH)


def hash_name(algorithm: Element) -> str:
    """The name of a hash by its AlgorithmIdentifier: SHA-256, SHA-384 or SHA-512; raises `VerificationError`."""
    fields = Fields(der.expect(algorithm, der.SEQUENCE))
    name = HASHES.get(der.oid(fields.take(der.OID)))
    _end_without_parameters(fields)
    if name is None:
        raise VerificationError("the timestamp uses a hash that is none of SHA-256, SHA-384 and SHA-512")
    return name


def _end_without_parameters(fields: Fields) -> None:
    """No parameters, or the NULL that RFC 5754 has some writers put there."""
    parameters = fields.maybe(der.NULL)
    if parameters is not None and parameters.content:
        raise VerificationError("the timestamp has an algorithm with parameters that do not belong there")
    fields.end()


def _expect_hash(found: str, wanted: str) -> None:
    if found != wanted:
        raise VerificationError("the timestamp's signature uses two different hashes")


def _expect_oid(element: Element, wanted: str) -> None:
    if der.oid(element) != wanted:
        raise VerificationError(f"the timestamp has the object identifier {der.oid(element)} where {wanted} belongs")
