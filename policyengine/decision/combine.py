"""How results become one word (language reference, section 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from policyengine.decision.model import (
    Decision,
    PlatformResult,
    Reason,
    RuleResult,
    Subject,
    Violation,
    WaiverResult,
)

ALLOW, DENY, ERROR = "allow", "deny", "error"
NO_POLICY = Reason("no-policy-applies", "no policy applies to this image", None)
STATUSES = ("not-applicable", "passed", "waived", "undetermined", "violated")
"""The statuses of a rule, the worst last."""
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


# ---------------------------------------------------------------------------- platforms of an index


def joined(subject: Subject, platforms: Sequence[tuple[str, str, Decision]]) -> Decision:
    """One decision about an index: `platforms` are name, digest and decision of each, at least one."""
    first = platforms[0][2]
    named = [(name, decision) for name, _, decision in platforms]
    waivers = _waivers([decision for _, decision in named])
    return Decision(
        worst(decision.decision for _, decision in named),
        subject,
        first.at,
        first.policy_set,
        rules=_rules(named, waivers),
        waivers=waivers,
        evidence=_once([_on(document, name) for name, decision in named for document in decision.evidence]),
        signatures=_once([_on(signature, name) for name, decision in named for signature in decision.signatures]),
        reasons=tuple(dict.fromkeys(reason for _, decision in named for reason in decision.reasons)),
        platforms=tuple(PlatformResult(name, digest, decision.decision) for name, digest, decision in platforms),
        warnings=tuple(dict.fromkeys(warning for _, decision in named for warning in decision.warnings)),
    )


def _on(result: Any, platform: str) -> Any:
    """A result with the platform that it belongs to."""
    return replace(result, platform=platform)


def _once(results: list[Any]) -> tuple[Any, ...]:
    """`results` without repetitions: what belongs to the index itself is there for every platform, then for none."""
    seen: dict[tuple[str, str, int], list[Any]] = {}
    before: dict[tuple[str, str, str], int] = {}
    for result in results:
        own = (result.platform, result.digest, result.status)
        before[own] = before.get(own, -1) + 1  # an artifact may hold several documents
        seen.setdefault((*own[1:], before[own]), []).append(result)
    platforms = len({result.platform for result in results})
    return tuple(
        found for group in seen.values() for found in ([_shared(group)] if len(group) == platforms > 1 else group)
    )


def _shared(group: list[Any]) -> Any:
    """One result for what every platform has, with the warnings of each."""
    first = replace(group[0], platform=None)
    if not hasattr(first, "warnings"):
        return first
    return replace(first, warnings=tuple(dict.fromkeys(warning for each in group for warning in each.warnings)))


def _rules(named: Sequence[tuple[str, Decision]], waivers: Sequence[WaiverResult]) -> tuple[RuleResult, ...]:
    """Each rule once, with the worst of its statuses and the violations of every platform."""
    found: dict[str, RuleResult] = {}
    for name, decision in named:
        places = [_place(waivers, waiver) for waiver in decision.waivers]
        for rule in decision.rules:
            violations = tuple(
                replace(v, platform=name, waiver=None if v.waiver is None else places[v.waiver])
                for v in rule.violations
            )
            known = found.get(rule.identifier, replace(rule, violations=()))
            worse = max(known.status, rule.status, key=STATUSES.index)
            joined_ones = (*known.violations, *violations)
            found[rule.identifier] = replace(known, status=worse, violations=joined_ones, help=known.help or rule.help)
    return tuple(found.values())


def _place(waivers: Sequence[WaiverResult], waiver: WaiverResult) -> int:
    """Where `waiver` stands in the joined list."""
    return next(i for i, each in enumerate(waivers) if _written(each) == _written(waiver))


def _written(waiver: WaiverResult) -> WaiverResult:
    """A waiver as it is written, whatever became of it; several may stand in one line."""
    return replace(waiver, state="", covers=0)


def _waivers(decisions: Sequence[Decision]) -> tuple[WaiverResult, ...]:
    """Each waiver once, used if any platform used it."""
    found: dict[WaiverResult, WaiverResult] = {}
    for waiver in (waiver for decision in decisions for waiver in decision.waivers):
        written = _written(waiver)
        known = found.get(written)
        if known is not None:
            state = "used" if "used" in (known.state, waiver.state) else known.state
            waiver = replace(known, state=state, covers=known.covers + waiver.covers)
        found[written] = waiver
    return tuple(found.values())
