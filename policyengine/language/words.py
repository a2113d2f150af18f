"""The words of a source with the comments around them: what a formatter moves about."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from policyengine.language.automaton import Automaton
from policyengine.language.builder import Builder
from policyengine.language.grammar import tables
from policyengine.language.lexer import END, Lexer, Token
from policyengine.language.source import Source
from policyengine.language.syntax import Span

COMMENT = re.compile(r"#[^\n]*")
BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


class Remark(Struct, frozen=True):
    """A comment on a line of its own. `inner` if it is indented, `apart` if a blank line stands before it."""

    text: str
    inner: bool
    apart: bool


class Word(Struct, frozen=True):
    """A word of the text, its place (line and column), the comments on the lines before it and behind it on its line.

    `apart` if a blank line stands directly before it. The last word of a file is empty, and there for the comments.
    """

    text: str
    place: tuple[int, int]
    before: tuple[Remark, ...]
    apart: bool
    behind: str | None


def words(source: Source) -> list[Word]:
    """The words of a source that has no syntax error."""
    text = source.text.removeprefix("\ufeff")
    tokens = list(_tokens(source.path, text))
    ends = [0, *(token.start + len(token.text) for token in tokens)]
    gaps = [text[end : token.start] for end, token in zip(ends, tokens, strict=False)]
    behind = [None, *(_behind(gap) for gap in gaps[1:]), None]
    return [
        Word(
            " ".join(token.text.split()) if token.type.startswith("AT_") else token.text,
            (token.span.line, token.span.column),
            tuple(_remarks(gap, first=place == 0)),
            bool(BLANK_LINE.search(gap, gap.rfind("#") + 1)) if place or "#" in gap else False,
            behind[place + 1],
        )
        for place, (token, gap) in enumerate(zip(tokens, gaps, strict=True))
    ]


def _tokens(path: str, text: str) -> Iterator[Token]:
    """The tokens, as the parser sees them: which they are depends on its state."""
    lexer, automaton = Lexer(path, text), Automaton(tables(), Builder(path), Span(path, 1, 1, 1, 1))
    while True:
        token = lexer.next(automaton.states[-1])
        automaton.take(token)
        yield token
        if token.type == END:
            return


def _behind(gap: str) -> str | None:
    """The comment on the line of the word before the gap."""
    found = COMMENT.search(gap.partition("\n")[0])
    return found[0].rstrip() if found else None


def _remarks(gap: str, first: bool) -> Iterator[Remark]:
    """The comments in a gap that have lines of their own; in the `first`, all have."""
    start = 0
    for found in COMMENT.finditer(gap):
        line_start = gap.rfind("\n", 0, found.start()) + 1
        if line_start or first:
            apart = bool(BLANK_LINE.search(gap, start, found.start()))
            yield Remark(found[0].rstrip(), found.start() > line_start, apart)
        start = found.end()
