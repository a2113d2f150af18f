"""`--fail-on warn`: what warns denies too."""

from __future__ import annotations

from msgspec.structs import replace

from policyengine.decision.combine import combine, worst
from policyengine.decision.model import Decision, RuleResult


def strengthened(decision: Decision) -> Decision:
    """`decision` with every warning rule denying, as the report then shows; it is never weaker than before."""
    rules = tuple(replace(rule, effective_effect="deny") for rule in decision.rules)
    platforms = tuple(
        replace(platform, decision=_word(platform.decision, _on(rules, platform.platform)))
        for platform in decision.platforms
    )
    word = worst(each.decision for each in platforms) if platforms else _word(decision.decision, rules)
    reasons = dict.fromkeys((*decision.reasons, *(combine(rules, 1)[1] if word == "error" else ())))
    return replace(decision, decision=word, rules=rules, platforms=platforms, reasons=tuple(reasons))


def _word(word: str, rules: tuple[RuleResult, ...]) -> str:
    """What an allow becomes when every rule of `rules` denies; a denial or an outage stays what it is."""
    return combine(rules, 1)[0] if word == "allow" else word


def _on(rules: tuple[RuleResult, ...], platform: str) -> tuple[RuleResult, ...]:
    """The rules with the violations of one platform."""
    return tuple(replace(r, violations=tuple(v for v in r.violations if v.platform == platform)) for r in rules)
