"""What every report says in the same words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from policyengine.decision.model import Decision, RuleResult, Violation, WaiverResult

WORDS = {"allow": "ALLOW", "deny": "DENY", "error": "COULD NOT DECIDE"}
RANK = {"violated": 0, "undetermined": 1, "waived": 2, "passed": 3, "not-applicable": 4}
DIGESTED, GROUPED = 3, 100
"""Violations of a rule in a line, and in lines that are folded: a log holds many, nobody reads more."""
OUTCOMES = ("violated", "undetermined", "warning", "waived", "passed")


def pinned(decision: Decision) -> str:
    """The reference with the digest that was decided about, as far as there is one."""
    reference, digest = decision.subject.reference, decision.subject.digest
    return reference if digest in reference else f"{reference}@{digest}"


def plural(number: int, noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def weight(rule: RuleResult) -> tuple[bool, bool, int]:
    """What decides comes first: denying rules, definite violations before undetermined ones; then warnings."""
    return not rule.uncovered, rule.effective_effect != "deny", RANK[rule.status]


def said(rule: RuleResult, violation: Violation) -> tuple[str, str]:
    """What a violation adds to the rule's title, and what was not known; either may be empty."""
    message = violation.message.removeprefix(rule.title).removeprefix(": ") or violation.element or ""
    message = "" if message == violation.missing else message
    missing = violation.missing or ""
    where = f"  [{violation.platform}]" if violation.platform else ""
    return (message + where, missing) if message or not missing else ("", missing + where)


def sentence(rule: RuleResult, violation: Violation) -> str:
    """A violation as one sentence that needs nothing around it."""
    message, missing = said(rule, violation)
    return f"{message or rule.title}{f' (not known: {missing})' if missing else ''}"


def helps(rule: RuleResult, limit: int = 5) -> list[str]:
    """The rule's help; where it speaks of each violation, the first few different ones."""
    own = dict.fromkeys(violation.help for violation in rule.uncovered if violation.help)
    return list(own)[:limit] or ([rule.help] if rule.help else [])


def covered_by(waivers: Sequence[WaiverResult], violation: Violation) -> str:
    """By whom, why and how long a violation is waived; empty where it is not."""
    if violation.waiver is None or violation.waiver >= len(waivers):
        return ""
    waiver = waivers[violation.waiver]
    ticket = f", {waiver.ticket}" if waiver.ticket else ""
    return f"waived until {waiver.expires.isoformat()} by {waiver.owner}{ticket}: {waiver.reason}"


def counts(rules: Sequence[RuleResult]) -> str:
    """`5 rules: 2 violated, 1 undetermined, 1 warning, 1 passed`, or that all hold; empty where no rule applies."""
    found = Counter(_outcome(rule) for rule in rules if rule.status != "not-applicable")
    total = plural(found.total(), "rule")
    if found.keys() <= {"passed"}:
        return f"{total} {'holds' if found.total() == 1 else 'hold'}" if found else ""
    return f"{total}: " + ", ".join(f"{found[name]} {name}" for name in OUTCOMES if found[name])


def _outcome(rule: RuleResult) -> str:
    return "warning" if rule.uncovered and rule.effective_effect == "warn" else rule.status


def found(rule: RuleResult) -> list[str]:
    """What a rule found, each thing once."""
    return list(dict.fromkeys(sentence(rule, violation) for violation in rule.uncovered))


def digested(rule: RuleResult) -> str:
    """What a rule found, in one line: its first violations, and how many more there are."""
    texts = found(rule)
    more = [f"and {len(texts) - DIGESTED} more"] if len(texts) > DIGESTED else []
    return "; ".join([*texts[:DIGESTED], *more])


def grouped(rule: RuleResult, *, everything: bool) -> list[str]:
    """What a rule found as lines that an agent folds, the heading first; empty where `digested` says it all."""
    texts = found(rule)
    if len(texts) <= DIGESTED:
        return []
    shown = texts if everything else texts[:GROUPED]
    left = [f"and {len(texts) - len(shown)} more (--all shows every one)"] if len(shown) < len(texts) else []
    return [f"{rule.identifier}: {plural(len(texts), 'violation')}", *shown, *left]
