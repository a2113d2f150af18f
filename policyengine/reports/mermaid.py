"""The artifact graph as a Mermaid flowchart, for wikis and summaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from policyengine.decision.model import Decision
from policyengine.reports.formats import Report
from policyengine.reports.graph import Node, graph
from policyengine.reports.look import SYMBOLS
from policyengine.reports.safe import orderless

COLOURS = {"green": "#1a7f37", "red": "#cf222e", "yellow": "#9a6700", "cyan": "#0969da", "dim": "#6e7781"}
HARMLESS = frozenset(" .,-_/+=@…✓✗!?~·")
"""Characters of a label that mean nothing to Mermaid, beside letters and digits."""


def render(report: Report) -> str:
    """One flowchart with a tree for each image."""
    return orderless(flowchart(report.decisions))


def flowchart(decisions: Sequence[Decision]) -> str:
    """The same, for another document to hold."""
    numbers = count(1)
    lines = ["flowchart LR"]
    for decision in decisions:
        lines += [f"  {line}" for line in _tree(graph(decision), numbers, "")]
    lines += [
        f"  classDef {name} stroke:{COLOURS[colour]},stroke-width:2px" for name, (_, _, colour) in SYMBOLS.items()
    ]
    return "\n".join([*lines, ""])


def _tree(node: Node, numbers: Iterator[int], parent: str) -> Iterator[str]:
    name = f"n{next(numbers)}"
    label = _label(f"{SYMBOLS[node.mark][0]} {node.name}") + (f"<br/>{_label(node.about)}" if node.about else "")
    yield f'{name}["{label}"]:::{node.mark}'
    if parent:
        yield f"{parent} --- {name}"
    for child in node.children:
        yield from _tree(child, numbers, name)


def _label(text: str) -> str:
    """Text in which nothing is markup: everything else as an entity code."""
    return "".join(c if c.isalnum() or c in HARMLESS else f"#{ord(c)};" for c in text)
