"""docs/verification.md names functions and tests: all of them exist."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path

import pytest

from tests.interop import differences

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))  # read before the tests' surroundings are cleared
ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\|[^|]*\|[^|]*\| `([\w.]+)` \| `([\w/.]+)::(\w+)` \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs/verification.md").read_text(encoding="utf-8"))


def test_the_table_is_found() -> None:
    assert len(ROWS) > 30


@pytest.mark.parametrize("function", sorted({row[0] for row in ROWS}))
def test_a_function_exists(function: str) -> None:
    parts = function.split(".")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(["policyengine.verification", *parts[:length]])
        if (ROOT / f"{name.replace('.', '/')}.py").is_file():
            found = importlib.import_module(name)
            for part in parts[length:]:
                found = getattr(found, part)
            assert callable(found)
            return
    pytest.fail(f"there is no {function}")


@pytest.mark.parametrize(("file", "name"), sorted({row[1:] for row in ROWS}))
def test_a_test_exists(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / "tests/verification" / file).read_text(encoding="utf-8")


def test_every_step_that_has_a_test_is_in_the_table() -> None:
    steps = set(re.findall(r"def (test_step_\w+)\(", (ROOT / "tests/verification/notation/test_steps.py").read_text()))
    numbers = {re.match(r"test_step_(?:\d_)+", name)[0] for name in steps}  # type: ignore[index]
    listed = {match[0] for row in ROWS if (match := re.match(r"test_step_(?:\d_)+", row[2]))}
    assert numbers == listed


def test_the_differences_from_notation_are_those_that_the_comparison_finds() -> None:
    file = ROOT / "docs/verification.md"
    before, rest = file.read_text(encoding="utf-8").split("<!-- differences -->\n")
    shown, after = rest.split("<!-- end of differences -->\n")
    if UPDATE:
        shown = f"\n{differences.table()}\n"
        page = f"{before}<!-- differences -->\n{shown}<!-- end of differences -->\n{after}"
        file.write_text(page, encoding="utf-8")
    assert shown == f"\n{differences.table()}\n"
