"""Documents that fit a width: pieces of text, and the places where a line may end.

A group is written on one line if it fits there, else each of its own `Line`s ends one. A comment ends
its line always, so what holds one is never written on one line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

WIDTH = 120
"""Columns of a line, where it can be helped."""

STEP = 2
"""Columns by which what belongs to something is indented."""

ENDLESS = 1 << 30
"""The width of what does not go on one line."""

SPACE = " "
"""A piece that parts two words; at the end of a line it is left out."""


class Line(Struct, frozen=True):
    """Where a line may end: `flat` stands here otherwise. The next is indented if `inner`; a `hard` one ends always."""

    flat: str = " "
    inner: bool = True
    hard: bool = False


class Comma(Struct, frozen=True):
    """A comma, which stands before the comment at the end of its line; a `last` one is left out on one line."""

    last: bool = False


class Comment(Struct, frozen=True):
    """A comment, at the end of a line or on its `own`."""

    text: str
    own: bool


class Group(Struct, frozen=True):
    """Parts that share their fate. `width` is theirs on one line, `head` what stands before their first `Line`."""

    parts: tuple[Doc, ...]
    width: int
    head: int


Doc = str | Line | Comma | Comment | Group


def group(parts: Sequence[Doc]) -> Group:
    """The parts as a group."""
    width = min(ENDLESS, sum(map(_width, parts)))
    head = 0
    for part in parts:
        head += part.head if isinstance(part, Group) else 0 if isinstance(part, Line) else _width(part)
        if isinstance(part, Line) or (isinstance(part, Group) and part.head < part.width):
            break
    return Group(tuple(parts), width, min(ENDLESS, head))


def _width(doc: Doc) -> int:
    if isinstance(doc, str):
        return len(doc)
    if isinstance(doc, Group):
        return doc.width
    if isinstance(doc, Comma):
        return 0 if doc.last else 1
    return len(doc.flat) if isinstance(doc, Line) and not doc.hard else ENDLESS


def lines(doc: Doc) -> list[str]:
    """The document, line by line."""
    page = _Page()
    page.put(doc, False, 0)
    page.end(0)
    return page.lines


class _Page:
    """Lines, the last of them unfinished: its `indent`, its `text`, the `comments` at its end.

    `base` is the indentation of the line on which the current group began.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent, self.base = 0, 0
        self.text, self.space = "", ""
        self.comments: list[str] = []

    def put(self, doc: Doc, flat: bool, behind: int) -> None:
        """Write a document, on one line if `flat`; `behind` is what follows on the same line in any case."""
        if isinstance(doc, Group):
            self._group(doc, flat, behind)
        elif isinstance(doc, Line):
            self._line(doc, flat)
        elif isinstance(doc, Comma):
            self.text += "" if doc.last and flat else ","
        elif isinstance(doc, Comment):
            self._comment(doc)
        elif doc == SPACE:
            self.space = SPACE
        else:
            self._word(doc)

    def _group(self, doc: Group, flat: bool, behind: int) -> None:
        if self.comments:
            self.end(self.base + STEP)
        room = WIDTH - self.indent - len(self.text) - len(self.space) - behind
        flat = flat or doc.width <= room
        before, self.base = self.base, self.indent
        for part, following in zip(doc.parts, _following(doc.parts, behind, flat), strict=True):
            self.put(part, flat, following)
        self.base = before

    def _line(self, line: Line, flat: bool) -> None:
        if flat and not line.hard:
            self.space = line.flat
        else:
            self.end(self.base + STEP * line.inner)

    def _word(self, word: str) -> None:
        if self.comments:
            self.end(self.base + STEP)
        self.text += self.space + word if self.text else word
        self.space = ""

    def _comment(self, comment: Comment) -> None:
        if not comment.own:
            self.comments.append(comment.text)
            return
        if self.text or self.comments:
            self.end(self.base + STEP)
        self.text = comment.text
        self.end(self.indent)

    def end(self, indent: int) -> None:
        """End the line, unless nothing stands on it; the next begins at column `indent`."""
        if self.text or self.comments:
            self.lines.append(" " * self.indent + "  ".join([self.text, *self.comments]).strip())
        self.indent, self.text, self.space, self.comments = indent, "", "", []


def _following(parts: Sequence[Doc], behind: int, flat: bool) -> Iterator[int]:
    """For each part, the width of what follows it before the line may end."""
    if flat:
        yield from (0 for _ in parts)
        return
    for place, part in enumerate(parts):
        width = 0
        if isinstance(part, Group):
            for later in parts[place + 1 :]:
                if isinstance(later, Line) or (isinstance(later, Comment) and later.own):
                    break
                width += later.head if isinstance(later, Group) else _width(later)
                if isinstance(later, Group) and later.head < later.width:
                    break
            else:
                width += behind
        yield width
