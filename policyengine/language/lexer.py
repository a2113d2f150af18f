"""Text to tokens, one at a time, asking at each place only for what may stand there.

The terminals are those of the grammar. Which of them are looked for is the parser's state: that is
how `rule when deny` can be a rule called `when`. What fits nothing that may stand there becomes a
token all the same, of whatever kind it looks like, for the parser to complain about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from functools import cache

from msgspec import Struct

from policyengine.language.grammar import Tables, tables
from policyengine.language.syntax import Span

Match = Callable[[str, int], "re.Match[str] | None"]

WORD = re.compile(r"\w+").match
LOOSE = re.compile(
    r"""(?P<text>"(?:[^"\\\n]|\\[^\n])*") | (?P<unclosed>"[^\n]*)
      | (?P<number>-?[0-9]\w*(?:[-.:+]\w+)*) | (?P<word>\.?\w+)
      | (?P<mark>[<>=!]=|<>|&&|\|\||[-=]>|=<|//|[^\w\s])
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


class Vocabulary:
    """What may stand in each state of the automaton; made once, state by state as they come up."""

    def __init__(self, tables: Tables) -> None:
        terminals = sorted(tables.terminals, key=lambda terminal: -terminal.priority)
        ignored = "|".join(t.pattern for t in terminals if t.name in tables.ignored)
        self.skip = re.compile(f"(?:{ignored})*").match
        self._states = tables.states
        self._plain = [t for t in terminals if not t.shape]
        self._shapes = [(t, re.compile(t.pattern).match) for t in terminals if t.shape and t.name not in tables.ignored]
        self._lexicons: dict[int, Lexicon] = {}

    def lexicon(self, state: int) -> Lexicon:
        """What may stand in `state`."""
        known = self._lexicons.get(state)
        if known is None:
            known = self._lexicons[state] = self._lexicon(self._states[state])
        return known

    def _lexicon(self, accepted: Container[str]) -> Lexicon:
        plain = {t.pattern: t.name for t in self._plain if t.name in accepted}
        shapes = [(t, match) for t, match in self._shapes if t.name in accepted]
        return Lexicon(
            first=tuple((t.name, match) for t, match in shapes if t.priority),
            words={pattern: name for pattern, name in plain.items() if pattern.isalpha()},
            marks={pattern: name for pattern, name in plain.items() if not pattern.isalpha()},
            shapes=tuple((t.name, match) for t, match in shapes if not t.priority),
        )


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of the language."""
    return Vocabulary(tables())


class Lexer:
    """The tokens of one text, beginning at the offset `position`."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text, self.position = path, text, 0
        self.line, self.line_start = 1, 0
        self._vocabulary = vocabulary()

    def next(self, state: int) -> Token:
        """The next token, as what may stand in `state` if it can be that."""
        gap = self._vocabulary.skip(self.text, self.position)
        self._move(gap.end() if gap else self.position)
        if self.position == len(self.text):
            return self._token(END, "")
        return self._token(*(self._accepted(self._vocabulary.lexicon(state)) or self._loose()))

    def skip_to(self, position: int, token: Token) -> None:
        """Read on from `position`, which is at `token`, the last one, or behind it."""
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
        return (found.lastgroup or "", found[0]) if found else ("other", self.text[self.position])

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
