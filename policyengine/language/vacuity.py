"""Conditions that compile and cannot do what they seem to: warnings, since nothing is wrong with their form."""

from __future__ import annotations

from collections.abc import Sequence

from policyengine.evidence import purls
from policyengine.evidence.problems import quoted
from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.diagnostics import Problems
from policyengine.language.tree import shape

QUALIFIED = ("deb", "rpm", "apk")
"""The types of package URLs to which scanners and SBOMs add qualifiers: `?arch=amd64&distro=debian-12`."""

SEVERAL = ("vulnerability", "license", "identity")
"""Types of which one value can be equal to two constants: an id has aliases, an identity fits several patterns."""


def warn(rules: Sequence[checked.Rule], problems: Problems) -> None:
    """Warn of conditions of the rules of one policy that hold for no signature, or can never hold."""
    if not _demand_a_signature(rules):
        _unsigned(rules, problems)
    for rule in rules:
        _settled(rule, problems)
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


# ---------------------------------------------------------------------------- rules that nothing violates


def _settled(rule: checked.Rule, problems: Problems) -> None:
    """Warn of a rule that nothing can violate, since one of its conditions is written down as true or false."""
    conditions = (
        (rule.require, True), (rule.when, False), (rule.unless, True),
        (rule.forbid.where if rule.forbid is not None else None, False),
        (rule.each.where if rule.each is not None else None, False),
    )  # fmt: skip
    for condition, harmless in conditions:
        if condition is not None and constant(condition) is harmless:
            word = "true" if harmless else "false"
            problems.warn("W203", condition.span, f"this is always {word}, so nothing violates the rule")


def constant(condition: Expr) -> bool | None:
    """What a condition always comes to, where that stands in its text."""
    match condition:
        case checked.Constant(value=bool() as value):
            return value
        case checked.Not(part=part):
            inner = constant(part)
            return None if inner is None else not inner
        case checked.And(parts=several) | checked.Or(parts=several):
            found, short = {constant(part) for part in several}, isinstance(condition, checked.Or)
            return short if short in found else None if None in found else not short
    return None


# ---------------------------------------------------------------------------- package URLs that no package has


def unequal(roots: object, problems: Problems) -> None:
    """Warn where a package URL is compared with one that is less than those of packages, and so equal to none."""
    for part in parts(roots):
        match part:
            case checked.Equal(left=asked, right=checked.Constant() as wanted):
                _compared(asked, wanted, "is", problems)
            case checked.In(item=asked, members=checked.Constant() as wanted):
                _compared(asked, wanted, "in", problems)


def _compared(asked: Expr, wanted: checked.Constant, word: str, problems: Problems) -> None:
    if asked.type.name != "purl" or isinstance(asked, checked.Constant):
        return
    for text in wanted.value if wanted.type.container else (wanted.value,):
        purl = purls.parse(text)
        if purl is None or (purl.version is not None and (purl.qualifiers or purl.type not in QUALIFIED)):
            continue
        lacks = "version" if purl.version is None else f"qualifiers, and those of {purl.type} packages have some"
        problems.warn(
            "W207", wanted.span, f"`{word}` compares whole package URLs, and {quoted(text)} has no {lacks}",
            help=f"write {_as_range(purl)}",
        )  # fmt: skip
        return


def _as_range(purl: purls.Purl) -> str:
    """What finds the package whatever its qualifiers are."""
    if purl.version is None:
        return f'`package.purl matches "{purl.head}@*"`'
    return f'`package matches "{purl.head}@={purl.version}"`'


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
