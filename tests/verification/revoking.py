"""Authorities that revoke: certificates with addresses, OCSP responses, revocation lists, and a net to fetch from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from policyengine import cache
from policyengine.errors import NotFound, PolicyEngineError
from policyengine.verification import certificates
from policyengine.verification.revocation import Revocation, Status
from tests.verification import signing
from tests.verification.signing import NOW, Chain, Holder

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OCSP, CRL, DELTA = "http://ocsp.example", "http://crl.example/ca.crl", "http://crl.example/delta.crl"

Extensions = Sequence[tuple[x509.ExtensionType, bool]]


def uri(url: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(url)


def responders(*urls: str) -> tuple[x509.ExtensionType, bool]:
    """The extension that names OCSP responders."""
    access = [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri(url)) for url in urls]
    return x509.AuthorityInformationAccess(access), False


def point(*urls: str, **more: Any) -> x509.DistributionPoint:
    """A distribution point with several names."""
    values = {"full_name": [uri(url) for url in urls], "relative_name": None, "reasons": None, "crl_issuer": None}
    return x509.DistributionPoint(**(values | more))


def points(*urls: str) -> tuple[x509.ExtensionType, bool]:
    """The extension that names a distribution point for each URL."""
    return x509.CRLDistributionPoints([point(url) for url in urls]), False


def freshest(*urls: str) -> tuple[x509.ExtensionType, bool]:
    """The extension that says where delta lists are."""
    return x509.FreshestCRL([point(url) for url in urls]), False


def delegate(issuer: Holder, *more: tuple[x509.ExtensionType, bool], number: int = 20, **options: Any) -> Holder:
    """A responder to whom the issuer gave the right to answer, and of whom nobody need be asked."""
    purpose = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
    extensions = more or (purpose, (x509.OCSPNoCheck(), False))
    return signing.issue(signing.subject("responder"), signing.key("P-256", number), issuer, extensions, **options)


PURPOSE = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NOCHECK = (x509.OCSPNoCheck(), False)


def chain(*more: tuple[x509.ExtensionType, bool], middle: Extensions = ()) -> Chain:
    """A chain of three; `more` are further extensions of the leaf, `middle` of the intermediate."""
    return signing.chain(leaf=[*signing.signer_extensions(), *more], middle=[*signing.ca_extensions(0), *middle])


# Responses

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


def response(
    about: Holder,
    issuer: Holder,
    status: ocsp.OCSPCertStatus = GOOD,
    *,
    by: Holder | None = None,
    carried: Sequence[Holder] | None = None,
    this: datetime = NOW - HOUR,
    next: datetime | None = NOW + DAY,
    reason: x509.ReasonFlags | None = None,
    named: hashes.HashAlgorithm | None = None,
    name_hash: bytes | None = None,
    key_hash: bytes | None = None,
    encoding: ocsp.OCSPResponderEncoding = ocsp.OCSPResponderEncoding.NAME,
    signed_with: hashes.HashAlgorithm | None = None,
    extension: tuple[x509.ExtensionType, bool] | None = None,
) -> bytes:
    """A response about one certificate, by its issuer or by somebody else."""
    signer = by or issuer
    algorithm = named or hashes.SHA1()
    question = ocsp.OCSPRequestBuilder().add_certificate(about.certificate, issuer.certificate, algorithm).build()
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        name_hash or question.issuer_name_hash,
        key_hash or question.issuer_key_hash,
        question.serial_number,
        algorithm,
        status,
        this,
        next,
        NOW - DAY if status == REVOKED else None,
        reason,
    )
    builder = builder.responder_id(encoding, signer.certificate)
    bag = ([signer] if by else []) if carried is None else carried
    if bag:
        builder = builder.certificates([holder.certificate for holder in bag])
    if extension:
        builder = builder.add_extension(*extension)
    made = builder.sign(signer.private, signed_with or hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


# Revocation lists


def entry(
    about: Holder | int,
    reason: x509.ReasonFlags | None = None,
    *more: tuple[x509.ExtensionType, bool],
    since: datetime = NOW - DAY,
) -> x509.RevokedCertificate:
    """An entry of a list."""
    serial = about if isinstance(about, int) else about.certificate.serial_number
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
    for extension, critical in ((x509.CRLReason(reason), False), *more) if reason else more:
        builder = builder.add_extension(extension, critical)
    return builder.build()


def crl(
    issuer: Holder,
    *entries: x509.RevokedCertificate,
    number: int | None = 5,
    base: int | None = None,
    by: Holder | None = None,
    this: datetime = NOW - HOUR,
    next: datetime = NOW + DAY,
    extensions: Extensions = (),
    signed_with: hashes.SHA224 | hashes.SHA256 | None = None,
) -> bytes:
    """A list of the issuer's; with `base` a delta list."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    builder = builder.last_update(this).next_update(next)
    for listed in entries:
        builder = builder.add_revoked_certificate(listed)
    numbers: list[tuple[x509.ExtensionType, bool]] = [(x509.CRLNumber(number), False)] if number is not None else []
    if base is not None:
        numbers.append((x509.DeltaCRLIndicator(base), True))
    for extension, critical in (*numbers, *extensions):
        builder = builder.add_extension(extension, critical)
    made = builder.sign((by or issuer).private, signed_with or hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def scope(**more: Any) -> tuple[x509.ExtensionType, bool]:
    """The critical extension that limits what a list is for."""
    flags = ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs")
    values = {"full_name": None, "relative_name": None, "only_some_reasons": None} | dict.fromkeys(flags, False)
    return x509.IssuingDistributionPoint(**(values | more)), True


# Fetching

Content = bytes | PolicyEngineError | Callable[[], bytes]


@dataclass
class Net:
    """What is at each address: the longest that a URL begins with. Everything that was asked is in `asked`."""

    content: Mapping[str, Content]
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str, body: bytes | None, limit: int, seconds: float) -> bytes:
        """A `Fetch`."""
        assert limit > 0 < seconds
        self.asked.append(url if body is None else f"POST {url}")
        found = self.content.get(max((known for known in self.content if url.startswith(known)), key=len, default=""))
        if isinstance(found, PolicyEngineError):
            raise found
        if found is None:
            raise NotFound("the server answers 404")
        return found if isinstance(found, bytes) else found()


