"""Policies made by chance from the grammar itself: what its rules derive, in words drawn from small pools.

`policy(random)` takes any `random.Random`, so that hypothesis (`policies()`) and a plain fuzzer draw alike.
What is derived has the syntax of the language and hardly ever a meaning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

from policyengine.language.grammar import grammar_file

NAMES = ("finding", "package", "x", "scans", "HIGH", "severity", "tests", "policy", "days_", "least")
LABELS = ("staging", "fixable", "never-these", "a-1-b", "when", "rule", "deny", "all", "_", "X")
TEXTS = (
    '""',
    '"a"',
    '"{finding.id}"',
    '"\\"\\\\\\n\\u{1F4A9}"',
    '"# no comment"',
    '"中文 é"',
    '"' + "long " * 12 + '"',
)
GAPS = (
    " ",
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\n  ",
    "\t",
    "\r\n",
    "\n\n",
    " # why\n",
    "\n# alone\n",
    "\n  # inside\n\n",
    " #\n#x\n",
)

POOLS: dict[str, Sequence[str]] = {
    "AT_LEAST": ("at least", "at\n least"),
    "AT_MOST": ("at most",),
    "COUNT": ("count",),
    "DECIMAL": ("0.5", "-10.25", "7.0"),
    "FIELD": (*NAMES, "count", "at", "owner", "when", "rule", "in", "every"),
    "INTEGER": ("0", "5", "007", "14"),
    "LABEL": LABELS,
    "MEMBER": (".id", ".severity", ".where", ".count", ".rule"),
    "MODULE": ("licenses", "std.licenses", "a.b.c"),
    "MOMENT": ("2026-03-01", "2026-03-01T12:00:00Z", "2026-12-31T23:59:59.5+02:00"),
    "NAME": NAMES,
    "ORDER": ("<", "<=", ">", ">="),
    "TEXT": TEXTS,
    "UNIT": ("day", "days", "hours", "weeks", "second"),
}


class Grammar:
    """The rules of the grammar: for each symbol its alternatives, and how many levels it takes at least."""

    def __init__(self, rules: Sequence[Any], terminals: Iterable[Any]) -> None:
        self.plain = {t.name: t.pattern.value for t in terminals if t.pattern.type == "str"}
        self.alternatives: dict[str, list[list[str]]] = defaultdict(list)
        for rule in rules:
            self.alternatives[str(rule.origin.name)].append([symbol.name for symbol in rule.expansion])
        self.levels: dict[str, int] = {}
        while len(self.levels) < len(self.alternatives):
            for symbol, alternatives in self.alternatives.items():
                known = [self.level(alternative) for alternative in alternatives]
                if symbol not in self.levels and min(known) < UNKNOWN:
                    self.levels[symbol] = min(known) + 1

    def level(self, alternative: Sequence[str]) -> int:
        return max((self.levels.get(s, UNKNOWN) for s in alternative if s in self.alternatives), default=0)


UNKNOWN = 1 << 20


@cache
def grammar() -> Grammar:
    from lark import Lark

    lark = Lark(grammar_file().read_text("utf-8"), parser="lalr")
    return Grammar(lark.rules, lark.terminals)


def policy(random: Random, size: int = 60, start: str = "start") -> str:
    """A text of the language of about `size` choices, derived from the symbol `start`."""
    parts: list[str] = []
    for word in derived(random, size, start):
        parts += [random.choice(GAPS), word]
    joined = "".join(parts[1:])
    return joined + random.choice(("", "\n", " # end", "\n\n# end\n"))


def derived(random: Random, size: int, start: str) -> list[str]:
    """The words of a derivation; once `size` choices are made, only the shortest ways are taken."""
    known, words, waiting = grammar(), [], [start]
    while waiting:
        symbol = waiting.pop()
        if symbol in known.alternatives:
            alternatives = known.alternatives[symbol]
            if size <= 0 or len(waiting) > 200:
                alternatives = [a for a in alternatives if known.level(a) == known.levels[symbol] - 1]
            size -= len(alternatives) > 1
            waiting += reversed(random.choice(alternatives))
        else:
            words.append(known.plain.get(symbol) or random.choice(POOLS[symbol]))
    return words


def soup(random: Random, length: int) -> str:
    """Words of the language in any order, with pieces that are none."""
    pools: list[Callable[[], str]] = [
        lambda: random.choice(sorted(grammar().plain.values())),
        lambda: random.choice(random.choice(list(POOLS.values()))),
        lambda: random.choice(
            ("==", "&&", "'x'", '"', "é", "\0", "\u202e", ";", "//", "\\", "1a", ".", "\x7f", "“", "@", "\r")
        ),
    ]
    return "".join(random.choice(pools)() + random.choice(GAPS) for _ in range(length))


def policies(size: int = 60) -> st.SearchStrategy[str]:
    """Texts of the language."""
    return st.randoms(use_true_random=False).map(lambda random: policy(random, size))


def soups(length: int = 40) -> st.SearchStrategy[str]:
    """Words without order."""
    return st.randoms(use_true_random=False).map(lambda random: soup(random, length))
