"""After a mistake: where the next item begins, and what could be seen of the broken one.

This reads the text itself, not tokens of the grammar, since a broken item may hold anything. An item
begins at one of the words of items that is the first on its line, or, within a line, where what
follows is what follows in an item of that kind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from policyengine.language.lexer import END, Token
from policyengine.language.syntax import Broken, File, Name, Span

FOLLOWED_BY = {
    "accept": r"unsigned\b",
    "applies": r"to\b",
    "assume": r"severity\b",
    "define": r"\w+\s*\(",
    "environment": r"[\w-]+\s*\{",
    "evidence": r"\w+\s+from\b",
    "import": r"[\w.]+",
    "let": r"\w+\s*[:=]",
    "param": r"\w+\s*:",
    "rule": r"[\w-]+\s+\w+\s*\"",
    "test": r"\"",
    "waive": r"[\w-]+\s+for\b",
}
"""The words of items, each with what stands behind it."""

_FIRST = "|".join(FOLLOWED_BY)
_WITHIN = "|".join(rf"{word}(?=[ \t]+{behind})" for word, behind in FOLLOWED_BY.items())
_PIECE = re.compile(
    rf"""
      (?:^|(?<=\n))[ \t]*(?P<first>{_FIRST})(?!\w)(?!\s*[:=.])
    | (?<![.\w])(?P<within>{_WITHIN})
    | \#[^\n]* | "(?:[^"\\\n]|\\[^\n])*"? | \w+ | [ \t\r]+ | [^\w\s"\#]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


def next_item(text: str, position: int) -> int:
    """The offset of the first item that begins at `position` or behind it; the text's length if none does."""
    line_start = text.rfind("\n", 0, position) + 1
    if not text[line_start:position].strip(" \t"):
        position = line_start
    while found := _PIECE.match(text, position):
        if found.lastgroup:
            return found.start(found.lastgroup)
        position = found.end()
    return len(text)


def broken(symbols: Sequence[Any], spans: Sequence[Span], token: Token | None) -> Broken | None:
    """What could be seen of an item.

    `symbols` are what was read of it, from its first word on; `token` is what broke it, unless that begins the next.
    """
    if not symbols:
        return Broken(token.span, "", None) if token and token.text != END else None
    keyword = symbols[0].text if isinstance(symbols[0], Token) else ""
    seen = symbols[1:] if len(symbols) > 1 or token is None else (token,)
    first, last = spans[0], spans[-1]
    span = Span(first.path, first.line, first.column, last.end_line, last.end_column)
    return Broken(span, keyword, _name(seen[0]) if seen else None)


def header(symbols: Sequence[Any], spans: Sequence[Span]) -> File | None:
    """The header of a file, as far as its kind and name could be seen in its `symbols`."""
    if symbols and isinstance(symbols[0], File):
        return symbols[0]
    names = [name for name in map(_name, symbols[1:]) if name]
    if not names:
        return None
    return File(spans[0], symbols[0].text, names[0], None, ())


def _name(symbol: Any) -> Name | None:
    """The name that a symbol gives; of a library, the one that it is called by."""
    if isinstance(symbol, Token):
        word = symbol.text.rpartition(".")[2]
        named = symbol.type in ("LABEL", "MODULE") or word.isidentifier()
        return Name(symbol.span, word) if named else None
    if isinstance(symbol, Name):
        return Name(symbol.span, symbol.text.rpartition(".")[2])
    return None
