"""The grammar as tables: what the parser runs on.

`grammar/policy.lark` is the only place where the syntax is defined. Lark turns it into an LALR(1)
automaton (400 ms, half of it the import); what comes of that lies beside it as plain data, `policy.tables`,
150 kB of JSON that load in 4 ms and carry the digest of the grammar that they were made of. So nobody but
who changes the grammar imports Lark, and tables of another grammar are never used: `make tables` writes them
anew, and `make check` holds them against the grammar.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct


class Terminal(Struct, frozen=True):
    """What one word of the text can be; `pattern` is an expression if `shape`, else the text itself."""

    name: str
    pattern: str
    shape: bool
    priority: int = 0


class Production(Struct, frozen=True):
    """One alternative of a rule: how many symbols it takes, and what is done with them.

    `action` names the builder's method; empty for one that hands its only part on. `parts` are the
    places of the symbols that the method is given, -1 for an optional part that is not there.
    """

    origin: str
    size: int
    action: str
    parts: tuple[int, ...]


class Tables(Struct, frozen=True):
    """The automaton: for each state, per symbol, the next state, or ~n to reduce by production n.

    `grammar` is the SHA-256 of the grammar's text, in hexadecimal digits.
    """

    grammar: str
    terminals: tuple[Terminal, ...]
    ignored: tuple[str, ...]
    states: tuple[dict[str, int], ...]
    productions: tuple[Production, ...]
    start: int
    end: int


@cache
def tables() -> Tables:
    """The tables of the grammar: those that lie beside it, or, where they are of another one, new ones."""
    file = grammar_file()
    text = file.read_bytes()
    try:
        found = msgspec.json.decode(tables_file(file).read_bytes(), type=Tables)
    except (OSError, msgspec.MsgspecError):
        found = None
    return found if found is not None and found.grammar == sha256(text).hexdigest() else build(text)


def grammar_file() -> Path:
    """The grammar: inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "grammar" / "policy.lark"
    return inside if inside.is_file() else package.parent / "grammar" / "policy.lark"


def tables_file(grammar: Path) -> Path:
    """Where the tables of a grammar lie: beside it."""
    return grammar.with_suffix(".tables")


def build(text: bytes) -> Tables:
    """The tables of the grammar `text`; the same text gives the same tables."""
    from lark import Lark

    lark = Lark(text.decode(), parser="lalr", lexer="contextual", maybe_placeholders=True)
    automaton = lark.parser.parser._parse_table  # noqa: SLF001 (`Lark.save` pickles; this is data)
    productions = sorted({_production(rule) for rule in lark.rules}, key=msgspec.structs.astuple)
    states = _numbered(automaton)

    def step(action: Any, target: Any) -> int:
        return states[target] if action.name == "Shift" else ~productions.index(_production(target))

    return Tables(
        grammar=sha256(text).hexdigest(),
        terminals=tuple(_terminal(terminal) for terminal in lark.terminals),
        ignored=tuple(lark.ignore_tokens),
        states=tuple({name: step(*edge) for name, edge in sorted(automaton.states[state].items())} for state in states),
        productions=tuple(productions),
        start=states[automaton.start_states["start"]],
        end=states[automaton.end_states["start"]],
    )


def _numbered(automaton: Any) -> dict[Any, int]:
    """A number for each state, in the order in which they are reached: Lark's own order is another each time."""
    found: dict[Any, int] = {automaton.start_states["start"]: 0}
    waiting = list(found)
    for state in waiting:
        for _, (action, target) in sorted(automaton.states[state].items(), key=lambda edge: str(edge[0])):
            if action.name == "Shift" and target not in found:
                found[target] = len(found)
                waiting.append(target)
    return found


def _terminal(terminal: Any) -> Terminal:
    pattern = terminal.pattern
    shape = pattern.type == "re"
    return Terminal(terminal.name, pattern.to_regexp() if shape else pattern.value, shape, terminal.priority)


def _production(rule: Any) -> Production:
    """Lark's rule, with the parts that its tree would have: no punctuation, `None` for what is left out."""
    places = iter(range(len(rule.expansion)))
    parts: list[int] = []
    for absent in rule.options.empty_indices or (False,) * len(rule.expansion):
        place = -1 if absent else next(places)
        if place < 0 or not getattr(rule.expansion[place], "filter_out", False):
            parts.append(place)
    action = rule.alias or str(rule.origin.name)
    handed_on = rule.options.expand1 and not rule.alias and len(parts) == 1
    return Production(str(rule.origin.name), len(rule.expansion), "" if handed_on else action, tuple(parts))
