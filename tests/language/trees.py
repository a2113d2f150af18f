"""Syntax trees without their places, to compare and to write down in tests."""

from __future__ import annotations

from typing import Any

from policyengine.language import syntax as s
from policyengine.language.syntax import Node


def bare(value: Any) -> Any:
    """The tree, as tuples, without spans: two trees that mean the same are equal."""
    if isinstance(value, tuple):
        return tuple(bare(part) for part in value)
    if isinstance(value, Node):
        fields = [bare(getattr(value, name)) for name in value.__struct_fields__ if name != "span"]
        return (type(value).__name__, *fields)
    return value


def written(node: s.Expression) -> str:
    """An expression with each operation in brackets, so that one sees what belongs to what."""
    match node:
        case s.Operation():
            return f"({node.operator} {' '.join(map(written, node.operands))})"
        case s.Quantifier():
            clauses = [("in", node.collection), ("where", node.where), ("satisfies", node.body)]
            limit = [written(node.limit)] if node.limit else []
            parts = [f"{word} {written(part)}" for word, part in clauses if part]
            return f"<{' '.join([node.kind, *limit, node.element.text, *parts])}>"
        case s.Member():
            return f"{written(node.base)}.{node.name.text}"
        case s.Variable():
            return node.name
        case s.Lookup():
            return f"{written(node.base)}[{node.key.value}]"
        case s.Call():
            return f"{written(node.function)}({', '.join(written(argument.value) for argument in node.arguments)})"
        case s.Conditional():
            return f"if {written(node.condition)} {written(node.then)} {written(node.otherwise)} fi"
        case s.Integer() | s.Fraction() | s.Boolean():
            return str(node.value)
        case s.Period():
            return f"{node.amount}*{node.unit.text}"
        case s.SetLiteral():
            return f"{{{', '.join(map(written, node.items))}}}"
    raise AssertionError(node)
