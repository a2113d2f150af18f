"""Checked expressions as text again: in the words of the language, on one line.

What is written here means what the tree means, whatever stood in the source; only names of constants are taken from
there, since a reader knows `licenses.permissive` better than sixty licences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.printing import severity
from policyengine.language.schema import COLLECTIONS, ENUMS
from policyengine.language.syntax import Span
from policyengine.language.types import UNITS, Type

OR, AND, NOT, PREDICATE, SUM, PRODUCT, FALLBACK, ATOM = range(1, 9)
"""How tightly expressions hold together, loosest first, as the grammar has it."""

MEMBERS = 6
"""Members of a set or list that are written out: it may hold a hundred thousand ids."""

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
WORD = re.compile(r"(?<!\w)[A-Za-z_]\w*")
LITERAL = ("true", "false", "x509", "keyless", "key", "issuer", "subject", *UNITS, *(f"{unit}s" for unit in UNITS))
"""The words that stand in literals."""

BARE = ("bool", "int", "decimal", "time", "date", *(name for name in ENUMS if name != "severity"))
"""The types whose literals have no quotes."""

Names = Mapping[str, str]
"""What stands for a local in a text: an argument of a function is written as what it is called with."""


class Phrase(Struct, frozen=True):
    """A text and how tightly it holds together."""

    text: str
    level: int


class Phrases:
    """Writes expressions of the policy called `policy`; `excerpt` gives what stands at a place of the sources."""

    def __init__(self, policy: str = "", excerpt: Callable[[Span], str] | None = None, members: int = MEMBERS) -> None:
        self.policy, self.excerpt, self.members = policy, excerpt, members
        self._rules: Mapping[type, Callable[[Any, Names], Phrase]] = {
            checked.Constant: self._constant, checked.Parameter: self._named, checked.Binding: self._named,
            checked.Local: lambda expr, names: Phrase(names.get(expr.name, expr.name), ATOM),
            checked.TheImage: lambda *_: Phrase("image", ATOM),
            checked.Collected: lambda expr, _: Phrase(expr.name, ATOM),
            checked.Field: self._field, checked.Keyed: self._keyed, checked.StatusFor: self._status,
            checked.And: self._and, checked.Or: self._or, checked.Not: self._not,
            checked.Compare: lambda expr, names: self._between(expr.left, expr.operator, expr.right, names),
            checked.Equal: lambda expr, names: self._between(expr.left, "is", expr.right, names),
            checked.In: lambda expr, names: self._between(expr.item, "in", expr.members, names),
            checked.Matches: self._matches,
            checked.Permitted: lambda expr, names: self._between(expr.license, "permitted by", expr.allowed, names),
            checked.Requires: lambda expr, names: self._between(expr.license, "requires any of", expr.forbidden, names),
            checked.Within: lambda expr, names: self._between(expr.moment, "within", expr.duration, names),
            checked.Covers: lambda expr, names: self._between(expr.vex, "covers", expr.finding, names),
            checked.Missing: lambda expr, names: self._asked(expr.operand, "is missing", names),
            checked.Signed: lambda expr, names: self._signed(expr, "is signed", names),
            checked.Quantified: self._quantified, checked.Arithmetic: self._arithmetic,
            checked.Otherwise: self._otherwise, checked.Choice: self._choice, checked.Apply: self._apply,
            checked.Members: self._members,
        }  # fmt: skip

    def of(self, expr: Expr, names: Names | None = None) -> str:
        """`expr` as text; `names` says what is written for its locals."""
        return self._phrase(expr, names or {}).text

    def chosen(self, quantified: checked.Quantified, names: Names) -> str:
        """What a quantifier speaks of, without its conditions: `at least 2 signature in image.signatures`."""
        limit = "" if quantified.limit is None else f" {self._at(quantified.limit, SUM, names)}"
        return f"{quantified.kind}{limit} {self.ranged(quantified.element, quantified.collection, names)}"

    def ranged(self, element: str, collection: Expr, names: Names | None = None) -> str:
        """An element and where it is from, unless its name says so."""
        if home(collection) == element:
            return element
        return f"{element} in {self._at(collection, SUM, names or {})}"

    def is_name(self, constant: checked.Constant) -> bool:
        """Whether the source calls a constant by a name, alone or among others."""
        if self.excerpt is None:
            return False
        text = self.excerpt(constant.span)
        words = set(WORD.findall(_unquoted(text))) - {*LITERAL, *ENUMS.get(constant.type.name, ())}
        if not constant.type.container:
            return bool(words) and NAME.fullmatch(text) is not None
        return bool(words) and _plain(text)

    # ------------------------------------------------------------------ levels

    def _phrase(self, expr: Expr, names: Names) -> Phrase:
        return self._rules[type(expr)](expr, names)

    def _at(self, expr: Expr, level: int, names: Names) -> str:
        """`expr` where something of `level` is asked for: in parentheses if it holds together less tightly."""
        found = self._phrase(expr, names)
        return found.text if found.level >= level else f"({found.text})"

    def _between(self, left: Expr, words: str, right: Expr, names: Names) -> Phrase:
        return Phrase(f"{self._at(left, SUM, names)} {words} {self._at(right, SUM, names)}", PREDICATE)

    def _asked(self, operand: Expr, words: str, names: Names) -> Phrase:
        return Phrase(f"{self._at(operand, SUM, names)} {words}", PREDICATE)

    # ------------------------------------------------------------------ names and values

    def _constant(self, expr: checked.Constant, _: Names) -> Phrase:
        if self.is_name(expr):
            assert self.excerpt is not None
            text = self.excerpt(expr.span)
            return Phrase(text, ATOM if NAME.fullmatch(text) else SUM)
        return Phrase(literal(expr.type, expr.value, self.members), ATOM)

    def _named(self, expr: checked.Parameter | checked.Binding, _: Names) -> Phrase:
        return Phrase(self.short(expr.name), ATOM)

    def short(self, qualified: str) -> str:
        """A name without that of the policy: what comes from a library keeps the library's."""
        return qualified.removeprefix(f"{self.policy}.")

    def _field(self, expr: checked.Field, names: Names) -> Phrase:
        return Phrase(f"{self._at(expr.base, ATOM, names)}.{expr.name}", ATOM)

    def _keyed(self, expr: checked.Keyed, names: Names) -> Phrase:
        return Phrase(f"{self._at(expr.base, ATOM, names)}.{expr.name}[{quoted(expr.key)}]", ATOM)

    def _status(self, expr: checked.StatusFor, names: Names) -> Phrase:
        return Phrase(f"{self._at(expr.vex, ATOM, names)}.status", ATOM)

    # ------------------------------------------------------------------ logic

    def _and(self, expr: checked.And, names: Names) -> Phrase:
        return Phrase(" and ".join(self._at(part, NOT, names) for part in expr.parts), AND)

    def _or(self, expr: checked.Or, names: Names) -> Phrase:
        return Phrase(" or ".join(self._at(part, NOT, names) for part in expr.parts), OR)

    def _not(self, expr: checked.Not, names: Names) -> Phrase:
        match expr.part:
            case checked.Equal(left=left, right=right):
                return self._between(left, "is not", right, names)
            case checked.In(item=item, members=members):
                return self._between(item, "not in", members, names)
            case checked.Missing(operand=operand):
                return self._asked(operand, "is present", names)
            case checked.Signed() as signed:
                return self._signed(signed, "is not signed", names)
        return Phrase(f"not {self._at(expr.part, NOT, names)}", NOT)

    def _matches(self, expr: checked.Matches, names: Names) -> Phrase:
        words = "matches any of" if expr.patterns.type.container else "matches"
        return self._between(expr.subject, words, expr.patterns, names)

    def _signed(self, expr: checked.Signed, words: str, names: Names) -> Phrase:
        if expr.identities is None:
            return self._asked(expr.document, words, names)
        return self._between(expr.document, f"{words} by", expr.identities, names)

    def _quantified(self, expr: checked.Quantified, names: Names) -> Phrase:
        inner = {name: text for name, text in names.items() if name != expr.element}
        where = "" if expr.where is None else f" where {self.of(expr.where, inner)}"
        if expr.kind == "count":
            return Phrase(f"count({self.ranged(expr.element, expr.collection, names)}{where})", ATOM)
        body = "" if expr.body is None else f" satisfies {self.of(expr.body, inner)}"
        return Phrase(self.chosen(expr, names) + where + body, OR - 1 if where or body else NOT)

    def _choice(self, expr: checked.Choice, names: Names) -> Phrase:
        condition, then, otherwise = (self.of(part, names) for part in (expr.condition, expr.then, expr.otherwise))
        return Phrase(f"if {condition} then {then} else {otherwise} end", ATOM)

    # ------------------------------------------------------------------ operands

    def _arithmetic(self, expr: checked.Arithmetic, names: Names) -> Phrase:
        level = PRODUCT if expr.operator == "&" else SUM
        left, right = self._at(expr.left, level, names), self._at(expr.right, level + 1, names)
        return Phrase(f"{left} {expr.operator} {right}", level)

    def _otherwise(self, expr: checked.Otherwise, names: Names) -> Phrase:
        value, alternative = self._at(expr.value, FALLBACK, names), self._at(expr.alternative, ATOM, names)
        return Phrase(f"{value} otherwise {alternative}", FALLBACK)

    def _apply(self, expr: checked.Apply, names: Names) -> Phrase:
        arguments = ", ".join(self.of(argument, names) for argument in expr.arguments)
        return Phrase(f"{self.short(expr.function)}({arguments})", ATOM)

    def _members(self, expr: checked.Members, names: Names) -> Phrase:
        return Phrase(_enclosed(expr.type, [self.of(item, names) for item in expr.items], self.members), ATOM)


