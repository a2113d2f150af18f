"""Characters that no policy holds, or only within texts and comments."""

from __future__ import annotations

import re
import unicodedata

from policyengine.language.diagnostics import Diagnostic
from policyengine.language.source import Source
from policyengine.language.syntax import Span

HIDDEN = re.compile(
    "(?:[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]|\r(?!\n))+"
)
"""Characters that are not seen, or that change where others are: not even comments hold them."""

HIDDEN_REPORTED = 10
"""Places of hidden characters that are reported in one file."""


def hidden(source: Source) -> tuple[list[Diagnostic], str]:
    """What is to be said of hidden characters, and the text without them, of the same length."""
    problems: list[Diagnostic] = []
    for found in HIDDEN.finditer(source.text):
        if len(problems) == HIDDEN_REPORTED:
            break
        line = source.text.count("\n", 0, found.start()) + 1
        column = found.start() - source.text.rfind("\n", 0, found.start())
        span = Span(source.path, line, column, line, column + len(found[0]))
        advice = "remove it; in a text it can be written as an escape, `\\u{…}`"
        message = f"{named(found[0][0])} cannot be seen, so it may not stand anywhere"
        problems.append(Diagnostic("E004", "error", message, span, help=advice))
    return problems, HIDDEN.sub(lambda found: " " * len(found[0]), source.text) if problems else source.text


def named(letter: str) -> str:
    """A character by its Unicode name and number, and as itself where it can be shown."""
    name = unicodedata.name(letter, "control character").lower()
    shown = f"`{letter}`" if letter.isprintable() and not letter.isspace() else "the character"
    return f"{shown} U+{ord(letter):04X} ({name})"


def instead(letter: str) -> str:
    if letter in "\u201c\u201d\u201e\u00ab\u00bb":
        return 'texts stand between straight quotes: `"…"`'
    if letter.isspace():
        return "write an ordinary space"
    return "names are of the letters a to z, digits and `_`" if letter.isalpha() else "remove it"
