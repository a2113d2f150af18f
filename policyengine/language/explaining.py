"""Why a policy says what it says of an image: each violation with the values that it rests on, and what would turn it.

The interpreter decides anew and says what every part comes to; whoever shows the result beside a decision holds the
two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from policyengine.decision.model import RuleResult, Violation
from policyengine.language import checked
from policyengine.language.evaluation import Case, Found, Frame, Outcome, conclude
from policyengine.language.facts import facts, settled
from policyengine.language.hearing import Hearing
from policyengine.language.interpreter import Interpreter
from policyengine.language.phrases import Phrases
from policyengine.language.printing import one
from policyengine.language.sentences import WITNESSES, Sentence, Sentences
from policyengine.language.syntax import Span
from policyengine.language.telling import Told
from policyengine.language.tree import free
from policyengine.language.turning import Turning
from policyengine.language.view import View


class Pardon(Struct, frozen=True):
    """What a waiver of the rule is to a violation.

    `state` is `covers`, `expired`, `undetermined` (which no waiver covers) or `other`: its condition does not hold.
    """

    owner: str
    state: str
    where: Sentence


class CaseExplanation(Struct, frozen=True):
    """One violation. `chosen` and `excuse` say of its element what `for each … where` and `unless` come to.

    `changes` are things each of which alone would take it away; there may be others.
    """

    violation: Violation
    chosen: Sentence | None = None
    condition: Sentence | None = None
    excuse: Sentence | None = None
    pardons: tuple[Pardon, ...] = ()
    changes: tuple[str, ...] = ()


class RuleExplanation(Struct, frozen=True):
    """One rule: the result, its guard, and the violations that were looked into, of `violations` in all.

    `looked` is the number of elements that it looked at. `condition` is there where the rule is about the image and
    holds.
    """

    result: RuleResult
    span: Span
    guard: Sentence | None
    looked: int
    element: str
    violations: int
    cases: tuple[CaseExplanation, ...]
    condition: Sentence | None = None


class PolicyExplanation(Struct, frozen=True):
    """One policy: whether it applies, why, and its rules."""

    name: str
    applies: bool
    scope: Sentence | None
    exception: Sentence | None
    rules: tuple[RuleExplanation, ...] = ()


class Remembering(Hearing):
    """A hearing that keeps what each rule found; nothing is kept of a rule that cannot be evaluated."""

    def __init__(self, interpreter: Interpreter) -> None:
        super().__init__(interpreter)
        self.kept: dict[int, Found | None] = {}

    def found(self, rule: int) -> Found | None:
        """What the rule finds; `None` where it does not apply."""
        self.kept[rule] = super().found(rule)
        return self.kept[rule]


class Explaining:
    """Explains one policy in front of one view. Raises `UsageError` where a parameter has no value."""

    def __init__(
        self,
        policy: checked.Policy,
        view: View,
        parameters: Mapping[str, Any],
        environment: str | None = None,
        excerpt: Callable[[Span], str] | None = None,
    ) -> None:
        self.policy, self.view = policy, view
        known = facts(policy)
        self.values = settled(known, parameters, environment)
        self.interpreter = Interpreter(policy, view, self.values)
        self.hearing = Remembering(self.interpreter)
        self.phrases = Phrases(policy.name, excerpt)
        self.sentences = Sentences(policy, self.phrases, self.interpreter)
        self.cases: dict[int, tuple[Case, str]] = {}
        self.outcome = self._concluded(known, environment)

    def _concluded(self, known: Any, environment: str | None) -> Outcome:
        if not self.hearing.applies():
            return Outcome(applies=False)
        return conclude(known, self.hearing, self.view, environment, guarded=True, heard=self._hear)

    def _hear(self, case: Case, violation: Violation, count: str) -> None:
        self.cases[id(violation)] = case, count

    def policy_explanation(
        self, wanted: Callable[[checked.Rule], bool] = lambda _: True, limit: int | None = None
    ) -> PolicyExplanation:
        """The policy with the rules that are `wanted`, and the first `limit` violations of each."""
        policy, applies = self.policy, self.outcome.applies
        scope, exception = (self._sentence(each) for each in (policy.applies, policy.exception))
        chosen = [index for index, rule in enumerate(policy.rules) if applies and wanted(rule)]
        return PolicyExplanation(
            policy.name, applies, scope, exception, tuple(self.rule(index, limit) for index in chosen)
        )

    def rule(self, index: int, limit: int | None = None) -> RuleExplanation:
        """One rule, with its first `limit` violations."""
        rule, result = self.policy.rules[index], self.outcome.rules[index]
        found = self.hearing.kept.get(index)
        about = rule.each is None and rule.forbid is None
        cases = tuple(self._case(index, violation, found) for violation in result.violations[:limit])
        return RuleExplanation(
            result, rule.span, self._sentence(rule.when), _looked(rule, found), rule.element, len(result.violations),
            cases, self._sentence(rule.require) if about and not cases and found is not None else None,
        )  # fmt: skip

    def _sentence(self, condition: checked.Expr | None, scope: Mapping[str, Any] | None = None) -> Sentence | None:
        """A condition with its values, unless it needs locals that are not there."""
        if condition is None or not free(condition) <= (scope or {}).keys():
            return None
        return self.sentences.of(condition, scope)

    # ------------------------------------------------------------------ violations

    def _case(self, index: int, violation: Violation, found: Found | None) -> CaseExplanation:
        rule = self.policy.rules[index]
        if found is None or id(violation) not in self.cases:
            return CaseExplanation(violation)
        if rule.forbid is not None and rule.forbid.limit is not None:
            return self._count(index, violation, found)
        case, _ = self.cases[id(violation)]
        scope = self.hearing.locals(index, case.each, case.element)
        outer = self.hearing.outer(index, case.each) if rule.forbid is not None else scope
        hidden = rule.forbid is not None and rule.forbid.element in outer
        turning = Turning(rule, self.policy, self.phrases, self.view, self.values)
        return CaseExplanation(
            violation,
            self._sentence(rule.each.where if rule.each is not None else None, outer),
            self._sentence(rule.require if rule.forbid is None else rule.forbid.where, scope),
            self._sentence(rule.unless, scope),
            tuple(self._pardons(rule, violation, case.element)),
            turning.changes(scope) if not hidden and _alone(case, found) else (),
        )

    def _pardons(self, rule: checked.Rule, violation: Violation, element: Any) -> Iterator[Pardon]:
        """What each waiver of the rule says of an element."""
        for number, (waiver, result) in enumerate(zip(self.policy.waivers, self.outcome.waivers, strict=True)):
            if waiver.rule == rule.name:
                where = self.sentences.of(waiver.where, {waiver.element: element})
                covers = violation.waiver == number
                yield Pardon(waiver.owner, _pardoned(covers, result.state, violation, where), where)

    # ------------------------------------------------------------------ rules that count

    def _count(self, index: int, violation: Violation, found: Found) -> CaseExplanation:
        """Too many elements: how many count, and the first of them."""
        rule, (case, count) = self.policy.rules[index], self.cases[id(violation)]
        forbid = rule.forbid
        assert forbid is not None
        assert forbid.limit is not None
        frame = next(each for each in found.frames if each.element is case.each)
        outer = self.hearing.outer(index, case.each)
        items = [item for item, _ in frame.hits[:WITNESSES]]
        parts = tuple(self._counted(forbid, item, {**outer, forbid.element: item}) for item in items)
        limit = self.phrases.of(forbid.limit)
        told = (Told("counted", count), *self._limit(limit, frame))
        text = f"more than {limit} {self.phrases.ranged(forbid.element, forbid.collection)}"
        state = "true" if violation.state == "violated" else "unknown"
        chosen = self._sentence(rule.each.where if rule.each is not None else None, outer)
        return CaseExplanation(
            violation, chosen, Sentence(text, "", parts, state, (), told), changes=_fewer(count, frame)
        )

    def _limit(self, text: str, frame: Frame) -> Iterator[Told]:
        if text != str(frame.limit):
            yield Told(text, "not known" if frame.limit is None else str(frame.limit))

    def _counted(self, forbid: checked.Forbidden, item: Any, scope: Mapping[str, Any]) -> Sentence:
        """One of the elements that count."""
        where = self._sentence(forbid.where, scope)
        return Sentence(one(forbid.collection.type.name, item), forbid.element, (where,) if where is not None else ())


def _pardoned(covers: bool, state: str, violation: Violation, where: Sentence) -> str:
    """What a waiver is to a violation, in a word."""
    if covers or state == "expired":
        return "covers" if covers else state
    return "undetermined" if violation.state == "undetermined" and where.value == "true" else "other"


def _looked(rule: checked.Rule, found: Found | None) -> int:
    """How many elements a rule looked at."""
    if found is None:
        return 0
    frames = sum(len(frame.collection.items) for frame in found.frames)
    return frames if rule.each is None or rule.forbid is not None else len(found.frames[0].collection.items)


def _alone(case: Case, found: Found) -> bool:
    """Whether no other report of the same finding fires too: then a change of this one changes nothing."""
    for frame in found.frames:
        groups = {
            id(item): group for item, group in zip(frame.collection.items, frame.collection.repeated, strict=False)
        }
        if frame.element is case.each and id(case.element) in groups:
            group = groups[id(case.element)]
            return sum(groups[id(item)] == group for item, _ in frame.hits) == 1
    return not found.outer.repeated


def _fewer(count: str, frame: Frame) -> tuple[str, ...]:
    """How many fewer would be few enough, where that is certain."""
    if frame.limit is None or frame.collection.gaps or not count.isdecimal() or frame.limit < 0:
        return ()
    return (f"{int(count) - frame.limit} fewer of them count",)
