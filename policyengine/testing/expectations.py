"""Whether a decision is what a test expects, and if not, what it is instead (language reference, section 8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policyengine.decision.model import Decision, RuleResult, Violation
from policyengine.language.checked import Expectation, Policy

SHOWN = 3
"""Violations that a failure names: enough to see what happened instead."""


def failure(expectation: Expectation, policy: Policy, decision: Decision) -> str | None:
    """Why `expectation` does not hold of `decision`, or `None` where it does."""
    if not expectation.rule:
        found = _decision(expectation, policy, decision)
    else:
        found = _rule(expectation, policy, decision)
    return f"expected {wanted(expectation)}, but {found}" if found else None


def _decision(expectation: Expectation, policy: Policy, decision: Decision) -> str | None:
    """What is there instead of the decision `expectation.kind`, said as it should be."""
    if decision.decision != expectation.kind:
        return f"the decision is {decision.decision}{because(decision)}"
    said = [reason.message for reason in decision.reasons]
    said += [text for rule in decision.rules for v in rule.uncovered for text in texts(policy, rule, v)]
    return None if _contains(expectation.containing, said) else f"nothing says so{because(decision)}"


def _rule(expectation: Expectation, policy: Policy, decision: Decision) -> str | None:
    """What the rule found instead of what is expected of it."""
    identifier = f"{policy.name}.{expectation.rule}"
    result = next((rule for rule in decision.rules if rule.identifier == identifier), None)
    if result is None:
        return None if expectation.kind == "no violation of" else "the policy does not apply to the image"
    concerned = candidates(expectation.kind, result)
    number = sum(_contains(expectation.containing, texts(policy, result, violation)) for violation in concerned)
    if expectation.kind == "no violation of":
        fulfilled = number == 0
    else:
        fulfilled = number > 0 if expectation.times is None else number == expectation.times
    return None if fulfilled else f"{expectation.rule} {outcome(result)}"


def candidates(kind: str, rule: RuleResult) -> Sequence[Violation]:
    """The violations of `rule` that an expectation of `kind` is about."""
    match kind:
        case "deny by" | "warn by":
            return rule.uncovered if rule.effective_effect == kind.split(maxsplit=1)[0] else ()
        case "undetermined by":
            return [violation for violation in rule.uncovered if violation.state == "undetermined"]
        case "waived":
            return [violation for violation in rule.violations if violation.waiver is not None]
        case _:
            return rule.uncovered


def texts(policy: Policy, result: RuleResult, violation: Violation) -> list[str]:
    """Where `containing` looks: the message, or title and element where the author wrote none; and what was missing."""
    written = any(rule.identifier == result.identifier and rule.message for rule in policy.rules)
    said = [violation.message] if written else [violation.message, result.title, violation.element]
    return [text for text in (*said, violation.missing) if text]


def _contains(text: str | None, said: Iterable[str]) -> bool:
    return text is None or any(text in each for each in said)


def wanted(expectation: Expectation) -> str:
    """An expectation as its author wrote it."""
    parts = [expectation.kind, expectation.rule]
    parts += [f'containing "{expectation.containing}"'] if expectation.containing is not None else []
    parts += [f"{expectation.times} times"] if expectation.times is not None else []
    return f"`{' '.join(part for part in parts if part)}`"


def outcome(rule: RuleResult) -> str:
    """What became of a rule: `passed`, or its first violations with their state."""
    if not rule.violations:
        return "does not apply" if rule.status == "not-applicable" else "holds"
    shown = [_said(violation) for violation in rule.violations[:SHOWN]]
    shown += [f"and {len(rule.violations) - SHOWN} more"] if len(rule.violations) > SHOWN else []
    verb = "warns" if rule.effective_effect == "warn" else "denies"
    return f"{verb if rule.uncovered else 'is waived'}: {'; '.join(shown)}"


def _said(violation: Violation) -> str:
    state = "waived" if violation.waiver is not None else violation.state
    return f"{violation.message} ({state}{f': {violation.missing}' if violation.missing else ''})"


def because(decision: Decision) -> str:
    """The decision's reasons, and every rule that does not hold."""
    said = [reason.message for reason in decision.reasons]
    said += [f"{rule.identifier.partition('.')[2]} {outcome(rule)}" for rule in decision.rules if rule.uncovered]
    return f": {'; '.join(said)}" if said else ""
