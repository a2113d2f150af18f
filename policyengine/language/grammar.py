"""The grammar as tables: what the parser runs on.

`grammar/policy.lark` is the only place where the syntax is defined. Lark turns it into an LALR(1)
automaton (400 ms, half of it the import); what comes of that is kept in the cache as plain data, 100 kB
of MessagePack that load in 4 ms, so that reading a policy imports Lark once per version of the grammar.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from policyengine import cache as stored

FORMAT = b"1"
"""Counts up when `Tables` change their shape, so that old cache entries are not read."""


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
    """The automaton: for each state, per symbol, the next state, or ~n to reduce by production n."""

    terminals: tuple[Terminal, ...]
    ignored: tuple[str, ...]
    states: tuple[dict[str, int], ...]
    productions: tuple[Production, ...]
    start: int
    end: int


@cache
def tables() -> Tables:
    """The tables of the grammar, from the cache where they are there, else built and stored."""
    text = grammar_file().read_bytes()
    data = stored.load("grammar", FORMAT + text)
    if data is not None:
        try:
            return msgspec.msgpack.decode(data, type=Tables)
        except msgspec.MsgspecError:
            pass
    built = build(text.decode())
    stored.store("grammar", FORMAT + text, msgspec.msgpack.encode(built))
    return built


def grammar_file() -> Path:
    """The grammar: inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "grammar" / "policy.lark"
    return inside if inside.is_file() else package.parent / "grammar" / "policy.lark"


def build(text: str) -> Tables:
    """The tables of the grammar `text`."""
    from lark import Lark

    lark = Lark(text, parser="lalr", lexer="contextual", maybe_placeholders=True)
    automaton = lark.parser.parser._parse_table  # noqa: SLF001 (`Lark.save` pickles; this is data)
    numbers = {rule: number for number, rule in enumerate(lark.rules)}
    places = {state: place for place, state in enumerate(automaton.states)}

    def step(action: Any, target: Any) -> int:
        return places[target] if action.name == "Shift" else ~numbers[target]

    return Tables(
        terminals=tuple(_terminal(terminal) for terminal in lark.terminals),
        ignored=tuple(lark.ignore_tokens),
        states=tuple({symbol: step(*edge) for symbol, edge in edges.items()} for edges in automaton.states.values()),
        productions=tuple(_production(rule) for rule in lark.rules),
        start=places[automaton.start_states["start"]],
        end=places[automaton.end_states["start"]],
    )


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
