"""How results become one word (language reference, section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policyengine.decision.model import Reason, RuleResult, Violation

ALLOW, DENY, ERROR = "allow", "deny", "error"
NO_POLICY = Reason("no-policy-applies", "no policy applies to this image", None)
RANK = {ALLOW: 0, DENY: 1, ERROR: 2}


def combine(rules: Sequence[RuleResult], applicable: int) -> tuple[str, tuple[Reason, ...]]:
    """The decision that `rules` give, and the reasons beyond them; `applicable` policies had the image in scope.

    Nothing in scope is a denial. Definite violations deny. Undetermined ones deny too, unless something
    could not be had for a reason outside the artifact: then nobody can decide.
    """
    if not applicable:
        return DENY, (NO_POLICY,)
    against = [v for rule in rules if rule.effective_effect == "deny" for v in rule.uncovered]
    if not against:
        return ALLOW, ()
    if any(violation.state == "violated" for violation in against):
        return DENY, ()
    outages = [violation for violation in against if violation.outside]
    return (ERROR, _unavailable(outages)) if outages else (DENY, ())


def _unavailable(outages: Iterable[Violation]) -> tuple[Reason, ...]:
    """One reason for each thing that could not be had."""
    found = {violation.missing or violation.message: violation.retry for violation in outages}
    return tuple(Reason("unavailable", message, retry) for message, retry in found.items())


def worst(decisions: Iterable[str]) -> str:
    """The decision for several images or platforms: `error` beats `deny` beats `allow`; none at all is a denial."""
    return max(decisions, key=RANK.__getitem__, default=DENY)


def status(violations: Sequence[Violation]) -> str:
    """The status of a rule that applies and found `violations`."""
    open_states = {violation.state for violation in violations if violation.waiver is None}
    if not open_states:
        return "waived" if violations else "passed"
    return "violated" if "violated" in open_states else "undetermined"
