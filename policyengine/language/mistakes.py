"""What to say about a syntax error: what was expected, in words, what is there, and what is meant.

People bring habits from other languages (`==`, `&&`, `is in`); these are recognised where they stand
and answered with the right form.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from policyengine import limits
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.grammar import Tables
from policyengine.language.lexer import END, Token
from policyengine.language.recovery import FOLLOWED_BY
from policyengine.language.syntax import Span

CLAUSES = ("FOR", "FORBID", "HELP", "MESSAGE", "REQUIRE", "UNLESS", "WHEN")
ITEMS = tuple(word.upper() for word in FOLLOWED_BY)
NOTES = ("EXPIRES", "OWNER", "REASON", "TICKET")
STEPS = ("AT", "EXPECT", "GIVEN", "IN", "WITH")
STARTERS = frozenset(word.lower() for word in CLAUSES + ITEMS + NOTES + STEPS)

GROUPS = (
    ("an expression", ("NAME", "INTEGER", "TEXT", "LPAR", "NOT", "SOME"), (
        "AT_LEAST", "AT_MOST", "COUNT", "DECIMAL", "EVERY", "FALSE", "IF", "LBRACE", "LSQB", "MOMENT", "NO", "TRUE",
    )),
    ("a value", ("NAME", "INTEGER", "TEXT", "LPAR"), (
        "COUNT", "DECIMAL", "FALSE", "IF", "LBRACE", "LSQB", "MOMENT", "TRUE",
    )),
    ("a comparison", ("ORDER", "IS"), (
        "COVERS", "IN", "MATCHES", "NOT", "PERMITTED", "REQUIRES", "WITHIN", "PLUS", "MINUS", "AMPERSAND", "OTHERWISE",
        "MEMBER", "LSQB", "LPAR", "UNIT",
    )),
    ("an operator", ("PLUS", "MINUS"), ("AMPERSAND", "OTHERWISE", "MEMBER", "LSQB", "LPAR", "UNIT")),
    ("`.` and a field", ("MEMBER", "LSQB"), ("LPAR", "UNIT")),
    ("the next clause", CLAUSES, ()),
    ("the next note", NOTES, ()),
    ("the next step", STEPS, ()),
    ("the next item", ITEMS, (END,)),
)  # fmt: skip
"""Terminals that are summed up in words: all of the first must be expected; the others go with them."""

SHAPES = {
    "AT_LEAST": "`at least`", "AT_MOST": "`at most`", "COUNT": "`count(`", "DECIMAL": "a number", "FIELD": "a name before `:` or `=`",
    "INTEGER": "a number", "LABEL": "a name", "MEMBER": "`.` and a field", "MODULE": "the name of a library", "MOMENT": "a date or a time",
    "NAME": "a name", "ORDER": "`<`", "TEXT": "a text", "UNIT": "a unit of time", END: "the end of the file",
}  # fmt: skip

SHOWN = 40
"""Characters of the found text that are shown."""


class Place(Struct, frozen=True):
    """Where reading stopped: the token that may not stand there, the one before, and what may.

    `complete` says that the item could have ended before the token; `opened` is the innermost bracket
    that is still open.
    """

    text: str
    token: Token
    previous: Token | None
    expected: frozenset[str]
    complete: bool
    opened: Token | None


def describe(place: Place, tables: Tables) -> Diagnostic:
    """The one diagnostic for a syntax error."""
    return unreadable(place) or habit(place) or special(place) or unexpected(place, tables)


def too_deep(span: Span) -> Diagnostic:
    """An expression that is nested deeper than the limit."""
    message = f"an expression nested deeper than {limits.EXPRESSION_DEPTH} levels"
    return Diagnostic("E008", "error", message, span, help="name its parts with `let` and `define`")


# ---------------------------------------------------------------------------- characters and texts


def unreadable(place: Place) -> Diagnostic | None:
    """A text that is not closed, or a character that no policy holds outside of texts and comments."""
    token = place.token
    if token.type == "unclosed":
        help = 'a text ends on its line, with `"`; a quote within it is written `\\"`'
        return Diagnostic("E003", "error", "the text is not closed", token.span, help=help)
    for offset, letter in enumerate(token.text):
        if token.type != "text" and not (letter.isascii() and letter.isprintable()):
            column = token.span.column + offset
            span = Span(token.span.path, token.span.line, column, token.span.line, column + 1)
            return Diagnostic("E004", "error", f"{named(letter)} cannot stand here", span, help=_instead(letter))
    return None


def named(letter: str) -> str:
    """A character by its Unicode name and number, and as itself where it can be shown."""
    import unicodedata

    name = unicodedata.name(letter, "a control character").lower()
    shown = f"`{letter}` " if letter.isprintable() and not letter.isspace() else ""
    return f"{shown}({name}, U+{ord(letter):04X})"


def _instead(letter: str) -> str:
    if letter in "\u201c\u201d\u201e\u00ab\u00bb":
        return 'texts stand between straight quotes: `"…"`'
    if letter.isspace():
        return "write an ordinary space"
    if letter.isalpha():
        return "names are of the letters a to z, digits and `_`"
    return "remove it"


# ---------------------------------------------------------------------------- habits


class Habit(Struct, frozen=True):
    """A form of other languages: how it looks, how it is called in the message, and what is right here."""

    looks: re.Pattern[str]
    right: str


def _habits(*pairs: tuple[str, str]) -> tuple[Habit, ...]:
    return tuple(Habit(re.compile(looks), right) for looks, right in pairs)


HABITS = _habits(
    (r"is\s+not\s+(?:permitted|in|within|covers|matches)\b(?:\s+by\b)?", "not (a {} b)"),
    (r"is\s+permitted\s+by\b", "permitted by"),
    (r"is\s+in\b", "in"),
    (r"is\s+within\b", "within"),
    (r"is\s+not\s+present\b", "is missing"),
    (r"is\s+not\s+missing\b", "is present"),
    (r"all\s+\w+\b", "every"),
    (r"==", "is"),
    (r"!=|<>", "is not"),
    (r"=", "is"),
    (r"&&", "and"),
    (r"\|\|", "or"),
    (r"!", "not"),
)


def habit(place: Place) -> Diagnostic | None:
    return None


# ---------------------------------------------------------------------------- what has a reason of its own


def special(place: Place) -> Diagnostic | None:
    return None


# ---------------------------------------------------------------------------- everything else


def unexpected(place: Place, tables: Tables) -> Diagnostic:
    """What was expected and what was found, at what was found; behind what is there, where something is missing."""
    from policyengine.evidence.problems import closest

    words = {t.pattern: t.name for t in tables.terminals if not t.shape and t.name in place.expected}
    wanted = in_words(place.expected, {name: f"`{pattern}`" for pattern, name in words.items()})
    near = closest(place.token.text, [word for word in words if word.isalpha()])
    notes = (f"the `{place.opened.text}` in line {place.opened.span.line} is not closed",) if place.opened else ()
    help = f"did you mean `{near}`?" if near else None
    if missing(place) and place.previous and not near:
        message = f"expected {wanted} after {shown(place.previous)}"
        return Diagnostic("E002", "error", message, place.previous.span, notes)
    message = f"expected {wanted}, found {shown(place.token)}"
    return Diagnostic("E002", "error", message, place.token.span, notes, help, near)


def missing(place: Place) -> bool:
    """Whether the token begins something else, so that what is wrong is that something before it is missing."""
    token, previous = place.token, place.previous
    if token.type == END:
        return True
    elsewhere = previous is not None and previous.span.end_line < token.span.line
    return elsewhere and not place.complete and token.text in STARTERS


def in_words(expected: Collection[str], words: dict[str, str]) -> str:
    """The expected terminals as an enumeration: `where`, `unless` or the next clause."""
    left = set(expected)
    phrases = []
    for phrase, all_of, others in GROUPS:
        if left.issuperset(all_of):
            left.difference_update(all_of, others)
            phrases.append(phrase)
    single = sorted({words.get(name) or SHAPES.get(name, name.lower()) for name in left})
    parts = single + phrases
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def shown(token: Token) -> str:
    """A token as messages show it."""
    if token.type == END:
        return "the end of the file"
    text = token.text if len(token.text) <= SHOWN else token.text[:SHOWN] + "…"
    return f"`{text}`"
