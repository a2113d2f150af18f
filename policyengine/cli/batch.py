"""Deciding about several images at once: so many threads, every answer in its place, and Ctrl-C heard at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar, cast

from msgspec import Struct

I = TypeVar("I")  # noqa: E741 # an item
R = TypeVar("R")


class _Done(Struct, Generic[R]):
    """What became of the item at `place`: a result, or what was raised."""

    place: int
    result: R | None = None
    problem: BaseException | None = None


Waiting: TypeAlias = queue.SimpleQueue[tuple[int, I]]
Finished: TypeAlias = queue.SimpleQueue[_Done[R]]


def each(items: Sequence[I], function: Callable[[I], R], threads: int, done: Callable[[R], None]) -> list[R]:
    """The results of `function`, in the order of `items`, by at most `threads` threads; `done` hears of each.

    What `function` raises for one item ends the whole: it is what no item's answer could say.
    """
    if min(threads, len(items)) < 2:
        return [_told(function(item), done) for item in items]
    finished: Finished[R] = queue.SimpleQueue()
    waiting: Waiting[I] = queue.SimpleQueue()
    for place in enumerate(items):
        waiting.put(place)
    for _ in range(min(threads, len(items))):
        threading.Thread(target=_work, args=(waiting, function, finished), daemon=True).start()
    results: dict[int, R] = {}
    while len(results) < len(items):
        found = finished.get()
        if found.problem is not None:
            raise found.problem
        results[found.place] = _told(cast("R", found.result), done)  # `R` may itself be what has no result
    return [results[place] for place in range(len(items))]


def _told(result: R, done: Callable[[R], None]) -> R:
    done(result)
    return result


def _work(waiting: Waiting[I], function: Callable[[I], R], finished: Finished[R]) -> None:
    """Take items until there are none; the thread is a daemon, so that an interrupted run need not wait for it."""
    while True:
        try:
            place, item = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            finished.put(_Done(place, function(item)))
        except BaseException as problem:  # noqa: BLE001 # the waiting thread raises it
            finished.put(_Done(place, problem=problem))
            return
