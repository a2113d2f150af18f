"""The pages of the documentation and their fenced blocks.

What stands behind the three backticks says how a block is held to the truth:

- `policy`: a whole file. It compiles without a warning, and its tests pass.
- `policy fragment`: items without a header; a header is put before them, and a rule behind them where there is none.
- `policy set NAME`: one file of a policy set; the others of that name on the page are its other files.
- `policy conditions X`: on each line a condition about the element X (`finding`, `package`, `image`…).
- `policy file NAME`: a whole file, written to the folder that the page's `console` blocks run in.
- `console`: commands behind `$`, each followed by what it prints.
- `output`: what `policyengine check` prints for the block before.
- `sh`: commands that are only looked at: the subcommands and options of `policyengine`, the targets of `make`.
- `json`, `yaml`, `python`: is read. `text`: nothing is held to anything.

In blocks of policies a comment `# error E103` or `# warning W201` at the end of a line says that the line, and no
other, has that diagnostic; several codes are separated by commas, and `: a | b` behind them are words that it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`\n]*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `line` is that of its first line of text, counted from 1."""

    page: str
    line: int
    info: str
    text: str

    @property
    def kind(self) -> str:
        """The first word behind the backticks; empty where there is none."""
        return self.info.partition(" ")[0]

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """The pages whose blocks are executed, by their paths from the top of the checkout."""
    found = [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "diagnostics").glob("*.md"),
        *(ROOT / "docs" / "howto").glob("*.md"),
    ]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks(page: str) -> list[Block]:
    """The fenced blocks of one page, in order."""
    return list(_blocks(page, (ROOT / page).read_text(encoding="utf-8").split("\n")))


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    start, opened = 0, None
    for number, line in enumerate(lines):
        found = FENCE.match(line)
        if opened is None and found:
            start, opened = number + 1, found
        elif opened is not None and found and found["ticks"] == opened["ticks"] and not found["info"]:
            indent = len(opened["indent"])
            text = "\n".join(each[indent:] for each in lines[start:number])
            yield Block(page, start + 1, opened["info"].strip(), f"{text}\n")
            opened = None
    assert opened is None, f"{page}: the block in line {start} is not closed"


def section(page: str, heading: str) -> str:
    """The text below a heading of a page, up to the next heading that is not below it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section {heading}"
    return found[2]


def tables(page: str, heading: str) -> list[list[tuple[str, ...]]]:
    """The tables of a section, each as its rows of cells without the header."""
    lines = re.sub(r"^```.*?^```$", "", section(page, heading), flags=re.MULTILINE | re.DOTALL).split("\n")
    found: list[list[tuple[str, ...]]] = []
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|"):
            if not before.startswith("|"):
                found.append([])
            found[-1].append(tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]))
    return [table[2:] for table in found]
