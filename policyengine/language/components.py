"""What rests on what: the strongly connected components of a graph (Tarjan, 1972), without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def components(nodes: Sequence[T], following: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """Groups of nodes that all reach each other; what a group rests on comes before it. Linear in the edges."""
    number: dict[T, int] = {}
    lowest: dict[T, int] = {}
    open_: list[T] = []
    opened: set[T] = set()
    found: list[list[T]] = []

    def enter(node: T) -> tuple[T, Iterator[T]]:
        number[node] = lowest[node] = len(number)
        open_.append(node)
        opened.add(node)
        return node, iter(following(node))

    def leave(node: T) -> None:
        if lowest[node] == number[node]:
            at = open_.index(node) if open_[-1] is not node else len(open_) - 1
            found.append(open_[at:])
            opened.difference_update(open_[at:])
            del open_[at:]

    for root in nodes:
        path = [enter(root)] if root not in number else []
        while path:
            node, rest = path[-1]
            target = next(rest, None)
            if target is None:
                path.pop()
                leave(node)
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[node])
            elif target not in number:
                path.append(enter(target))
            elif target in opened:
                lowest[node] = min(lowest[node], number[target])
    return found
