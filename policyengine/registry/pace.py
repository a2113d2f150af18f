"""How many requests one server is asked at once: fewer as soon as it says that they are too many."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """A door that lets `most` requests be open at a time; serves several threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open = 0
        self._changed = threading.Condition()

    @contextmanager
    def request(self) -> Iterator[int]:
        """Wait for a turn, and keep it until the context ends; yields how many turns there were at its beginning."""
        with self._changed:
            self._changed.wait_for(lambda: self._open < self.most)
            self._open += 1
            most = self.most
        try:
            yield most
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify()

    def slow_down(self, most: int) -> None:
        """Halve the number of turns after a 429, once for all requests that began while there were `most`."""
        with self._changed:
            if most == self.most:
                self.most = max(most // 2, 1)
