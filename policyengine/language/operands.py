"""Expressions, built bottom-up: one method for each alternative of the grammar, called as in `builder`.

Building takes no recursion, so no text is too deep to be read; what is nested deeper than
`limits.EXPRESSION_DEPTH` is refused, since whatever walks the tree later does recurse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

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


class Operands:
    """Builds the expressions, names and literals of one file; `problems` are those that the grammar cannot see."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Diagnostic] = []
        self._depths: dict[int, tuple[Node, int]] = {}

    def forget(self) -> None:
        """An item is complete: how deep its expressions were no longer matters."""
        self._depths.clear()

    def operator(self, name: str) -> Callable[..., Expression] | None:
        """What builds the operator that has the alternative `name` of the grammar to itself."""
        operator = OPERATORS.get(name, "")
        return (lambda span, *operands: self._operation(span, operator, *operands)) if operator else None

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
        return self._deeper(s.Quantifier(span, word.text, element, collection, where), collection, where)

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

    def record_field(self, span: Span, name: Name | Text, value: Expression) -> s.RecordField:
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
