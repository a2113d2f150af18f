"""Verifies one signature: envelope and trust in, `SignatureResult` out.

The numbers are those of "Signature Verification", "Steps", in the trust store and trust policy
specification. The payload's descriptor is compared as a part of integrity, so that no level accepts
a signature of something else. Importing this module is cheap; verifying imports `cryptography`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from policyengine import limits
from policyengine.decision.model import RevocationAnswer
from policyengine.errors import TrustError, VerificationError
from policyengine.evidence.model import Identity
from policyengine.strictjson import quoted
from policyengine.verification import identities, result, revocation
from policyengine.verification.notation import envelope, payload
from policyengine.verification.notation.envelope import FORMATS, SIGNING_AUTHORITY, X509, Envelope
from policyengine.verification.result import (
    AUTHENTICITY,
    EXPIRY,
    FAILED,
    INTEGRITY,
    LOGGED,
    PASSED,
    REVOCATION,
    SKIPPED,
    TIMESTAMP,
    SignatureResult,
    Target,
)
from policyengine.verification.trust import Trust
from policyengine.verification.trustpolicy import AFTER_EXPIRY, ENFORCE, SKIP, Statement

if TYPE_CHECKING:
    from policyengine.verification.certificates import Certificate, Chain

STORE_KIND = {X509: "ca", SIGNING_AUTHORITY: "signingAuthority"}


def verify(
    data: bytes,
    media_type: str,
    target: Target,
    *,
    trust: Trust,
    repository: str,
    at: datetime,
    revoked: revocation.Check | None = None,
) -> SignatureResult:
    """What the envelope `data` is worth as a signature of `target` in `repository` at the instant `at`.

    `media_type` is that of the signature manifest's layer, `repository` is `registry/name`. `revoked`
    checks revocation, by default `revocation.check`, which asks nobody. Never raises for what an envelope
    holds: anything that is not as it has to be gives a result with status "rejected" and the reason.
    """
    statement = trust.select(repository)  # step 1
    if statement is None:
        why = trust.reason or f"the trust policy has no statement for {quoted(repository)}"
        return SignatureResult(status="rejected", checks=result.checks(), reason=f"nothing is trusted: {why}")
    if statement.level == SKIP:  # step 2.1
        reason = f'the trust policy\'s statement "{statement.name}" skips verification'
        return SignatureResult(status="skipped", checks=result.checks(), reason=reason, trust_policy=statement.name)
    try:
        signed = _integrity(data, media_type, target)
    except VerificationError as fault:  # enforced at every level (step 2.3)
        return _refused_early(statement, fault, media_type)
    return _judge(_Case(signed, trust, statement, at, revoked or revocation.check))


class _Signed(Struct, frozen=True):
    """An intact envelope: signed by its leaf's key, for the artifact that was asked about."""

    envelope: Envelope
    chain: Chain
    metadata: Mapping[str, str]


class _Case(Struct, frozen=True):
    signed: _Signed
    trust: Trust
    statement: Statement
    at: datetime
    revoked: revocation.Check
    trusted: bool = True
    asked: list[RevocationAnswer] = []


# Step 3: integrity


def _integrity(data: bytes, media_type: str, target: Target) -> _Signed:
    read = parse(data, media_type)  # 3.1, and 3.2: the content type
    chain = intact(read)
    metadata = payload.read(read.payload, target)  # 3.6, of a payload that is parsed only now
    return _Signed(read, chain, metadata)


def parse(data: bytes, media_type: str) -> Envelope:
    """The envelope that `data` is, in the format that its media type names; raises `VerificationError`."""
    if len(data) > limits.ENVELOPE_BYTES:
        raise VerificationError(f"the envelope has more than {limits.ENVELOPE_BYTES} bytes")
    if media_type not in FORMATS:
        raise VerificationError(f"the media type {quoted(media_type)} is no signature format")
    if FORMATS[media_type] == "cose":
        from policyengine.verification.notation import cose

        return cose.read(data)
    from policyengine.verification.notation import jws

    return jws.read(data)


def intact(read: Envelope) -> Chain:
    """The chain of an envelope that its leaf's key has signed, by the rules for both; raises `VerificationError`."""
    from policyengine.verification import algorithms, certificates

    envelope.check_critical(read.attributes)
    chain = certificates.signing_chain(read.chain)  # 3.3, with the certificate requirements of 4.1.1
    wanted = algorithms.for_key(chain[0].key)  # 3.4
    if read.algorithm != wanted:
        raise VerificationError(f"the algorithm is {read.algorithm}, and the leaf's key signs with {wanted}")
    algorithms.verify(chain[0].key, read.signature, read.signed)  # 3.5
    return chain


# Steps 4 to 7, each of which raises `VerificationError`


def _authenticity(case: _Case) -> None:
    """Step 4: a certificate of the chain is in a store of the scheme's kind, and the leaf is a trusted identity."""
    signed = case.signed
    trusted = _stored(case, STORE_KIND[signed.envelope.attributes.scheme])
    if not any(certificate in trusted for certificate in signed.chain):  # 4.1.2
        stores = ", ".join(str(store) for store in case.statement.stores)
        raise VerificationError(f"no certificate of the chain of {signed.chain[0]} is in a trust store ({stores})")
    trusted_identities = case.statement.identities
    if any(identity.kind == identities.ANY for identity in trusted_identities):  # 4.1.3
        return
    subject = identities.unambiguous(signed.chain[0].rdns)  # 4.1.4
    if subject is None:
        raise VerificationError(f"the subject {signed.chain[0]} is ambiguous: an attribute occurs twice, or two in one")
    if not any(identity.matches(subject) for identity in trusted_identities):
        raise VerificationError(f"the subject {signed.chain[0]} is none of the trusted identities")


