"""Pieces of Python's syntax tree, written as Python with holes.

`expression("a is None or a > b", span, a=…, b=…)` parses the text and puts other pieces where their names
stand; a hole filled with a text becomes the name of a variable. What the template adds gets the position of
`span`, so that tracebacks and coverage point at lines of the policy.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from policyengine.language.syntax import Span

Piece = ast.expr | str
Block = list[ast.stmt]
Located = TypeVar("Located", bound=ast.AST)


def expression(template: str, span: Span, /, **holes: Piece) -> ast.expr:
    """The expression that `template` shows, its holes filled."""
    filled = _Filling(span, holes).visit(_parsed(template, "eval").body)
    assert isinstance(filled, ast.expr)
    return filled


def statements(template: str, span: Span, /, **holes: Piece | Block) -> Block:
    """The statements that `template` shows; a hole that stands alone on a line may be filled with a block."""
    filling = _Filling(span, holes)
    return filling.block(_parsed(template, "exec").body)


def constant(value: Any, span: Span) -> ast.expr:
    """A literal."""
    return _placed(ast.Constant(value), span)


def values(items: Sequence[ast.expr], span: Span) -> ast.expr:
    """A tuple."""
    return _placed(ast.Tuple(list(items), ast.Load()), span)


def call(function: str, arguments: Sequence[ast.expr], span: Span) -> ast.expr:
    """A call of the function called `function`."""
    return _placed(ast.Call(_placed(ast.Name(function, ast.Load()), span), list(arguments), []), span)


def joined(operator: ast.boolop, parts: Sequence[ast.expr], span: Span) -> ast.expr:
    """The parts with `and` or `or` between them."""
    return parts[0] if len(parts) == 1 else _placed(ast.BoolOp(operator, list(parts)), span)


def function(name: str, arguments: Sequence[str], body: Block, span: Span) -> ast.stmt:
    """A function definition."""
    names = ast.arguments([], [_placed(ast.arg(argument), span) for argument in arguments], None, [], [], None, [])
    return _placed(ast.FunctionDef(name, names, body, []), span)


def assigned(name: str, value: ast.expr) -> ast.stmt:
    """An assignment, where its value stands."""
    target = ast.copy_location(ast.Name(name, ast.Store()), value)
    return ast.copy_location(ast.Assign([target], value), value)


def returning(name: str, arguments: Sequence[str], value: ast.expr, span: Span) -> ast.stmt:
    """A function that returns `value`."""
    return function(name, arguments, [_placed(ast.Return(value), span)], span)


@lru_cache(1024)
def _parsed(template: str, mode: str) -> Any:
    return ast.parse(template, mode=mode)


def _placed(node: Located, span: Span) -> Located:
    """`node` at the position of `span`."""
    vars(node).update(
        lineno=span.line, col_offset=span.column - 1, end_lineno=span.end_line, end_col_offset=span.end_column - 1
    )
    return node


class _Filling(ast.NodeVisitor):
    """Copies a template, which stays as it is, with its holes filled."""

    def __init__(self, span: Span, holes: Mapping[str, Piece | Block]) -> None:
        self.span, self.holes = span, holes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        hole = self.holes.get(node.id, node.id)
        if isinstance(hole, ast.expr):
            return hole
        assert isinstance(hole, str), f"{node.id} is filled with a block"
        return _placed(ast.Name(hole, node.ctx), self.span)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        copied = {name: self._copy(value) for name, value in ast.iter_fields(node)}
        made = type(node)(**copied)
        return _placed(made, self.span) if hasattr(node, "lineno") else made

    def _copy(self, value: Any) -> Any:
        if isinstance(value, list):
            return self.block(value)
        return self.visit(value) if isinstance(value, ast.AST) else value

    def block(self, nodes: Sequence[ast.AST]) -> list[Any]:
        """Copies of `nodes`, with blocks in place of the holes that stand alone."""
        made: list[Any] = []
        for node in nodes:
            alone = node.value.id if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name) else ""
            hole = self.holes.get(alone)
            made.extend(hole if isinstance(hole, list) else [self.visit(node)])
        return made
