"""Conditions as trees of sentences, for people: what a condition says, and what each part of it came to.

Without evidence a tree says what is asked. In front of a view it says what the answers are, and names the values and
elements that they rest on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from policyengine.evidence.model import Collection
from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.interpreter import Interpreter, Scope
from policyengine.language.phrases import Names, Phrases
from policyengine.language.printing import one
from policyengine.language.telling import Telling, Told, size
from policyengine.language.unknown import Unknown

WITNESSES = 3
"""Elements that a sentence names for its answer."""

ROOM = 200
"""Sentences of one tree before the bodies of functions are left out: functions that call others twice multiply."""

LINE = 72
"""Columns of a condition with one part that is written on one line."""


class Sentence(Struct, frozen=True):
    """One part of a condition, and its own parts.

    `value` is `true`, `false` or `unknown` where evidence was at hand, `why` says why it is not known, and `told` are
    the values that the answer rests on. A `label` says what the part is to the whole.
    """

    text: str
    label: str = ""
    parts: tuple[Sentence, ...] = ()
    value: str = ""
    why: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()


class Sentences:
    """Makes sentences of one policy's conditions; with an `interpreter` they have values."""

    def __init__(self, policy: checked.Policy, phrases: Phrases, interpreter: Interpreter | None = None) -> None:
        self.phrases, self.interpreter = phrases, interpreter
        self._functions = {function.name: function for function in policy.functions}
        self._room = ROOM
        self._rules: Mapping[type, Callable[[Any, Names, Scope], Sentence]] = {
            checked.And: lambda expr, *at: self._group("all of these hold", expr, expr.parts, *at),
            checked.Or: lambda expr, *at: self._group("any of these holds", expr, expr.parts, *at),
            checked.Not: self._not, checked.Choice: self._choice, checked.Quantified: self._quantified,
            checked.Apply: self._apply,
        }  # fmt: skip

    def of(self, condition: Expr, scope: Scope | None = None, names: Names | None = None) -> Sentence:
        """`condition` as a tree; `scope` are the values of its locals, where there is an interpreter."""
        self._room = ROOM
        return self._of(condition, names or {}, scope or {})

    def _of(self, expr: Expr, names: Names, scope: Scope, label: str = "") -> Sentence:
        self._room -= 1
        found = self._rules.get(type(expr), self._leaf)(expr, names, scope)
        return Sentence(found.text, label, found.parts, found.value, found.why, found.told) if label else found

    # ------------------------------------------------------------------ logic

    def _group(self, text: str, expr: Expr, parts: tuple[Expr, ...], names: Names, scope: Scope) -> Sentence:
        return Sentence(text, "", tuple(self._of(part, names, scope) for part in parts), self._value(expr, scope)[0])

    def _not(self, expr: checked.Not, names: Names, scope: Scope) -> Sentence:
        match expr.part:
            case checked.And(parts=parts):
                return self._group("not all of these hold", expr, parts, names, scope)
            case checked.Or(parts=parts):
                return self._group("none of these holds", expr, parts, names, scope)
            case checked.Quantified() | checked.Choice() | checked.Apply():
                inner = self._of(expr.part, names, scope)
                value, why = self._value(expr, scope)
                word = "not" if isinstance(expr.part, checked.Apply) else "not:"
                return Sentence(f"{word} {inner.text}", "", inner.parts, value, why, inner.told)
        return self._leaf(expr, names, scope)

    def _choice(self, expr: checked.Choice, names: Names, scope: Scope) -> Sentence:
        labelled = (("if", expr.condition), ("then", expr.then), ("else", expr.otherwise))
        parts = tuple(self._of(part, names, scope, label) for label, part in labelled)
        return Sentence("what a condition chooses", "", parts, self._value(expr, scope)[0])

    def _apply(self, expr: checked.Apply, names: Names, scope: Scope) -> Sentence:
        """A call, with the function's body in terms of its arguments."""
        leaf = self._leaf(expr, names, scope)
        if self._room < 0:
            return leaf
        function = self._functions[expr.function]
        texts = [self.phrases.of(argument, names) for argument in expr.arguments]
        values = [self.interpreter.value(a, scope) for a in expr.arguments] if self.interpreter else texts
        inner = zip(function.arguments, texts, strict=True)
        body = self._of(function.body, dict(inner), dict(zip(function.arguments, values, strict=True)))
        return Sentence(leaf.text, "", (body,), leaf.value, leaf.why)

    # ------------------------------------------------------------------ quantifiers

    def _quantified(self, expr: checked.Quantified, names: Names, scope: Scope) -> Sentence:
        inner = {name: text for name, text in names.items() if name != expr.element}
        text, parts = self._conditions(expr, names, inner)
        if self.interpreter is None:
            return Sentence(text, "", parts)
        value, why = self._value(expr, scope)
        found, gaps = self.interpreter.elements(expr.collection, scope)
        told = [Told(self.phrases.of(expr.collection, names), size(found))]
        why = why or tuple(reason for gap in gaps for reason in gap.reasons)
        witnesses = tuple(self._witnesses(expr, found, value, inner, scope))
        return Sentence(text, "", witnesses or parts, value, why, tuple(told))

    def _conditions(self, expr: checked.Quantified, names: Names, inner: Names) -> tuple[str, tuple[Sentence, ...]]:
        """What is asked of the elements: on the line of the quantifier where it is short, else below it."""
        chosen, whole = self.phrases.chosen(expr, names), self.phrases.of(expr, names)
        asked = [part for part in (expr.where, expr.body) if part is not None]
        if not asked or (len(asked) == 1 and len(whole) <= LINE and not isinstance(asked[0], checked.And | checked.Or)):
            return whole, ()
        if expr.where is not None and expr.body is not None:
            labelled = (("where", expr.where), ("satisfies", expr.body))
            return chosen, tuple(self._asked(part, inner, label) for label, part in labelled)
        word = "satisfies" if expr.where is None else "where"
        only = self._asked(asked[0], inner)
        if isinstance(asked[0], checked.And | checked.Or):
            return f"{chosen} {word} {only.text}", only.parts
        return f"{chosen} {word}", (only,)

    def _asked(self, expr: Expr, names: Names, label: str = "") -> Sentence:
        """A condition on elements as it is asked, whatever the evidence."""
        interpreter, self.interpreter = self.interpreter, None
        try:
            return self._of(expr, names, {}, label)
        finally:
            self.interpreter = interpreter

    def _witnesses(
        self, expr: checked.Quantified, found: Collection[Any], value: str, names: Names, scope: Scope
    ) -> Iterator[Sentence]:
        """The elements that decide: those for which the condition holds, or does not, or the first where none does."""
        assert self.interpreter is not None
        asked = expr.where if expr.body is None else expr.body
        if asked is None or self._room < 0:
            return
        shown: list[tuple[Scope, str]] = []
        for item in found.items:
            inner = {**scope, expr.element: item}
            answer = self._belongs(expr, inner)
            if answer is not None and _decides(expr.kind, value, answer):
                shown.append((inner, one(expr.collection.type.name, item)))
            if len(shown) == WITNESSES:
                break
        for seen, element in shown:
            body = self._of(asked, names, seen)
            yield Sentence(element, expr.element, (body,), body.value)

    def _belongs(self, expr: checked.Quantified, scope: Scope) -> Any:
        """What the condition on an element comes to; `None` for one that the quantifier does not speak of."""
        assert self.interpreter is not None
        chosen = True if expr.where is None else self.interpreter.value(expr.where, scope)
        if expr.body is None:
            return chosen
        return None if chosen is False else self.interpreter.value(expr.body, scope)

    # ------------------------------------------------------------------ leaves

    def _leaf(self, expr: Expr, names: Names, scope: Scope) -> Sentence:
        value, why = self._value(expr, scope)
        told = Telling(self.phrases, self.interpreter).of(expr, names, scope) if self.interpreter else ()
        return Sentence(self.phrases.of(expr, names), "", (), value, why, told)

    def _value(self, expr: Expr, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """What a condition comes to, and why that is not known."""
        if self.interpreter is None:
            return "", ()
        value = self.interpreter.value(expr, scope)
        if isinstance(value, Unknown):
            return "unknown", value.reasons
        return "true" if value else "false", ()


def _decides(kind: str, value: str, answer: Any) -> bool:
    """Whether an element with this answer is one to show: the case in point, or any where there is none."""
    if kind == "every":
        return (value == "false" and answer is False) or (value == "unknown" and isinstance(answer, Unknown))
    if value == "unknown":
        return isinstance(answer, Unknown)
    found = value == "true" if kind in ("some", "at least") else value == "false"
    return answer is True if found or kind == "at most" else answer is not True
