"""Certificate revocation lists, complete and delta (RFC 5280, sections 5 and 6.3).

A list counts if the certificate's issuer signed it and its scope holds the certificate; lists by others
(indirect ones), or for some reasons only, could be there and say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from msgspec import Struct

from policyengine.errors import VerificationError
from policyengine.strictjson import quoted
from policyengine.verification import algorithms, certificates, der
from policyengine.verification.answers import Found, Revoked
from policyengine.verification.certificates import Certificate

HOLD = x509.ReasonFlags.certificate_hold.value
REMOVED = x509.ReasonFlags.remove_from_crl.value
UNSPECIFIED = x509.ReasonFlags.unspecified.value

KNOWN = (x509.IssuingDistributionPoint, x509.DeltaCRLIndicator)
"""The extensions of a list that may be critical, because they are looked at."""
TRUE = b"\x01\x01\xff"
"""The DER of a critical flag; there is none for an extension that is not critical."""


class Address(Struct, frozen=True):
    """Where a list is, and all names of the distribution point that the list may state for itself."""

    url: str
    names: tuple[x509.GeneralName, ...]

    def __str__(self) -> str:
        return self.url


class List(Struct, frozen=True):
    """A list that the issuer signed. `number` orders those of one scope; `base` is there in delta lists only."""

    parsed: x509.CertificateRevocationList
    this_update: datetime
    next_update: datetime | None
    number: int | None
    base: int | None
    scope: x509.IssuingDistributionPoint | None
    freshest: tuple[Address, ...]


def addresses(certificate: Certificate) -> tuple[Address, ...]:
    """Where the certificate says that its issuer's complete lists are, in order."""
    return _addresses(certificates.extension(certificate, x509.CRLDistributionPoints) or ())


def delta_addresses(complete: List, certificate: Certificate) -> tuple[Address, ...]:
    """Where delta lists are, as the complete list says it, or the certificate (sections 5.2.6 and 4.2.1.15)."""
    named = _addresses(certificates.extension(certificate, x509.FreshestCRL) or ())
    return tuple(dict.fromkeys((*complete.freshest, *named)))


