"""Requests that are under way: whoever asks for the same meanwhile waits for the one answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

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
            try:
                own.set_result(call())
            except BaseException as error:  # noqa: BLE001 # it is raised below, and wherever else it is waited for
                own.set_exception(error)
            with self._lock:
                del self._under_way[key]
        return flight.result()
