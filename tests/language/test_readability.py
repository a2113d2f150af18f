"""`and` and `or` never mix without parentheses, wherever in a policy they stand."""

from __future__ import annotations

import pytest

from policyengine import PolicySet
from policyengine.errors import PolicyError

MIXED = "a and b or c"
NAMES = "param a: bool = true param b: bool = true param c: bool = false define f(x: bool): bool = x"
RULE = 'rule r deny "r" require a or b or c or f(true)'

PLACES = {
    "a clause": f'rule s deny "s" require {MIXED}',
    "a guard": f'rule s deny "s" when {MIXED} require a',
    "an argument": f'rule s deny "s" require f({MIXED})',
    "an argument of an argument": f'rule s deny "s" require f(f({MIXED}))',
    "a constant": f'let mixed = {MIXED} rule s deny "s" require mixed',
    "a constant that nothing uses": f"let mixed = {MIXED}",
    "a function": f"define g(): bool = {MIXED}",
    "a function that counts": f"define g(): int = count(finding where {MIXED})",
    "a set": f'rule s deny "s" require image.size in {{ count(finding where {MIXED}), 2 }}',
    "a limit": f'rule s deny "s" forbid more than count(finding where {MIXED}) finding',
    "the limit of a quantifier": f'rule s deny "s" require at most count(finding where {MIXED}) package where a',
    "an operand": f'rule s deny "s" require count(finding where {MIXED}) > 1',
    "a choice": f'rule s deny "s" require image.size > if {MIXED} then 1 else 2 end',
    "a branch": f'rule s deny "s" require if a then {MIXED} else a end',
    "the end of a quantifier": 'rule s deny "s" require some finding where a and b or c',
    "a scope": f"applies to image where {MIXED}",
    "a waiver": f'waive r for image where {MIXED} owner "o" reason "r" expires 2026-12-31',
}


@pytest.mark.parametrize("item", PLACES.values(), ids=PLACES)
def test_and_and_or_do_not_mix_anywhere(item: str) -> None:
    with pytest.raises(PolicyError) as refused:
        PolicySet.parse(f"policy p {NAMES} {item} {RULE}")
    assert {found.code for found in refused.value.diagnostics if found.severity == "error"} == {"E110"}
    assert len([found for found in refused.value.diagnostics if found.code == "E110"]) == 1

    PolicySet.parse(f"policy p {NAMES} {item.replace('a and b', '(a and b)')} {RULE}")


@pytest.mark.parametrize("before", ["require f({})", "require count(finding where {}) > 1"])
def test_the_end_of_a_negated_quantifier_is_marked_anywhere(before: str) -> None:
    rule = before.format("not some package where a and b")
    with pytest.raises(PolicyError) as refused:
        PolicySet.parse(f'policy p {NAMES} rule s deny "s" {rule} {RULE}')
    assert {found.code for found in refused.value.diagnostics if found.severity == "error"} == {"E111"}
