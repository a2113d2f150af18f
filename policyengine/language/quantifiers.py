"""Emitting quantifiers: each becomes a function of the locals that it needs from around it, with a plain loop."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.emitter import MAY, MUST, OPPOSITE, VALUE
from policyengine.language.program import INNER, Scope, counts
from policyengine.language.scaffold import Block, call, constant, expression, function, statements
from policyengine.language.schema import ENUMS
from policyengine.language.syntax import Span
from policyengine.language.tree import free, shape
from policyengine.language.types import SCALARS

if TYPE_CHECKING:
    from policyengine.language.emitter import Emitter, Rule

Side = Callable[[str], ast.expr]
LOWEST, HIGHEST = "lowest", "highest"
ENDS = {
    MAY: {"<": (LOWEST, HIGHEST), "<=": (LOWEST, HIGHEST), ">": (HIGHEST, LOWEST), ">=": (HIGHEST, LOWEST)},
    MUST: {"<": (HIGHEST, LOWEST), "<=": (HIGHEST, LOWEST), ">": (LOWEST, HIGHEST), ">=": (LOWEST, HIGHEST)},
}
"""Which ends of two counts are compared to see whether a comparison may, or must, hold."""

SOME = """
found = collection
for item in items:
    if condition:
        return True
return rest
"""
EVERY = SOME.replace("return True", "return False")
FLAGS = """
found = collection
flags = []
add = flags.append
for item in items:
    add(condition)
