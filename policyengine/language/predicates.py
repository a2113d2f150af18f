"""Emitting the predicates: comparisons, membership, patterns, licences, times, signatures, VEX statements."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.program import INNER, VIEWED, Scope
from policyengine.language.scaffold import call, constant, expression
from policyengine.language.tree import shape

if TYPE_CHECKING:
    from policyengine.language.emitter import Emitter, Rule

SIGNS = {"<": "a < b", "<=": "a <= b", ">": "a > b", ">=": "a >= b", "is": "a == b"}


ASKED = ("vulnerability", "license", "purl", "identity")
"""The types whose values are not equal where, and only where, Python says so."""


class Predicates:
    """The rules for expressions that ask something of known values."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter
        self.rules: dict[type, Rule] = {
            checked.Compare: self._compare, checked.Equal: self._equal, checked.In: self._in,
            checked.Matches: self._matches, checked.Permitted: self._permitted, checked.Requires: self._requires,
            checked.Within: self._within, checked.Signed: self._signed, checked.Covers: self._covers,
            checked.StatusFor: self._status, checked.Arithmetic: self._arithmetic,
        }  # fmt: skip

    # ------------------------------------------------------------------ comparisons

    def _compare(self, expr: checked.Compare, scope: Scope, want: str) -> ast.expr:
        quantifiers = self.emitter.quantifiers
        if quantifiers.counted(expr.left, expr.right):
            return quantifiers.compared(expr.operator, expr.left, expr.right, scope, want)
        return self._simple(SIGNS[expr.operator], expr.left, expr.right, scope, want)

    def _simple(self, template: str, left: Expr, right: Expr, scope: Scope, want: str) -> ast.expr:
        """A comparison of two known values, `a` and `b` in `template`, that is always true or false."""
        return self.emitter.guarded((left, right), scope, want, lambda a, b: expression(template, left.span, a=a, b=b))

    def _equal(self, expr: checked.Equal, scope: Scope, want: str) -> ast.expr:
        quantifiers, name = self.emitter.quantifiers, expr.left.type.name
        if quantifiers.counted(expr.left, expr.right):
            return quantifiers.compared("is", expr.left, expr.right, scope, want)
        if name == "vulnerability" and isinstance(expr.right, checked.Constant):
            word = constant(expr.right.value, expr.span)
            return self.emitter.guarded(
                [expr.left], scope, want, lambda ids: expression("word in ids", expr.span, word=word, ids=ids)
            )
        if name in ASKED:
            return self._asked("same", [constant(name, expr.span)], (expr.left, expr.right), scope, want)
        return self._simple(SIGNS["is"], expr.left, expr.right, scope, want)

    def _in(self, expr: checked.In, scope: Scope, want: str) -> ast.expr:
        name = expr.item.type.name
        if name == "vulnerability" and self._fixed(expr.members):
            disjoint = self._once("disjoint", expr.members, "frozenset(members).isdisjoint")
            return self.emitter.guarded(
                [expr.item],
                scope,
                want,
                lambda ids: expression("not disjoint(ids)", expr.span, disjoint=disjoint, ids=ids),
            )
        if name in ASKED:
            return self._asked("contains", [constant(name, expr.span)], (expr.members, expr.item), scope, want)
        return self._simple("a in b", expr.item, expr.members, scope, want)

    def _asked(
        self, function: str, first: list[ast.expr], exprs: tuple[Expr, ...], scope: Scope, want: str
    ) -> ast.expr:
        """A question to `runtime` that it may not be able to answer."""
        span = exprs[0].span
        return self.emitter.guarded(
            exprs, scope, want, lambda *nodes: call(function, [*first, *nodes], span), doubtful=True
        )

    # ------------------------------------------------------------------ prepared once

    def _fixed(self, expr: Expr) -> bool:
        """Whether the value of `expr` is known as soon as there is a view, if not earlier."""
        return self.emitter.program.level(expr) < INNER and self.emitter.program.sure(expr, Scope())

    def _once(self, key: str, members: Expr, template: str) -> str:
        """The variable that holds what is prepared from a fixed `members`."""
        level = self.emitter.program.level(members)

        def make() -> ast.expr:
            node = self.emitter.value(members, Scope(level=level))
            return expression(template, members.span, members=node)

        return self.emitter.once((key, shape(members)), level, make)

    # ------------------------------------------------------------------ patterns and licences

    def _matches(self, expr: checked.Matches, scope: Scope, want: str) -> ast.expr:
        name = expr.subject.type.name
        doubtful = name != "text"
        if not self._fixed(expr.patterns):
            template = f"matcher({name!r}, b)(a)"
            exprs = (expr.subject, expr.patterns)
            make: Callable[..., ast.expr] = lambda a, b: expression(template, expr.span, a=a, b=b)  # noqa: E731
            return self.emitter.guarded(exprs, scope, want, make, doubtful=doubtful)
        matches = self._once(f"matcher {name}", expr.patterns, f"matcher({name!r}, members)")
        return self.emitter.guarded(
            [expr.subject], scope, want, lambda a: expression("matches(a)", expr.span, matches=matches, a=a),
            doubtful=doubtful,
        )  # fmt: skip

    def _permitted(self, expr: checked.Permitted, scope: Scope, want: str) -> ast.expr:
        return self._license(expr, "permits", expr.license, expr.allowed, scope, want)

    def _requires(self, expr: checked.Requires, scope: Scope, want: str) -> ast.expr:
        return self._license(expr, "requires", expr.license, expr.forbidden, scope, want)

    def _license(self, expr: Expr, answers: str, license_: Expr, listed: Expr, scope: Scope, want: str) -> ast.expr:
        """A set of licences knows the answer for the raw text of each that it was asked about before."""
        if isinstance(license_, checked.Field) and self._fixed(listed):
            known = self._once(answers, listed, f"members.{answers}")
            raw = self.emitter.raw(license_, scope)
            return self.emitter.truth(expression("known[raw]", expr.span, known=known, raw=raw), expr, scope, want)
        template = f"b.{answers}[a.text]"
        make: Callable[..., ast.expr] = lambda a, b: expression(template, expr.span, a=a, b=b)  # noqa: E731
        return self.emitter.guarded((license_, listed), scope, want, make, doubtful=True)

    # ------------------------------------------------------------------ times, signatures, VEX

    def _within(self, expr: checked.Within, scope: Scope, want: str) -> ast.expr:
        exprs = (expr.moment, expr.duration)
        make: Callable[..., ast.expr] = lambda a, b: expression("within(a, b, at)", expr.span, a=a, b=b)  # noqa: E731
        return self.emitter.guarded(exprs, scope, want, make, doubtful=True)

    def _signed(self, expr: checked.Signed, scope: Scope, want: str) -> ast.expr:
        if expr.identities is None:
            return self._asked("signed", [], (expr.document,), scope, want)
        return self._asked("signed", [], (expr.document, expr.identities), scope, want)

    def _covers(self, expr: checked.Covers, scope: Scope, want: str) -> ast.expr:
        return self._asked("covers", [], (expr.vex, expr.finding), scope, want)

    def _status(self, expr: checked.StatusFor, scope: Scope, want: str) -> ast.expr:
        exprs = (expr.vex,) if expr.finding is None else (expr.vex, expr.finding)
        about = self.about(expr)
        vexes = self.emitter.collection("vexes", expr.span)

        def make(vex: ast.expr, finding: ast.expr | None = None) -> ast.expr:
            if finding is None:
                return expression("status(vex, None, vexes, vexes.items)", expr.span, vex=vex, vexes=vexes)
            template = "status(vex, finding, vexes, about(finding))"
            return expression(template, expr.span, vex=vex, finding=finding, vexes=vexes, about=about)

        return self.emitter.guarded(exprs, scope, want, make)

    def about(self, expr: Expr) -> str:
        """The variable that holds what finds the VEX statements which share an id with a finding."""
        vexes = self.emitter.collection("vexes", expr.span)
        return self.emitter.once(
            "about", VIEWED, lambda: expression("Statements(vexes.items).about", expr.span, vexes=vexes)
        )

    # ------------------------------------------------------------------ arithmetic

    def _arithmetic(self, expr: checked.Arithmetic, scope: Scope, want: str) -> ast.expr:
        exprs, span = (expr.left, expr.right), expr.span
        if expr.type.name == "int" and not expr.type.container:
            make: Callable[..., ast.expr] = lambda a, b: expression(f"a {expr.operator} b", span, a=a, b=b)  # noqa: E731
            return self.emitter.guarded(exprs, scope, want, make)
        sign = constant(expr.operator, span)
        return self.emitter.guarded(exprs, scope, want, lambda a, b: call("arithmetic", [sign, a, b], span))
