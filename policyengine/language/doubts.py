"""What can make a condition unknown, in words: each optional field, each collection, each comparison without an answer.

A reason that is named may never come about; one that is left out cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from policyengine import limits
from policyengine.evidence.model import singular
from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.phrases import Names, Phrases
from policyengine.language.tree import pathlike, shape
from policyengine.language.types import Type

Shapes = frozenset[object]
"""Paths that are known to be there, or whose absence decides the whole."""

NOTHING: Shapes = frozenset()
MINUTES = limits.CLOCK_SKEW_SECONDS // 60


class Doubts:
    """The doubts of one policy's expressions."""

    def __init__(self, policy: checked.Policy, phrases: Phrases) -> None:
        self.policy, self.phrases = policy, phrases
        self._bindings = {binding.name: binding.value for binding in policy.bindings}
        self._functions = {function.name: function for function in policy.functions}
        self._called: set[tuple[str, ...]] = set()
        self._rules: Mapping[type, Callable[[Any, Names, Shapes], Iterator[str]]] = {
            checked.Constant: self._constant, checked.Parameter: self._parameter, checked.Binding: self._binding,
            checked.Collected: self._collected, checked.Arithmetic: self._arithmetic, checked.Members: self._members,
            checked.Equal: lambda expr, *more: self._compared(expr, expr.left, *more),
            checked.In: lambda expr, *more: self._compared(expr, expr.item, *more),
            checked.Field: self._field, checked.Keyed: self._keyed, checked.StatusFor: self._status,
            checked.And: self._and, checked.Or: self._or, checked.Missing: self._missing,
            checked.Otherwise: self._otherwise, checked.Matches: self._matches, checked.Permitted: self._permitted,
            checked.Requires: self._requires, checked.Within: self._within, checked.Covers: self._covers,
            checked.Signed: self._signed, checked.Quantified: self._quantified, checked.Apply: self._apply,
        }  # fmt: skip

    def of(self, *exprs: Expr | None) -> tuple[str, ...]:
        """What can make any of `exprs` unknown, each reason once, in the order of the text."""
        self._called.clear()
        found = (reason for expr in exprs if expr is not None for reason in self._of(expr, {}, NOTHING))
        return tuple(dict.fromkeys(found))

    def _of(self, expr: Expr, names: Names, there: Shapes) -> Iterator[str]:
        return self._rules.get(type(expr), self._operands)(expr, names, there)

    def _operands(self, expr: Expr, names: Names, there: Shapes) -> Iterator[str]:
        for name in expr.__struct_fields__[2:]:
            value = getattr(expr, name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Expr):
                    yield from self._of(part, names, there)

    # ------------------------------------------------------------------ values

    def _constant(self, expr: checked.Constant, *_: Any) -> Iterator[str]:
        if self._vague(expr.type, expr.value):
            yield "nothing compares with UNKNOWN"

    def _parameter(self, expr: checked.Parameter, *_: Any) -> Iterator[str]:
        own = [each.default for each in self.policy.parameters if each.name == expr.name and not each.required]
        own += [each.settings[expr.name] for each in self.policy.environments if expr.name in each.settings]
        if any(self._vague(expr.type, value) for value in own):
            yield f"{self.phrases.of(expr)} is UNKNOWN"

    def _vague(self, type_: Type, value: Any) -> bool:
        """Whether a constant holds a severity that is not known."""
        values = value if type_.container else (value,)
        return type_.name == "severity" and None in values and self.policy.assumed is None

    def _binding(self, expr: checked.Binding, *_: Any) -> Iterator[str]:
        return self._of(self._bindings[expr.name], {}, NOTHING)

    def _collected(self, expr: checked.Collected, *_: Any) -> Iterator[str]:
        yield f"no usable {singular(expr.name)} is there, or one cannot be read"

    def _arithmetic(self, expr: checked.Arithmetic, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        if not expr.type.container and expr.type.name != "int":
            yield f"{self.phrases.of(expr, names)} is more than can be represented"

    def _members(self, expr: checked.Members, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        if expr.type.name == "license":
            yield f"a member of {self.phrases.of(expr, names)} is no simple licence"

    # ------------------------------------------------------------------ fields

    def _field(self, expr: checked.Field, names: Names, there: Shapes) -> Iterator[str]:
        if shape(expr) in there:
            return
        yield from self._of(expr.base, names, there)
        path = self.phrases.of(expr, names)
        if expr.type.container == "list":
            yield f"not all of {path} can be had"
        elif expr.type.name == "severity" and not expr.optional:
            if self.policy.assumed is None:
                yield f"{path} is UNKNOWN"
        elif expr.type.name == "license":
            yield f"{path} is missing, or names no licence"
        elif expr.name == "age" and expr.base.type.name == "finding":
            yield f"{self.phrases.of(expr.base, names)}.published is missing, or lies in the future"
        elif expr.optional:
            yield f"{path} is missing"

    def _keyed(self, expr: checked.Keyed, names: Names, there: Shapes) -> Iterator[str]:
        if shape(expr) not in there:
            yield from self._of(expr.base, names, there)
            yield f"{self.phrases.of(expr, names)} is missing"

    def _status(self, expr: checked.StatusFor, names: Names, there: Shapes) -> Iterator[str]:
        if shape(expr) not in there:
            yield from self._of(expr.vex, names, there)
            yield "no usable vex is there, or one cannot be read"
            yield f"{self.phrases.of(expr, names)} is missing, or trusted statements disagree"

    # ------------------------------------------------------------------ logic

    def _and(self, expr: checked.And, names: Names, there: Shapes) -> Iterator[str]:
        """Beside `x is present`, it does not matter that `x` can be missing: the whole is false then."""
        settled = there | {path for part in expr.parts for path in _asked(part, present=True)}
        return self._operands(expr, names, settled)

    def _or(self, expr: checked.Or, names: Names, there: Shapes) -> Iterator[str]:
        """Beside `x is missing`, it does not matter either: the whole is true then."""
        settled = there | {path for part in expr.parts for path in _asked(part, present=False)}
        return self._operands(expr, names, settled)

    def _missing(self, expr: checked.Missing, names: Names, there: Shapes) -> Iterator[str]:
        return iter(()) if pathlike(expr.operand) else self._of(expr.operand, names, there)

    def _otherwise(self, expr: checked.Otherwise, names: Names, there: Shapes) -> Iterator[str]:
        reasons = list(self._of(expr.value, names, there))
        if not pathlike(expr.value):
            return iter(reasons)
        return self._of(expr.alternative, names, there) if reasons else iter(())

    # ------------------------------------------------------------------ predicates

    def _matches(self, expr: checked.Matches, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        path = self.phrases.of(expr.subject, names)
        if expr.subject.type.name == "package":
            yield f"{path} has no package URL, or no version that can be compared"
        elif expr.subject.type.name == "purl":
            yield f"{path} is no package URL"

    def _compared(self, expr: Expr, value: Expr, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        if value.type.name == "license":
            yield f"{self.phrases.of(value, names)} leaves open which licence it is"

    def _permitted(self, expr: checked.Permitted, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        yield f"{self.phrases.of(expr.license, names)} leaves open what it permits"

    def _requires(self, expr: checked.Requires, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        yield f"{self.phrases.of(expr.license, names)} leaves open what it requires"

    def _within(self, expr: checked.Within, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        yield f"{self.phrases.of(expr.moment, names)} lies more than {MINUTES} minutes in the future"

    def _covers(self, expr: checked.Covers, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        vex, finding = self.phrases.of(expr.vex, names), self.phrases.of(expr.finding, names)
        yield f"the products of {vex} and the package of {finding} cannot be compared"

    def _signed(self, expr: checked.Signed, names: Names, there: Shapes) -> Iterator[str]:
        yield from self._operands(expr, names, there)
        yield f"not all signatures of {self.phrases.of(expr.document, names)} can be had"

    def _quantified(self, expr: checked.Quantified, names: Names, there: Shapes) -> Iterator[str]:
        inner = {name: text for name, text in names.items() if name != expr.element}
        others = frozenset(path for path in there if not _holds(path, expr.element))
        for part in (expr.collection, expr.limit):
            yield from self._of(part, names, there) if part is not None else ()
        for part in (expr.where, expr.body):
            yield from self._of(part, inner, others) if part is not None else ()

    def _apply(self, expr: checked.Apply, names: Names, there: Shapes) -> Iterator[str]:
        """The arguments, and the body in terms of them."""
        function = self._functions[expr.function]
        texts = [self.phrases.of(argument, names) for argument in expr.arguments]
        yield from self._operands(expr, names, there)
        if (expr.function, *texts) not in self._called:  # functions that call others twice would multiply
            self._called.add((expr.function, *texts))
            yield from self._of(function.body, dict(zip(function.arguments, texts, strict=True)), NOTHING)


def _holds(path: object, local: str) -> bool:
    """Whether the shape of a path is that of the local, or of what is in it."""
    return isinstance(path, tuple) and ((path[0] == "Local" and local in path) or any(_holds(p, local) for p in path))


def _asked(condition: Expr, *, present: bool) -> Iterator[object]:
    """The shapes of the paths that are there where `condition`, an `is present` (or `is missing`), has the say."""
    if present and not isinstance(condition, checked.Not):
        return
    inner = condition.part if isinstance(condition, checked.Not) and present else condition
    if isinstance(inner, checked.Missing) and pathlike(inner.operand):
        path = inner.operand
        while isinstance(path, checked.Field | checked.Keyed):
            yield shape(path)
            path = path.base
        yield shape(path)