return number(found, flags)
"""
RESTS = {
    ("some", MAY): "bool(found.gaps)", ("some", MUST): "False",
    ("every", MAY): "True", ("every", MUST): "not found.gaps",
}  # fmt: skip
"""What a quantifier comes to when no item has settled it."""


class Quantifiers:
    """The rules for quantifiers, and for comparisons with counts."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter
        self.rules: dict[type, Rule] = {checked.Quantified: self._quantified}

    def _quantified(self, expr: checked.Quantified, scope: Scope, want: str) -> ast.expr:
        match expr.kind:
            case "count":
                ends = [self._end(expr, end, scope) for end in (LOWEST, HIGHEST)]
                return call("exactly", ends, expr.span)
            case "at least" | "at most":
                assert expr.limit is not None
                sign = ">=" if expr.kind == "at least" else "<="
                return self.compared(sign, expr, expr.limit, scope, want, limit=True)
        if want == VALUE:
            may, must = self._asked(expr, scope, MAY), self._asked(expr, scope, MUST)
            return expression("True if must else None if may else False", expr.span, may=may, must=must)
        return self._asked(expr, scope, want)

    def _asked(self, expr: checked.Quantified, scope: Scope, want: str) -> ast.expr:
        """`some`, `no` or `every` by polarity."""
        if expr.kind == "no":
            node = self._call(expr, scope, "some", OPPOSITE[want])
            return expression("not node", expr.span, node=node)
        return self._call(expr, scope, expr.kind, want)

    # ------------------------------------------------------------------ functions

    def _call(self, expr: checked.Quantified, scope: Scope, kind: str, want: str) -> ast.expr:
        """A call of the function that answers for the quantifier; it is made when it is first needed."""
        outer = sorted(free(expr.collection) | (free((expr.where, expr.body)) - {expr.element}))
        optional = scope.optional & frozenset(outer)
        key = ("quantifier", id(expr), kind, want, optional)
        if key not in self.emitter.known:
            name = self.emitter.known[key] = self.emitter.program.fresh("q")
            names = {local: f"x_{local}" for local in outer}
            body = self._body(expr, Scope(names, INNER, optional), kind, want)
            self.emitter.define(function(name, list(names.values()), body, expr.span), name, expr.span)
        arguments = [expression(scope.names[local], expr.span) for local in outer]
        return call(self.emitter.known[key], arguments, expr.span)

    def _body(self, expr: checked.Quantified, scope: Scope, kind: str, want: str) -> Block:
        span, variable = expr.span, f"x_{expr.element}"
        collection = self.collection(expr.collection, scope)
        items = self._items(expr, scope)
        inner = scope.having(expr.element, variable)
        holes: dict[str, Any] = {"collection": collection, "items": items, "item": variable}
        if kind in ("some", "every"):
            template, test = (SOME, self._some) if kind == "some" else (EVERY, self._every)
            rest = expression(RESTS[kind, want], span)
            return statements(template, span, condition=test(expr, inner, want), rest=rest, **holes)
        number = "fewest" if kind == LOWEST else "most"
        return statements(FLAGS, span, condition=self._some(expr, inner, want), number=number, **holes)

    def _some(self, expr: checked.Quantified, scope: Scope, want: str) -> ast.expr:
        """Whether an item is one that the quantifier speaks of."""
        return constant(True, expr.span) if expr.where is None else self.emitter.emit(expr.where, scope, want)

    def _every(self, expr: checked.Quantified, scope: Scope, want: str) -> ast.expr:
        """Whether an item speaks against `every`: definitely, to see whether it may hold, and else possibly."""
        assert expr.body is not None
        against = checked.Not(expr.body.type, expr.span, expr.body)
        conditions = [against] if expr.where is None else [expr.where, against]
        return self.emitter.every(conditions, scope, OPPOSITE[want], expr.span)

    def collection(self, expr: Expr, scope: Scope) -> ast.expr:
        """The elements of `expr` as a `Collection`."""
        records = expr.type.container == "list" and expr.type.name not in (*SCALARS, *ENUMS)
        if records and self.emitter.program.sure(expr, scope):
            return self.emitter.value(expr, scope)
        level = self.emitter.program.level(expr)
        name = constant(expr.type.name, expr.span)
        if level >= scope.level:
            return call("elements", [self.emitter.value(expr, scope), name], expr.span)

        def make() -> ast.expr:
            return call("elements", [self.emitter.value(expr, Scope(level=level)), name], expr.span)

        return expression(self.emitter.once(("elements", shape(expr)), level, make), expr.span)

    def _items(self, expr: checked.Quantified, scope: Scope) -> ast.expr:
        """The items to look at: all of them, or of the VEX statements those that share an id with a finding."""
        finding = _covered(expr)
        if finding is None or expr.element in free(finding):
            return expression("found.items", expr.span)
        about = self.emitter.predicates.about(expr)
        (node,), missing = self.emitter.known_nodes([finding], scope)
        if not missing:
            return expression("about(node)", expr.span, about=about, node=node)
        template = "found.items if missing else about(node)"
        return expression(template, expr.span, about=about, node=node, missing=missing[0])

    # ------------------------------------------------------------------ counts

    def counted(self, left: Expr, right: Expr) -> bool:
        """Whether one of two operands is a count."""
        return counts(left) or counts(right)

    def compared(self, sign: str, left: Expr, right: Expr, scope: Scope, want: str, *, limit: bool = False) -> ast.expr:
        """A comparison of numbers of which at least one may lie between two; a `limit` on the right is one number."""
        missing: list[ast.expr] = []
        sides = (self._side(left, scope, missing, ranged=True), self._side(right, scope, missing, ranged=not limit))
        if want == VALUE:
            may, must = _ordered(sign, MAY, sides, left.span), _ordered(sign, MUST, sides, left.span)
            test = expression("True if must else None if may else False", left.span, may=may, must=must)
        else:
            test = _ordered(sign, want, sides, left.span)
        return self.emitter.unless_missing(missing, test, want, left.span)

    def _side(self, side: Expr, scope: Scope, missing: list[ast.expr], *, ranged: bool) -> Side:
        """What gives the two ends of an operand; the test whether it is known joins `missing`."""
        if ranged and isinstance(side, checked.Quantified):
            return lambda which: self._end(side, which, scope)
        (node,), tests = self.emitter.known_nodes([side], scope)
        missing.extend(tests)
        return lambda _: node

    def _end(self, expr: checked.Quantified, which: str, scope: Scope) -> ast.expr:
        """The lowest or highest number that a count may be."""
        return self._call(expr, scope, which, MUST if which == LOWEST else MAY)


def _ordered(sign: str, want: str, sides: tuple[Side, Side], span: Span) -> ast.expr:
    """Whether two numbers, each between its ends, may or must stand to each other as `sign` says."""
    left, right = sides
    if sign == "is":
        template = "a <= d and c <= b" if want == MAY else "a == d and b == c"
        return expression(template, span, a=left(LOWEST), b=left(HIGHEST), c=right(LOWEST), d=right(HIGHEST))
    first, second = ENDS[want][sign]
    return expression(f"a {sign} b", span, a=left(first), b=right(second))


def _covered(expr: checked.Quantified) -> Expr | None:
    """The finding, if the quantifier speaks only of the VEX statements that cover one."""
    conditions = expr.where.parts if isinstance(expr.where, checked.And) else (expr.where,)
    if isinstance(expr.collection, checked.Collected) and expr.collection.name == "vexes":
        for condition in conditions:
            if isinstance(condition, checked.Covers) and free(condition.vex) == {expr.element}:
                return condition.finding
    return None
