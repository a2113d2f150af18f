"""Which outcomes a condition can have: true, false and unknown, as far as the steps of a test can bring them about.

An answer that leaves one out is certain. One that a test cannot reach for a deeper reason may still be named.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.tree import asked, pathlike, shape

TRUE, FALSE, UNKNOWN = "true", "false", "unknown"
OUTCOMES = (TRUE, FALSE, UNKNOWN)

Names = frozenset[str]
"""Locals that may be unknown themselves: arguments of functions."""

NOTHING: Names = frozenset()
OPEN = (checked.Parameter, checked.Binding, checked.Local, checked.TheImage, checked.Collected, checked.Within)
"""What makes a condition more than a constant."""

CONTENTS = ("findings", "packages")
"""The collections that may be empty although they are known; of documents there is one, or it is not known."""

ORDERS: Mapping[str, Callable[[int, int], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "is": operator.eq,
}  # fmt: skip
SCALE = range(5)
"""The severities that are known."""


class _Scope(Struct, frozen=True):
    """Where an expression stands: which locals may be unknown, and the shapes of the paths that are present."""

    doubts: Names
    present: frozenset[object] = frozenset()


class Outcomes:
    """What the conditions of one policy can come to."""

    def __init__(self, policy: checked.Policy) -> None:
        self.policy = policy
        self._bindings = {binding.name: binding.value for binding in policy.bindings}
        self._functions = {function.name: function for function in policy.functions}
        self._asked = asked(policy.functions)
        self._calls: dict[tuple[str, Names], bool] = {}
        self._rules: Mapping[type, Callable[[Any, _Scope], bool]] = {
            checked.Constant: self._constant, checked.Parameter: self._parameter, checked.Local: self._local,
            checked.Binding: lambda expr, _: self.doubtful(self._bindings[expr.name]),
            checked.TheImage: _never, checked.Missing: _never,
            checked.Collected: _always, checked.Within: _always, checked.Covers: _always,
            checked.Field: self._field, checked.Keyed: self._path, checked.StatusFor: self._path,
            checked.Otherwise: self._otherwise, checked.And: self._and, checked.Signed: self._signed,
            checked.Matches: self._matches, checked.Quantified: self._quantified, checked.Apply: self._call,
        }  # fmt: skip

    def of(self, expr: Expr, doubts: Names = NOTHING) -> tuple[str, ...]:
        """The outcomes of a condition where the locals `doubts` may be unknown themselves; none for a constant."""
        if not any(isinstance(part, OPEN) for part in parts(expr)):
            return ()
        if isinstance(expr, checked.Not):
            opposite = {TRUE: FALSE, FALSE: TRUE}
            found = {opposite.get(outcome, outcome) for outcome in self.of(expr.part, doubts)}
        else:
            found = {TRUE if answer else FALSE for answer in self._answers(expr, doubts)}
            found |= {UNKNOWN} if self.doubtful(expr, doubts) else set()
        return tuple(outcome for outcome in OUTCOMES if outcome in found)

    # ------------------------------------------------------------------ true and false

    def _answers(self, expr: Expr, doubts: Names) -> set[bool]:
        """Whether a condition that is known can be true, and whether it can be false."""
        match expr:
            case checked.Missing(operand=operand):
                return {True, False} if self.doubtful(operand, doubts) else {False}
            case checked.Compare(operator=sign, left=left, right=right):
                return _on_scale(sign, left, right)
            case checked.Equal(left=left, right=right):
                return _on_scale("is", left, right)
            case checked.Quantified(kind="some" | "no", collection=checked.Collected(name=name), where=None):
                return {True, False} if name in CONTENTS else {expr.kind == "some"}
            case checked.Signed(document=checked.Local() as document, identities=None):
                return {True, False} if set(document.type.name.split("|")) & self.policy.accepts else {True}
        return {True, False}

    # ------------------------------------------------------------------ unknown

    def doubtful(self, expr: Expr, doubts: Names = NOTHING) -> bool:
        """Whether `expr` can be unknown, or a collection incomplete, where the locals `doubts` may be unknown."""
        return self._doubtful(expr, _Scope(doubts))

    def _doubtful(self, expr: Expr, scope: _Scope) -> bool:
        return self._rules.get(type(expr), self._operation)(expr, scope)

    def _any(self, exprs: Iterable[Expr | None], scope: _Scope) -> bool:
        return any(self._doubtful(expr, scope) for expr in exprs if expr is not None)

    def _operation(self, expr: Expr, scope: _Scope) -> bool:
        return self._any(operands(expr), scope)

    def _constant(self, expr: checked.Constant, _: _Scope) -> bool:
        return expr.value is None or (isinstance(expr.value, tuple) and None in expr.value)

    def _parameter(self, expr: checked.Parameter, _: _Scope) -> bool:
        own = (each for each in self.policy.parameters if each.name == expr.name)
        return any(each.default is None and not each.required for each in own)

    def _local(self, expr: checked.Local, scope: _Scope) -> bool:
        return expr.name in scope.doubts and shape(expr) not in scope.present

    def _field(self, expr: checked.Field, scope: _Scope) -> bool:
        """Whether a field can be missing, or incomplete; what holds it may be unknown itself."""
        if shape(expr) in scope.present:
            return False
        gaps = expr.type.container == "list" and isinstance(expr.base, checked.TheImage)
        unstated = expr.type.name == "severity" and self.policy.assumed is None
        vague = expr.optional or gaps or unstated or expr.type.name == "license"
        return vague or self._doubtful(expr.base, scope)

    def _path(self, expr: Expr, scope: _Scope) -> bool:
        return shape(expr) not in scope.present

    def _otherwise(self, expr: checked.Otherwise, scope: _Scope) -> bool:
        return self._doubtful(expr.value, scope) and self._doubtful(expr.alternative, scope)

    def _and(self, expr: checked.And, scope: _Scope) -> bool:
        """Beside `x is present`, it does not matter that `x` can be missing: the whole is false then."""
        present = {path for part in expr.parts for path in _present(part)}
        return self._any(expr.parts, _Scope(scope.doubts, scope.present | present))

    def _signed(self, expr: checked.Signed, scope: _Scope) -> bool:
        return isinstance(expr.document, checked.TheImage) or self._operation(expr, scope)

    def _matches(self, expr: checked.Matches, scope: _Scope) -> bool:
        return expr.subject.type.name == "package" or self._operation(expr, scope)

    def _quantified(self, expr: checked.Quantified, scope: _Scope) -> bool:
        inner = _Scope(scope.doubts - {expr.element}, scope.present)
        return self._any((expr.collection, expr.limit), scope) or self._any((expr.where, expr.body), inner)

    def _call(self, expr: checked.Apply, scope: _Scope) -> bool:
        """Whether a call can be unknown, with what its arguments are here."""
        function = self._functions[expr.function]
        unsure = [index for index, each in enumerate(expr.arguments) if self._doubtful(each, scope)]
        if any(index in self._asked[function.name] and not pathlike(expr.arguments[index]) for index in unsure):
            return True
        key = function.name, frozenset(function.arguments[index] for index in unsure)
        if key not in self._calls:
            self._calls[key] = self.doubtful(function.body, key[1])
        return self._calls[key]


def _never(*_: Any) -> bool:
    return False


def _always(*_: Any) -> bool:
    return True


def operands(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly in `expr`."""
    return tuple(_operands(expr))


def _operands(expr: Expr) -> Iterator[Expr]:
    for name in expr.__struct_fields__[2:]:
        value = getattr(expr, name)
        yield from (each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Expr))


def _on_scale(sign: str, left: Expr, right: Expr) -> set[bool]:
    """How a severity can compare with a constant one: the scale has two ends."""
    order = ORDERS[sign]
    if left.type.name != "severity":
        return {True, False}
    if isinstance(right, checked.Constant):
        return {order(value, right.value) for value in SCALE} if right.value is not None else set()
    if isinstance(left, checked.Constant):
        return {order(left.value, value) for value in SCALE} if left.value is not None else set()
    return {True, False}


def _present(condition: Expr) -> Iterator[object]:
    """The shapes of the paths that are known where `condition`, an `is present`, holds."""
    if isinstance(condition, checked.Not) and isinstance(condition.part, checked.Missing):
        path = condition.part.operand
        while isinstance(path, checked.Field | checked.Keyed):
            yield shape(path)
            path = path.base
        yield shape(path)
