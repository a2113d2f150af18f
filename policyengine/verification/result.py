"""What verifying one signature came to: the five checks, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from policyengine.decision.model import RevocationAnswer
from policyengine.evidence.model import Identity, Signature

INTEGRITY, AUTHENTICITY, TIMESTAMP, EXPIRY, REVOCATION = CHECKS = (
    "integrity",
    "authenticity",
    "authenticTimestamp",
    "expiry",
    "revocation",
)
"""The five validations, as the trust policy specification names them, in the order of its table."""

PASSED, FAILED, LOGGED, SKIPPED = "passed", "failed", "logged", "skipped"


class Target(Protocol):
    """The descriptor of what is said to be signed; `oci.Descriptor` is one. `size` is in bytes."""

    @property
    def media_type(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def size(self) -> int: ...


class SignatureResult(Struct, frozen=True, kw_only=True):
    """The outcome of verifying one signature envelope.

    `status` is one of

    - "verified": every enforced check passed, authenticity among them. Other checks may have failed
      where the trust policy only logs them: `checks` and `reason` say so.
    - "rejected": an enforced check failed; the checks after it were not made.
    - "audited": the bytes are intact, but the trust policy (level audit, or an override) only logs
      that nobody trusted signed them. There is no trusted identity, so it never counts as a signature.
    - "skipped": the trust policy has level skip for the repository; nothing was looked at, and it
      never counts as a signature either.

    `checks` has all five names of `CHECKS`, each "passed", "failed", "logged" (failed, and the trust
    policy only logs it) or "skipped" (not made). `reason` is a sentence: the first failed check and
    why. `logged` has one sentence for each logged failure.

    What the envelope states (`signed_at`, `expires`, `subject`, `chain`) is there as soon as integrity
    passed, for reports: before authenticity passed it is nobody's word. `identity` and `metadata`
    are there for verified signatures only. `chain` holds the certificates' SHA-256 fingerprints,
    leaf first, in lower-case hexadecimal; `subject` is the leaf's subject as text. `revocation` is what
    responders and revocation lists said of the certificates, in the order in which it was asked.
    """

    status: str
    checks: Mapping[str, str]
    reason: str = ""
    logged: tuple[str, ...] = ()
    format: str = ""
    trust_policy: str | None = None
    identity: Identity | None = None
    signed_at: datetime | None = None
    expires: datetime | None = None
    timestamped_at: datetime | None = None
    metadata: Mapping[str, str] = {}
    subject: str = ""
    chain: tuple[str, ...] = ()
    revocation: tuple[RevocationAnswer, ...] = ()

    def signature(self, digest: str) -> Signature | None:
        """The signature that rules may see, `digest` being its manifest's; `None` unless verified."""
        if self.status != "verified" or self.identity is None:
            return None
        return Signature(
            identity=self.identity,
            format=self.format,
            digest=digest,
            trust_policy=self.trust_policy,
            signed_at=self.signed_at,
            expires=self.expires,
            timestamped=self.timestamped_at is not None,
            metadata=self.metadata,
        )


def checks(**outcomes: str) -> dict[str, str]:
    """All five checks, those that are not given as skipped."""
    return {name: outcomes.get(name, SKIPPED) for name in CHECKS}
