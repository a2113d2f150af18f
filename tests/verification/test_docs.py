"""docs/verification.md names functions and tests: all of them exist."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.interop import differences

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))  # read before the tests' surroundings are cleared
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/verification.md"
WHERE = re.compile(r"^(\|[^|]*\|[^|]*\| `([\w.]+)`)[^|]*( \| `([\w/.]+)::(\w+)` \|)$", re.MULTILINE)
ROWS = [match.group(2, 4, 5) for match in WHERE.finditer(PAGE.read_text(encoding="utf-8"))]


def test_the_table_is_found() -> None:
    assert len(ROWS) > 30


def implementation(name: str) -> Any:
    """What is called so below the package of verification."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(["policyengine.verification", *parts[:length]])
        if (ROOT / f"{module.replace('.', '/')}.py").is_file():
            found = importlib.import_module(module)
            for part in parts[length:]:
                found = getattr(found, part)
            return found
    return None


@pytest.mark.parametrize("name", sorted({row[0] for row in ROWS}))
def test_a_function_exists(name: str) -> None:
    assert callable(implementation(name))


def placed(row: re.Match[str]) -> str:
    """A row of the table with the file and the line of its function."""
    found = inspect.unwrap(implementation(row[2]))
    file = Path(inspect.getfile(found)).relative_to(ROOT / "policyengine/verification").as_posix()
    return f"{row[1]}, {file}:{inspect.getsourcelines(found)[1]}{row[3]}"


def test_each_step_has_its_file_and_line() -> None:
    """`UPDATE_GOLDEN=1 pytest tests/verification/test_docs.py` writes where things are now."""
    text = PAGE.read_text(encoding="utf-8")
    if UPDATE:
        PAGE.write_text(WHERE.sub(placed, text), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == WHERE.sub(placed, text)


@pytest.mark.parametrize(("file", "name"), sorted({row[1:] for row in ROWS}))
def test_a_test_exists(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / "tests/verification" / file).read_text(encoding="utf-8")


def test_every_step_that_has_a_test_is_in_the_table() -> None:
    steps = set(re.findall(r"def (test_step_\w+)\(", (ROOT / "tests/verification/notation/test_steps.py").read_text()))
    numbers = {re.match(r"test_step_(?:\d_)+", name)[0] for name in steps}  # type: ignore[index]
    listed = {match[0] for row in ROWS if (match := re.match(r"test_step_(?:\d_)+", row[2]))}
    assert numbers == listed


def test_the_differences_from_notation_are_those_that_the_comparison_finds() -> None:
    before, rest = PAGE.read_text(encoding="utf-8").split("<!-- differences -->\n")
    shown, after = rest.split("<!-- end of differences -->\n")
    if UPDATE:
        shown = f"\n{differences.table()}\n"
        page = f"{before}<!-- differences -->\n{shown}<!-- end of differences -->\n{after}"
        PAGE.write_text(page, encoding="utf-8")
    assert shown == f"\n{differences.table()}\n"
