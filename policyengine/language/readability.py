"""What compiles in more than one reader's head: mixed `and`/`or`, and bodies that swallow too much.

The unparenthesised body of a quantifier extends to the end of the enclosing expression, and the rule
that `and` and `or` do not mix looks through it (language reference, section 5).
"""

from __future__ import annotations

from policyengine.language.diagnostics import Problems
from policyengine.language.syntax import Expression, Operation, Quantifier

LOGIC = ("and", "or")


def mixed(node: Operation, problems: Problems) -> None:
    """Report `and` and `or` in one chain, without parentheses between them."""
    other = next((o for operand in node.operands for o in _visible(operand) if o.operator != node.operator), None)
    if other is not None:
        problems.error(
            "E110", node.span, "`and` and `or` mix without parentheses",
            help="write parentheses around the part that belongs together: `a and (b or c)`",
        )  # fmt: skip


def swallowed(node: Operation, problems: Problems) -> None:
    """Report `not some v where a and b`: does the `and` belong to the body?"""
    operand = node.operands[0]
    if isinstance(operand, Quantifier) and not operand.parenthesised and _visible(operand):
        problems.error(
            "E111", node.span, "a reader could take the end of this `not` for outside of it",
            help="write parentheses around the quantifier: `not (some v where a and b)`",
        )  # fmt: skip


def _visible(node: Expression) -> list[Operation]:
    """The `and` and `or` operations at the surface of `node`: those without parentheses around them."""
    if isinstance(node, Operation) and not node.parenthesised:
        if node.operator in LOGIC:
            return [node, *(found for operand in node.operands for found in _visible(operand))]
        return _visible(node.operands[0]) if node.operator == "not" else []
    if isinstance(node, Quantifier) and node.kind != "count" and not node.parenthesised:
        last = node.body or node.where
        return _visible(last) if last is not None else []
    return []
