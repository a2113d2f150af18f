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

REPORTED = 10
"""Places of hidden characters, and of letters that look like others, that are reported in one file."""

CYRILLIC = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501\u051b\u051d"
    "\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u050c\u051a\u051c"
)
GREEK = (
    "\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03f2\u03f3"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
)
DOUBLES = f"{CYRILLIC}{GREEK}"
"""Letters that look like Latin ones (Unicode Technical Standard 39, `confusables.txt`)."""

MIXED = re.compile(f"(?<=[A-Za-z])[{DOUBLES}]|[{DOUBLES}](?=[A-Za-z])")


def hidden(source: Source) -> tuple[list[Diagnostic], str]:
    """What is to be said of hidden characters, and the text without them, of the same length."""
    problems: list[Diagnostic] = []
    for found in HIDDEN.finditer(source.text):
        if len(problems) == REPORTED:
            break
        span = _span(source, found)
        advice = "remove it; in a text it can be written as an escape, `\\u{…}`"
        message = f"{named(found[0][0])} cannot be seen, so it may not stand anywhere"
        problems.append(Diagnostic("E004", "error", message, span, help=advice))
    return problems, HIDDEN.sub(lambda found: " " * len(found[0]), source.text) if problems else source.text


def doubles(source: Source) -> list[Diagnostic]:
    """Warnings of letters within a word that look like those around them, and are of another script.

    Names have none; an identity, a repository or a glob that has one is not what its reader takes it for.
    """
    problems: list[Diagnostic] = []
    for found in MIXED.finditer(source.text) if not source.text.isascii() else ():
        if len(problems) == REPORTED:
            break
        message = f"{named(found[0])} stands among Latin letters and looks like one of them"
        advice = "write the Latin letter; if it is meant, write it as an escape, `\\u{…}`"
        problems.append(Diagnostic("W209", "warning", message, _span(source, found), help=advice))
    return problems


def _span(source: Source, found: re.Match[str]) -> Span:
    line = source.text.count("\n", 0, found.start()) + 1
    column = found.start() - source.text.rfind("\n", 0, found.start())
    return Span(source.path, line, column, line, column + len(found[0]))


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