def _addresses(points: Iterable[x509.DistributionPoint]) -> tuple[Address, ...]:
    """The URLs of the points whose lists are the issuer's own, and for all reasons."""
    found = []
    for point in points:
        if point.crl_issuer is None and point.reasons is None:
            names = tuple(point.full_name or ())
            found += [Address(name.value, names) for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return tuple(found)


# Reading


@lru_cache(maxsize=8)
def read(data: bytes, issuer: Certificate) -> List:
    """The list that `data` is, signed by `issuer`; raises `VerificationError`.

    Neither time nor scope is looked at, so that a large list is read once for many certificates.
    """
    try:
        return _read(data, issuer)
    except VerificationError:
        raise
    except Exception as fault:  # noqa: BLE001  whatever hostile bytes do to the library, they are refused
        raise VerificationError(f"the list cannot be read: {quoted(str(fault) or type(fault).__name__)}") from None


def _read(data: bytes, issuer: Certificate) -> List:
    parsed = x509.load_der_x509_crl(data)
    if parsed.issuer != issuer.x509.subject:
        raise VerificationError("the list is of another issuer")
    if issuer.usage is not None and "cRLSign" not in issuer.usage:
        raise VerificationError(f"{issuer} has no key usage cRLSign")
    signed = der.elements(der.read(data, der.SEQUENCE))[0].raw  # the library would write 50,000 entries anew: 180 ms
    algorithms.verify_issued(issuer.key, parsed.signature_algorithm_oid.dotted_string, parsed.signature, signed)
    _check_critical(parsed, data)
    found = {type(each.value): each.value for each in parsed.extensions}
    number, base = found.get(x509.CRLNumber), found.get(x509.DeltaCRLIndicator)
    scope = found.get(x509.IssuingDistributionPoint)
    return List(
        parsed=parsed,
        this_update=parsed.last_update_utc,
        next_update=parsed.next_update_utc,
        number=number.crl_number if isinstance(number, x509.CRLNumber) else None,
        base=base.crl_number if isinstance(base, x509.DeltaCRLIndicator) else None,
        scope=scope if isinstance(scope, x509.IssuingDistributionPoint) else None,
        freshest=_addresses(found.get(x509.FreshestCRL, ())),
    )


def _check_critical(parsed: x509.CertificateRevocationList, data: bytes) -> None:
    """No critical extension that is not known, of the list or of any entry: such a list must not be used at all.

    Sections 5.2 and 5.3. The entries of a list of 50,000 are looked at in 230 ms, its bytes in 2.
    """
    critical = [each for each in parsed.extensions if each.critical]
    if any(not isinstance(each.value, KNOWN) for each in critical):
        raise VerificationError("the list has a critical extension that is not known")
    if data.count(TRUE) > len(critical) and any(each.critical for entry in parsed for each in entry.extensions):
        raise VerificationError("an entry of the list has a critical extension that is not known")


# Scope


def check_scope(complete: List, certificate: Certificate, address: Address) -> None:
    """The complete list from `address` holds `certificate` if it is revoked; raises `VerificationError`."""
    if complete.base is not None:
        raise VerificationError("it is a delta list in the place of a complete one")
    scope = complete.scope
    if scope is None:
        return
    if scope.indirect_crl or scope.only_contains_attribute_certs or scope.only_some_reasons or scope.relative_name:
        raise VerificationError("the list is an indirect one, or one for some reasons or other certificates only")
    if scope.only_contains_user_certs and certificate.ca:
        raise VerificationError("the list is for certificates that are no CA's")
    if scope.only_contains_ca_certs and not certificate.ca:
        raise VerificationError("the list is for certificates of CAs")
    if scope.full_name is not None and not set(scope.full_name) & set(address.names):
        raise VerificationError("the list is that of another distribution point")


def check_delta(delta: List, complete: List) -> None:
    """The delta list continues the complete one (section 5.2.4); raises `VerificationError`.

    One of the same number was issued together with the complete one and says nothing new (section 5.2.3).
    """
    if delta.base is None or delta.number is None or complete.number is None:
        raise VerificationError("it is no delta list, or one without a number")
    if delta.scope != complete.scope:
        raise VerificationError("the delta list has another scope than the complete one")
    if not delta.base <= complete.number <= delta.number:
        raise VerificationError("the delta list does not continue the complete one")


# Entries


def entry(found: List, certificate: Certificate) -> Revoked | None:
    """The entry for `certificate`, if there is one; raises `VerificationError` where it cannot be read."""
    listed = found.parsed.get_revoked_certificate_by_serial_number(certificate.x509.serial_number)
    if listed is None:
        return None
    try:
        values = [each.value for each in listed.extensions]
    except Exception as fault:  # noqa: BLE001  as above
        raise VerificationError(f"the entry cannot be read: {quoted(str(fault))}") from None
    reasons = [value.reason.value for value in values if isinstance(value, x509.CRLReason)]
    invalid = [value.invalidity_date_utc for value in values if isinstance(value, x509.InvalidityDate)]
    if REMOVED in reasons and found.base is None:
        raise VerificationError("the list takes an entry back, which only a delta list can")
    return Revoked(listed.revocation_date_utc, next(iter(reasons), UNSPECIFIED), next(iter(invalid), None))


def combined(complete: Revoked | None, delta: Revoked | None) -> Revoked | None:
    """What an entry of a complete list and one of its delta list come to.

    Only what was on hold can be let go again, by an entry that is later than the hold.
    """
    if delta is None or delta.reason != REMOVED:
        return delta or complete
    if complete is not None and (complete.reason != HOLD or delta.since <= complete.since):
        return complete
    return None


def is_final(found: Revoked | None) -> bool:
    """Whether there is an entry that no later list takes back."""
    return found is not None and found.reason != HOLD


def judge(found: Revoked | None, by: List, signed_at: datetime | None) -> Found:
    """What an entry, or none, means for a signature with this authentic signing time; `by` is the list to quote."""
    revoked = found is not None and found.reason != REMOVED and not found.excuses(signed_at)
    return Found(revoked, found, by.this_update, by.next_update)
