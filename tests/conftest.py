"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure, and the same commit gives the same answer; `make fuzz` looks further.
settings.register_profile("here", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("here")

KEPT = frozenset({"PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "CI", "POLICYENGINE_REQUIRE_INTEROP", "VIRTUAL_ENV"})
"""The only variables of the surroundings that a test sees: no login, no proxy, no colour setting."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of fixtures and data that lies beside the checkout; skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder ../shared is not there")
    return folder


@pytest.fixture(scope="session", autouse=True)
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests, and the commands they run, meet neither the user's logins nor their configuration."""
    before = dict(os.environ)
    for name in before.keys() - KEPT:
        if not name.startswith(("PYTEST", "COV", "PYTHON")):
            del os.environ[name]
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    os.environ.clear()
    os.environ.update(before)
