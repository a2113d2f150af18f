"""The forms that people bring along from other languages, each with the right form here.

There is one way to say each thing (language reference, section 1), so these are errors; but what is
meant is clear, so the message says how it is written, and reading goes on as if it were.
"""

from __future__ import annotations

import re

from msgspec import Struct


class Form(Struct, frozen=True):
    """How a form looks, what is right, and the tokens (terminal and text) to read in its place.

    It begins `undo` tokens before the one where reading stopped, and applies only behind one of the
    words in `after`, if there are any. Without `tokens` the item ends here, except where `skipped`.
    `right`, and the texts of tokens, may name groups of the pattern.
    """

    looks: re.Pattern[str]
    right: str
    tokens: tuple[tuple[str, str], ...] = ()
    undo: int = 0
    after: tuple[str, ...] = ()
    message: str = ""
    skipped: bool = False


def words(text: str) -> tuple[tuple[str, str], ...]:
    """The tokens of some words of the language: each word's terminal has its name in capitals."""
    return tuple((word.upper(), word) for word in text.split())


def _said(looks: str, right: str, undo: int = 0) -> Form:
    """A form for which there are words of the language."""
    return Form(re.compile(looks), right, words(right), undo)


BEFORE_PREDICATES = (
    _said(r"is\s+not\s+in\b", "not in", undo=2),
    _said(r"is\s+not\s+present\b", "is missing", undo=2),
    _said(r"is\s+not\s+missing\b", "is present", undo=2),
    _said(r"is\s+not\s+unsigned\b", "is signed", undo=2),
    _said(r"is\s+unsigned\b", "is not signed", undo=1),
    _said(r"is\s+in\b", "in", undo=1),
    _said(r"is\s+within\b", "within", undo=1),
    _said(r"is\s+permitted\s+by\b", "permitted by", undo=1),
    _said(r"is\s+matches\b", "matches", undo=1),
    _said(r"is\s+covers\b", "covers", undo=1),
    Form(re.compile(r"is\s+not\s+(permitted\s+by|within|covers|matches)\b"), r"not (a \1 b)", undo=2),
    Form(re.compile(r"not\s+(permitted\s+by|within|covers|matches)\b"), r"not (a \1 b)", undo=1),
)
"""Predicates stand for themselves, without `is`, and are denied as a whole."""

QUANTIFIERS = (
    _said(r"all\b(?=\s+\w)", "every", undo=1),
    _said(r"any\b(?=\s+\w)", "some"),
    _said(r"exists\b(?=\s+\w)", "some", undo=1),
    _said(r"exists\b", "is present"),
)

SIGNS = (
    _said(r"===?", "is"),
    _said(r"!==?", "is not"),
    _said(r"<>", "is not", undo=1),
    Form(re.compile(r"=<"), "<=", (("ORDER", "<="),)),
    Form(re.compile(r"=>"), ">=", (("ORDER", ">="),)),
    _said(r"=", "is"),
    _said(r"equals\b", "is"),
    _said(r"&&", "and"),
    _said(r"&&", "and", undo=1),
    _said(r"\|\||\|", "or"),
    _said(r"!", "not"),
    Form(re.compile(r"\?"), "if a then b else c end"),
)

LITERALS = (
    Form(re.compile(r"'([^'\"\\\n]{0,200})'"), r'"\1"', (("TEXT", r'"\1"'),)),
    Form(
        re.compile(r"[<\[]\s*([a-z]{1,40})\s*[>\]]"), r"of \1", (("OF", "of"), ("NAME", r"\1")), after=("set", "list")
    ),
)

LAYOUT = (
    Form(re.compile(r"//[^\n]*"), "#", message="a comment begins with `#`", skipped=True),
    Form(re.compile(r"--[^\n]*"), "#", undo=1, message="a comment begins with `#`", skipped=True),
    Form(re.compile(r"/\*(?:[^*]|\*(?!/)){0,2000}\*/"), "#", message="a comment begins with `#`", skipped=True),
    Form(re.compile(r";"), "", message="nothing stands between items or clauses, so no `;` either", skipped=True),
)

FORMS = BEFORE_PREDICATES + QUANTIFIERS + SIGNS + LITERALS + LAYOUT
