"""The tables of other projects' tests, which lie beside the checkout: all of their rows are asked.

Where we answer otherwise the test says for which rows, what, and why: a table of differences is compared as a whole,
so that none is passed over in silence and none stays when it has gone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def rows(shared: Path, file: str, test: str, table: str = "") -> list[Any]:
    """The rows of a test's table, and of all its tables where none is named; a mapping is a list of one."""
    tables = json.loads((shared / "data/registry" / file).read_text())["tables"]
    found = [each["cases"] for each in tables if each["test"] == test and table in ("", each["table"])]
    assert found, f"{file} has no such table"
    return [row for cases in found for row in (cases if isinstance(cases, list) else [cases])]
