"""Fixtures of the tests of the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests import command
from tests.cli import bounded
from tests.engine import layouts


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound the memory and the time of every command that the test runs."""
    pytest.importorskip("resource", reason="this system has no resource limits")
    monkeypatch.setattr(command, "START", bounded.LIMITED)


@pytest.fixture
def unprivileged(limited: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let permissions count: root may read everything, so it gives that up."""
    if os.geteuid() == 0:
        if not sys.platform.startswith("linux"):
            pytest.skip("root may read everything")
        monkeypatch.setattr(command, "START", bounded.UNPRIVILEGED)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A copy of the example's layout that may be changed."""
    return layouts.copied(tmp_path / "layout")