def _expiry(case: _Case) -> None:
    """Step 5; "greater than or equal" by the definition of expiry."""
    expires = case.signed.envelope.attributes.expires
    if expires is not None and case.at >= expires:
        raise VerificationError(f"the signature expired at {expires:%Y-%m-%dT%H:%M:%SZ}")


def _authentic_timestamp(case: _Case) -> datetime | None:
    """Step 6: the chain was valid when the signature was made, or is now; the stamp's time, where one was needed."""
    from policyengine.verification import certificates

    read, chain = case.signed.envelope, case.signed.chain
    if read.attributes.scheme == SIGNING_AUTHORITY:
        certificates.check_validity(chain, read.attributes.signed_at, read.attributes.signed_at)
        return None
    if not _wants_stamp(case):
        certificates.check_validity(chain, case.at, case.at)
        return None
    if read.timestamp is None:
        raise VerificationError("the signature has no timestamp, which the trust policy asks for")
    from policyengine.verification import timestamps

    stamp = timestamps.verify(read.timestamp, read.signature, _stored(case, "tsa"))  # 6.1
    _check_not_revoked(case, stamp.chain, None)  # 6.1.7, whatever the statement says of revocation
    certificates.check_validity(chain, stamp.earliest, stamp.latest)  # 6.2
    return stamp.time


def _wants_stamp(case: _Case) -> bool:
    """Where a tsa store is named: always, or once a certificate of the chain has expired (`verifyTimestamp`)."""
    if not any(store.kind == "tsa" for store in case.statement.stores):
        return False
    expired = any(case.at > certificate.not_after for certificate in case.signed.chain)
    return expired or case.statement.verify_timestamp != AFTER_EXPIRY


def _revocation(case: _Case) -> None:
    """Step 7. Only an authentic signing time may be held against an invalidity date.

    The addresses to ask stand in the certificates, and nobody is asked on a stranger's word.
    """
    if not case.trusted:
        raise VerificationError("revocation is not asked for a chain that nobody trusts")
    found = case.signed.envelope.attributes
    _check_not_revoked(case, case.signed.chain, found.signed_at if found.scheme == SIGNING_AUTHORITY else None)


def _check_not_revoked(case: _Case, chain: Chain, signed_at: datetime | None) -> None:
    status = case.revoked(chain, case.at, signed_at)
    case.asked.extend(status.answers)
    if status.problem:
        raise VerificationError(status.problem)


def _stored(case: _Case, kind: str) -> tuple[Certificate, ...]:
    """The certificates of the statement's stores of one kind, each of which has to have some."""
    found: list[Certificate] = []
    for store in case.statement.stores:
        if store.kind != kind:
            continue
        try:
            held = case.trust.certificates(store)
        except TrustError as fault:
            raise VerificationError(f"trust store {store} cannot be used: {fault}") from None
        if not held:
            raise VerificationError(f"trust store {store} is missing or empty")
        found += held
    return tuple(found)


STEPS = (
    (AUTHENTICITY, _authenticity),
    (EXPIRY, _expiry),
    (TIMESTAMP, _authentic_timestamp),
    (REVOCATION, _revocation),
)


# Results


def _judge(case: _Case) -> SignatureResult:
    """Step 2.3: an enforced failure ends it, a logged one is kept, and the next check is made."""
    outcomes = {INTEGRITY: PASSED}
    logged: list[str] = []
    stamped_at: datetime | None = None
    for check, step in STEPS:
        action = case.statement.action(check)
        if action == SKIP:
            outcomes[check] = SKIPPED
            continue
        try:
            found = step(case)
        except VerificationError as fault:
            if action == ENFORCE:
                return _result(case, "rejected", {**outcomes, check: FAILED}, logged, f"{check} failed: {fault}")
            outcomes[check] = LOGGED
            case = replace(case, trusted=case.trusted and check != AUTHENTICITY)
            logged.append(f"{check} failed, which the trust policy only logs: {fault}")
        else:
            outcomes[check] = PASSED
            stamped_at = found if check == TIMESTAMP else stamped_at
    status = "verified" if outcomes[AUTHENTICITY] == PASSED else "audited"
    return _result(case, status, outcomes, logged, logged[0] if logged else "", stamped_at)


def _result(
    case: _Case,
    status: str,
    outcomes: Mapping[str, str],
    logged: list[str],
    reason: str,
    stamped_at: datetime | None = None,
) -> SignatureResult:
    signed, verified = case.signed, status == "verified"
    return SignatureResult(
        status=status,
        checks=result.checks(**outcomes),
        reason=reason,
        logged=tuple(logged),
        format=signed.envelope.format,
        trust_policy=case.statement.name,
        identity=_identity(signed.chain[0]) if verified else None,
        signed_at=signed.envelope.attributes.signed_at,
        expires=signed.envelope.attributes.expires,
        timestamped_at=stamped_at,
        metadata=signed.metadata if verified else {},
        subject=signed.chain[0].subject,
        chain=tuple(certificate.fingerprint for certificate in signed.chain),
        revocation=tuple(case.asked),
    )


def _identity(leaf: Certificate) -> Identity:
    """Who signed. A subject that is ambiguous has no attributes here, so that no rule can match it by one of two."""
    return Identity(kind="x509", attributes=identities.unambiguous(leaf.rdns) or ())


def _refused_early(statement: Statement, fault: VerificationError, media_type: str) -> SignatureResult:
    return SignatureResult(
        status="rejected",
        checks=result.checks(integrity=FAILED),
        reason=f"integrity failed: {fault}",
        format=FORMATS.get(media_type, ""),
        trust_policy=statement.name,
    )