def status(
    about: Chain,
    content: Mapping[str, Content] | Net,
    at: datetime = NOW,
    signed_at: datetime | None = None,
    kept: bool = False,
) -> Status:
    """What becomes of a chain when this is what can be fetched, and nothing is in the cache unless it may be."""
    for path in () if kept else (cache.folder() or Path()).glob("crl-*"):
        path.unlink()
    read = tuple(certificates.read(der) for der in about.ders)
    net = content if isinstance(content, Net) else Net(content)
    return Revocation(net)(read, at, signed_at)


def told(found: Status) -> list[tuple[str, str]]:
    """Kind and answer of everything that was asked."""
    return [(answer.kind, answer.answer) for answer in found.answers]


# Responses that the library does not write


def time(instant: datetime) -> bytes:
    return signing.der(0x18, instant.strftime("%Y%m%d%H%M%SZ").encode())


def single(about: Holder, issuer: Holder, *, invalid_since: datetime | None = None) -> bytes:
    """One answer: good, or revoked since yesterday with an invalidity date."""
    question = ocsp.OCSPRequestBuilder().add_certificate(about.certificate, issuer.certificate, hashes.SHA1()).build()
    named = signing.sequence(
        signing.hash_algorithm("sha1"),
        signing.der(4, question.issuer_name_hash),
        signing.der(4, question.issuer_key_hash),
        signing.integer(question.serial_number),
    )
    next = signing.der(0xA0, time(NOW + DAY))
    if invalid_since is None:
        return signing.sequence(named, b"\x80\x00", time(NOW - HOUR), next)
    extension = signing.sequence(signing.oid("2.5.29.24"), signing.der(4, time(invalid_since)))
    extensions = signing.der(0xA1, signing.sequence(extension))
    return signing.sequence(named, signing.der(0xA1, time(NOW - DAY)), time(NOW - HOUR), next, extensions)


def raw_response(issuer: Holder, *singles: bytes) -> bytes:
    """A response with these answers, by the issuer."""
    name = signing.der(0xA1, issuer.certificate.subject.public_bytes())
    data = signing.sequence(name, time(NOW - HOUR), signing.sequence(*singles))
    assert isinstance(issuer.private, ec.EllipticCurvePrivateKey)
    signature = signing.der(3, b"\0" + issuer.private.sign(data, ec.ECDSA(hashes.SHA256())))
    basic = signing.sequence(data, signing.sequence(signing.oid("1.2.840.10045.4.3.2")), signature)
    kind = signing.oid("1.3.6.1.5.5.7.48.1.1")
    return signing.sequence(b"\x0a\x01\x00", signing.der(0xA0, signing.sequence(kind, signing.der(4, basic))))