def home(collection: Expr) -> str:
    """The name of the element that ranges over `collection` by itself; empty where there is none."""
    match collection:
        case checked.Collected(name=name):
            return COLLECTIONS.get(name, name.removesuffix("s"))
        case checked.Field(base=checked.TheImage(), name="signatures"):
            return "signature"
    return ""


# ---------------------------------------------------------------------------- literals


def literal(type_: Type, value: Any, members: int = MEMBERS) -> str:
    """A constant in portable form as the language writes it; of a set or list only so many `members`."""
    if type_.container:
        return _enclosed(type_, [literal(type_.member, member) for member in value], members)
    if type_.name == "severity":
        return severity(value)
    if type_.name == "duration":
        return _duration(value)
    if type_.name == "identity":
        return _identity(*value)
    if type_.name == "bool":
        return "true" if value else "false"
    return str(value) if type_.name in BARE else quoted(str(value))


def quoted(text: str) -> str:
    """`text` as a literal: on one line, with the escapes of the language."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}
    shown = (escapes.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text)
    return f'"{"".join(shown)}"'


def _enclosed(type_: Type, texts: Iterable[str], members: int) -> str:
    listed = list(texts)
    more = [f"… {len(listed) - members} more"] if len(listed) > members else []
    inside = ", ".join([*listed[:members], *more])
    return f"{{ {inside} }}" if type_.container == "set" else f"[{inside}]"


def _duration(seconds: int) -> str:
    """A duration in the largest unit that it is a whole number of; a week is seven days."""
    units = [unit for unit in ("day", "hour", "minute", "second") if seconds % UNITS[unit] == 0]
    unit = units[0] if seconds else "day"
    number = seconds // UNITS[unit]
    return f"{number} {unit}" if abs(number) == 1 else f"{number} {unit}s"


def _identity(form: str, *texts: str) -> str:
    if form == "keyless":
        return f"keyless(issuer: {quoted(texts[0])}, subject: {quoted(texts[1])})"
    return f"{form}({quoted(texts[0])})"


def _unquoted(text: str) -> str:
    return re.sub(r'"([^"\\]|\\.)*"', "", text)


def _plain(text: str) -> bool:
    """Whether an excerpt is all that stands there, and no comment."""
    return not text.endswith("…") and "#" not in _unquoted(text)
