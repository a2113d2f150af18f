"""The naive evaluator of the checked tree: it says what every expression is, and why it is not known.

Compiled policies are held against it by property tests; it explains decisions, and it takes over where
generated code fails. An expression's value is a value of `runtime`, or an `Unknown` with its reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from policyengine.evidence.model import Collection, Custom
from policyengine.evidence.vexes import covers
from policyengine.language import checked, runtime
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.evaluation import Outcome, conclude
from policyengine.language.facts import facts, settled
from policyengine.language.printing import one, printed, severity, short
from policyengine.language.tree import asked, free, last_name, pathlike, text
from policyengine.language.types import Type
from policyengine.language.unknown import (
    ORDERS,
    Interval,
    Unknown,
    because,
    both,
    either,
    merged,
    negated,
    ordered,
    unknown_of,
    unseen,
)
from policyengine.language.view import View

Scope = Mapping[str, Any]
Watch = Callable[[Expr, Any], None]
"""Is told what an expression comes to: coverage listens so."""

OPEN = object()
"""Marks an expression whose value depends on locals."""


def interpret(
    policy: checked.Policy,
    view: View,
    parameters: Mapping[str, Any],
    environment: str | None = None,
    watch: Watch | None = None,
) -> Outcome:
    """What `policy` says of the image in `view`; `parameters` are portable values by qualified name.

    `watch` is told what every expression comes to, each time that it is asked. Raises `UsageError` where a
    parameter has no value, and nothing else: a rule that cannot be evaluated is undetermined.
    """
    from policyengine.language.hearing import Hearing

    known = facts(policy)
    hearing = Hearing(Interpreter(policy, view, settled(known, parameters, environment), watch))
    if not hearing.applies():
        return Outcome(applies=False)
    return conclude(known, hearing, view, environment, guarded=True)


class Step(Struct, frozen=True):
    """What one part of an expression came to: its value, or why that is not known."""

    expr: Expr
    value: Any


class Interpreter:
    """Evaluates expressions of one policy in front of one view, with the values of its parameters."""

    def __init__(
        self, policy: checked.Policy, view: View, values: Mapping[str, Any], watch: Watch | None = None
    ) -> None:
        self.policy, self.view, self.values, self.watch = policy, view, values, watch
        self.bindings = {binding.name: binding.value for binding in policy.bindings}
        self.functions = {function.name: function for function in policy.functions}
        self.asked = asked(policy.functions)
        self.known: dict[tuple[str, int], Any] = {}
        """Values that no element changes, by `id`: constants, and quantified expressions without locals."""
        self.rules: Mapping[type, Callable[[Any, Scope], Any]] = {
            checked.Constant: self._constant, checked.Parameter: self._parameter, checked.Binding: self._binding,
            checked.Local: lambda expr, scope: scope[expr.name],
            checked.TheImage: lambda *_: view.image,
            checked.Collected: lambda expr, _: view.collection(expr.name),
            checked.Field: self._field, checked.Keyed: self._keyed, checked.StatusFor: self._status,
            checked.And: self._and, checked.Or: self._or, checked.Not: self._not,
            checked.Compare: self._compare, checked.Equal: self._equal, checked.In: self._in,
            checked.Matches: self._matches, checked.Permitted: self._permitted, checked.Requires: self._requires,
            checked.Within: self._within, checked.Signed: self._signed, checked.Covers: self._covers,
            checked.Missing: self._missing, checked.Otherwise: self._otherwise, checked.Choice: self._choice,
            checked.Quantified: self._quantified, checked.Arithmetic: self._arithmetic,
            checked.Members: self._members, checked.Apply: self._apply,
        }  # fmt: skip

    def value(self, expr: Expr, scope: Scope) -> Any:
        """What `expr` is where the locals are `scope`."""
        found = self.rules[type(expr)](expr, scope)
        if self.watch is not None:
            self.watch(expr, found)
        return found

    def steps(self, expr: Expr, scope: Scope) -> list[Step]:
        """What each part of `expr` is that needs no other locals than `scope` has, from the whole to the parts."""
        seen = [part for part in parts(expr) if free(part) <= scope.keys()]
        return [Step(part, self.value(part, scope)) for part in sorted(seen, key=_place)]

    def all_of(self, conditions: Sequence[tuple[Expr, Scope]]) -> Any:
        """Kleene's `and` of conditions that see different locals."""
        return both([self.value(condition, scope) for condition, scope in conditions])

    # ------------------------------------------------------------------ names

    def _constant(self, expr: checked.Constant, _: Scope) -> Any:
        key = ("constant", id(expr))
        if key not in self.known:
            value = runtime.constant(expr.type, expr.value, self.policy.assumed)
            self.known[key] = because("UNKNOWN compares with nothing") if value is None else value
        return self.known[key]

    def _parameter(self, expr: checked.Parameter, _: Scope) -> Any:
        value = self.values[expr.name]
        return because(f"the parameter {text(expr)} is UNKNOWN") if value is None else value

    def _binding(self, expr: checked.Binding, _: Scope) -> Any:
        return self.value(self.bindings[expr.name], {})

    # ------------------------------------------------------------------ fields

    def _field(self, expr: checked.Field, scope: Scope) -> Any:
        base = self.value(expr.base, scope)
        if isinstance(base, Unknown):
            return base
        if expr.name == "age" and expr.base.type.name == "finding":
            value: Any = runtime.age(base, self.view.at)
        else:
            value = runtime.field(base, expr.name, expr.type)
        if value is None and expr.type.name == "severity" and not expr.optional:
            value = self.policy.assumed
        return self._unstated(expr, base, scope) if value is None else value

    def _unstated(self, expr: checked.Field, base: Any, scope: Scope) -> Unknown:
        """Why a field has no value."""
        owner = self._owner(expr, scope)
        if expr.type.name == "severity" and not expr.optional:
            return because(f"{text(expr)}{owner} is UNKNOWN")
        if expr.name == "age" and expr.base.type.name == "finding":
            reason = "is missing" if base.published is None else "lies in the future"
            return because(f"{text(expr.base)}.published{owner} {reason}")
        raw = base.fields.get(expr.name) if isinstance(base, Custom) else getattr(base, expr.name)
        if raw is not None:
            return because(f"{text(expr)}{owner} says `{short(str(raw))}`, which names no licence")
        return because(f"{text(expr)}{owner} is missing")

    def _owner(self, expr: Expr, scope: Scope) -> str:
        """` of` the element whose field `expr` is; nothing where that is the image."""
        root = expr
        while isinstance(root, checked.Field | checked.Keyed):
            root = root.base
        if isinstance(root, checked.Local) and isinstance(record := scope[root.name], Struct):
            return f" of {one(root.type.name, record)}"
        return ""

    def _named(self, expr: Expr, scope: Scope) -> str:
        """`expr` and whose it is."""
        return f"{text(expr)}{self._owner(expr, scope)}"

    def _keyed(self, expr: checked.Keyed, scope: Scope) -> Any:
        base = self.value(expr.base, scope)
        if isinstance(base, Unknown):
            return base
        value = getattr(base, expr.name).get(expr.key)
        return because(f"{text(expr)}{self._owner(expr, scope)} is missing") if value is None else value

    def _status(self, expr: checked.StatusFor, scope: Scope) -> Any:
        vex = self.value(expr.vex, scope)
        finding = self.value(expr.finding, scope) if expr.finding is not None else None
        if isinstance(vex, Unknown) or isinstance(finding, Unknown):
            return unknown_of([vex, finding])
        current = self.view.collection("vexes")
        value = runtime.status(vex, finding, current, current.items)
        if value is None and current.gaps:
            return merged(unseen(current.gaps))
        return because(f"{text(expr)} of {vex} is missing or disputed") if value is None else value

    # ------------------------------------------------------------------ logic

    def _and(self, expr: checked.And, scope: Scope) -> Any:
        return both([self.value(part, scope) for part in expr.parts])

    def _or(self, expr: checked.Or, scope: Scope) -> Any:
        return either([self.value(part, scope) for part in expr.parts])

    def _not(self, expr: checked.Not, scope: Scope) -> Any:
        return negated(self.value(expr.part, scope))

    def _missing(self, expr: checked.Missing, scope: Scope) -> Any:
        value = self.value(expr.operand, scope)
        if isinstance(value, Unknown) and not pathlike(expr.operand):
            return value
        return isinstance(value, Unknown)

    def _otherwise(self, expr: checked.Otherwise, scope: Scope) -> Any:
        value = self.value(expr.value, scope)
        return self.value(expr.alternative, scope) if isinstance(value, Unknown) and pathlike(expr.value) else value

    def _choice(self, expr: checked.Choice, scope: Scope) -> Any:
        condition = self.value(expr.condition, scope)
        then, otherwise = self.value(expr.then, scope), self.value(expr.otherwise, scope)
        if isinstance(condition, Unknown):
            certain = not isinstance(then, Unknown) and not isinstance(otherwise, Unknown)
            return then if certain and then == otherwise else condition
        return then if condition else otherwise

    # ------------------------------------------------------------------ predicates

    def _operands(self, exprs: Sequence[Expr], scope: Scope, ask: Callable[..., Any], doubt: Callable[..., str]) -> Any:
        """What `ask` says of the values of `exprs`, all known; where it does not know, `doubt` says why."""
        values = [self.value(expr, scope) for expr in exprs]
        if any(isinstance(value, Unknown) for value in values):
            return unknown_of(values)
        answer = ask(*values)
        return because(doubt(*values)) if answer is None else answer

    def _compare(self, expr: checked.Compare, scope: Scope) -> Any:
        if _counts(expr.left) or _counts(expr.right):
            return self._ranges(expr, expr.operator, scope)
        return self._operands((expr.left, expr.right), scope, ORDERS[expr.operator], _no_doubt)

    def _equal(self, expr: checked.Equal, scope: Scope) -> Any:
        if _counts(expr.left) or _counts(expr.right):
            return self._ranges(expr, "is", scope)
        name = expr.left.type.name
        return self._operands(
            (expr.left, expr.right), scope, lambda left, right: runtime.same(name, left, right),
            lambda left, right: f"whether `{one(name, left)}` is `{one(name, right)}` cannot be told",
        )  # fmt: skip

    def _in(self, expr: checked.In, scope: Scope) -> Any:
        name = expr.item.type.name
        return self._operands(
            (expr.item, expr.members), scope, lambda item, members: runtime.contains(name, members, item),
            lambda item, _: f"whether `{one(name, item)}` is listed cannot be told",
        )  # fmt: skip

    def _matches(self, expr: checked.Matches, scope: Scope) -> Any:
        name = expr.subject.type.name
        return self._operands(
            (expr.subject, expr.patterns), scope, lambda subject, patterns: runtime.matcher(name, patterns)(subject),
            lambda subject, _: f"the version of {one(name, subject)} cannot be compared",
        )  # fmt: skip

    def _permitted(self, expr: checked.Permitted, scope: Scope) -> Any:
        return self._operands(
            (expr.license, expr.allowed), scope, lambda license_, allowed: allowed.permits[license_.text],
            lambda license_, _: f"whether `{one('license', license_)}` is permitted cannot be told",
        )  # fmt: skip

    def _requires(self, expr: checked.Requires, scope: Scope) -> Any:
        return self._operands(
            (expr.license, expr.forbidden), scope, lambda license_, forbidden: forbidden.requires[license_.text],
            lambda license_, _: f"what `{one('license', license_)}` requires cannot be told",
        )  # fmt: skip

    def _within(self, expr: checked.Within, scope: Scope) -> Any:
        return self._operands(
            (expr.moment, expr.duration), scope, lambda moment, span: runtime.within(moment, span, self.view.at),
            lambda moment, _: f"{self._named(expr.moment, scope)} lies in the future: {one('time', moment)}",
        )  # fmt: skip

    def _covers(self, expr: checked.Covers, scope: Scope) -> Any:
        return self._operands(
            (expr.vex, expr.finding), scope, covers,
            lambda vex, finding: f"whether the {vex} covers {one('finding', finding)} cannot be told",
        )  # fmt: skip

    def _signed(self, expr: checked.Signed, scope: Scope) -> Any:
        document = self.value(expr.document, scope)
        identities = None if expr.identities is None else self.value(expr.identities, scope)
        if isinstance(document, Unknown) or isinstance(identities, Unknown):
            return unknown_of([document, identities])
        answer = runtime.signed(document, identities)
        return merged(unseen(document.signatures.gaps)) if answer is None else answer

    # ------------------------------------------------------------------ quantifiers

    def _quantified(self, expr: checked.Quantified, scope: Scope) -> Any:
        return self._once(self._quantify, expr, scope)

    def _once(self, answer: Callable[[Any, Scope], Any], expr: checked.Quantified, scope: Scope) -> Any:
        """What `answer` says of `expr`, asked once only where the locals do not matter."""
        key = (answer.__name__, id(expr))
        if key not in self.known:
            self.known[key] = OPEN if free(expr) else answer(expr, {})
        return answer(expr, scope) if self.known[key] is OPEN else self.known[key]

    def _quantify(self, expr: checked.Quantified, scope: Scope) -> Any:
        match expr.kind:
            case "some":
                return self._some(expr, scope)
            case "no":
                return negated(self._some(expr, scope))
            case "every":
                return self._every(expr, scope)
            case "count":
                low, high, doubts = self._interval(expr, scope)
                return low if low == high else merged(doubts)
        assert expr.limit is not None
        limit = self.value(expr.limit, scope)
        if isinstance(limit, Unknown):
            return limit
        bounds = self._interval(expr, scope)
        return ordered(">=" if expr.kind == "at least" else "<=", bounds, (limit, limit, []))

    def elements(self, expr: Expr, scope: Scope) -> tuple[Collection[Any], list[Unknown]]:
        """The elements of a collection, set or list, and what is not known beside them."""
        value = self.value(expr, scope)
        if isinstance(value, Unknown):
            return runtime.UNKNOWN_ELEMENTS, [value]
        found = runtime.elements(value, expr.type.name)
        return found, unseen(found.gaps)

    def _truths(self, expr: checked.Quantified, found: Collection[Any], scope: Scope) -> Iterator[Any]:
        """For each item whether it is one that the quantifier speaks of."""
        for item in found.items:
            yield True if expr.where is None else self.value(expr.where, {**scope, expr.element: item})

    def _some(self, expr: checked.Quantified, scope: Scope) -> Any:
        found, gaps = self.elements(expr.collection, scope)
        truths = list(self._truths(expr, found, scope))
        return either([*gaps, *truths])

    def _every(self, expr: checked.Quantified, scope: Scope) -> Any:
        assert expr.body is not None
        found, gaps = self.elements(expr.collection, scope)
        answers: list[Any] = list(gaps)
        for item, belongs in zip(found.items, self._truths(expr, found, scope), strict=True):
            answers.append(either([negated(belongs), self.value(expr.body, {**scope, expr.element: item})]))
        return both(answers)

    def _interval(self, expr: Expr, scope: Scope) -> Interval:
        """Between which numbers a count (or any other integer) lies, and why that is not one number."""
        if isinstance(expr, checked.Quantified):
            found: Interval = self._once(self._counted, expr, scope)
            return found
        value = self.value(expr, scope)
        if isinstance(value, Unknown):
            return -runtime.UNBOUNDED, runtime.UNBOUNDED, [value]
        return value, value, []

    def _counted(self, expr: checked.Quantified, scope: Scope) -> Interval:
        found, gaps = self.elements(expr.collection, scope)
        truths = list(self._truths(expr, found, scope))
        doubts = gaps + [truth for truth in truths if isinstance(truth, Unknown)]
        low = runtime.fewest(found, [truth is True for truth in truths])
        return low, runtime.most(found, [truth is not False for truth in truths]), doubts

    def _ranges(self, expr: checked.Compare | checked.Equal, sign: str, scope: Scope) -> Any:
        return ordered(sign, self._interval(expr.left, scope), self._interval(expr.right, scope))

    # ------------------------------------------------------------------ values

    def _arithmetic(self, expr: checked.Arithmetic, scope: Scope) -> Any:
        return self._operands(
            (expr.left, expr.right), scope, lambda left, right: runtime.arithmetic(expr.operator, left, right),
            lambda *_: f"a result of `{expr.operator}` cannot be represented",
        )  # fmt: skip

    def _members(self, expr: checked.Members, scope: Scope) -> Any:
        return self._operands(
            expr.items, scope, lambda *items: runtime.members(expr.type, items),
            lambda *_: "a member of the set cannot be one",
        )  # fmt: skip

    def _apply(self, expr: checked.Apply, scope: Scope) -> Any:
        function = self.functions[expr.function]
        values = [self.value(argument, scope) for argument in expr.arguments]
        for index in sorted(self.asked[function.name]):
            if isinstance(values[index], Unknown) and not pathlike(expr.arguments[index]):
                return values[index]
        return self.value(function.body, dict(zip(function.arguments, values, strict=True)))

    # ------------------------------------------------------------------ messages

    def words(self, template: checked.Template, scope: Scope, count: str) -> str:
        """The text of a message or help."""
        return "".join(
            part if isinstance(part, str) else count if part is None else self._shown(part, scope)
            for part in template.parts
        )

    def _shown(self, expr: Expr, scope: Scope) -> str:
        """A value as a message shows it: what the evidence states, unread licences and UNKNOWN severities included."""
        name = last_name(expr)
        if isinstance(expr, checked.Field) and expr.type in (Type("license"), Type("severity")):
            base = self.value(expr.base, scope)
            if isinstance(base, Unknown):
                return printed(expr.type, None, name)
            raw = base.fields.get(expr.name) if isinstance(base, Custom) else getattr(base, expr.name)
            if expr.type.name == "severity" and not expr.optional:
                return severity(raw)
            return printed(expr.type, raw, name)
        value = self.value(expr, scope)
        return printed(expr.type, None if isinstance(value, Unknown) else value, name)


def _place(expr: Expr) -> tuple[int, int, int, int]:
    """Where `expr` stands, a whole before its first part."""
    span = expr.span
    return span.line, span.column, -span.end_line, -span.end_column


def _no_doubt(*_: Any) -> str:
    return "the values cannot be compared"


def _counts(expr: Expr) -> bool:
    return isinstance(expr, checked.Quantified) and expr.kind == "count"
