"""Faults of a policy, one at a time: what an author could have written by mistake, and what would show it.

Faults are made in the syntax, so that constants of `let`s and defaults of parameters have theirs too. Those that do not
compile, or mean what was written, are for `mutation` to leave out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine.language import syntax
from policyengine.language.schema import ENUMS
from policyengine.language.syntax import Expression, File, Node, Operation, Span
from policyengine.testing import widening
from policyengine.testing.excerpts import Excerpts, cut

TABLE = 16
"""Members of a set from which on it is a table: no author tests each row, so some other row than the first will do."""

SEVERITIES = ENUMS["severity"][1:]
BOUNDARIES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
NEGATED = {"is not": "is", "not in": "in", "is not signed": "is signed", "is not signed by": "is signed by"}
UNTESTED = (syntax.Test, syntax.Message, syntax.Help, syntax.Note, syntax.EvidenceKind, syntax.Import)
"""What has no fault that a test of rules would show."""

LABELS = ("name", "title", "description", "key")
"""Fields of nodes that hold no expression."""


class Change(Struct, frozen=True):
    """What stands in a node's place (`None`: nothing), which stretch it is about, and the fault in words."""

    node: Node | None
    span: Span
    what: str
    show: str


class Fault(Struct, frozen=True):
    """A file with one fault. `what` says what was changed, `show` what a test has to show to notice it."""

    file: File
    span: Span
    what: str
    show: str


def faults(file: File, excerpts: Excerpts) -> Iterator[Fault]:
    """The faults of one file, in the order of its text."""
    for node, rebuild in _places(file, _itself):
        for change in CHANGES.get(type(node), _none)(node, excerpts):
            yield Fault(rebuild(change.node), change.span, change.what, change.show)


Rebuild = Callable[[Any], File]


def _itself(file: File) -> File:
    return file


def _places(node: Node, rebuild: Rebuild) -> Iterator[tuple[Node, Rebuild]]:
    """Every node from `node` on, and what makes the whole file with another in its place."""
    yield node, rebuild
    if isinstance(node, Operation) and node.operator == "otherwise":
        return  # that it stands in matters, not by how much
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, Node) and name not in LABELS and not isinstance(value, UNTESTED):
            yield from _places(value, partial(_with_field, node, name, rebuild))
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if not isinstance(item, UNTESTED):
                    yield from _places(item, partial(_with_item, node, name, index, rebuild))


def _with_field(node: Node, name: str, rebuild: Rebuild, new: Node | None) -> File:
    return rebuild(replace(node, **{name: new}))


def _with_item(node: Node, name: str, index: int, rebuild: Rebuild, new: Node | None) -> File:
    items = getattr(node, name)
    return rebuild(replace(node, **{name: (*items[:index], *([new] if new is not None else []), *items[index + 1 :])}))


