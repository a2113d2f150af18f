"""OCSP: the question about one certificate, and whether a response answers it (RFC 6960).

A response counts if the certificate's issuer signed it, or somebody to whom the issuer itself gave that
right (section 4.2.2.2): never because of where it came from.
"""

from __future__ import annotations

import base64
from datetime import datetime
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from msgspec import Struct

from policyengine.errors import VerificationError
from policyengine.strictjson import quoted
from policyengine.verification import algorithms, answers, certificates
from policyengine.verification.answers import Found, Question, Revoked
from policyengine.verification.certificates import Certificate

GET_CHARACTERS = 255
"""The longest request that is sent in the URL, where caches on the way can answer it (RFC 5019, section 5)."""

SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string


class Response(Struct, frozen=True):
    """What a valid response says. `responder` is the delegate who signed it, where it may be revoked itself."""

    found: Found
    responder: Certificate | None = None


def addresses(certificate: Certificate) -> tuple[str, ...]:
    """The responders that the certificate names (RFC 5280, section 4.2.2.1), in order."""
    access = certificates.extension(certificate, x509.AuthorityInformationAccess)
    named = [each.access_location for each in access or () if each.access_method == AuthorityInformationAccessOID.OCSP]
    return tuple(each.value for each in named if isinstance(each, x509.UniformResourceIdentifier))


def question(address: str, certificate: Certificate, issuer: Certificate) -> Question:
    """What to ask a responder about `certificate`: in the URL if it fits there, else in a body (appendix A.1).

    Certificates are named by SHA-1, the only hash that every responder knows; here it is an index, no proof.
    """
    request = _request(certificate, issuer, hashes.SHA1()).public_bytes(serialization.Encoding.DER)  # noqa: S303
    encoded = quote(base64.b64encode(request), safe="")
    if len(encoded) < GET_CHARACTERS and "?" not in address:
        return Question(address, f"{address.rstrip('/')}/{encoded}")
    return Question(address, address, request)


def _request(certificate: Certificate, issuer: Certificate, algorithm: hashes.HashAlgorithm) -> ocsp.OCSPRequest:
    return ocsp.OCSPRequestBuilder().add_certificate(certificate.x509, issuer.x509, algorithm).build()


def read(
    data: bytes, certificate: Certificate, issuer: Certificate, at: datetime, signed_at: datetime | None = None
) -> Response:
    """What the response `data` says of `certificate` at `at`, if it counts; raises `VerificationError` with why not.

    Section 3.2, in its order. `signed_at` is the authentic signing time, where there is one.
    """
    try:
        return _read(ocsp.load_der_ocsp_response(data), certificate, issuer, at, signed_at)
    except VerificationError:
        raise
    except Exception as fault:  # noqa: BLE001  whatever hostile bytes do to the library, they are refused
        raise VerificationError(f"the response cannot be read: {quoted(str(fault) or type(fault).__name__)}") from None


def _read(
    response: ocsp.OCSPResponse, certificate: Certificate, issuer: Certificate, at: datetime, signed_at: datetime | None
) -> Response:
    if response.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise VerificationError(f"the responder answers {response.response_status.name.lower()}")
    _check_subject(response, certificate, issuer)  # 1
    responder = _responder(response, issuer)  # 2 and 3
    if responder != issuer:
        _check_delegate(responder, certificate, issuer, at)  # 4
    _check_signature(response, responder)
    _check_extensions(response)
    answers.check_current(response.this_update_utc, response.next_update_utc, at)  # 5 and 6
    found = _found(response, signed_at)
    return Response(found, None if responder == issuer or _needs_no_check(responder) else responder)


def _check_subject(response: ocsp.OCSPResponse, certificate: Certificate, issuer: Certificate) -> None:
    """The response is about this certificate of this issuer and no other, whichever hash it names them by."""
    if len(list(response.responses)) != 1:
        raise VerificationError("the response is about several certificates")
    asked = _request(certificate, issuer, response.hash_algorithm)
    if (response.serial_number, response.issuer_name_hash, response.issuer_key_hash) != (
        asked.serial_number,
        asked.issuer_name_hash,
        asked.issuer_key_hash,
    ):
        raise VerificationError("the response is about another certificate")


def _responder(response: ocsp.OCSPResponse, issuer: Certificate) -> Certificate:
    """Who says to have signed: the issuer, or one of the certificates that the response carries."""
    if _names(response, issuer):
        return issuer
    for carried in response.certificates:
        certificate = certificates.read(carried.public_bytes(serialization.Encoding.DER))
        if _names(response, certificate):
            return certificate
    raise VerificationError("the response does not carry its signer's certificate")


def _names(response: ocsp.OCSPResponse, certificate: Certificate) -> bool:
    """Whether the responder's name or key hash is the certificate's."""
    if response.responder_name is not None:
        return response.responder_name == certificate.x509.subject
    return response.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(certificate.key).digest


def _check_delegate(responder: Certificate, certificate: Certificate, issuer: Certificate, at: datetime) -> None:
    """The issuer itself gave the responder the right to answer (section 4.2.2.2), and not about itself."""
    if responder.key == certificate.key:
        raise VerificationError(f"{responder} vouches for itself")
    if responder.hash in certificates.WEAK_HASHES or not certificates.is_issued_by(responder, issuer):
        raise VerificationError(f"the responder {responder} is neither the issuer nor certified by it")
    if SIGNING not in (responder.purposes or ()):
        raise VerificationError(f"the responder {responder} has no extended key usage OCSPSigning")
    if responder.usage is not None and "digitalSignature" not in responder.usage:
        raise VerificationError(f"the responder {responder} has a key usage without digitalSignature")
    algorithms.check_strength(responder.key)
    certificates.check_validity([responder], at, at)


def _needs_no_check(responder: Certificate) -> bool:
    """Whether the issuer says so (id-pkix-ocsp-nocheck, section 4.2.2.2.1), or names no way to revoke it."""
    return certificates.extension(responder, x509.OCSPNoCheck) is not None or not responder.revocable


def _check_signature(response: ocsp.OCSPResponse, responder: Certificate) -> None:
    algorithms.verify_issued(
        responder.key,
        response.signature_algorithm_oid.dotted_string,
        response.signature,
        response.tbs_response_bytes,
    )


def _check_extensions(response: ocsp.OCSPResponse) -> None:
    """None is known that may be critical (section 4.4)."""
    if any(each.critical for each in (*response.extensions, *response.single_extensions)):
        raise VerificationError("the response has a critical extension that is not known")


def _found(response: ocsp.OCSPResponse, signed_at: datetime | None) -> Found:
    """The status itself; that the responder does not know the certificate is no answer."""
    times = response.this_update_utc, response.next_update_utc
    if response.certificate_status == ocsp.OCSPCertStatus.GOOD:
        return Found(False, None, *times)
    since, reason = response.revocation_time_utc, response.revocation_reason
    if response.certificate_status != ocsp.OCSPCertStatus.REVOKED or since is None:
        raise VerificationError("the responder does not know the certificate")
    dates = [each.value for each in response.single_extensions if isinstance(each.value, x509.InvalidityDate)]
    invalid = dates[0].invalidity_date_utc if dates else None
    entry = Revoked(since, (reason or x509.ReasonFlags.unspecified).value, invalid)
    return Found(not entry.excuses(signed_at), entry, *times)
