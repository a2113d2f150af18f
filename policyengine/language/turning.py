"""What would turn a violation: changes of one thing, each tried out before it is said.

A field with few values is given every one of them; a part of a condition is supposed to be otherwise, where no other
part looks at the same field; an optional field is taken away. What is left of the rule then must not fire.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine.evidence.model import Custom, Severity
from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.interpreter import Interpreter, Scope
from policyengine.language.phrases import Phrases
from policyengine.language.printing import severity
from policyengine.language.schema import ENUMS
from policyengine.language.subjects import Path, Subjects, overlap
from policyengine.language.types import BOOL
from policyengine.language.view import View

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
CHOICES: Mapping[str, Sequence[Any]] = {
    "severity": tuple(Severity), "bool": (False, True), **{name: ENUMS[name] for name in ENUMS if name != "severity"},
}  # fmt: skip
"""The types of few values, as evidence holds them."""


class Supposing(Interpreter):
    """An interpreter that takes one part of a condition to be what it is told."""

    part: Expr | None = None
    answer: bool = False

    def value(self, expr: Expr, scope: Scope) -> Any:
        """What `expr` is, if the part is what is supposed."""
        return self.answer if expr is self.part else super().value(expr, scope)


class Turning:
    """The changes that turn the violations of a rule that does not count; `values` are those of its parameters."""

    def __init__(
        self, rule: checked.Rule, policy: checked.Policy, phrases: Phrases, view: View, values: Mapping[str, Any]
    ) -> None:
        self.rule, self.phrases = rule, phrases
        self.interpreter, self.subjects = Supposing(policy, view, values), Subjects(policy)
        self._fires = list(_conditions(rule))
        self._asked = [*self._fires, *([rule.unless] if rule.unless is not None else [])]
        self._ranged = self.subjects.ranged(self._asked)
        self._records = {
            name
            for part in (rule.each, rule.forbid)
            if part is not None
            for name in part.collection.type.name.split("|")
        }

    def changes(self, scope: Scope) -> tuple[str, ...]:
        """For the violation whose locals are `scope`: what alone would take it away, in words."""
        choices = dict(self._choices(scope))
        leaves = self._leaves(scope, tuple(choices))
        return tuple(dict.fromkeys((*choices.values(), *leaves, *self._absences(scope))))

    # ------------------------------------------------------------------ what fires

    def _gone(self, scope: Scope) -> bool:
        """Whether the rule definitely does not fire for the locals `scope`."""
        if self.interpreter.all_of([(condition, scope) for condition in self._fires]) is False:
            return True
        return self.rule.unless is not None and self.interpreter.value(self.rule.unless, scope) is True

    # ------------------------------------------------------------------ fields

    def _choices(self, scope: Scope) -> Iterator[tuple[Path, str]]:
        """The fields of few values, each with those that would turn the violation."""
        for path, field in self._fields(scope).items():
            values = CHOICES.get(field.type.name, ()) if not field.type.container else ()
            turning = [value for value in values if self._gone(_changed(scope, path, value))]
            if turning and len(turning) < len(values):
                yield path, f"{_text(path)} {_among(field.type.name, turning)}"

    def _absences(self, scope: Scope) -> Iterator[str]:
        """The optional fields without which there would be no violation."""
        for path, field in self._fields(scope).items():
            if field.optional and _value(scope, path) is not None and self._gone(_changed(scope, path, None)):
                yield f"{_text(path)} is missing"

    def _fields(self, scope: Scope) -> dict[Path, checked.Field]:
        """The fields that can be changed: of the rule's elements, and of no collection that is looked through."""
        found = self.subjects.fields(self._asked)
        return {
            path: field
            for path, field in found.items()
            if isinstance(scope.get(path[0]), Struct) and _held(scope, path) and not self._looked_through(path)
        }

    def _looked_through(self, path: Path) -> bool:
        """Whether the record of a field is also one of many that a quantifier asks."""
        inner = {"package"} if "package" in path[1:-1] else set()
        return bool(self._ranged & (self._records | inner))

    # ------------------------------------------------------------------ parts

    def _leaves(self, scope: Scope, covered: Sequence[Path]) -> Iterator[str]:
        """The parts that would turn the violation if they were otherwise."""
        if self._ranged & self._records:
            return
        leaves = [leaf for condition in self._asked for leaf in _parted(condition)]
        if len(leaves) == 1:  # the whole rule: that it would pass if it passed says nothing
            return
        paths = [self.subjects.of(leaf) for leaf in leaves]
        for index, leaf in enumerate(leaves):
            others = {path for place, found in enumerate(paths) if place != index for path in found}
            if paths[index] and not overlap(paths[index], others) and not paths[index] <= set(covered):
                yield from self._supposed(leaf, scope)

    def _supposed(self, leaf: Expr, scope: Scope) -> Iterator[str]:
        now = self.interpreter.value(leaf, scope)
        for answer in (True, False):
            self.interpreter.part, self.interpreter.answer = leaf, answer
            if now is not answer and self._gone(scope):
                yield self._said(leaf, answer)
        self.interpreter.part = None

    def _said(self, leaf: Expr, answer: bool) -> str:
        if answer:
            return self.phrases.of(leaf)
        if isinstance(leaf, checked.Compare):
            return self.phrases.of(replace(leaf, operator=OPPOSITE[leaf.operator]))
        return self.phrases.of(checked.Not(BOOL, leaf.span, leaf))


