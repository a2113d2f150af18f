"""The decision for programs: JSON by `schemas/decision-v1.json`, byte-identical for equal decisions.

The keys and their order are the published contract; the values behind them may change their shape without
it. A key that is optional there is left out where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from policyengine import __version__
from policyengine.decision.model import (
    SCHEMA_VERSION,
    Decision,
    DocumentResult,
    PolicySetSummary,
    RevocationAnswer,
    RuleResult,
    SignatureResult,
    Subject,
    Violation,
    WaiverResult,
)
from policyengine.reports.formats import Report
from policyengine.reports.instant import rfc3339
from policyengine.reports.safe import json_text

Document = dict[str, Any]
CHECKS = ("integrity", "authenticity", "authenticTimestamp", "expiry", "revocation")


def render(report: Report) -> str:
    """One document: the decision itself, or all of them under `decisions` where several were asked for."""
    documents = [document(decision) for decision in report.decisions]
    return dump({"schemaVersion": SCHEMA_VERSION, "decisions": documents} if report.several else documents[0])


def dump(content: Document) -> str:
    """`content` as indented JSON text that no reader of logs obeys, with its end of line."""
    try:
        text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    except UnicodeEncodeError:  # a path whose bytes are no text
        from json import dumps

        text = dumps(content, indent=2)
    return json_text(text) + "\n"


def document(decision: Decision) -> Document:
    """`decision` in the shape of the published schema."""
    return given(
        schemaVersion=SCHEMA_VERSION,
        decision=decision.decision,
        subject=_subject(decision.subject),
        at=rfc3339(decision.at),
        engine={"version": __version__},
        policySet=_policy_set(decision.policy_set),
        rules=[_rule(rule) for rule in decision.rules],
        waivers=[_waiver(waiver) for waiver in decision.waivers],
        evidence=[_evidence(found) for found in decision.evidence],
        signatures=[signature_document(signature) for signature in decision.signatures],
        reasons=[given(code=r.code, message=r.message, retry=r.retry) for r in decision.reasons],
        platforms=[{"platform": p.platform, "digest": p.digest, "decision": p.decision} for p in decision.platforms]
        or None,
    )


def given(**values: Any) -> Document:
    """The `values` that are there."""
    return {key: value for key, value in values.items() if value is not None}


def _subject(subject: Subject) -> Document:
    return given(
        reference=subject.reference,
        repository=subject.repository,
        digest=subject.digest,
        mediaType=subject.media_type,
        platform=subject.platform,
    )


def _policy_set(policies: PolicySetSummary) -> Document:
    parameters = {name: shown(value) for name, value in sorted(policies.parameters.items())}
    return given(
        digest=policies.digest,
        policies=list(policies.policies),
        environment=policies.environment,
        parameters=parameters,
    )


def shown(value: Any) -> Any:
    """A parameter's value as JSON says it: sets in order, and as text what JSON has no word for."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): shown(member) for key, member in sorted(value.items())}
    if isinstance(value, set | frozenset):
        return sorted((shown(member) for member in value), key=str)
    return [shown(member) for member in value] if isinstance(value, list | tuple) else str(value)


def _rule(rule: RuleResult) -> Document:
    return given(
        id=rule.identifier,
        effect=rule.effect,
        effectiveEffect=rule.effective_effect,
        title=rule.title,
        status=rule.status,
        violations=[_violation(violation) for violation in rule.violations],
        file=rule.path,
        line=rule.line,
        help=rule.help or next((v.help for v in rule.violations if v.help), None),
    )


def _violation(violation: Violation) -> Document:
    required = {"message": violation.message, "element": violation.element, "state": violation.state}
    return required | given(
        missing=violation.missing,
        evidence=list(violation.evidence),
        waiver=violation.waiver,
        platform=violation.platform,
    )


def _waiver(waiver: WaiverResult) -> Document:
    return given(
        rule=waiver.rule,
        owner=waiver.owner,
        reason=waiver.reason,
        ticket=waiver.ticket,
        expires=waiver.expires.isoformat(),
        state=waiver.state,
        covers=waiver.covers,
    )


def _evidence(found: DocumentResult) -> Document:
    return given(
        digest=found.digest,
        artifactType=found.artifact_type,
        kind=found.kind,
        tool=found.tool,
        format=found.format,
        status=found.status,
        reason=found.reason,
        signatures=list(found.signatures),
        warnings=list(found.warnings),
        platform=found.platform,
    )


def signature_document(signature: SignatureResult) -> Document:
    return given(
        digest=signature.digest,
        subject=signature.subject,
        format=signature.format,
        status=signature.status,
        identity=signature.identity,
        trustPolicy=signature.trust_policy,
        signedAt=rfc3339(signature.signed_at) if signature.signed_at else None,
        expires=rfc3339(signature.expires) if signature.expires else None,
        timestampedAt=rfc3339(signature.timestamped_at) if signature.timestamped_at else None,
        reason=signature.reason,
        checks={name: signature.checks.get(name, "skipped") for name in CHECKS},
        platform=signature.platform,
        revocation=[answer(each) for each in signature.revocation] or None,
    )


def answer(found: RevocationAnswer) -> Document:
    """What one address said of one certificate."""
    return given(
        certificate=found.certificate,
        kind=found.kind,
        url=found.url,
        answer=found.answer,
        thisUpdate=rfc3339(found.this_update) if found.this_update else None,
        nextUpdate=rfc3339(found.next_update) if found.next_update else None,
        reason=found.reason,
    )
