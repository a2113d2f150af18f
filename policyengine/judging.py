"""Judging: which of the gathered signatures are verified, and what became of the others.

A signature counts for exactly the artifact whose descriptor its payload names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from policyengine.decision.model import SignatureResult
from policyengine.errors import NotFound, PolicyEngineError, RegistryError, TrustError, VerificationError
from policyengine.evidence.model import Collection, Gap
from policyengine.evidence.model import Signature as Verified
from policyengine.gathering import Gathered, Signature, Untried, Wanted, others
from policyengine.oci import Descriptor
from policyengine.registry.referrers import Failure
from policyengine.registry.store import Store
from policyengine.verification.notation import manifest as shape
from policyengine.verification.notation import verify
from policyengine.verification.result import CHECKS
from policyengine.verification.revocation import Check
from policyengine.verification.trust import Trust


class Signed(Struct, frozen=True):
    """What the signatures of one artifact are worth: the verified ones, and what became of each."""

    signatures: Collection[Verified]
    results: tuple[SignatureResult, ...]


class Case(Struct, frozen=True):
    """An artifact with what claims to sign it, and what is not known of that; `covered` where it needs none itself."""

    target: Descriptor
    signatures: Sequence[Signature]
    gaps: tuple[Gap, ...] = ()
    covered: bool = False


class Judge(Struct, frozen=True):
    """What signatures are judged by: the trust, the repository that selects its statement, and the instant.

    `revoked` checks certificates for revocation; without it nobody is asked.
    """

    trust: Trust
    repository: str
    at: datetime
    revoked: Check | None = None

    def trusted(self) -> frozenset[str]:
        """The SHA-256 fingerprints of the certificates that the trust policy names for the repository."""
        statement = self.trust.select(self.repository)
        stores = statement.stores if statement is not None else ()
        try:
            certificates = [certificate for store in stores for certificate in self.trust.certificates(store)]
        except TrustError:  # verifying says so, signature by signature
            return frozenset()
        return frozenset(hashlib.sha256(certificate.der).hexdigest() for certificate in certificates)

    def signed(self, target: Descriptor, signatures: Sequence[Signature], gaps: Iterable[Gap] = ()) -> Signed:
        """The verified ones among the `signatures` attached to `target`; `gaps` are there beforehand."""
        found: list[Verified] = []
        results: list[SignatureResult] = []
        unknown = list(gaps)
        for signature in signatures:
            outcome = self._one(target, signature)
            if isinstance(outcome, Gap):
                unknown.append(outcome)
            else:
                verified, result = outcome
                results.append(result)
                found.extend([verified] if verified is not None else [])
        return Signed(Collection(tuple(found), tuple(unknown)), tuple(results))

    def all_signed(self, store: Store, cases: Sequence[Case], wanted: Wanted) -> list[Signed]:
        """What the signatures of several artifacts are worth.

        Where none of an artifact's verifies, there is a look into the other place where some may be listed.
        """
        found = [self.signed(case.target, case.signatures, case.gaps) for case in cases]
        lacking = [n for n, signed in enumerate(found) if not (signed.signatures.items or cases[n].covered)]
        more = (
            others(store, [(cases[number].target, cases[number].signatures) for number in lacking], wanted)
            if lacking
            else []
        )
        for number, each in zip(lacking, more, strict=True):
            gaps = [*found[number].signatures.gaps, *unlisted(each.unlisted)]
            second = self.signed(cases[number].target, each.signatures, gaps)
            found[number] = Signed(second.signatures, (*found[number].results, *second.results))
        return found

    def _one(self, target: Descriptor, signature: Signature) -> tuple[Verified | None, SignatureResult] | Gap:
        """One signature verified or refused, or the gap that it leaves where it could not be had."""
        digest = signature.found.descriptor.digest
        failure = _failure(signature)
        if failure is not None and (outside(failure) or isinstance(failure, Untried)):
            return gap(f"the signature {digest[:19]} could not be had: {failure.message}", failure)
        try:
            if failure is not None:
                raise failure
            layer = shape.envelope_layer(signature.found.manifest, target)  # type: ignore[union-attr]
            envelope: bytes = signature.envelope.content  # type: ignore[union-attr, assignment]
        except PolicyEngineError as error:
            return None, _refused(digest, target, error)
        result = verify.verify(
            envelope,
            layer.media_type,
            target,
            trust=self.trust,
            repository=self.repository,
            at=self.at,
            revoked=self.revoked,
        )
        return result.signature(digest), _reported(digest, target, result)


def _failure(signature: Signature) -> PolicyEngineError | None:
    """Why a signature or its envelope could not be had, if so."""
    if isinstance(signature.found, Failure):
        return signature.found.error
    content = signature.envelope.content if signature.envelope is not None else None
    return content if isinstance(content, PolicyEngineError) else None


def outside(error: PolicyEngineError) -> bool:
    """Whether content could not be had for a reason outside the artifact: not where a list names what nobody has."""
    return isinstance(error, RegistryError) and not isinstance(error, NotFound)


def gap(reason: str, error: PolicyEngineError, many: bool = False) -> Gap:
    """What `error` leaves unknown; `many` says that it may hide any number of things."""
    return Gap(reason, outside(error), bool(getattr(error, "retry", False)), many)


def _refused(digest: str, target: Descriptor, error: PolicyEngineError) -> SignatureResult:
    """The report of a signature that was refused before its envelope was looked at."""
    failed = error.check if isinstance(error, VerificationError) else "integrity"
    checks = {name: "failed" if name == failed else "skipped" for name in CHECKS}
    return SignatureResult(digest, target.digest, "", "rejected", checks, reason=error.message)


def _reported(digest: str, target: Descriptor, result: Any) -> SignatureResult:
    identity = str(result.identity) if result.identity is not None else result.subject or None
    reason = "; ".join(dict.fromkeys([result.reason, *result.logged])).strip("; ") or None
    return SignatureResult(
        digest, target.digest, result.format, result.status, result.checks, identity, result.trust_policy,
        result.signed_at, result.expires, result.timestamped_at, reason, revocation=result.revocation,
    )  # fmt: skip


def image_signatures(judge: Judge, store: Store, gathered: Gathered, wanted: Wanted) -> Signed:
    """The signatures of the image or index itself."""
    gaps = list(unlisted(gathered.unlisted))
    for document in gathered.documents:
        found = document.found
        if isinstance(found, Failure) and not found.descriptor.artifact_type and outside(found.error):
            gaps.append(gap(f"a referrer that may be a signature could not be had: {found.error.message}", found.error))
    return judge.all_signed(store, [Case(gathered.descriptor, gathered.signatures, tuple(gaps))], wanted)[0]


def unlisted(error: PolicyEngineError | None) -> tuple[Gap, ...]:
    """The gap where signatures could not be listed."""
    return () if error is None else (gap(f"signatures could not be listed: {error.message}", error, True),)
