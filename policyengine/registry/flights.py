"""Requests that are under way: whoever asks for the same meanwhile waits for the one answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class Flights:
    """The calls that are under way, by what they are for. Several threads may use it at once."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def join(self, key: Hashable, call: Callable[[], T]) -> T:
        """What `call` returns or raises; where a call for the same `key` is under way, what that one does."""
        from concurrent.futures import Future

        own: Future[T] = Future()
        with self._lock:
            flight: Future[T] = self._under_way.setdefault(key, own)
        if flight is own:
            fulfil(own, call)
            with self._lock:
                del self._under_way[key]
        return flight.result()


def fulfil(future: Future[T], call: Callable[[], T]) -> None:
    """Make `future` what `call` comes to: its result, or what it raises."""
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 # it is raised wherever the result is asked for
        future.set_exception(error)
