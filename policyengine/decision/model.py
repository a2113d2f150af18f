"""What an evaluation says: violations per rule, what became of each document and signature, and the decision.

The values are complete for every report; nothing has to be looked up again to show them.
Instants are aware `datetime` values in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

SCHEMA_VERSION = "1"


class Violation(Struct, frozen=True):
    """One element (or the image as a whole) for which a rule does not hold.

    `state` is `violated` or `undetermined`; then `missing` says what was not known. `evidence` are the
    digests of the documents it rests on. `waiver` is the index of the waiver that covers it, among the
    decision's waivers. `outside` says that what is missing could not be had for a reason outside the
    artifact, `retry` that trying again may help.
    """

    message: str
    element: str | None
    state: str
    missing: str | None = None
    evidence: tuple[str, ...] = ()
    waiver: int | None = None
    outside: bool = False
    retry: bool = False
    help: str | None = None
    platform: str | None = None


class RuleResult(Struct, frozen=True):
    """What one rule says. `identifier` is `POLICY.RULE`.

    `status` is `passed`, `violated`, `undetermined`, `waived` (all its violations are) or `not-applicable`.
    """

    identifier: str
    effect: str
    effective_effect: str
    title: str
    status: str
    violations: tuple[Violation, ...]
    path: str
    line: int
    help: str | None = None

    @property
    def uncovered(self) -> tuple[Violation, ...]:
        """The violations that no waiver covers."""
        return tuple(violation for violation in self.violations if violation.waiver is None)


class WaiverResult(Struct, frozen=True):
    """A waiver and what became of it: `state` is `used`, `unused` or `expired`, `covers` the number of violations."""

    rule: str
    owner: str
    reason: str
    ticket: str | None
    expires: date
    state: str
    covers: int
    path: str
    line: int


class DocumentResult(Struct, frozen=True):
    """What became of one referrer: `status` is `used`, `superseded`, `untrusted`, `unreadable` or `irrelevant`."""

    digest: str
    artifact_type: str
    status: str
    kind: str | None = None
    tool: str | None = None
    format: str | None = None
    reason: str | None = None
    signatures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    platform: str | None = None


class RevocationAnswer(Struct, frozen=True):
    """What one address said of one certificate, `certificate` being its subject.

    `kind` is `ocsp`, `crl` or `delta-crl`; `answer` is `good`, `revoked` or `unusable`, of which `reason` tells
    more. The times are those of a valid answer: from when on it holds, and until when.
    """

    certificate: str
    kind: str
    url: str
    answer: str
    this_update: datetime | None = None
    next_update: datetime | None = None
    reason: str | None = None


class SignatureResult(Struct, frozen=True):
    """What became of one signature. `subject` is the digest that it is attached to.

    `status` is `verified`, `rejected`, `audited` or `skipped`; `checks` maps the five checks of the Notary
    Project (`integrity authenticity authenticTimestamp expiry revocation`) to `passed`, `failed`, `logged`
    or `skipped`. `revocation` is what was asked about the certificates of the signer and of its timestamp.
    """

    digest: str
    subject: str
    format: str
    status: str
    checks: Mapping[str, str]
    identity: str | None = None
    trust_policy: str | None = None
    signed_at: datetime | None = None
    expires: datetime | None = None
    timestamped_at: datetime | None = None
    reason: str | None = None
    platform: str | None = None
    revocation: tuple[RevocationAnswer, ...] = ()


class Reason(Struct, frozen=True):
    """Why the decision is what it is, beyond the rules (`no-policy-applies`, `unreachable`, …)."""

    code: str
    message: str
    retry: bool | None = None


class Subject(Struct, frozen=True):
    """What was decided about."""

    reference: str
    repository: str
    digest: str
    media_type: str
    platform: str | None = None


class PolicySetSummary(Struct, frozen=True):
    """Which policies decided, as the report states them; `parameters` maps `POLICY.NAME` to shown values."""

    digest: str
    policies: tuple[str, ...]
    environment: str | None = None
    parameters: Mapping[str, Any] = {}


class PlatformResult(Struct, frozen=True):
    """The decision for one platform of an index."""

    platform: str
    digest: str
    decision: str


class Decision(Struct, frozen=True):
    """The answer: `decision` is `allow`, `deny` or `error`.

    There is no truth value of a decision, on purpose: `if decision:` would hold for a denial too.
    Ask `decision.allowed`.
    """

    decision: str
    subject: Subject
    at: datetime
    policy_set: PolicySetSummary
    rules: tuple[RuleResult, ...] = ()
    waivers: tuple[WaiverResult, ...] = ()
    evidence: tuple[DocumentResult, ...] = ()
    signatures: tuple[SignatureResult, ...] = ()
    reasons: tuple[Reason, ...] = ()
    platforms: tuple[PlatformResult, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the image may run."""
        return self.decision == "allow"

    @property
    def exit_code(self) -> int:
        """The command's exit code: 0 allow, 1 deny, 3 could not decide."""
        return {"allow": 0, "deny": 1}.get(self.decision, 3)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every uncovered violation of every rule, in order."""
        return tuple(violation for rule in self.rules for violation in rule.uncovered)

    def __bool__(self) -> bool:
        raise TypeError("a decision has no truth value: ask `decision.allowed`")
