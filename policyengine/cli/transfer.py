"""How far a transfer is: one line on a terminal's standard error after a second, and nothing anywhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

from policyengine.cli.terminal import Terminal
from policyengine.registry.content import Content

PATIENCE, PACE = 1.0, 0.2
"""Seconds until the line is shown, and between two states of it."""


class Transfer:
    """Counts the bytes of the content that passes through it; `what` is done with them (`copied`)."""

    def __init__(self, terminal: Terminal, what: str) -> None:
        self._terminal, self._what = terminal, what
        self._lock = threading.Lock()
        self._bytes = 0
        self._next = time.monotonic() + PATIENCE
        self._drawn = False
        self._shown = not terminal.quiet and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def watched(self, content: Content) -> Content:
        """The same content, which is counted as it is read."""
        return Content(content.digest, content.size, lambda: self._counted(content)) if self._shown else content

    def clear(self) -> None:
        """Leave an empty line."""
        if self._drawn:
            self._terminal.complain("\r\x1b[K")
            self._drawn = False

    def _counted(self, content: Content) -> Iterator[bytes]:
        for piece in content.pieces():
            self._add(len(piece))
            yield piece

    def _add(self, count: int) -> None:
        with self._lock:
            self._bytes += count
            now = time.monotonic()
            if now >= self._next:
                self._next, self._drawn = now + PACE, True
                self._terminal.complain(f"\r\x1b[K{self._bytes / 1e6:.1f} MB {self._what}")