def _conditions(rule: checked.Rule) -> Iterator[Expr]:
    """What must hold of an element for the rule to fire."""
    if rule.each is not None and rule.each.where is not None:
        yield rule.each.where
    if rule.forbid is not None and rule.forbid.where is not None:
        yield rule.forbid.where
    if rule.require is not None:
        yield checked.Not(BOOL, rule.require.span, rule.require)


def _parted(condition: Expr) -> Iterator[Expr]:
    """The parts that a condition is made of."""
    match condition:
        case checked.And(parts=several) | checked.Or(parts=several):
            for part in several:
                yield from _parted(part)
        case checked.Not(part=part):
            yield from _parted(part)
        case checked.Choice(condition=chooses, then=then, otherwise=otherwise):
            for part in (chooses, then, otherwise):
                yield from _parted(part)
        case _:
            yield condition


# ---------------------------------------------------------------------------- records


def _value(scope: Scope, path: Path) -> Any:
    value = scope[path[0]]
    for name in path[1:]:
        value = value.fields.get(name) if isinstance(value, Custom) else getattr(value, name, None)
    return value


def _held(scope: Scope, path: Path) -> bool:
    """Whether the record whose field it is is there, and has such a field."""
    record = _value(scope, path[:-1])
    return isinstance(record, Struct) and (isinstance(record, Custom) or path[-1] in record.__struct_fields__)


def _changed(scope: Scope, path: Path, value: Any) -> Scope:
    """`scope` with another value of one field."""
    return {**scope, path[0]: _replaced(scope[path[0]], path[1:], value)}


def _replaced(record: Any, names: Sequence[str], value: Any) -> Any:
    name, *deeper = names
    if isinstance(record, Custom):
        return replace(record, fields={**record.fields, name: value})
    return replace(record, **{name: _replaced(getattr(record, name), deeper, value) if deeper else value})


# ---------------------------------------------------------------------------- words


def _text(path: Path) -> str:
    return ".".join(path)


def _among(type_: str, values: Sequence[Any]) -> str:
    """`is below HIGH`, `is true`, `is LOW or MEDIUM`."""
    if type_ == "bool":
        return f"is {'true' if values[0] else 'false'}"
    if type_ != "severity":
        return f"is {_either([str(value) for value in values])}"
    scale = tuple(Severity)
    if tuple(values) == scale[: len(values)]:
        return f"is below {severity(scale[len(values)])}"
    if tuple(values) == scale[-len(values) :]:
        return f"is above {severity(scale[-len(values) - 1])}"
    return f"is {_either([severity(value) for value in values])}"


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
