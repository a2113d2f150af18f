"""How long functions and files are: `python tools/metrics.py PACKAGE`.

The median function may have 12 lines; more fails. Files over 350 lines and functions over 40 are
named, since now and then one has a reason. Docstrings and blank lines do not count in a function,
so that nobody saves on explanations.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

MEDIAN_FUNCTION = 12
LONG_FUNCTION = 40
LONG_FILE = 350

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function of a module, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function, lines: list[str]) -> int:
    """The lines of `function` from `def` on, without its docstring and without blank ones."""
    documented = ast.get_docstring(function, clean=False) is not None
    skipped = range(function.body[0].lineno, (function.body[0].end_lineno or 0) + 1) if documented else range(0)
    numbers = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return sum(1 for number in numbers if number not in skipped and lines[number - 1].strip())


def measure(files: list[Path]) -> tuple[list[int], list[str]]:
    """The length of every function in `files`, and a line of text for whatever is long."""
    lengths: list[int] = []
    remarks: list[str] = []
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        if len(lines) > LONG_FILE:
            remarks.append(f"{file}: {len(lines)} lines")
        for function in functions(ast.parse("\n".join(lines))):
            lengths.append(length(function, lines))
            if lengths[-1] > LONG_FUNCTION:
                remarks.append(f"{file}:{function.lineno}: {function.name} has {lengths[-1]} lines")
    return lengths, remarks


def main(package: str) -> int:
    """Print the figures of `package`; 1 if its median function is too long."""
    files = sorted(Path(package).rglob("*.py"))
    lengths, remarks = measure(files)
    for remark in remarks:
        print(f"long: {remark}")
    middle, ninth = median(lengths), quantiles(lengths, n=10)[-1]
    print(f"{len(files)} files, {len(lengths)} functions, lines each: median {middle:g}, ninth decile {ninth:g}")
    return 1 if middle > MEDIAN_FUNCTION else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
