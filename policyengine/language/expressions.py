"""Typing expressions: from syntax to the checked tree (language reference, section 5).

`Expressions.check` works in both directions: what a place asks for goes down as `expected`, so that
literals become the right values; what an expression is comes back up. A mistake is reported once
and its expression has the type unknown, which fits everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from policyengine import limits
from policyengine.evidence.problems import closest
from policyengine.language import checked, folding, literals, syntax
from policyengine.language.checked import Expr
from policyengine.language.diagnostics import Problems
from policyengine.language.names import Names
from policyengine.language.questions import Questions
from policyengine.language.readability import mixed, swallowed
from policyengine.language.scope import Scope
from policyengine.language.syntax import Name, Span
from policyengine.language.types import (
    BOOL,
    DECIMAL,
    DURATION,
    GLOB,
    INT,
    LICENSE,
    ORDERED,
    RANGE,
    TEXT,
    TIME,
    UNKNOWN,
    Type,
    set_of,
)  # fmt: skip

CONTAINERS = ("set", "list")

REPLACED = (checked.Field, checked.Keyed, checked.StatusFor, checked.Local, checked.Otherwise)
"""What may be missing: a field, what a function is given, or all of a chain."""

PARTS = {"finding", "package", "signature"}
"""The records that are no documents, so that nothing can be said of two kinds of them together."""


class Expressions:
    """The typing rules, over the names that `Names` resolves."""

    def __init__(self, problems: Problems, names: Names) -> None:
        self.problems, self.names = problems, names
        self.questions = Questions(problems, self)
        self.depth = 0
        """How many expressions are being checked, one within another, or in the constants that it names."""

        self.rules: Mapping[type, Callable[[Any, Type | None, Scope], Expr]] = {
            syntax.Boolean: lambda node, *_: checked.Constant(BOOL, node.span, node.value),
            syntax.Variable: self._variable,
            syntax.Member: self._member,
            syntax.Lookup: self._lookup,
            syntax.Call: self._call,
            syntax.SetLiteral: self._members,
            syntax.ListLiteral: self._members,
            syntax.RecordLiteral: self._record,
            syntax.Operation: self._operation,
            syntax.Quantifier: self._quantifier,
            syntax.Conditional: self._conditional,
        }

    # ------------------------------------------------------------------ the two ways in

    def check(self, node: syntax.Expression, expected: Type | None, scope: Scope) -> Expr:
        """`node` typed; what is not an `expected` is reported. `None` asks for nothing."""
        rule = self.rules.get(type(node))
        if rule is None:
            return literals.constant(node, expected, self.problems)  # type: ignore[arg-type]
        if self.depth >= limits.NAMED_DEPTH:
            return self._too_deep(node.span)
        self.depth += 1
        found = rule(node, expected, scope)
        self.depth -= 1
        return self.fit(found, expected)

    def _too_deep(self, span: Span) -> Expr:
        """The report, once, of constants that name others, and so on."""
        message = f"an expression of constants that name others, and so on, {limits.NAMED_DEPTH} deep"
        if not any(problem.code == "E123" for problem in self.problems.found):
            self.problems.error("E123", span, message, help="write the values themselves")
        return checked.Constant(UNKNOWN, span, None)

    def condition(self, node: syntax.Expression, scope: Scope) -> Expr:
        """`node` as a condition of a clause."""
        return self.check(node, BOOL, scope)

    def fit(self, found: Expr, expected: Type | None) -> Expr:
        """`found`, or the report that it is not an `expected`."""
        if expected is None or UNKNOWN in (found.type, expected) or _same(found.type, expected):
            return found
        help = None
        if expected in (GLOB, RANGE) and found.type.container:
            help = "`matches any of` compares with several"
        elif found.type.name == expected.name and found.type.container and not expected.container:
            help = "ask with a quantifier (`some`, `every`, `no`) or with `in`"
        elif expected == BOOL:
            help = f"compare it, or ask `is present`: {literals.article(found.type)} is neither true nor false"
        self.problems.error(
            "E103",
            found.span,
            f"expected {literals.article(expected)}, found {literals.article(found.type)}",
            help=help,
        )
        return checked.Constant(UNKNOWN, found.span, None)

    def wrong(self, code: str, span: Span, message: str, **more: Any) -> Expr:
        """A reported mistake as an expression."""
        self.problems.error(code, span, message, **more)
        return checked.Constant(UNKNOWN, span, None)

    # ------------------------------------------------------------------ names and fields

    def _variable(self, node: syntax.Variable, expected: Type | None, scope: Scope) -> Expr:
        return self.names.variable(node, expected, scope, self)

    def _member(self, node: syntax.Member, expected: Type | None, scope: Scope) -> Expr:
        found = self.names.imported(node, expected, scope, self)
        return found if found is not None else self._field(node, scope)

    def _field(self, node: syntax.Member, scope: Scope) -> Expr:
        base = self.check(node.base, None, scope)
        if base.type == UNKNOWN:
            return checked.Constant(UNKNOWN, node.span, None)
        if base.type.container or not scope.module.schema.is_record(base.type.name):
            found = literals.article(base.type)
            return self.wrong("E102", node.name.span, f"{found} has no field `{node.name.text}`")
        fields = scope.module.schema.record(base.type.name)
        field = fields.get(node.name.text)
        if field is None:
            return self._no_field(node.name, base.type, list(fields))
        if field.keyed:
            return self.wrong("E102", node.span, f'ask for one of `{node.name.text}` by its key: `["name"]`')
        if base.type.name == "vex" and node.name.text == "status":
            return self._status(field.type, node.span, base, scope)
        return checked.Field(field.type, node.span, base, node.name.text, field.optional)

    def _no_field(self, name: Name, record: Type, fields: list[str]) -> Expr:
        near = closest(name.text, fields)
        return self.wrong(
            "E102", name.span, f"{literals.article(record)} has no field `{name.text}`",
            help=f"did you mean `{near}`?" if near else f"its fields are {', '.join(sorted(fields))}", suggestion=near,
        )  # fmt: skip

    def _status(self, type_: Type, span: Span, vex: Expr, scope: Scope) -> Expr:
        """`vex.status`: with a finding at hand it is the status for that finding."""
        local = scope.finding()
        finding = None if local is None else checked.Local(Type("finding"), span, local)
        return checked.StatusFor(type_, span, vex, finding)

    def _lookup(self, node: syntax.Lookup, expected: Type | None, scope: Scope) -> Expr:
        if isinstance(node.base, syntax.Member):
            base = self.check(node.base.base, None, scope)
            if base.type == UNKNOWN:
                return base
            field = None if base.type.container else scope.module.schema.record(base.type.name).get(node.base.name.text)
            if field is not None and field.keyed:
                return checked.Keyed(TEXT, node.span, base, node.base.name.text, node.key.value)
            if field is None and scope.module.schema.is_record(base.type.name) and not base.type.container:
                return self._no_field(node.base.name, base.type, list(scope.module.schema.record(base.type.name)))
        return self.wrong(
            "E102", node.span, "nothing is looked up by a key here",
            help='keys belong to `image.labels["…"]`, `image.annotations["…"]` and `signature.metadata["…"]`',
        )  # fmt: skip

    # ------------------------------------------------------------------ calls and collections of values

    def _call(self, node: syntax.Call, expected: Type | None, scope: Scope) -> Expr:
        return self.names.call(node, scope, self)

    def _members(self, node: syntax.SetLiteral | syntax.ListLiteral, expected: Type | None, scope: Scope) -> Expr:
        container = "set" if isinstance(node, syntax.SetLiteral) else "list"
        if not node.items:
            return self.wrong("E121", node.span, f"an empty {container} says nothing", help="leave the clause out")
        wanted = expected.member if expected is not None and expected.container else None
        if wanted is None:
            anchor = next((item for item in node.items if not self.flexible(item, scope)), node.items[0])
            wanted = self.check(anchor, None, scope).type if anchor is not node.items[0] else None
        items: list[Expr] = []
        for item in node.items:
            items.append(self.check(item, wanted, scope))
            wanted = wanted or items[0].type
        assert wanted is not None
        if wanted == LICENSE:
            for constant in items:
                if isinstance(constant, checked.Constant):
                    literals.simple_license(constant, self.problems)
        return folding.members(Type(wanted.name, container), node.span, items)

    def _record(self, node: syntax.RecordLiteral, expected: Type | None, scope: Scope) -> Expr:
        return self.wrong("E103", node.span, "a record is written in the steps of a test only")

    # ------------------------------------------------------------------ operators

    def _operation(self, node: syntax.Operation, expected: Type | None, scope: Scope) -> Expr:
        match node.operator:
            case "and" | "or":
                return self._logic(node, scope)
            case "not":
                swallowed(node, self.problems)
                return checked.Not(BOOL, node.span, self.check(node.operands[0], BOOL, scope))
            case "<" | "<=" | ">" | ">=":
                return self._order(node, scope)
            case "is" | "is not":
                return self._negate(node, "is not", self._equal(node, scope))
            case "in" | "not in":
                return self._negate(node, "not in", self._in(node, scope))
            case "+" | "-" | "&":
                return self._arithmetic(node, expected, scope)
            case "otherwise":
                return self._otherwise(node, expected, scope)
            case _:
                return self.questions.check(node, scope)

    def _negate(self, node: syntax.Operation, negative: str, positive: Expr) -> Expr:
        if node.operator != negative or positive.type == UNKNOWN:
            return positive
        return checked.Not(BOOL, node.span, positive)

    def _logic(self, node: syntax.Operation, scope: Scope) -> Expr:
        mixed(node, self.problems)
        parts = tuple(self.check(operand, BOOL, scope) for operand in node.operands)
        return checked.And(BOOL, node.span, parts) if node.operator == "and" else checked.Or(BOOL, node.span, parts)

    def pair(self, left: syntax.Expression, right: syntax.Expression, scope: Scope) -> tuple[Expr, Expr]:
        """Two operands that must have one type: the one that can only be one thing decides."""
        if self.flexible(left, scope) and not self.flexible(right, scope):
            second = self.check(right, None, scope)
            return self.check(left, second.type, scope), second
        first = self.check(left, None, scope)
        return first, self.check(right, first.type, scope)

    def flexible(self, node: syntax.Expression, scope: Scope) -> bool:
        """Whether what `node` is depends on its place: a literal of texts, integers, dates or enum members."""
        match node:
            case syntax.Text() | syntax.Integer() | syntax.Moment():
                return True
            case syntax.SetLiteral() | syntax.ListLiteral():
                return all(self.flexible(item, scope) for item in node.items)
            case syntax.Operation(operator="+" | "-" | "&"):
                return all(self.flexible(operand, scope) for operand in node.operands)
            case syntax.Variable() | syntax.Member():
                return self.names.flexible(node, scope, self)
            case _:
                return False

    def flexible_value(self, node: syntax.Expression, scope: Scope) -> bool:
        """The same of the value of a constant, which may name others; what goes too deep is reported by `check`."""
        if self.depth >= limits.NAMED_DEPTH:
            return False
        self.depth += 1
        found = self.flexible(node, scope)
        self.depth -= 1
        return found

    def _order(self, node: syntax.Operation, scope: Scope) -> Expr:
        left, right = self.pair(node.operands[0], node.operands[1], scope)
        if UNKNOWN in (left.type, right.type):
            return checked.Constant(UNKNOWN, node.span, None)
        if left.type.container or left.type.name not in ORDERED:
            return self.wrong(
                "E103", node.span, f"`{node.operator}` does not compare {literals.article(left.type)}",
                help=f"it compares {', '.join(ORDERED)}; for the rest there are `is`, `in` and `matches`",
            )  # fmt: skip
        return checked.Compare(BOOL, node.span, node.operator, left, right)

    def _equal(self, node: syntax.Operation, scope: Scope) -> Expr:
        left, right = self.pair(node.operands[0], node.operands[1], scope)
        if UNKNOWN in (left.type, right.type):
            return checked.Constant(UNKNOWN, node.span, None)
        if left.type.container or scope.module.schema.is_record(left.type.name) or left.type in (GLOB, RANGE):
            help = "ask whether one value is `in` it" if left.type.container else "compare one of its fields"
            help = "`matches` compares with patterns" if left.type in (GLOB, RANGE) else help
            found = literals.article(left.type)
            return self.wrong("E103", node.span, f"`{node.operator}` does not compare {found}", help=help)
        return checked.Equal(BOOL, node.span, left, right)

    def _in(self, node: syntax.Operation, scope: Scope) -> Expr:
        item_node, members_node = node.operands
        if self.flexible(item_node, scope) and not self.flexible(members_node, scope):
            members = self.check(members_node, None, scope)
            item = self.check(item_node, members.type.member if members.type.container else None, scope)
        else:
            item = self.check(item_node, None, scope)
            members = self.check(members_node, None if item.type == UNKNOWN else set_of(item.type), scope)
        if UNKNOWN in (item.type, members.type):
            return checked.Constant(UNKNOWN, node.span, None)
        if not members.type.container:
            return self.wrong(
                "E103", members.span, f"expected a set of {item.type}, found {literals.article(members.type)}"
            )
        if scope.module.schema.is_record(item.type.name):
            return self.wrong("E103", node.span, "`in` does not look for records", help="compare one of their fields")
        return checked.In(BOOL, node.span, item, members)

    def _arithmetic(self, node: syntax.Operation, expected: Type | None, scope: Scope) -> Expr:
        left_node, right_node = node.operands
        if expected is not None and expected.container and self.flexible(node, scope):
            left, right = self.check(left_node, expected, scope), self.check(right_node, expected, scope)
        elif isinstance(left_node, syntax.Moment) or not self.flexible(left_node, scope):
            left = self.check(left_node, TIME if isinstance(left_node, syntax.Moment) else None, scope)
            right = self._second(right_node, left.type, scope)
        else:
            left, right = self.pair(left_node, right_node, scope)
        return self._combined(node, left, right)

    def _second(self, node: syntax.Expression, left: Type, scope: Scope) -> Expr:
        """The right operand: a time or duration goes with a time, collections may differ, all else is of one type."""
        if left == TIME:
            literal = TIME if isinstance(node, syntax.Moment) else DURATION
            return self.check(node, literal if self.flexible(node, scope) else None, scope)
        if left.container and scope.module.schema.is_record(left.name):
            return self.check(node, None, scope)
        return self.check(node, left if left != UNKNOWN else None, scope)

    def _combined(self, node: syntax.Operation, left: Expr, right: Expr) -> Expr:
        """`left operator right`, if their types allow it."""
        if UNKNOWN in (left.type, right.type):
            return checked.Constant(UNKNOWN, node.span, None)
        type_ = _result(node.operator, left.type, right.type)
        if type_ is None:
            both = f"{literals.article(left.type)} and {literals.article(right.type)}"
            return self.wrong("E103", node.span, f"`{node.operator}` does not combine {both}")
        return folding.arithmetic(type_, node.span, node.operator, left, right)

    def _otherwise(self, node: syntax.Operation, expected: Type | None, scope: Scope) -> Expr:
        first, *rest = node.operands
        value = self.check(first, None, scope)
        if value.type != UNKNOWN and not isinstance(value, REPLACED):
            return self.wrong(
                "E103", first.span, "`otherwise` stands in for a field that is missing",
                help="write it directly behind the field: `(finding.age otherwise 0 days)`",
            )  # fmt: skip
        for alternative in rest:
            other = self.check(alternative, value.type, scope)
            value = checked.Otherwise(value.type, node.span, value, other)
        return value

    # ------------------------------------------------------------------ quantifiers and choices

    def _quantifier(self, node: syntax.Quantifier, expected: Type | None, scope: Scope) -> Expr:
        element, collection = self.names.elements(node.element, node.collection, scope, self)
        limit = self.check(node.limit, INT, scope) if node.limit is not None else None
        inner = scope.with_local(node.element.text, element)
        where = self.check(node.where, BOOL, inner) if node.where is not None else None
        body = self.check(node.body, BOOL, inner) if node.body is not None else None
        type_ = INT if node.kind == "count" else BOOL
        return checked.Quantified(type_, node.span, node.kind, node.element.text, collection, where, limit, body)

    def _conditional(self, node: syntax.Conditional, expected: Type | None, scope: Scope) -> Expr:
        condition = self.condition(node.condition, scope)
        if expected is not None:
            then, other = self.check(node.then, expected, scope), self.check(node.otherwise, expected, scope)
        else:
            then, other = self.pair(node.then, node.otherwise, scope)
        type_ = then.type if then.type != UNKNOWN else other.type
        return checked.Choice(type_, node.span, condition, then, other)


def _same(found: Type, expected: Type) -> bool:
    """Whether a `found` may stand where an `expected` is asked for; a list of values serves as a set."""
    return found == expected or (
        found.name == expected.name and expected.container == "set" and found.container == "list"
    )


def _result(operator: str, left: Type, right: Type) -> Type | None:
    """The type of `left operator right`, or `None` where there is no such operation."""
    if operator == "&":
        return left if left == right and left.container == "set" else None
    if left.container and right.container and left.container == right.container:
        return _joined(operator, left, right)
    if left == TIME and right == DURATION:
        return TIME
    if left == right == TIME:
        return DURATION if operator == "-" else None
    return left if left == right and left in (INT, DECIMAL, DURATION) else None


def _joined(operator: str, left: Type, right: Type) -> Type | None:
    """The type of two sets or lists together; collections of different documents have the fields they share."""
    if left == right:
        return left if left.container == "set" or operator == "+" else None
    if operator != "+" or left.container != "list":
        return None
    names = dict.fromkeys([*left.name.split("|"), *right.name.split("|")])
    return Type("|".join(names), "list") if not names.keys() & PARTS else None
