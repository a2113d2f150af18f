"""The values that a condition's answer rests on: fields, parameters, constants, signers, counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from policyengine.evidence.model import Collection, Signature
from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.interpreter import Interpreter, Scope
from policyengine.language.phrases import Names, Phrases, literal
from policyengine.language.schema import ENUMS
from policyengine.language.tree import last_name
from policyengine.language.types import BOOL, SCALARS
from policyengine.language.unknown import Unknown

VALUES = frozenset((*SCALARS, *ENUMS))
"""The types of what is told: a record is told by its fields."""

CUT = 160
"""Characters of a value beside a sentence."""


class Told(Struct, frozen=True):
    """What a part of a condition is in this evidence: `finding.severity` is `CRITICAL`."""

    text: str
    value: str


class Telling:
    """Tells the values of one policy's conditions in front of the view of an `interpreter`."""

    def __init__(self, phrases: Phrases, interpreter: Interpreter) -> None:
        self.phrases, self.interpreter = phrases, interpreter

    def of(self, condition: Expr, names: Names, scope: Scope) -> tuple[Told, ...]:
        """The values that `condition` compares, but for its literals, each once."""
        told = (each for each in self._values(condition, names, scope) if each.text != each.value)
        return tuple(dict.fromkeys(told))

    def _values(self, expr: Expr, names: Names, scope: Scope) -> Iterator[Told]:
        match expr:
            case checked.Field() | checked.Keyed() | checked.StatusFor() | checked.Parameter() | checked.Binding():
                yield from self._named(expr, names, scope)
            case checked.Local() if expr.type.name in VALUES:
                yield from self._named(expr, names, scope)
            case checked.Constant() if self.phrases.is_name(expr):
                yield Told(self.phrases.of(expr), cut(literal(expr.type, expr.value)))
            case checked.Signed(document=document, identities=identities):
                yield from self._signers(document, names, scope)
                yield from self._values(identities, names, scope) if identities is not None else ()
            case checked.Covers(vex=vex, finding=finding):
                yield from self._fields(vex, ("id", "products"), names, scope)
                yield from self._fields(finding, ("id", "package"), names, scope)
            case checked.Matches(subject=subject, patterns=patterns) if subject.type.name == "package":
                yield from self._fields(subject, ("purl", "version"), names, scope)
                yield from self._values(patterns, names, scope)
            case checked.Quantified():
                yield from self._count(expr, names, scope)
            case _:
                for part in _operands(expr):
                    yield from self._values(part, names, scope)

    def _named(self, expr: Expr, names: Names, scope: Scope) -> Iterator[Told]:
        """A field, parameter or constant; of a collection only how much is in it."""
        value = self.interpreter.value(expr, scope)
        if isinstance(value, Collection):
            yield Told(self.phrases.of(expr, names), size(value))
            return
        shown = self.interpreter.words(checked.Template((expr,)), scope, "")
        missing = isinstance(value, Unknown) and shown == f"<no {last_name(expr)}>"
        yield Told(self.phrases.of(expr, names), "missing" if missing else cut(shown))

    def _fields(self, base: Expr, fields: tuple[str, ...], names: Names, scope: Scope) -> Iterator[Told]:
        """Fields that a predicate looks at although they are not written."""
        record = self.interpreter.value(base, scope)
        for name in fields if not isinstance(record, Unknown) else ():
            value = ", ".join(record.ids) if name == "id" else getattr(record, name)
            text = ", ".join(sorted(value)) if isinstance(value, frozenset) else value
            yield Told(f"{self.phrases.of(base, names)}.{name}", "missing" if text is None else cut(str(text)))

    def _signers(self, document: Expr, names: Names, scope: Scope) -> Iterator[Told]:
        found = self.interpreter.value(document, scope)
        if not isinstance(found, Unknown):
            signatures: tuple[Signature, ...] = found.signatures.items
            signers = "; ".join(dict.fromkeys(str(signature.identity) for signature in signatures))
            yield Told(f"{self.phrases.of(document, names)}.signatures", cut(signers or "none is verified"))

    def _count(self, expr: checked.Quantified, names: Names, scope: Scope) -> Iterator[Told]:
        value = self.interpreter.value(expr, scope)
        if expr.type != BOOL:
            yield Told(self.phrases.of(expr, names), "not known" if isinstance(value, Unknown) else str(value))


def _operands(expr: Expr) -> Iterator[Expr]:
    for name in expr.__struct_fields__[2:]:
        value = getattr(expr, name)
        yield from (part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, Expr))


def size(collection: Collection[Any]) -> str:
    """How much is known of a collection."""
    gaps = "; not all is known" if collection.gaps else ""
    return f"{len(collection.items)} element{'' if len(collection.items) == 1 else 's'}{gaps}"


def cut(text: str) -> str:
    """A value, no longer than stands well beside a sentence."""
    return text if len(text) <= CUT else f"{text[: CUT - 1].rstrip()}…"
