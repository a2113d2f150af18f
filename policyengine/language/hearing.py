"""The rules of one policy, interpreted: what each finds, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from policyengine.language import checked, runtime
from policyengine.language.checked import Expr
from policyengine.language.evaluation import Found, Frame
from policyengine.language.interpreter import Interpreter, Scope
from policyengine.language.tree import free
from policyengine.language.types import BOOL
from policyengine.language.unknown import Unknown, because, merged


class Hearing:
    """A `Run` of `evaluation` over the checked tree."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter, self.policy = interpreter, interpreter.policy

    def applies(self) -> bool:
        """Whether the image is in scope: not if it definitely is not, or is definitely excepted."""
        in_scope = self._scope(self.policy.applies, default=True)
        return in_scope is not False and self._scope(self.policy.exception, default=False) is not True

    def _scope(self, condition: Expr | None, *, default: bool) -> Any:
        if condition is None:
            return default
        try:
            return self.interpreter.value(condition, {})
        except Exception:  # noqa: BLE001 - a scope that cannot be evaluated is not known, so the policy applies
            return because("the scope could not be evaluated")

    # ------------------------------------------------------------------ what fires

    def found(self, rule: int) -> Found | None:
        """What the rule finds; `None` where it does not apply."""
        subject = self.policy.rules[rule]
        if subject.when is not None and self.interpreter.value(subject.when, {}) is False:
            return None
        if subject.each is None or subject.forbid is None:
            return Found([self._frame(subject, {})])
        outer, _ = self.interpreter.elements(subject.each.collection, {})
        excused = self._excused(subject.unless, {}, {subject.each.element, subject.forbid.element})
        return Found(self._frames(subject, outer.items), outer, excused)

    def _frames(self, rule: checked.Rule, items: Sequence[Any]) -> list[Frame]:
        """A frame for each element of `for each`."""
        assert rule.each is not None
        frames = []
        for position, item in enumerate(items):
            scope = {rule.each.element: item}
            belongs = True if rule.each.where is None else self.interpreter.value(rule.each.where, scope)
            if belongs is not False:
                frame = self._frame(rule, scope)
                frame.element, frame.definite, frame.position = item, belongs is True, position
                frames.append(frame)
        return frames

    def _frame(self, rule: checked.Rule, scope: Scope) -> Frame:
        """The elements that fire where the locals are `scope`."""
        if rule.forbid is None:
            return self._demanded(rule)
        frame = self._selected(rule.forbid.element, rule.forbid.collection, [rule.forbid.where], rule.unless, scope)
        if rule.forbid.limit is not None:
            limit = self.interpreter.value(rule.forbid.limit, scope)
            frame.limit = None if isinstance(limit, Unknown) else limit
        return frame

    def _demanded(self, rule: checked.Rule) -> Frame:
        """What does not satisfy `require`: elements of `for each`, or the image."""
        assert rule.require is not None
        broken = checked.Not(BOOL, rule.require.span, rule.require)
        if rule.each is not None:
            return self._selected(rule.each.element, rule.each.collection, [rule.each.where, broken], rule.unless, {})
        fires = self.interpreter.value(broken, {})
        excused = self._excused(rule.unless, {}, set())
        hits = [] if fires is False or excused else [(None, fires is True)]
        return Frame(runtime.NO_ELEMENTS, hits, excused)

    def _selected(
        self, element: str, collection: Expr, conditions: Sequence[Expr | None], unless: Expr | None, scope: Scope
    ) -> Frame:
        """The elements of `collection` for which all of `conditions` may hold and `unless` does not."""
        found, _ = self.interpreter.elements(collection, scope)
        hits = []
        for item in found.items:
            inner = {**scope, element: item}
            fires = self._all(conditions, inner)
            if fires is not False and not self._excused(unless, inner, set()):
                hits.append((item, fires is True))
        return Frame(found, hits, self._excused(unless, scope, {element}))

    def _all(self, conditions: Sequence[Expr | None], scope: Scope) -> Any:
        return self.interpreter.all_of([(condition, scope) for condition in conditions if condition is not None])

    def _excused(self, unless: Expr | None, scope: Scope, unseen: set[str]) -> bool:
        """Whether `unless` definitely holds, whatever the elements `unseen` are."""
        return unless is not None and not free(unless) & unseen and self.interpreter.value(unless, scope) is True

    # ------------------------------------------------------------------ what there is to say

    def covers(self, waiver: int, element: Any) -> bool:
        """Whether the waiver's condition definitely holds."""
        subject = self.policy.waivers[waiver]
        return self.interpreter.value(subject.where, {subject.element: element}) is True

    def message(self, rule: int, each: Any, element: Any, count: str) -> str:
        """The rule's message."""
        template = self.policy.rules[rule].message
        assert template is not None
        return self.interpreter.words(template, self._told(rule, each, element), count)

    def help(self, rule: int, each: Any, element: Any, count: str) -> str:
        """The rule's help."""
        template = self.policy.rules[rule].help
        assert template is not None
        return self.interpreter.words(template, self._told(rule, each, element), count)

    def _told(self, rule: int, each: Any, element: Any) -> dict[str, Any]:
        """The locals that words see: a count speaks of no single element."""
        forbid = self.policy.rules[rule].forbid
        counted = forbid is not None and forbid.limit is not None
        return self.outer(rule, each) if counted else self.locals(rule, each, element)

    def outer(self, rule: int, each: Any) -> dict[str, Any]:
        """What `for each … where` sees, and everything around a `forbid`."""
        outer = self.policy.rules[rule].each
        return {outer.element: each} if outer is not None else {}

    def locals(self, rule: int, each: Any, element: Any) -> dict[str, Any]:
        """What the conditions on an element see."""
        forbid = self.policy.rules[rule].forbid
        if forbid is None:
            return self.outer(rule, element)
        return {**self.outer(rule, each), forbid.element: element}

    def doubt(self, rule: int, each: Any, element: Any) -> Unknown:
        """What is not known of an element that fires and is in doubt."""
        subject, inner = self.policy.rules[rule], self.locals(rule, each, element)
        conditions: list[tuple[Expr | None, Scope]] = []
        if subject.each is not None and (subject.forbid is None or subject.forbid.limit is None):
            conditions.append((subject.each.where, inner if subject.forbid is None else self.outer(rule, each)))
        if subject.forbid is not None:
            conditions.append((subject.forbid.where, inner))
        if subject.require is not None:
            conditions.append((subject.require, inner))
        return self._doubts(conditions)

    def frame_doubt(self, rule: int, each: Any) -> Unknown:
        """What is not known of an element of `for each`."""
        outer = self.policy.rules[rule].each
        assert outer is not None
        return self._doubts([(outer.where, self.outer(rule, each))])

    def limit_doubt(self, rule: int, each: Any) -> Unknown:
        """Why the limit of a rule that counts is not known."""
        subject = self.policy.rules[rule]
        assert subject.forbid is not None
        return self._doubts([(subject.forbid.limit, self.outer(rule, each))])

    def _doubts(self, conditions: Sequence[tuple[Expr | None, Scope]]) -> Unknown:
        values = [self.interpreter.value(condition, scope) for condition, scope in conditions if condition is not None]
        return merged([value for value in values if isinstance(value, Unknown)])
