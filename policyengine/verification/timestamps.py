"""RFC 3161 time stamp tokens: what time does a time stamping authority put on a signature?

A token is CMS SignedData around a TSTInfo (RFC 3161, section 2.4.2), and proves that the stamped bytes
existed at the time it states. The profile of the authority's certificates is the Notary Project's
(signature specification, "Certificate Requirements").
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.verification import certificates, cms, der
from policyengine.verification.certificates import Certificate, Chain
from policyengine.verification.der import Element, Fields

TST_INFO = "1.2.840.113549.1.9.16.1.4"
BASELINE_POLICY = "0.4.0.2023.1.1"
"""The baseline time-stamp policy (RFC 3628, section 5.2), whose accuracy is a second or better."""


class Stamp(Struct, frozen=True):
    """What a verified token states: the time, how exact it is, and the authority's chain to a trusted root."""

    time: datetime
    accuracy: timedelta
    chain: Chain

    @property
    def earliest(self) -> datetime:
        return self.time - self.accuracy

    @property
    def latest(self) -> datetime:
        return self.time + self.accuracy


def verify(token: bytes, stamped: bytes, roots: Sequence[Certificate]) -> Stamp:
    """The stamp of `token` over `stamped`, by an authority under one of `roots`; raises `VerificationError`.

    Trust policy specification, "Validate Trusted Timestamp", steps 6.1.2 to 6.1.9 but the revocation of the
    authority's chain (6.1.7) and the comparison with the signing chain's validity (6.2), which are the caller's.
    """
    data = cms.read(token, TST_INFO)
    certificate = cms.signing_certificate(data)  # 6.1.5
    cms.check_signature(data, certificate)  # 6.1.4
    info = _tst_info(data.content)
    _check_imprint(info, stamped)  # 6.1.2
    chain = _chain(certificate, data.certificates, roots, info.time)  # 6.1.6
    certificates.check_order(chain)
    certificates.check_timestamping_profile(chain)  # 6.1.3
    certificates.check_validity(chain, info.time, info.time)
    return Stamp(info.time, info.accuracy, chain)


def stated(token: bytes) -> tuple[datetime, Certificate]:
    """The time that a token states and the certificate of who signed it, neither of which is trusted here.

    Raises `VerificationError` for what is no token, or has been changed since it was signed.
    """
    data = cms.read(token, TST_INFO)
    certificate = cms.signing_certificate(data)
    cms.check_signature(data, certificate)
    return _tst_info(data.content).time, certificate


def check(token: bytes, stamped: bytes) -> None:
    """`token` is over `stamped`, by whomever it names: nobody is trusted here. Raises `VerificationError`."""
    data = cms.read(token, TST_INFO)
    cms.check_signature(data, cms.signing_certificate(data))
    _check_imprint(_tst_info(data.content), stamped)


# TSTInfo (RFC 3161, section 2.4.2)


class _Info(Struct, frozen=True):
    hash: str
    digest: bytes
    time: datetime
    accuracy: timedelta


def _tst_info(content: bytes) -> _Info:
    """A nonce answers the request, which is not here; `tsa` is a hint at most, the certificate's hash identifies."""
    fields = Fields(der.read(content, der.SEQUENCE))
    if der.integer(fields.take(der.INTEGER)) != 1:
        raise VerificationError("the timestamp's TSTInfo is not of version 1")
    policy = der.oid(fields.take(der.OID))
    imprint = Fields(fields.take(der.SEQUENCE))
    name, digest = cms.hash_name(imprint.take(der.SEQUENCE)), imprint.take(der.OCTET_STRING).content
    imprint.end()
    der.integer(fields.take(der.INTEGER))  # the token's serial number
    time = der.generalized_time(fields.take(der.GENERALIZED_TIME))
    accuracy = fields.maybe(der.SEQUENCE)
    if (ordering := fields.maybe(der.BOOLEAN)) is not None:
        der.boolean(ordering)
    if (nonce := fields.maybe(der.INTEGER)) is not None:
        der.integer(nonce)
    fields.maybe(der.context(0))
    _check_extensions(fields.maybe(der.context(1)))
    fields.end()
    return _Info(name, digest, time, _accuracy(accuracy, policy))


def _accuracy(element: Element | None, policy: str) -> timedelta:
    """Step 6.1.9: what is stated, else a second under the baseline policy, else none."""
    if element is None:
        return timedelta(seconds=1 if policy == BASELINE_POLICY else 0)
    fields = Fields(element)
    seconds = fields.maybe(der.INTEGER)
    parts = [fields.maybe(der.context(number, constructed=False)) for number in (0, 1)]
    fields.end()
    whole = der.integer(seconds) if seconds else 0
    millis, micros = (der.integer(part) if part else 0 for part in parts)
    if not 0 <= whole <= 86_400 or not 0 <= millis <= 999 or not 0 <= micros <= 999:
        raise VerificationError("the timestamp's accuracy is out of range, or worse than a day")
    return timedelta(seconds=whole, milliseconds=millis, microseconds=micros)


def _check_extensions(element: Element | None) -> None:
    """None is known here, so none may be critical."""
    for extension in der.elements(element) if element else ():
        fields = Fields(der.expect(extension, der.SEQUENCE))
        fields.take(der.OID)
        critical = fields.maybe(der.BOOLEAN)
        if critical is not None and der.boolean(critical):
            raise VerificationError("the timestamp has a critical extension that is not known")


def _check_imprint(info: _Info, stamped: bytes) -> None:
    if not hmac.compare_digest(hashlib.new(info.hash, stamped).digest(), info.digest):
        raise VerificationError("the timestamp is over another signature")


# The authority's chain


def _chain(leaf: Certificate, others: Sequence[Certificate], roots: Sequence[Certificate], at: datetime) -> Chain:
    """A shortest chain from `leaf` to one of `roots`, whose byte-equal certificate is the anchor.

    Every certificate is visited once, so that a bag of certificates that sign each other costs little.
    """
    paths: list[Chain] = [(leaf,)]
    candidates = [*roots, *(each for each in others if each not in roots and each != leaf and _is_current_ca(each, at))]
    while paths:
        path = paths.pop(0)
        if path[-1] in roots:
            return path
        issuers = [each for each in candidates if certificates.is_issued_by(path[-1], each)]
        paths += [(*path, each) for each in issuers if len(path) < limits.CHAIN_LENGTH]
        candidates = [each for each in candidates if each not in issuers]
    raise VerificationError("the timestamp's certificate does not lead to a root of the tsa stores")


def _is_current_ca(certificate: Certificate, at: datetime) -> bool:
    return bool(certificate.ca) and certificate.not_before <= at <= certificate.not_after
