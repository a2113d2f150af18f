"""Policies that somebody wrote to hang or break the compiler: an answer with a place, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from policyengine.language.components import components
from tests.language.problems import found

MANY = 3000
HEAD = "policy p\n"
RULE = 'rule a deny "t" forbid more than {} finding\n'
SECONDS = 20
"""Processor time; each takes a second at most, and without a bound hours, or the whole stack."""


def imports() -> list[str]:
    chain = [f"library l{n}\nimport l{n + 1}\nlet x = l{n + 1}.x\n" for n in range(MANY)]
    return [f"{HEAD}import l0\n{RULE.format('l0.x')}", *chain, f"library l{MANY}\nlet x = 1\n"]


def diamond() -> list[str]:
    """Every library imports the two of the next row: 2^60 ways to the last."""
    rows = [
        f"library {side}{n}\nimport l{n + 1}\nimport m{n + 1}\nlet x = l{n + 1}.x + m{n + 1}.x\n"
        for n in range(60)
        for side in "lm"
    ]
    last = [f"library {side}60\nlet x = 1\n" for side in "lm"]
    return [f"{HEAD}import l0\n{RULE.format('l0.x')}", *rows, *last]


def circle() -> list[str]:
    ring = [f"library l{n}\nimport l{(n + 1) % MANY}\nlet x = 1\n" for n in range(MANY)]
    return [f"{HEAD}import l0\n{RULE.format('l0.x')}", *ring]


def lets(value: str, use: str = RULE) -> Callable[[], list[str]]:
    def text() -> list[str]:
        chain = "".join(f"let x{n} = {value.format(n + 1)}\n" for n in range(MANY))
        return [f"{HEAD}{chain}let x{MANY} = 1\n{use.format('x0')}"]

    return text


def functions(value: str) -> Callable[[], list[str]]:
    def text() -> list[str]:
        chain = "".join(f"define f{n}(n: int): int = {value.format(n + 1)}\n" for n in range(MANY))
        return [f"{HEAD}{chain}define f{MANY}(n: int): int = n\n{RULE.format('f0(1)')}"]

    return text


HOSTILE = {
    "a chain of imports": (imports, "E123"),
    "imports in a diamond": (diamond, None),
    "a circle of imports": (circle, "E105"),
    "a chain of constants": (lets("x{0}"), "E123"),
    "a chain of sums": (lets("x{0} + 1", 'rule a deny "t" require image.size is {}\n'), "E123"),
    "sums that double": (lets("x{0} + x{0}"), "E123"),
    "sets in sets": (lets("{{ x{0} }}", 'rule a deny "t" require image.tag in {}\n'), "E123"),
    "a chain of functions": (functions("f{0}(n)"), "E123"),
    "functions that double": (functions("f{0}(n) + f{0}(n)"), "E123"),
    "arguments in arguments": (functions("f{0}(f{0}(n))"), "E123"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_answer_comes_in_bounded_time(name: str) -> None:
    texts, code = HOSTILE[name]
    started = time.process_time()
    errors = [diagnostic for diagnostic in found(*texts()) if diagnostic.severity == "error"]
    assert time.process_time() - started < SECONDS
    assert (errors[0].code if errors else None) == code
    assert all(error.span.line >= 1 for error in errors)


def test_a_cycle_is_reported_where_it_begins() -> None:
    cycle = ["library b\nimport c\nlet x = 1\n", "library c\nimport d\nlet x = 1\n", "library d\nimport b\nlet x = 1\n"]
    (error,) = [d for d in found('policy p\nimport c\nrule r deny "t" require c.x is 1\n', *cycle) if d.code == "E105"]
    assert (error.span.path, error.span.line) == ("1.policy", 2)
    assert "b, c, d" in error.message


def test_groups_come_behind_what_they_rest_on() -> None:
    edges = {1: [2, 3], 2: [4], 3: [4], 4: [5], 5: [6], 6: [4], 7: [7], 8: []}
    groups = components(list(edges), edges.__getitem__)
    assert sorted(map(sorted, groups)) == [[1], [2], [3], [4, 5, 6], [7], [8]]
    places = {node: place for place, group in enumerate(groups) for node in group}
    assert all(places[target] <= places[node] for node, targets in edges.items() for target in targets)


def test_what_is_within_the_bounds_compiles() -> None:
    chain = "".join(f"let x{n} = x{n + 1} + 1\n" for n in range(40))
    calls = "".join(f"define f{n}(n: int): int = f{n + 1}(n) + f{n + 1}(n)\n" for n in range(10))
    text = f"{HEAD}{chain}let x40 = 1\n{calls}define f10(n: int): int = n\n{RULE.format('x0 + f0(1)')}"
    assert [d for d in found(text) if d.severity == "error"] == []
