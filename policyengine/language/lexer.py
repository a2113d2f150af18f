"""Text to tokens, one at a time, asking at each place only for what may stand there.

The terminals are those of the grammar. Which of them are looked for is the parser's state: that is
how `rule when deny` can be a rule called `when`. What fits nothing that may stand there becomes a
token all the same, of whatever kind it looks like, for the parser to complain about.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from policyengine.language.grammar import Tables
from policyengine.language.syntax import Span

Match = Callable[[str, int], "re.Match[str] | None"]

WORD = re.compile(r"\w+").match
LOOSE = re.compile(
    r"""(?P<text>"(?:[^"\\\n]|\\[^\n])*") | (?P<unclosed>"[^\n]*)
      | (?P<number>-?[0-9]\w*(?:[-.:+]\w+)*) | (?P<word>\.?\w+)
      | (?P<mark>[<>=!]=|<>|&&|\|\||[-=]>|//|[^\w\s])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
).match
END = "$END"


class Token(Struct, frozen=True):
    """One word of the text: `type` is its terminal, `start` its offset from 0."""

    type: str
    text: str
    start: int
    span: Span


class Lexicon(Struct, frozen=True):
    """What may stand at a place, in the order in which it is looked for."""

    first: tuple[tuple[str, Match], ...]
    words: dict[str, str]
    marks: dict[str, str]
    shapes: tuple[tuple[str, Match], ...]


class Lexer:
    """The tokens of one text. `position` is the offset of the next; it may be set, to read on from there."""

    def __init__(self, path: str, text: str, tables: Tables) -> None:
        self.path, self.text, self.position = path, text, 0
        self.line, self.line_start = 1, 0
        self._states = tables.states
        self._lexicons: dict[int, Lexicon] = {}
        terminals = sorted(tables.terminals, key=lambda terminal: -terminal.priority)
        ignored = "|".join(t.pattern for t in terminals if t.name in tables.ignored)
        self._skip = re.compile(f"(?:{ignored})*").match
        self._plain = [terminal for terminal in terminals if not terminal.shape]
        self._shapes = [
            (terminal, re.compile(terminal.pattern).match)
            for terminal in terminals
            if terminal.shape and terminal.name not in tables.ignored
        ]

    def next(self, state: int) -> Token:
        """The next token, as what may stand in `state` if it can be that."""
        self._move(self._skip(self.text, self.position).end())  # type: ignore[union-attr]
        if self.position >= len(self.text):
            return self._token(END, "")
        lexicon = self._lexicons.get(state) or self._lexicon(state)
        found = self._accepted(lexicon) or self._loose()
        return self._token(*found)

    def skip_to(self, position: int, token: Token) -> None:
        """Read on from `position`, which is the place of `token`, the last, or behind it."""
        self.position = token.start
        self.line, self.line_start = token.span.line, token.start - token.span.column + 1
        self._move(position)

    def _accepted(self, lexicon: Lexicon) -> tuple[str, str] | None:
        text, position = self.text, self.position
        for name, match in lexicon.first:
            if shape := match(text, position):
                return name, shape[0]
        if word := WORD(text, position):
            if name := lexicon.words.get(word[0], ""):
                return name, word[0]
        elif name := lexicon.marks.get(text[position], ""):
            return name, text[position]
        for name, match in lexicon.shapes:
            if shape := match(text, position):
                return name, shape[0]
        return None

    def _loose(self) -> tuple[str, str]:
        """What stands here, as no terminal of the grammar but as what it looks like."""
        found = LOOSE(self.text, self.position)
        assert found is not None and found.lastgroup is not None
        return found.lastgroup, found[0]

    def _token(self, name: str, text: str) -> Token:
        line, column, start = self.line, self.position - self.line_start + 1, self.position
        self._move(start + len(text))
        return Token(name, text, start, Span(self.path, line, column, self.line, self.position - self.line_start + 1))

    def _move(self, position: int) -> None:
        """Go to a later offset, counting the lines on the way."""
        lines = self.text.count("\n", self.position, position)
        if lines:
            self.line += lines
            self.line_start = self.text.rindex("\n", self.position, position) + 1
        self.position = position

    def _lexicon(self, state: int) -> Lexicon:
        accepted = self._states[state]
        plain = {terminal.pattern: terminal.name for terminal in self._plain if terminal.name in accepted}
        lexicon = Lexicon(
            first=tuple((t.name, match) for t, match in self._shapes if t.name in accepted and t.priority),
            words={pattern: name for pattern, name in plain.items() if pattern.isalpha()},
            marks={pattern: name for pattern, name in plain.items() if not pattern.isalpha()},
            shapes=tuple((t.name, match) for t, match in self._shapes if t.name in accepted and not t.priority),
        )
        self._lexicons[state] = lexicon
        return lexicon
