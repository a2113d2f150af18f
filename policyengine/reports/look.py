"""How text for people looks: width, colours, symbols; and the page on which a report is set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from msgspec import Struct

from policyengine.reports.safe import orderless, printable

COLOURS = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}
SYMBOLS = {
    "allow": ("✓", "+", "green"),
    "deny": ("✗", "x", "red"),
    "error": ("!", "!", "yellow"),
    "undetermined": ("?", "?", "yellow"),
    "warn": ("!", "!", "yellow"),
    "waived": ("~", "~", "cyan"),
    "none": ("·", "-", "dim"),
}
"""What a mark looks like, with its ASCII form and its colour."""

LONGEST = 2_000
"""Characters of one text that are shown; JSON has all of it."""

NARROWEST = 30
"""Columns below which text is no longer wrapped to fit: a message in slivers helps nobody."""


class Look(Struct, frozen=True):
    """What a report for people may use. `width` 0 means that lines are not wrapped (a log file's viewer does it).

    `instant` shows the time of the evaluation, `everything` every violation, `quiet` the verdict alone,
    `verbose` also what passed or did not matter.
    """

    width: int = 0
    colour: bool = False
    unicode: bool = True
    instant: bool = False
    everything: bool = False
    quiet: bool = False
    verbose: bool = False


Span = str | tuple[str, str]
"""A piece of a line: text, or text and the names of its styles (`"bold red"`)."""


class Word(Struct, frozen=True):
    """A piece of text without spaces; `apart` says that a space stands before it."""

    text: str
    style: str
    apart: bool


class Page:
    """Lines in the making. All text goes through `printable`, and the whole through `orderless`."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._lines: list[str] = []

    def line(self, *spans: Span, indent: int = 0, hang: int = 2, wrap: bool = True) -> None:
        """One line, wrapped between words where it is too wide; what follows is indented by `hang` more."""
        words = [word for span in spans for word in self._words(span)]
        width = self.look.width if wrap and self.look.width - indent - hang >= NARROWEST else 0
        for number, line in enumerate(wrapped(words, width - indent, hang) if width else [words]):
            self._lines.append(" " * (indent + hang if number else indent) + self._painted(line))

    def blank(self) -> None:
        """An empty line, never two and never the first."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def mark(self, name: str) -> Span:
        """The symbol called `name`, coloured."""
        symbol, plain, colour = SYMBOLS[name]
        return (symbol if self.look.unicode else plain, colour)

    def text(self) -> str:
        """All lines, each ended, without trailing empty ones."""
        return orderless("\n".join(self._lines).rstrip("\n") + "\n") if self._lines else ""

    def _words(self, span: Span) -> list[Word]:
        text, style = span if isinstance(span, tuple) else (span, "")
        text = printable(text if self.look.unicode else plain(text), LONGEST)
        return [Word(word, style, index > 0) for index, word in enumerate(text.split(" "))]

    def _painted(self, line: list[Word]) -> str:
        """The words of a line as text; neighbours of one style are painted in one go."""
        painted = ""
        for style, group in groupby(line, key=lambda word: word.style):
            text = "".join(" " * word.apart + word.text for word in group)
            if style and self.look.colour and text.strip():
                text = f"\x1b[{';'.join(COLOURS[name] for name in style.split())}m{text}\x1b[0m"
            painted += text
        return painted.rstrip()


def wrapped(words: list[Word], width: int, hang: int) -> Iterator[list[Word]]:
    """The lines that `words` make in `width` columns, those after the first being `hang` shorter.

    A line breaks only at a space; what is longer than a line stays whole, so that it can be copied.
    """
    line: list[Word] = []
    used = 0
    for unit in units(words):
        taken = sum(columns(word.text) for word in unit)
        if line and unit[0].apart and used + 1 + taken > width:
            yield line
            line, used, width, hang = [], 0, width - hang, 0
            unit[0] = Word(unit[0].text, unit[0].style, apart=False)
        line += unit
        used += unit[0].apart + taken
    yield line


def units(words: list[Word]) -> Iterator[list[Word]]:
    """Words grouped so that a group has a space only before it."""
    unit: list[Word] = []
    for word in words:
        if word.apart and unit:
            yield unit
            unit = []
        unit.append(word)
    yield unit


def columns(text: str) -> int:
    """The columns that `text` takes in a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cells(texts: Iterable[str], limit: int = 60) -> list[str]:
    """The cells of one column of a table: printable, cut short, and padded to the widest."""
    shown = [printable(text, limit) for text in texts]
    width = max(map(columns, shown), default=0)
    return [text + " " * (width - columns(text)) for text in shown]


def plain(text: str) -> str:
    """Our own typography in ASCII; what others wrote is left to the stream's error handler."""
    return text.replace("…", "...").replace("→", "->").replace("·", "-")
