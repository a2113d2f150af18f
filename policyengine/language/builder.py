"""The syntax tree, built bottom-up: one method for each alternative of the grammar.

A method is called with the span of what was read and with the parts that carry meaning: tokens,
nodes, lists of nodes, or `None` for an optional part that is not there. Building takes no recursion,
so no text is too deep to be read; what is nested deeper than `limits.EXPRESSION_DEPTH` is refused,
since whatever walks the tree later does recurse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from policyengine import limits
from policyengine.language import syntax as s
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.lexer import Token
from policyengine.language.syntax import Expression, Name, Node, Operation, Span, Text

ESCAPE = re.compile(r"\\(u\{([0-9A-Fa-f]{1,6})\}|.)")
SIMPLE_ESCAPES = {'"': '"', "\\": "\\", "n": "\n"}

DIGITS = 18
"""Characters of a number. As seconds this is longer than the universe is old."""

PROBLEMS = 1000
"""Problems with texts and numbers that are reported in one file."""

OPERATORS = {
    "in": "in", "not_in": "not in", "is": "is", "is_not": "is not", "matches": "matches",
    "matches_any_of": "matches any of", "permitted_by": "permitted by", "requires_any_of": "requires any of",
    "within": "within", "covers": "covers", "is_present": "is present", "is_missing": "is missing",
    "is_signed": "is signed", "is_not_signed": "is not signed", "is_signed_by": "is signed by",
    "is_not_signed_by": "is not signed by", "union": "+", "difference": "-", "intersection": "&",
    "otherwise": "otherwise", "not": "not",
}  # fmt: skip
"""The operators that each have an alternative of the grammar to themselves."""


class TooDeep(Exception):
    """An expression nested deeper than `limits.EXPRESSION_DEPTH`; `span` is the innermost that is."""

    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.span = span


class Builder:
    """Builds the nodes of one file; `problems` are those that the grammar cannot see."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Diagnostic] = []
        self._depths: dict[int, tuple[Node, int]] = {}

    def action(self, name: str) -> Callable[..., Any]:
        """The method for an alternative of the grammar."""
        if operator := OPERATORS.get(name):
            return lambda span, *operands: self._operation(span, operator, *operands)
        method: Callable[..., Any] | None = getattr(self, f"{name}_", None) or getattr(self, name)
        assert method is not None
        return method

    def forget(self) -> None:
        """An item is complete: how deep its expressions were no longer matters."""
        self._depths.clear()

    # ------------------------------------------------------------------------ lists

    def empty(self, span: Span) -> list[Any]:
        return []

    def one(self, span: Span, first: Any) -> list[Any]:
        return [first]

    def two(self, span: Span, first: Any, second: Any) -> list[Any]:
        return [first, second]

    def more(self, span: Span, parts: list[Any], part: Any) -> list[Any]:
        """The list with one more part; one that is completed again after a mistake is there already."""
        if not parts or parts[-1] is not part:
            parts.append(part)
        return parts

    # ------------------------------------------------------------------------ files and items

    def start(self, span: Span, header: s.File, items: list[s.Item]) -> s.File:
        return s.File(span, header.kind, header.name, header.description, tuple(items))

    def policy(self, span: Span, name: Name, description: Text | None) -> s.File:
        return s.File(span, "policy", name, description, ())

    def library(self, span: Span, name: Name, description: Text | None) -> s.File:
        return s.File(span, "library", name, description, ())

    def tests(self, span: Span, name: Name) -> s.File:
        return s.File(span, "tests", name, None, ())

    def waivers(self, span: Span, name: Name) -> s.File:
        return s.File(span, "waivers", name, None, ())

    def import_(self, span: Span, module: Name, alias: Name | None) -> s.Import:
        return s.Import(span, module, alias)

    def param(
        self, span: Span, name: Name, type: s.TypeName, default: Expression | None, description: Text | None
    ) -> s.Param:
        return s.Param(span, name, type, default, description)

    def environment(self, span: Span, name: Name, entries: list[s.Setting | s.Downgrade]) -> s.Environment:
        return s.Environment(span, name, tuple(entries))

    def setting(self, span: Span, name: Name, value: Expression) -> s.Setting:
        return s.Setting(span, name, value)

    def downgrade(self, span: Span, rule: Name, effect: Name) -> s.Downgrade:
        return s.Downgrade(span, rule, effect)

    def applies(self, span: Span, record: Name, where: Expression, exception: Expression | None) -> s.AppliesTo:
        return s.AppliesTo(span, record, where, exception)

    def accept(self, span: Span, kind: Name) -> s.AcceptUnsigned:
        return s.AcceptUnsigned(span, kind)

    def assume(self, span: Span, word: Name, severity: Name) -> s.AssumeSeverity:
        return s.AssumeSeverity(span, word, severity)

    def evidence(self, span: Span, name: Name, artifact_type: Text, fields: list[s.EvidenceField]) -> s.EvidenceKind:
        return s.EvidenceKind(span, name, artifact_type, tuple(fields))

    def evidence_field(
        self, span: Span, name: Name, type: s.TypeName, optional: Token | None, path: Text | None
    ) -> s.EvidenceField:
        return s.EvidenceField(span, name, type, optional is not None, path)

    def type(self, span: Span, *words: Token | Name) -> s.TypeName:
        container = words[0].text if len(words) == 2 else ""
        return s.TypeName(span, words[-1].text, container)

    def let(self, span: Span, name: Name, type: s.TypeName | None, value: Expression) -> s.Let:
        return s.Let(span, name, type, value)

    def define(
        self, span: Span, name: Name, arguments: list[s.ArgumentDeclaration] | None, type: s.TypeName, body: Expression
    ) -> s.Define:
        return s.Define(span, name, tuple(arguments or ()), type, body)

    def declaration(self, span: Span, name: Name, type: s.TypeName) -> s.ArgumentDeclaration:
        return s.ArgumentDeclaration(span, name, type)

    # ------------------------------------------------------------------------ rules and waivers

    def rule(self, span: Span, name: Name, effect: Name, title: Text, clauses: list[s.Clause]) -> s.Rule:
        return s.Rule(span, name, effect, title, tuple(clauses))

    def when(self, span: Span, condition: Expression) -> s.When:
        return s.When(span, condition)

    def for_each(self, span: Span, element: Name, collection: Expression, where: Expression | None) -> s.ForEach:
        return s.ForEach(span, element, collection, where)

    def require(self, span: Span, condition: Expression) -> s.Require:
        return s.Require(span, condition)

    def forbid(
        self,
        span: Span,
        limit: Expression | None,
        element: Name,
        collection: Expression | None,
        where: Expression | None,
    ) -> s.Forbid:
        return s.Forbid(span, element, collection, where, limit)

    def unless(self, span: Span, condition: Expression) -> s.Unless:
        return s.Unless(span, condition)

    def message(self, span: Span, text: Text) -> s.Message:
        return s.Message(span, text)

    def help(self, span: Span, text: Text) -> s.Help:
        return s.Help(span, text)

    def waive(self, span: Span, rule: Name, element: Name, where: Expression, notes: list[s.Note]) -> s.Waive:
        return s.Waive(span, rule, element, where, tuple(notes))

    def note(self, span: Span, word: Token, value: Text | s.Moment) -> s.Note:
        return s.Note(span, Name(word.span, word.text), value)

    # ------------------------------------------------------------------------ tests

    def test(self, span: Span, name: Text, steps: list[s.Step]) -> s.Test:
        return s.Test(span, name, tuple(steps))

    def in_environment(self, span: Span, name: Name) -> s.InEnvironment:
        return s.InEnvironment(span, name)

    def at(self, span: Span, moment: s.Moment) -> s.At:
        return s.At(span, moment)

    def with_(self, span: Span, name: Name, value: Expression) -> s.With:
        return s.With(span, name, value)

    def given(self, span: Span, kind: Name, record: s.RecordLiteral) -> s.Given:
        return s.Given(span, kind, record)

    def given_on(self, span: Span, kind: Name, on: Name, record: s.RecordLiteral) -> s.Given:
        return s.Given(span, kind, record, on)

    def given_no(self, span: Span, kind: Name) -> s.GivenNo:
        return s.GivenNo(span, kind)

    def given_unreachable(self, span: Span, kind: Name) -> s.GivenUnreachable:
        return s.GivenUnreachable(span, kind)

    def given_file(self, span: Span, path: Text, kind: Name) -> s.GivenFile:
        return s.GivenFile(span, path, kind)

    def given_layout(self, span: Span, path: Text) -> s.GivenLayout:
        return s.GivenLayout(span, path)

    def expect(self, span: Span, decision: Token, containing: Text | None) -> s.Expect:
        return s.Expect(span, decision.text, None, containing)

    def expect_by(
        self, span: Span, state: Token, rule: Name, containing: Text | None, times: s.Integer | None = None
    ) -> s.Expect:
        return s.Expect(span, f"{state.text} by", rule, containing, times)

    def expect_no_violation(self, span: Span, rule: Name) -> s.Expect:
        return s.Expect(span, "no violation of", rule)

    def expect_waived(self, span: Span, rule: Name) -> s.Expect:
        return s.Expect(span, "waived", rule)

    # ------------------------------------------------------------------------ expressions

    def _operation(self, span: Span, operator: str, *operands: Expression) -> Expression:
        return self._deeper(Operation(span, operator, operands), *operands)

    def or_(self, span: Span, operands: list[Expression]) -> Expression:
        return self._operation(span, "or", *operands)

    def and_(self, span: Span, operands: list[Expression]) -> Expression:
        return self._operation(span, "and", *operands)

    def or_open(self, span: Span, operands: list[Expression], last: Expression) -> Expression:
        return self._operation(span, "or", *operands, last)

    def and_open(self, span: Span, operands: list[Expression], last: Expression) -> Expression:
        return self._operation(span, "and", *operands, last)

    def or_pair(self, span: Span, left: Expression, right: Expression) -> Expression:
        return self._operation(span, "or", left, right)

    def and_pair(self, span: Span, left: Expression, right: Expression) -> Expression:
        return self._operation(span, "and", left, right)

    def order(self, span: Span, left: Expression, operator: Token, right: Expression) -> Expression:
        return self._operation(span, operator.text, left, right)

    def quantifier(self, span: Span, kind: Token, element: Name, collection: Expression | None) -> Expression:
        return self.open_quantifier(span, kind, element, collection, None)

    def open_quantifier(
        self, span: Span, kind: Token, element: Name, collection: Expression | None, where: Expression | None
    ) -> Expression:
        return self._deeper(s.Quantifier(span, kind.text, element, collection, where), collection, where)

    def counted(
        self,
        span: Span,
        kind: Token,
        limit: Expression,
        element: Name,
        collection: Expression | None,
        where: Expression | None = None,
    ) -> Expression:
        words = " ".join(kind.text.split())
        return self._deeper(s.Quantifier(span, words, element, collection, where, limit), limit, collection, where)

    def every(
        self, span: Span, element: Name, collection: Expression | None, where: Expression | None, body: Expression
    ) -> Expression:
        quantifier = s.Quantifier(span, "every", element, collection, where, None, body)
        return self._deeper(quantifier, collection, where, body)

    def count(
        self, span: Span, word: Token, element: Name, collection: Expression | None, where: Expression | None
    ) -> Expression:
        return self._deeper(s.Quantifier(span, "count", element, collection, where), collection, where)

    def parentheses(self, span: Span, inner: Expression) -> Expression:
        """The expression, its span with the parentheses."""
        if isinstance(inner, Operation):
            outer: Expression = Operation(span, inner.operator, inner.operands, True)
        elif isinstance(inner, s.Quantifier):
            outer = s.Quantifier(
                span, inner.kind, inner.element, inner.collection, inner.where, inner.limit, inner.body, True
            )
        else:
            outer = inner
        return self._deeper(outer, inner)

    def conditional(self, span: Span, condition: Expression, then: Expression, otherwise: Expression) -> Expression:
        return self._deeper(s.Conditional(span, condition, then, otherwise), condition, then, otherwise)

    def member(self, span: Span, base: Expression, word: Token) -> Expression:
        place = Span(self.path, word.span.line, word.span.column + 1, word.span.end_line, word.span.end_column)
        return self._deeper(s.Member(span, base, Name(place, word.text[1:])), base)

    def lookup(self, span: Span, base: Expression, key: Text) -> Expression:
        return self._deeper(s.Lookup(span, base, key), base)

    def call(self, span: Span, function: s.Variable | s.Member, arguments: list[s.Argument] | None) -> Expression:
        given = tuple(arguments or ())
        return self._deeper(s.Call(span, function, given), function, *(argument.value for argument in given))

    def argument(self, span: Span, name: Name | None, value: Expression) -> s.Argument:
        return s.Argument(span, name, value)

    def set_(self, span: Span, items: list[Expression] | None) -> Expression:
        return self._deeper(s.SetLiteral(span, tuple(items or ())), *(items or ()))

    def list_(self, span: Span, items: list[Expression] | None) -> Expression:
        return self._deeper(s.ListLiteral(span, tuple(items or ())), *(items or ()))

    def record(self, span: Span, fields: list[s.RecordField] | None) -> s.RecordLiteral:
        given = tuple(fields or ())
        record = s.RecordLiteral(span, given)
        self._deeper(record, *(field.value for field in given))
        return record

    def record_field(self, span: Span, name: Name, value: Expression) -> s.RecordField:
        return s.RecordField(span, name, value)

    def _deeper(self, node: Expression, *parts: Expression | None) -> Expression:
        """`node`, one level deeper than its deepest part."""
        depths = self._depths
        depth = 1
        for part in parts:
            known = depths.get(id(part))
            if known is not None and known[1] >= depth:
                depth = known[1] + 1
        if depth > limits.EXPRESSION_DEPTH:
            raise TooDeep(node.span)
        depths[id(node)] = (node, depth)
        return node

    # ------------------------------------------------------------------------ names and literals

    def name(self, span: Span, word: Token) -> Name:
        return Name(span, word.text)

    label = field = effect = module = name

    def variable(self, span: Span, word: Token) -> s.Variable:
        return s.Variable(span, word.text)

    def boolean(self, span: Span, word: Token) -> s.Boolean:
        return s.Boolean(span, word.text == "true")

    def integer(self, span: Span, word: Token) -> s.Integer:
        return s.Integer(span, int(word.text) if self._short(word) else 0)

    def fraction(self, span: Span, word: Token) -> s.Fraction:
        return s.Fraction(span, Decimal(word.text if self._short(word) else 0))

    def period(self, span: Span, amount: s.Integer, unit: Token) -> s.Period:
        return s.Period(span, amount.value, Name(unit.span, unit.text))

    def moment(self, span: Span, word: Token) -> s.Moment:
        return s.Moment(span, word.text)

    def _short(self, word: Token) -> bool:
        """Whether a number is of digits that a number of things could have; long ones are slow to read."""
        if len(word.text) <= DIGITS:
            return True
        self._problem("E006", f"a number of more than {DIGITS} digits", word.span)
        return False

    def text(self, span: Span, word: Token) -> Text:
        """The text between the quotes, its escapes decoded."""
        inner = word.text[1:-1]
        return Text(span, self._decoded(inner, span) if "\\" in inner else inner)

    def _decoded(self, inner: str, span: Span) -> str:
        def decode(found: re.Match[str]) -> str:
            if found[2]:
                number = int(found[2], 16)
                if number < 0xD800 or 0xDFFF < number < 0x110000:
                    return chr(number)
            elif found[1] in SIMPLE_ESCAPES:
                return SIMPLE_ESCAPES[found[1]]
            column = span.column + 1 + found.start()
            place = Span(self.path, span.line, column, span.line, column + len(found[0]))
            help = 'the escapes are `\\"`, `\\\\`, `\\n` and `\\u{1F4A9}`'
            self._problem("E005", f"`{found[0]}` is no escape of a text", place, help)
            return ""

        return ESCAPE.sub(decode, inner)

    def _problem(self, code: str, message: str, span: Span, help: str | None = None) -> None:
        if len(self.problems) < PROBLEMS:
            self.problems.append(Diagnostic(code, "error", message, span, help=help))