def _none(node: Any, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    return iter(())


# ---------------------------------------------------------------------------- operators


def _operation(node: Operation, words: Excerpts) -> Iterator[Change]:
    match node.operator:
        case "and" | "or":
            yield from _junction(node, words)
        case "not":
            yield _became(node, node.operands[0], words)
        case "<" | "<=" | ">" | ">=":
            yield _boundary(node, words)
        case "is":
            yield _operator(node, "is not", words)
        case "is not" | "not in" | "is not signed" | "is not signed by":
            yield _operator(node, NEGATED[node.operator], words)
        case "is signed by":
            anyone = replace(node, operator="is signed", operands=node.operands[:1])
            what = f"`by {words.text(node.operands[1].span)}` was dropped"
            yield Change(anyone, node.span, what, "that a signature by somebody else does not count")
        case "+" | "-" | "&":
            yield from _halves(node, words)
        case "otherwise":
            yield _fallback(node, words)


def _junction(node: Operation, words: Excerpts) -> Iterator[Change]:
    """`and` and `or` without one of their parts."""
    false = node.operator == "and"
    for index, part in enumerate(node.operands):
        rest = node.operands[:index] + node.operands[index + 1 :]
        without = rest[0] if len(rest) == 1 else replace(node, operands=rest)
        text = words.text(part.span)
        show = f"a case where only `{text}` is {'false' if false else 'true'}"
        yield Change(without, part.span, f"`{text}` was dropped", show)


def _became(node: Node, new: Expression, words: Excerpts) -> Change:
    old = words.text(node.span)
    return Change(new, node.span, f"`{old}` became `{words.text(new.span)}`", f"a case that `{old}` decides")


def _boundary(node: Operation, words: Excerpts) -> Change:
    """A comparison that includes its limit, or no longer."""
    left, right = (words.text(operand.span) for operand in node.operands)
    sign = BOUNDARIES[node.operator]
    what = f"`{node.operator} {right}` became `{sign} {right}`"
    return Change(replace(node, operator=sign), node.span, what, f"a case where `{left}` is exactly `{right}`")


def _operator(node: Operation, operator: str, words: Excerpts) -> Change:
    what = f"`{node.operator}` became `{operator}`"
    return Change(replace(node, operator=operator), node.span, what, f"a case that `{words.text(node.span)}` decides")


def _halves(node: Operation, words: Excerpts) -> Iterator[Change]:
    """A sum, difference or intersection without one of its sides."""
    left, right = node.operands
    show = "a case that `{}` decides"
    text = words.text(right.span)
    yield Change(left, right.span, f"`{node.operator} {text}` was dropped", show.format(text))
    if node.operator != "-":
        text = words.text(left.span)
        yield Change(right, left.span, f"`{text} {node.operator}` was dropped", show.format(text))


def _fallback(node: Operation, words: Excerpts) -> Change:
    *rest, last = node.operands
    without = rest[0] if len(rest) == 1 else replace(node, operands=tuple(rest))
    what = f"`otherwise {words.text(last.span)}` was dropped"
    return Change(without, last.span, what, f"a case where `{words.text(rest[-1].span)}` is missing")


# ---------------------------------------------------------------------------- quantifiers and choices


def _quantifier(node: syntax.Quantifier, words: Excerpts) -> Iterator[Change]:
    name = node.element.text
    some_not_all = f"a case where it holds for one {name} and not for another"
    span = replace(node.span, end_line=node.element.span.end_line, end_column=node.element.span.end_column)
    if node.kind == "some" and node.where is not None:
        every = replace(node, kind="every", where=None, body=node.where)
        yield Change(every, span, f"`some {name}` became `every {name}`", some_not_all)
    if node.kind == "every" and node.body is not None:
        both = (node.where, node.body)
        where = node.body if node.where is None else Operation(node.span, "and", both, True)  # type: ignore[arg-type]
        some = replace(node, kind="some", where=where, body=None)
        yield Change(some, span, f"`every {name}` became `some {name}`", some_not_all)
    if node.kind == "no":
        show = f"a case where there is no such {name}, and one where there is"
        yield Change(replace(node, kind="some"), span, f"`no {name}` became `some {name}`", show)
    yield from _where(node, words)


def _where(node: Any, words: Excerpts) -> Iterator[Change]:
    """What speaks of elements, without the condition that picks some of them."""
    if node.where is not None:
        text = words.text(node.where.span)
        show = f"that a {node.element.text} for which `{text}` is false does not matter"
        yield Change(replace(node, where=None), node.where.span, f"`where {text}` was dropped", show)


def _choice(node: syntax.Conditional, words: Excerpts) -> Iterator[Change]:
    swapped = replace(node, then=node.otherwise, otherwise=node.then)
    one, other = words.text(node.then.span), words.text(node.otherwise.span)
    yield Change(swapped, node.span, f"`{one}` and `{other}` were swapped", "a case where the two differ")


# ---------------------------------------------------------------------------- constants


def _step(node: Node, new: Node, old_text: str, new_text: str) -> Change:
    show = f"a case that `{old_text}` and `{new_text}` decide differently"
    return Change(new, node.span, f"`{old_text}` became `{new_text}`", show)


def _integer(node: syntax.Integer, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    for value in (node.value - 1, node.value + 1):
        yield _step(node, replace(node, value=value), str(node.value), str(value))


def _fraction(node: syntax.Fraction, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    step = Decimal(1).scaleb(int(node.value.as_tuple().exponent))
    for value in (node.value - step, node.value + step):
        yield _step(node, replace(node, value=value), str(node.value), str(value))


def _period(node: syntax.Period, words: Excerpts) -> Iterator[Change]:
    unit = node.unit.text.removesuffix("s")
    for amount in (node.amount - 1, node.amount + 1):
        text = f"{amount} {unit}{'s' if amount != 1 else ''}"
        yield _step(node, replace(node, amount=amount), words.text(node.span), text)


def _variable(node: syntax.Variable, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    for name in _neighbours(node.name):
        yield _step(node, replace(node, name=name), node.name, name)


def _assumption(node: syntax.AssumeSeverity, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    for name in _neighbours(node.severity.text):
        new = replace(node, severity=replace(node.severity, text=name))
        yield _step(node, new, node.severity.text, name)


def _neighbours(name: str) -> Iterator[str]:
    """The severities directly below and above the one called `name`."""
    for lower, higher in pairwise(SEVERITIES):
        if name in (lower, higher):
            yield lower if name == higher else higher


def _members(node: syntax.SetLiteral | syntax.ListLiteral, words: Excerpts) -> Iterator[Change]:
    items = node.items
    if len(items) > TABLE:
        what = f"every member but `{words.text(items[0].span)}` was removed"
        yield Change(replace(node, items=items[:1]), node.span, what, "a case that another member decides")
        return
    for index, item in enumerate(items if len(items) > 1 else ()):
        text = words.text(item.span)
        without = replace(node, items=items[:index] + items[index + 1 :])
        yield Change(without, item.span, f"`{text}` was removed", f"a case that `{text}` alone decides")


def _text(node: syntax.Text, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    for wider in widening.globs(node.value):
        show = f"a case that `{cut(wider)}` matches and `{cut(node.value)}` does not"
        what = f"`{cut(node.value)}` became `{cut(wider)}`"
        yield Change(replace(node, value=wider), node.span, what, show)


def _call(node: syntax.Call, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    """An x509 identity that fits more subjects."""
    name = node.function.name if isinstance(node.function, syntax.Variable) else None
    if name != "x509" or len(node.arguments) != 1 or not isinstance(node.arguments[0].value, syntax.Text):
        return
    argument = node.arguments[0]
    old = node.arguments[0].value.value
    for wider in widening.subjects(old):
        new = replace(node, arguments=(replace(argument, value=replace(argument.value, value=wider)),))
        show = f"that somebody who is `{cut(wider)}` and not `{cut(old)}` does not count"
        yield Change(new, node.span, f"`{cut(old)}` became `{cut(wider)}`", show)


# ---------------------------------------------------------------------------- clauses and items


def _rule(node: syntax.Rule, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    if node.effect.text == "deny":
        effect = replace(node.effect, text="warn")
        show = f"that it denies: `expect deny by {node.name.text}`"
        yield Change(replace(node, effect=effect), node.effect.span, "`deny` became `warn`", show)


def _unless(node: syntax.Unless, words: Excerpts) -> Iterator[Change]:
    what = f"`unless {words.text(node.condition.span)}` was dropped"
    yield Change(None, node.span, what, "a case that it excuses")


def _when(node: syntax.When, words: Excerpts) -> Iterator[Change]:
    what = f"`when {words.text(node.condition.span)}` was dropped"
    yield Change(None, node.span, what, "a case where the rule does not apply and would not hold")


def _scope(node: syntax.AppliesTo, words: Excerpts) -> Iterator[Change]:
    everything = syntax.Boolean(node.where.span, True)
    what = f"`where {words.text(node.where.span)}` was dropped"
    yield Change(replace(node, where=everything), node.where.span, what, "an image to which the policy does not apply")
    if node.exception is not None:
        what = f"`except where {words.text(node.exception.span)}` was dropped"
        yield Change(replace(node, exception=None), node.exception.span, what, "an image that is excepted")


def _accept(node: syntax.AcceptUnsigned, words: Excerpts) -> Iterator[Change]:  # noqa: ARG001 # as the others
    kind = node.kind.text
    show = f"an unsigned {kind} that counts: `given {kind} {{ unsigned: true }}`"
    yield Change(None, node.span, f"`accept unsigned {kind}` was dropped", show)


def _waiver(node: syntax.Waive, words: Excerpts) -> Iterator[Change]:
    everything = syntax.Boolean(node.where.span, True)
    what = f"`where {words.text(node.where.span)}` was dropped"
    show = f"a violation of {node.rule.text} that the waiver does not cover"
    yield Change(replace(node, where=everything), node.where.span, what, show)


CHANGES: Mapping[type, Callable[[Any, Excerpts], Iterator[Change]]] = {
    Operation: _operation, syntax.Quantifier: _quantifier, syntax.Conditional: _choice, syntax.Integer: _integer,
    syntax.Fraction: _fraction, syntax.Period: _period, syntax.Variable: _variable,
    syntax.AssumeSeverity: _assumption, syntax.SetLiteral: _members, syntax.ListLiteral: _members,
    syntax.Text: _text, syntax.Call: _call, syntax.Rule: _rule, syntax.Unless: _unless, syntax.When: _when,
    syntax.ForEach: _where, syntax.Forbid: _where, syntax.AppliesTo: _scope, syntax.AcceptUnsigned: _accept,
    syntax.Waive: _waiver,
}  # fmt: skip
"""What can be wrong with each kind of node."""
