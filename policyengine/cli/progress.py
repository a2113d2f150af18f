"""How far a run over several images is: one line on a terminal's standard error, and nothing anywhere else."""

from __future__ import annotations

import os
import sys
from collections import Counter

from policyengine.cli.terminal import Terminal, columns

BAR = 24
"""Columns of the bar."""
WORDS = {"allow": "allowed", "deny": "denied", "error": "not decided"}


class Progress:
    """A bar that `advance` moves, and `clear` takes away before anything else is written."""

    def __init__(self, terminal: Terminal, total: int) -> None:
        self._terminal, self._total = terminal, total
        self._told = Counter[str]()
        self._shown = total > 1 and not terminal.quiet and _moves()
        self._draw()

    def advance(self, word: str) -> None:
        """One more image is decided about, with this decision."""
        self._told[word] += 1
        self._draw()

    def clear(self) -> None:
        """Leave an empty line."""
        if self._shown:
            self._terminal.complain("\r\x1b[K")

    def _draw(self) -> None:
        if self._shown:
            self._terminal.complain(f"\r\x1b[K{self._line()[: max(columns(sys.stderr, os.environ) - 1, 0)]}")

    def _line(self) -> str:
        done = self._told.total()
        full, empty = ("█", "░") if self._terminal.look(sys.stderr).unicode else ("#", ".")
        filled = BAR * done // self._total
        told = [f"{self._told[word]} {said}" for word, said in WORDS.items() if self._told[word]]
        return f"{full * filled}{empty * (BAR - filled)} {' · '.join([f'{done} of {self._total} images', *told])}"


def _moves() -> bool:
    """Whether standard error is a terminal on which a line can be written over."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
