"""A tree drawn with lines: one artifact on each, its columns one under the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from policyengine.reports.look import Page, cells

NAME = 60
"""Columns of a name, with the lines before it, that are shown."""

DRAWN = (("├─ ", "│  ", "└─ ", "   "), ("|- ", "|  ", "`- ", "   "))
"""What stands before a line and below it, where more follow and where none does; the same in ASCII."""


class Line(Struct, frozen=True):
    """What one line says: a mark (a name of `look.SYMBOLS`, or none), a name, text, and the lines below it."""

    mark: str
    name: str
    text: str
    below: tuple[Line, ...] = ()


def draw(page: Page, lines: Sequence[Line]) -> None:
    """Put `lines` and all below them on the page."""
    rows = list(_rows(lines, "", DRAWN[0 if page.look.unicode else 1]))
    names = cells((before + line.name for before, line in rows), NAME)
    marked = any(line.mark for _, line in rows)
    for (before, line), name in zip(rows, names, strict=True):
        mark = [page.mark(line.mark) if line.mark else " ", " "] if marked else []
        page.line((before, "dim"), *mark, name[len(before) :], f"  {line.text}", wrap=False)


def _rows(lines: Sequence[Line], above: str, drawn: tuple[str, str, str, str]) -> Iterator[tuple[str, Line]]:
    """Each line with what is drawn before it."""
    for number, line in enumerate(lines, 1):
        here, under = drawn[2:] if number == len(lines) else drawn[:2]
        yield above + here, line
        yield from _rows(line.below, above + under, drawn)
