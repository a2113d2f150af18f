"""The artifact graph as inline SVG: a tree from left to right, drawn by hand so that the page needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from policyengine.reports.graph import Node
from policyengine.reports.look import SYMBOLS, columns
from policyengine.reports.markup import element, escaped

ROW, GAP, HEIGHT = 56, 48, 40
"""Pixels: from one row to the next, between columns, and of a box."""
LETTER, PADDING = 7.9, 12
"""Pixels: the width of a letter at 13 pixels in the widest of common fonts, and beside the text in a box."""


class Picture:
    """A drawing in the making; `rows` counts the rows used so far."""

    def __init__(self, root: Node) -> None:
        self.widths = [max(map(_width, level)) for level in _levels(root)]
        self.rows = 0
        self.parts: list[str] = []
        self._draw(root, 0)

    def text(self) -> str:
        """The picture as an element that scales down where it has to."""
        width = sum(self.widths) + GAP * (len(self.widths) - 1) + 4
        height = self.rows * ROW
        return element(
            "svg", "".join(self.parts), viewBox=f"0 0 {width:.0f} {height}", width=f"{width:.0f}", role="img",
            aria_label="The artifacts around the image",
        )  # fmt: skip

    def _draw(self, node: Node, level: int) -> float:
        """Draw `node` with its children; the height of its middle."""
        middles = [self._draw(child, level + 1) for child in node.children]
        if middles:
            middle = (middles[0] + middles[-1]) / 2
        else:
            middle = self.rows * ROW + ROW / 2
            self.rows += 1
        left = sum(self.widths[:level]) + GAP * level + 2
        self.parts += [_line(left + self.widths[level], middle, each) for each in middles]
        self.parts += _box(node, left, middle, self.widths[level])
        return middle


def _levels(root: Node) -> list[list[Node]]:
    """The nodes by their distance from `root`."""
    levels, level = [], [root]
    while level:
        levels.append(level)
        level = [child for node in level for child in node.children]
    return levels


def _width(node: Node) -> float:
    return max(columns(f"{SYMBOLS[node.mark][0]} {node.name}"), columns(node.about)) * LETTER + 2 * PADDING


def _line(left: float, start: float, end: float) -> str:
    half = left + GAP / 2
    path = f"M{left:.0f} {start:.0f}C{half:.0f} {start:.0f} {half:.0f} {end:.0f} {left + GAP:.0f} {end:.0f}"
    return element("path", d=path, class_="edge")


def _box(node: Node, left: float, middle: float, width: float) -> Iterator[str]:
    top = middle - HEIGHT / 2
    yield element(
        "rect",
        x=f"{left:.0f}",
        y=f"{top:.0f}",
        width=f"{width:.0f}",
        height=str(HEIGHT),
        rx="6",
        class_=f"box {node.mark}",
    )
    text = left + PADDING
    name = escaped(f"{SYMBOLS[node.mark][0]} {node.name}")
    yield element("text", name, x=f"{text:.0f}", y=f"{top + (16 if node.about else 25):.0f}", class_="name")
    if node.about:
        yield element("text", escaped(node.about), x=f"{text:.0f}", y=f"{top + 32:.0f}", class_="about")
