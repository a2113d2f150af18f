"""Writes grammar/policy.tables from the grammar beside it; `--check` only compares."""

from __future__ import annotations

import sys

import msgspec

from policyengine.language import grammar


def main(*arguments: str) -> str | None:
    """Write the tables, or say that they are not those of the grammar."""
    source = grammar.grammar_file()
    target = grammar.tables_file(source)
    lines = msgspec.json.encode(grammar.build(source.read_bytes())).replace(b"},{", b"},\n{") + b"\n"
    if "--check" in arguments:
        same = target.is_file() and target.read_bytes() == lines
        return None if same else f"{target.name} is not what the grammar gives: run `make tables`"
    target.write_bytes(lines)
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
