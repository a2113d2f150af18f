"""Literals of constants, and operations on them, become one constant while compiling."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from policyengine.language.checked import Arithmetic, Constant, Expr, Members
from policyengine.language.syntax import Span
from policyengine.language.types import DECIMAL, DURATION, INT, UNKNOWN, Type


def members(type_: Type, span: Span, items: Sequence[Expr]) -> Expr:
    """A set or list of `items`; a set keeps each constant once, in the order of their first use."""
    if any(item.type == UNKNOWN for item in items):
        return Constant(UNKNOWN, span, None)
    if not all(isinstance(item, Constant) for item in items):
        return Members(type_, span, tuple(items))
    values = [item.value for item in items if isinstance(item, Constant)]
    return Constant(type_, span, tuple(dict.fromkeys(values)) if type_.container == "set" else tuple(values))


def arithmetic(type_: Type, span: Span, operator: str, left: Expr, right: Expr) -> Expr:
    """`left operator right`, computed where both are constants of a kind that can be computed here."""
    if isinstance(left, Constant) and isinstance(right, Constant):
        if type_.container:
            return Constant(type_, span, _union(operator, type_, left.value, right.value))
        if type_ in (INT, DURATION) and left.type == right.type == type_:
            return Constant(type_, span, _sum(operator, left.value, right.value))
        if type_ == DECIMAL:
            return Constant(type_, span, str(_sum(operator, Decimal(left.value), Decimal(right.value))))
    return Arithmetic(type_, span, operator, left, right)


def _sum(operator: str, left: Any, right: Any) -> Any:
    return left + right if operator == "+" else left - right


def _union(operator: str, type_: Type, left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    """The portable members of two constant sets combined (or of two lists joined)."""
    if operator == "+":
        return (*left, *right) if type_.container == "list" else tuple(dict.fromkeys((*left, *right)))
    other = {_meaning(type_.name, value) for value in right}
    wanted = operator == "&"
    return tuple(value for value in left if (_meaning(type_.name, value) in other) is wanted)


def _meaning(name: str, value: Any) -> Any:
    """What a portable member of the type `name` stands for: some can be written in several ways.

    A licence that is taken out of a set must not stay in it because its id is written in another case there.
    """
    if name not in ("license", "identity", "decimal") or value is None:
        return value
    from policyengine.language import runtime

    known = runtime.constant(Type(name), value)
    return getattr(known, "root", known)
