"""From checked expressions to Python expressions: values, and conditions by polarity.

Each condition can be emitted in three forms. `may` is true unless the condition is definitely false, `must` is true
if it definitely holds: both are plain Python truth, so that three-valued logic costs nothing where it runs.
`value` is true, false or `None`, and is the only form of what is no condition.

An expression that needs no locals is computed once, before any loop: when the policy is bound if it needs no
evidence either, else when a view is evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.program import BOUND, INNER, VIEWED, Program, Scope
from policyengine.language.scaffold import Block, assigned, call, constant, expression, joined, returning, values
from policyengine.language.schema import RECORDS
from policyengine.language.syntax import Span
from policyengine.language.tree import pathlike, shape
from policyengine.language.types import BOOL, Type

MAY, MUST, VALUE = "may", "must", "value"
OPPOSITE = {MAY: MUST, MUST: MAY, VALUE: VALUE}
INLINE = ("bool", "int", "text", "purl", "digest", "severity", "category", "package_kind", "status")
"""The types whose portable constants are the values themselves."""

ATTRIBUTES = {("finding", "id"): "ids", ("vex", "id"): "ids"}
"""Fields that are called otherwise in the records of `evidence`."""

Rule = Callable[[Any, Scope, str], ast.expr]


class Emitter:
    """Emits the expressions of one function over a view; what it computes beforehand stands in `block`."""

    def __init__(self, program: Program) -> None:
        from policyengine.language.predicates import Predicates
        from policyengine.language.quantifiers import Quantifiers

        self.program, self.policy = program, program.policy
        self.block: Block = []
        self.known: dict[Any, str] = {}
        self.quantifiers, self.predicates = Quantifiers(self), Predicates(self)
        self.rules: dict[type, Rule] = {
            checked.Constant: self._constant, checked.Parameter: self._parameter, checked.Binding: self._binding,
            checked.Local: self._local, checked.TheImage: lambda expr, *_: expression("image", expr.span),
            checked.Collected: self._collected, checked.Field: self._field, checked.Keyed: self._keyed,
            checked.And: self._logic, checked.Or: self._logic, checked.Not: self._not,
            checked.Missing: self._missing, checked.Otherwise: self._otherwise, checked.Choice: self._choice,
            checked.Members: self._members, checked.Apply: self._apply,
            **self.predicates.rules, **self.quantifiers.rules,
        }  # fmt: skip

    # ------------------------------------------------------------------ the ways in

    def emit(self, expr: Expr, scope: Scope, want: str) -> ast.expr:
        """`expr` in the form `want`."""
        level = self.program.level(expr)
        named = isinstance(expr, checked.Constant | checked.Parameter | checked.Binding | checked.TheImage)
        if level >= scope.level or named or isinstance(expr, checked.Collected):
            return self.rules[type(expr)](expr, scope, want)
        variable = self.once(shape(expr), level, lambda: self.value(expr, Scope(level=level)))
        return self.truth(expression(variable, expr.span), expr, Scope(), want)

    def value(self, expr: Expr, scope: Scope) -> ast.expr:
        """The value of `expr`, or `None` where it is not known."""
        return self.emit(expr, scope, VALUE)

    def every(self, conditions: Sequence[Expr], scope: Scope, want: str, span: Span) -> ast.expr:
        """Whether all of `conditions` may, or must, hold."""
        found = [self.emit(condition, scope, want) for condition in conditions]
        return joined(ast.And(), found, span) if found else constant(True, span)

    def once(self, key: Any, level: int, make: Callable[[], ast.expr]) -> str:
        """The variable that holds what `make` computes, computed before everything that needs it."""
        home: Program | Emitter = self.program if level == BOUND else self
        if key not in home.known:
            made = make()
            home.known[key] = self.program.fresh("v")
            home.block.append(assigned(home.known[key], made))
        return home.known[key]

    def truth(self, node: ast.expr, expr: Expr, scope: Scope, want: str) -> ast.expr:
        """The value `node` of `expr` in the form `want`."""
        if want == VALUE or expr.type != BOOL or self.program.sure(expr, scope):
            return node
        return expression("node is not False" if want == MAY else "node is True", expr.span, node=node)

    def guarded(
        self, exprs: Sequence[Expr], scope: Scope, want: str, make: Callable[..., ast.expr], *, doubtful: bool = False
    ) -> ast.expr:
        """What `make` builds from the values of `exprs`, guarded against those that are not known.

        `make` builds the value; where `doubtful`, that may be `None` itself, else it is known.
        """
        nodes, missing = self.known_nodes(exprs, scope)
        span = exprs[0].span
        test = make(*nodes)
        if want != VALUE and doubtful:
            test = expression("test is not False" if want == MAY else "test is True", span, test=test)
        return self.unless_missing(missing, test, want, span)

    def known_nodes(self, exprs: Sequence[Expr], scope: Scope) -> tuple[list[ast.expr], list[ast.expr]]:
        """The values of `exprs`, and the tests that are true where one of them is `None`."""
        nodes, missing = [], []
        for expr in exprs:
            node = self.value(expr, scope)
            if not self.program.sure(expr, scope):
                node, test = self.tested(node, expr.span)
                missing.append(test)
            nodes.append(node)
        return nodes, missing

    def tested(self, node: ast.expr, span: Span) -> tuple[ast.expr, ast.expr]:
        """A name for `node`, and the test for `None` that gives it this name."""
        if isinstance(node, ast.Name):
            return node, expression("node is None", span, node=node)
        name = self.program.fresh("t")
        return expression(name, span), expression("(name := node) is None", span, name=name, node=node)

    def unless_missing(self, missing: Sequence[ast.expr], test: ast.expr, want: str, span: Span) -> ast.expr:
        """`test`, where none of `missing` holds; else what is not known, in the form `want`."""
        if not missing:
            return test
        absent = joined(ast.Or(), missing, span)
        if want == MAY:
            return joined(ast.Or(), [absent, test], span)
        if want == MUST:
            return expression("not absent and test", span, absent=absent, test=test)
        return expression("None if absent else test", span, absent=absent, test=test)

    # ------------------------------------------------------------------ names

    def _constant(self, expr: checked.Constant, *_: Any) -> ast.expr:
        type_, value = expr.type, expr.value
        if type_.name == "severity" and value is None:
            value = self.policy.assumed
        if not type_.container and type_.name in INLINE:
            return constant(value, expr.span)
        key = ("constant", str(type_), shape(value))
        return expression(self.once(key, BOUND, lambda: self._bound(type_, value, expr.span)), expr.span)

    def _bound(self, type_: Type, value: Any, span: Span) -> ast.expr:
        arguments = [self.type(type_, span), constant(value, span), constant(self.policy.assumed, span)]
        return call("constant", arguments, span)

    def type(self, type_: Type, span: Span) -> ast.expr:
        """A type, for what needs it when running."""
        made = lambda: call("Type", [constant(type_.name, span), constant(type_.container, span)], span)  # noqa: E731
        return expression(self.once(("type", str(type_)), BOUND, made), span)

    def _parameter(self, expr: checked.Parameter, scope: Scope, want: str) -> ast.expr:
        name = constant(expr.name, expr.span)
        made = lambda: expression("parameters[name]", expr.span, name=name)  # noqa: E731
        variable = self.once(("parameter", expr.name), BOUND, made)
        return self.truth(expression(variable, expr.span), expr, scope, want)

    def _binding(self, expr: checked.Binding, _: Scope, want: str) -> ast.expr:
        value = self.program.bindings[expr.name]
        level = self.program.level(value)
        variable = self.once(("binding", expr.name), level, lambda: self.value(value, Scope(level=level)))
        return self.truth(expression(variable, expr.span), value, Scope(), want)

    def _local(self, expr: checked.Local, scope: Scope, want: str) -> ast.expr:
        return self.truth(expression(scope.names[expr.name], expr.span), expr, scope, want)

    def _collected(self, expr: checked.Collected, *_: Any) -> ast.expr:
        return expression(self.collection(expr.name, expr.span), expr.span)

    def collection(self, name: str, span: Span) -> str:
        """The variable that holds a collection of evidence."""
        word = constant(name, span)
        return self.once(("collected", name), VIEWED, lambda: expression("view.collection(word)", span, word=word))

    # ------------------------------------------------------------------ fields

    def _field(self, expr: checked.Field, scope: Scope, want: str) -> ast.expr:
        if expr.name == "age" and expr.base.type.name == "finding":
            return self.guarded([expr.base], scope, VALUE, lambda base: self._age(expr, base, scope))
        node = self.raw(expr, scope)
        if expr.type.name == "license":
            node = expression("parse(node)", expr.span, node=node)
        if expr.type.name == "severity" and not expr.optional and self.policy.assumed is not None:
            return self._assumed(expr, node, scope)
        return self.truth(node, expr, scope, want)

    def raw(self, expr: checked.Field, scope: Scope) -> ast.expr:
        """The field as it stands in its record: licences as texts, severities without an assumption."""
        return self.guarded([expr.base], scope, VALUE, lambda base: self._attribute(expr, base, scope))

    def _attribute(self, expr: checked.Field, base: ast.expr, scope: Scope) -> ast.expr:
        span, records = expr.span, expr.base.type.name.split("|")
        if not all(name in RECORDS for name in records):
            arguments = [base, constant(expr.name, span), self.type(expr.type, span)]
            return call("field", arguments, span)
        if expr.name == "aliases":
            return expression("frozenset(base.ids[1:])", span, base=base)
        name = ATTRIBUTES.get((records[0], expr.name), expr.name)
        if isinstance(base, ast.Name) and (base.id, name) in scope.fields:
            return expression(scope.fields[base.id, name], span)
        return expression(f"base.{name}", span, base=base)

    def _age(self, expr: checked.Field, base: ast.expr, scope: Scope) -> ast.expr:
        published = checked.Field(expr.type, expr.span, expr.base, "published", True)
        node, missing = self.tested(self._attribute(published, base, scope), expr.span)
        test = expression("missing or node > at", expr.span, node=node, missing=missing)
        return expression("None if test else at - node", expr.span, node=node, test=test)

    def _assumed(self, expr: checked.Field, node: ast.expr, scope: Scope) -> ast.expr:
        """A severity, or what is assumed where the scanner says UNKNOWN; not known where there is no record."""
        assumed = constant(self.policy.assumed, expr.span)
        name, missing = self.tested(node, expr.span)
        if self.program.sure(expr.base, scope):
            return expression("assumed if missing else name", expr.span, assumed=assumed, missing=missing, name=name)
        base = self.value(expr.base, scope)
        known = expression("assumed if missing else name", expr.span, assumed=assumed, missing=missing, name=name)
        return expression("None if base is None else known", expr.span, base=base, known=known)

    def _keyed(self, expr: checked.Keyed, scope: Scope, _: str) -> ast.expr:
        template, key = f"base.{expr.name}.get(key)", constant(expr.key, expr.span)
        return self.guarded([expr.base], scope, VALUE, lambda base: expression(template, expr.span, base=base, key=key))

    # ------------------------------------------------------------------ logic

    def _logic(self, expr: checked.And | checked.Or, scope: Scope, want: str) -> ast.expr:
        conjunction = isinstance(expr, checked.And)
        found = [self.emit(part, scope, want) for part in expr.parts]
        if want == VALUE and not self.program.sure(expr, scope):
            return call("conjunction" if conjunction else "disjunction", found, expr.span)
        return joined(ast.And() if conjunction else ast.Or(), found, expr.span)

    def _not(self, expr: checked.Not, scope: Scope, want: str) -> ast.expr:
        node = self.emit(expr.part, scope, OPPOSITE[want])
        if want == VALUE and not self.program.sure(expr.part, scope):
            name, missing = self.tested(node, expr.span)
            return expression("None if missing else not name", expr.span, missing=missing, name=name)
        return expression("not node", expr.span, node=node)

    def _missing(self, expr: checked.Missing, scope: Scope, want: str) -> ast.expr:
        if self.program.sure(expr.operand, scope):
            return constant(False, expr.span)
        node = self.value(expr.operand, scope)
        if pathlike(expr.operand):
            return expression("node is None", expr.span, node=node)
        if want == VALUE:
            return expression("None if node is None else False", expr.span, node=node)
        return expression("node is None", expr.span, node=node) if want == MAY else constant(False, expr.span)

    def _otherwise(self, expr: checked.Otherwise, scope: Scope, want: str) -> ast.expr:
        node = self.value(expr.value, scope)
        if pathlike(expr.value) and not self.program.sure(expr.value, scope):
            name, missing = self.tested(node, expr.span)
            other = self.value(expr.alternative, scope)
            node = expression("other if missing else name", expr.span, other=other, missing=missing, name=name)
        return self.truth(node, expr, scope, want)

    def _choice(self, expr: checked.Choice, scope: Scope, want: str) -> ast.expr:
        condition = self.value(expr.condition, scope)
        if self.program.sure(expr.condition, scope):
            then, otherwise = (self.emit(part, scope, want) for part in (expr.then, expr.otherwise))
            return expression("a if condition else b", expr.span, condition=condition, a=then, b=otherwise)
        branches = [self.value(expr.then, scope), self.value(expr.otherwise, scope)]
        return self.truth(call("choose", [condition, *branches], expr.span), expr, scope, want)

    # ------------------------------------------------------------------ sets of values, functions

    def _members(self, expr: checked.Members, scope: Scope, _: str) -> ast.expr:
        items = values([self.value(item, scope) for item in expr.items], expr.span)
        return call("members", [self.type(expr.type, expr.span), items], expr.span)

    def _apply(self, expr: checked.Apply, scope: Scope, want: str) -> ast.expr:
        """A call. An argument that is not known for another reason than that it is missing ends it: see `asked`."""
        form = want if expr.type == BOOL else VALUE
        name = self._function(self.program.functions[expr.function], form)
        strict = self.program.asked[expr.function]
        nodes, missing = [], []
        for index, argument in enumerate(expr.arguments):
            node = self.value(argument, scope)
            if index in strict and not pathlike(argument) and not self.program.sure(argument, scope):
                node, test = self.tested(node, argument.span)
                missing.append(test)
            nodes.append(node)
        return self.unless_missing(missing, call(name, nodes, expr.span), form, expr.span)

    def _function(self, function: checked.Function, want: str) -> str:
        """The Python function of an author's function in one form."""
        key = ("function", function.name, want)
        if key not in self.known:
            names = {argument: f"a_{argument}" for argument in function.arguments}
            scope = Scope(names, INNER, frozenset(names))
            body = self.emit(function.body, scope, want)
            name = self.known[key] = self.program.fresh("f")
            self.define(returning(name, list(names.values()), body, function.body.span), name, function.body.span)
        return self.known[key]

    def define(self, definition: ast.stmt, name: str, span: Span) -> None:
        """Add a function to the block."""
        self.program.paths[name] = span.path
        self.block.append(definition)
