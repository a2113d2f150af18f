"""What the code of one policy shares: what runs when it is bound, and what can be foreseen of each expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.scaffold import Block
from policyengine.language.schema import RECORDS
from policyengine.language.tree import asked, free, pathlike
from policyengine.language.types import Type

BOUND, VIEWED, INNER = 1, 2, 3
"""When an expression can be computed: when the policy is bound, when a view is there, or inside, for each element."""

EVIDENCE = (
    checked.TheImage, checked.Collected, checked.Within, checked.StatusFor, checked.Apply, checked.Quantified,
)  # fmt: skip
"""What waits for a view; calls and quantifiers too, because their functions are made beside the evidence."""


DOUBTFUL = ("license", "purl")
"""The types whose known values may still be unreadable, so that comparing them may have no answer."""


class Scope(Struct, frozen=True):
    """The locals that code sees: their Python variables, which of them may be `None`, and fields already read."""

    names: Mapping[str, str] = {}
    level: int = INNER
    optional: frozenset[str] = frozenset()
    fields: Mapping[tuple[str, str], str] = {}

    def having(self, name: str, variable: str) -> Scope:
        """This scope with one more element."""
        return Scope({**self.names, name: variable}, self.level, self.optional - {name}, self.fields)


class Program:
    """What the whole program shares: the block that runs when the policy is bound, and its constants."""

    def __init__(self, policy: checked.Policy) -> None:
        self.policy = policy
        self.functions = {function.name: function for function in policy.functions}
        self.bindings = {binding.name: binding.value for binding in policy.bindings}
        self.asked = asked(policy.functions)
        self.block: Block = []
        self.known: dict[Any, str] = {}
        self.paths: dict[str, str] = {}
        """The files that generated functions come from, where that is not the policy's own."""
        self._levels: dict[int, tuple[Expr, int]] = {}
        self._count = 0

    def fresh(self, letter: str) -> str:
        """A new variable."""
        self._count += 1
        return f"{letter}{self._count}"

    def level(self, expr: Expr) -> int:
        """When `expr` can be computed at the earliest."""
        known = self._levels.get(id(expr))
        if known is None:  # the expression is kept, so that no other one gets its `id`
            known = self._levels[id(expr)] = (expr, self._level(expr))
        return known[1]

    def _level(self, expr: Expr) -> int:
        if free(expr):
            return INNER
        inside = list(parts(expr))
        if any(isinstance(part, EVIDENCE) for part in inside):
            return VIEWED
        bindings = (part for part in inside if isinstance(part, checked.Binding))
        return max((self.level(self.bindings[part.name]) for part in bindings), default=BOUND)

    def sure(self, expr: Expr, scope: Scope) -> bool:
        """Whether the value of `expr` is always known."""
        match expr:
            case checked.Constant(value=value):
                known = value if expr.type.container else (value,)
                return self._certain(expr.type) or (expr.type.name == "severity" and None not in known)
            case checked.Parameter():
                return self._certain(expr.type)
            case checked.Binding(name=name):
                return self.sure(self.bindings[name], scope)
            case checked.Local(name=name):
                return name not in scope.optional
            case checked.Field():
                return self._stated(expr) and self.sure(expr.base, scope)
            case checked.Missing(operand=operand):
                return pathlike(operand) or self.sure(operand, scope)
            case checked.Otherwise(value=value, alternative=alternative):
                return self.sure(value, scope) or (pathlike(value) and self.sure(alternative, scope))
            case checked.TheImage() | checked.Collected():
                return True
        return self._made(expr) and all(self.sure(part, scope) for part in _operands(expr))

    def _certain(self, type_: Type) -> bool:
        """Whether constants of a type are always known: a severity can be UNKNOWN, a licence unreadable."""
        if type_.name == "severity":
            return self.policy.assumed is not None
        return type_.name != "license" or bool(type_.container)

    def _stated(self, field: checked.Field) -> bool:
        """Whether a record always has the field."""
        records = field.base.type.name.split("|")
        return not field.optional and self._certain(field.type) and all(name in RECORDS for name in records)

    def _made(self, expr: Expr) -> bool:
        """Whether an operation on known values always gives one."""
        match expr:
            case checked.And() | checked.Or() | checked.Not() | checked.Choice():
                return True
            case checked.Compare(left=left, right=right) | checked.Equal(left=left, right=right):
                return left.type.name not in DOUBTFUL and not counts(left) and not counts(right)
            case checked.In(item=item):
                return item.type.name not in DOUBTFUL
            case checked.Matches(subject=subject):
                return subject.type.name == "text"
            case checked.Arithmetic():
                return bool(expr.type.container) or expr.type.name == "int"
        return False


def _operands(expr: Expr) -> list[Expr]:
    """What an operation works on."""
    found = [getattr(expr, name) for name in expr.__struct_fields__[2:]]
    listed = [part for value in found for part in (value if isinstance(value, tuple) else (value,))]
    return [part for part in listed if isinstance(part, Expr)]


def counts(expr: Expr) -> bool:
    """Whether `expr` is a count: a number that may lie between two."""
    return isinstance(expr, checked.Quantified) and expr.kind == "count"
