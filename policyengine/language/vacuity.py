"""Conditions that compile and cannot do what they seem to: warnings, since nothing is wrong with their form."""

from __future__ import annotations

from collections.abc import Sequence

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.diagnostics import Problems
from policyengine.language.tree import shape

SEVERAL = ("vulnerability", "license", "identity")
"""Types of which one value can be equal to two constants: an id has aliases, an identity fits several patterns."""


def warn(rules: Sequence[checked.Rule], problems: Problems) -> None:
    """Warn of conditions of the rules of one policy that hold for no signature, or can never hold."""
    if not _demand_a_signature(rules):
        _unsigned(rules, problems)
    for part in parts(tuple(rules)):
        if isinstance(part, checked.And | checked.Or):
            _contradiction(part, problems)


# ---------------------------------------------------------------------------- every signature of none


def _unsigned(rules: Sequence[checked.Rule], problems: Problems) -> None:
    """`every signature in image.signatures satisfies …` holds for an image that nobody signed."""
    for part in parts(tuple(rule.require for rule in rules)):
        if isinstance(part, checked.Quantified) and part.kind == "every" and _signatures(part.collection):
            problems.warn(
                "W202", part.span, "`every signature` holds where there is no signature at all",
                help="demand one too: `image is signed and …`",
            )  # fmt: skip


def _demand_a_signature(rules: Sequence[checked.Rule]) -> bool:
    """Whether a rule that denies asks that the image has a signature."""
    return any(
        (isinstance(part, checked.Signed) and isinstance(part.document, checked.TheImage))
        or (isinstance(part, checked.Quantified) and part.kind in ("some", "at least") and _signatures(part.collection))
        for part in parts(tuple(rule.require for rule in rules if rule.effect == "deny"))
    )


def _signatures(collection: Expr) -> bool:
    """Whether a collection is that of the image's signatures; usable documents have one, or may do without."""
    return (
        isinstance(collection, checked.Field)
        and collection.name == "signatures"
        and isinstance(collection.base, checked.TheImage)
    )


# ---------------------------------------------------------------------------- contradictions


def _contradiction(node: checked.And | checked.Or, problems: Problems) -> None:
    """`x and not x`, and `x is A and x is B`: never true. `x or not x`: always true."""
    opposed = _opposed(node.parts)
    if isinstance(node, checked.Or):
        if opposed:
            problems.warn("W203", node.span, "this says nothing: it asks for something or its opposite")
    elif opposed or _two_values(node.parts):
        problems.warn(
            "W203", node.span, "this is never true: its parts exclude each other",
            help="write `or` where one of them is enough, or `in { … }` for several values",
        )  # fmt: skip


def _opposed(conditions: Sequence[Expr]) -> bool:
    """Whether one of the conditions is the opposite of another."""
    denied = [part.part for part in conditions if isinstance(part, checked.Not)]
    said = {shape(part) for part in conditions} if denied else set()
    return any(shape(part) in said for part in denied)


def _two_values(conditions: Sequence[Expr]) -> bool:
    """Whether one thing must be equal to two different constants."""
    equal = [(part.left, part.right) for part in conditions if isinstance(part, checked.Equal)]
    wanted: dict[object, object] = {}
    for left, right in equal if len(equal) > 1 else ():
        if not isinstance(right, checked.Constant) or right.value is None or left.type.name in SEVERAL:
            continue
        if wanted.setdefault(shape(left), right.value) != right.value:
            return True
    return False
