"""How far a transfer is: told on a terminal after a while, and nowhere else."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from policyengine.cli import transfer
from policyengine.cli.terminal import Terminal
from policyengine.registry.content import PIECE, of_bytes, of_file


class Screen(io.StringIO):
    """A terminal that keeps what it is told."""

    def isatty(self) -> bool:
        return True


def before_a_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Standard error is a terminal, and nobody has patience. No fixture: pytest takes the stream back after those."""
    found = Screen()
    monkeypatch.setattr(sys, "stderr", found)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(transfer, "PATIENCE", 0.0)
    monkeypatch.setattr(transfer, "PACE", 0.0)
    return found


def test_a_terminal_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    screen = before_a_screen(monkeypatch)
    (tmp_path / "file").write_bytes(bytes(4 * PIECE))
    shown = transfer.Transfer(Terminal(), "copied")
    assert sum(map(len, shown.watched(of_file(tmp_path / "file")).pieces())) == 4 * PIECE
    assert screen.getvalue().endswith("\r\x1b[K1.0 MB copied")
    shown.clear()
    shown.clear()
    assert screen.getvalue().endswith("1.0 MB copied\r\x1b[K")


def test_what_is_quick_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = before_a_screen(monkeypatch)
    monkeypatch.setattr(transfer, "PATIENCE", 1000.0)
    shown = transfer.Transfer(Terminal(), "copied")
    list(shown.watched(of_bytes(b"content")).pieces())
    shown.clear()
    assert screen.getvalue() == ""


def test_nobody_else_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = before_a_screen(monkeypatch)
    content = of_bytes(b"content")
    assert transfer.Transfer(Terminal(quiet=True), "copied").watched(content) is content
    monkeypatch.setenv("TERM", "dumb")
    assert transfer.Transfer(Terminal(), "copied").watched(content) is content
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert transfer.Transfer(Terminal(), "copied").watched(content) is content
    assert screen.getvalue() == ""
