"""What changes between two decisions about one image, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from policyengine.decision.model import Decision, PolicySetSummary, RuleResult
from policyengine.reports.json import dump, given
from policyengine.reports.look import Page
from policyengine.reports.wording import WORDS, pinned, plural, sentence

SHOWN = 5
"""Violations that come or go with one rule, unless all are asked for."""


class Change(Struct, frozen=True):
    """One rule as either side sees it; `None` where the side does not have it."""

    identifier: str
    before: RuleResult | None
    after: RuleResult | None

    @property
    def matters(self) -> bool:
        """Whether the rule fires on either side, and not in the same way; one that holds changes nothing."""
        return _fired(self.before) != _fired(self.after)

    @property
    def appeared(self) -> list[str]:
        """What the rule says after, and did not before."""
        return _beyond(self.after, self.before)

    @property
    def disappeared(self) -> list[str]:
        """What the rule said before, and does not after."""
        return _beyond(self.before, self.after)


class Comparison(Struct, frozen=True):
    """Two decisions about one image, from the same evidence."""

    before: Decision
    after: Decision

    @property
    def changes(self) -> list[Change]:
        """Every rule of either side that does not stand on both with the same outcome, in the order of the policies."""
        old = {rule.identifier: rule for rule in self.before.rules}
        new = {rule.identifier: rule for rule in self.after.rules}
        pairs = [Change(name, old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
        return [pair for pair in pairs if _outcome(pair.before) != _outcome(pair.after) or pair.matters]

    @property
    def changed(self) -> bool:
        """Whether the decision is another one, or a rule fires on one side as it does not on the other."""
        return self.before.decision != self.after.decision or any(change.matters for change in self.changes)


def _fired(rule: RuleResult | None) -> tuple[Any, ...] | None:
    if rule is None or not rule.uncovered:
        return None
    return rule.effective_effect, sorted((v.state, v.platform or "", sentence(rule, v)) for v in rule.uncovered)


def _outcome(rule: RuleResult | None) -> tuple[str, str] | None:
    return (rule.status, rule.effective_effect) if rule is not None else None


def _beyond(rule: RuleResult | None, other: RuleResult | None) -> list[str]:
    said = [sentence(rule, violation) for violation in rule.uncovered] if rule is not None else []
    known = {sentence(other, violation) for violation in other.uncovered} if other is not None else set()
    return [text for text in dict.fromkeys(said) if text not in known]


def code(found: Sequence[Comparison]) -> int:
    """3 where an image could not be decided about, else 1 where anything changes, else 0."""
    if any("error" in (each.before.decision, each.after.decision) for each in found):
        return 3
    return 1 if any(each.changed for each in found) else 0


# ---------------------------------------------------------------------------- for people


def text(page: Page, found: Sequence[Comparison]) -> str:
    """Each image that something changes for, and a count of all."""
    for each in found:
        if each.changed or page.look.verbose:
            _image(page, each)
    page.blank()
    _total(page, found)
    return page.text()


def _image(page: Page, each: Comparison) -> None:
    before, after = each.before, each.after
    page.blank()
    words = WORDS[before.decision] if before.decision == after.decision else _words(before.decision, after.decision)
    page.line(page.mark(after.decision), " ", (words, "bold"), "  ", (pinned(after), "bold"), wrap=False)
    for change in each.changes:
        if change.matters or page.look.verbose:
            _change(page, change)


def _words(before: str, after: str) -> str:
    return f"{WORDS[before]} → {WORDS[after]}"


def _change(page: Page, change: Change) -> None:
    rule = change.after or change.before
    assert rule is not None
    mark = rule.effective_effect if change.after is not None and change.after.uncovered else "allow"
    said = f"  {_said(change.before)} → {_said(change.after)}"
    page.line(page.mark(mark), " ", (change.identifier, "bold"), said, indent=2, hang=4)
    for sign, texts, colour in (("−", change.disappeared, "green"), ("+", change.appeared, "red")):
        shown = texts if page.look.everything else texts[:SHOWN]
        for each in shown:
            page.line((sign if page.look.unicode else sign.replace("−", "-"), colour), f" {each}", indent=6)
        if len(shown) < len(texts):
            page.line((f"{sign} {len(texts) - len(shown)} more (--all shows every one)", "dim"), indent=6)


def _said(rule: RuleResult | None) -> str:
    """A rule's outcome in a few words, with its effect where it fires."""
    if rule is None:
        return "not there"
    fires = f" ({rule.effective_effect}, {plural(len(rule.uncovered), 'violation')})" if rule.uncovered else ""
    return f"{rule.status.replace('-', ' ')}{fires}"


def _total(page: Page, found: Sequence[Comparison]) -> None:
    moved = Counter(
        _words(each.before.decision, each.after.decision)
        for each in found
        if each.before.decision != each.after.decision
    )
    same = len(found) - moved.total()
    rules = sum(each.changed for each in found) - moved.total()
    parts = [f"{number} {words}" for words, number in moved.items()]
    parts += [f"{same} decided as before{f', {rules} of them by other rules' if rules else ''}"] if same else []
    page.line((f"{plural(len(found), 'image')}: ", "bold"), "; ".join(parts))


# ---------------------------------------------------------------------------- for programs


def document(found: Sequence[Comparison]) -> str:
    """The comparisons as JSON."""
    return dump(
        {
            "schemaVersion": "1",
            "changed": any(each.changed for each in found),
            "comparisons": [_document(each) for each in found],
        }
    )


def _document(each: Comparison) -> dict[str, Any]:
    return {
        "subject": given(reference=each.after.subject.reference, digest=each.after.subject.digest or None),
        "changed": each.changed,
        "before": _side(each.before),
        "after": _side(each.after),
        "rules": [_rule(change) for change in each.changes],
    }


def _side(decision: Decision) -> dict[str, Any]:
    policies: PolicySetSummary = decision.policy_set
    return {
        "decision": decision.decision,
        "policySet": given(digest=policies.digest, environment=policies.environment),
        "reasons": [given(code=reason.code, message=reason.message, retry=reason.retry) for reason in decision.reasons],
    }


def _rule(change: Change) -> dict[str, Any]:
    return given(
        id=change.identifier,
        matters=change.matters,
        before=_result(change.before),
        after=_result(change.after),
        appeared=change.appeared,
        disappeared=change.disappeared,
    )


def _result(rule: RuleResult | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {"status": rule.status, "effectiveEffect": rule.effective_effect, "violations": len(rule.uncovered)}
