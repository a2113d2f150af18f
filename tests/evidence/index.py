"""The facts that were found in real documents by independent means: `index.tsv` of the shared data."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    file: str
    category: str
    format: str
    facts: str

    def number(self, name: str) -> int | None:
        """The number that the facts state as `name=…`."""
        found = re.search(rf"(?<![\w_]){name}=(\d+)", self.facts)
        return int(found[1]) if found else None

    def table(self, name: str) -> dict[str, int]:
        """The table that the facts state as `name[KEY=n,…]`."""
        found = re.search(rf"(?<![\w_]){name}\[([^\]]*)\]", self.facts)
        cells = (cell.rpartition("=") for cell in found[1].split(",") if cell) if found else ()
        return {key: int(value) for key, _, value in cells}

    def words(self, name: str) -> dict[str, Any] | None:
        """The table that the facts state as JSON, `name={…}`."""
        found = re.search(rf"(?<![\w_]){name}=(\{{[^}}]*\}})", self.facts)
        return json.loads(found[1]) if found else None


def rows(folder: Path) -> list[Row]:
    """The rows of the index beside the checkout; none where it is absent."""
    index = folder / "index.tsv"
    if not index.is_file():
        return []
    with index.open(newline="", encoding="utf-8") as lines:
        table = csv.DictReader(lines, delimiter="\t")
        return [Row(row["file"], row["category"], row["format"], row["facts"]) for row in table]
