"""The conditions of a policy: each part of it that is true, false or unknown by itself.

`and`, `or`, `not` and choices are made of conditions; a quantifier is one, and has conditions inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.syntax import Span
from policyengine.language.tree import NAMES, PATHS
from policyengine.language.types import BOOL
from policyengine.testing.outcomes import NOTHING, Names, Outcomes, operands

PLAIN = (*NAMES, *PATHS)
"""What is no condition as an operand: `signature.timestamped is true` is one, not two."""


class Condition(Struct, frozen=True):
    """One condition, and which of `true`, `false` and `unknown` a test can show it to be."""

    expr: Expr
    outcomes: tuple[str, ...]


class Part(Struct, frozen=True):
    """What conditions belong to: `kind` is `scope`, `rule`, `waiver` or `function`; a rule's name is `POLICY.RULE`."""

    kind: str
    name: str
    span: Span
    conditions: tuple[Condition, ...]


def parts(policy: checked.Policy) -> tuple[Part, ...]:
    """The parts of `policy` with their conditions, the functions that it uses among them."""
    survey = _Survey(policy)
    found = [survey.part("rule", rule.identifier, rule.span, _clauses(rule)) for rule in policy.rules]
    scope = [condition for condition in (policy.applies, policy.exception) if condition is not None]
    if scope:
        found.insert(0, survey.part("scope", f"{policy.name}: applies to", scope[0].span, scope))
    for waiver in policy.waivers:
        name = f"{policy.name}: waive {waiver.rule}"
        found.append(survey.part("waiver", name, waiver.span, [waiver.where]))
    called = [survey.function(function) for function in reversed(policy.functions)]  # who calls comes first
    return (*found, *reversed(called))


def _clauses(rule: checked.Rule) -> list[Expr]:
    """The conditions and other expressions of a rule, in the order of the text."""
    each, forbid = rule.each, rule.forbid
    found = [rule.when]
    found += [each.collection, each.where] if each is not None else []
    found += [forbid.limit, forbid.collection, forbid.where] if forbid is not None else [rule.require]
    return [expr for expr in (*found, rule.unless) if expr is not None]


class _Survey:
    """One walk through a policy; `unsure` collects the arguments that some call does not know."""

    def __init__(self, policy: checked.Policy) -> None:
        self.outcomes = Outcomes(policy)
        self.functions = {function.name: function for function in policy.functions}
        self.unsure: dict[str, set[str]] = {name: set() for name in self.functions}

    def part(self, kind: str, name: str, span: Span, exprs: Iterable[Expr], doubts: Names = NOTHING) -> Part:
        found = tuple(condition for expr in exprs for condition in self._operand(expr, doubts, clause=True))
        return Part(kind, name, span, found)

    def function(self, function: checked.Function) -> Part:
        doubts = frozenset(self.unsure[function.name])
        return self.part("function", function.name, function.body.span, [function.body], doubts)

    def _logical(self, expr: Expr, doubts: Names) -> Iterator[Condition]:
        """The conditions that `expr`, true or false or unknown, is made of."""
        match expr:
            case checked.And(parts=several) | checked.Or(parts=several):
                for part in several:
                    yield from self._logical(part, doubts)
            case checked.Choice(condition=condition, then=then, otherwise=otherwise):
                for part in (condition, then, otherwise):
                    yield from self._logical(part, doubts)
            case checked.Not(part=part) if part.span != expr.span:
                yield from self._logical(part, doubts)
            case _:
                yield Condition(expr, self.outcomes.of(expr, doubts))
                inner = expr.part if isinstance(expr, checked.Not) else expr  # `is not` is one condition
                yield from self._inside(inner, doubts)

    def _inside(self, expr: Expr, doubts: Names) -> Iterator[Condition]:
        """The conditions within `expr`, which is none of them itself."""
        if isinstance(expr, checked.Apply):
            self._note(expr, doubts)
        if isinstance(expr, checked.Quantified):
            inner = doubts - {expr.element}
            for condition in (expr.where, expr.body):
                yield from self._logical(condition, inner) if condition is not None else ()
            for operand in (expr.collection, expr.limit):
                yield from self._operand(operand, doubts) if operand is not None else ()
            return
        for operand in operands(expr):
            yield from self._operand(operand, doubts)

    def _operand(self, expr: Expr, doubts: Names, *, clause: bool = False) -> Iterator[Condition]:
        """The conditions of an operand, or of what a `clause` holds: there a bare name is a condition too."""
        if expr.type == BOOL and (clause or not isinstance(expr, PLAIN)):
            yield from self._logical(expr, doubts)
        elif isinstance(expr, checked.Choice):
            yield from self._logical(expr.condition, doubts)
            for branch in (expr.then, expr.otherwise):
                yield from self._operand(branch, doubts)
        else:
            yield from self._inside(expr, doubts)

    def _note(self, call: checked.Apply, doubts: Names) -> None:
        """Remember which arguments of a function may be unknown."""
        names = self.functions[call.function].arguments
        pairs = zip(names, call.arguments, strict=True)
        self.unsure[call.function] |= {name for name, each in pairs if self.outcomes.doubtful(each, doubts)}
