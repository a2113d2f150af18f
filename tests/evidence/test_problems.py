from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.problems import closest, quoted
from tests.evidence.patience import soon

LEVELS = ["NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL", "UNKNOWN"]
WORDS = st.text(alphabet="abcAB-1", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("CRITCAL", "CRITICAL"),
        ("critical", "CRITICAL"),
        ("HGIH", "HIGH"),
        ("HIGHH", "HIGH"),
        ("MEDUM", "MEDIUM"),
        ("LOW", None),  # nothing else is near what is right already
        ("SEVERE", None),
        ("", None),
    ],
)
def test_a_misspelt_word_finds_what_was_meant(word: str, meant: str | None) -> None:
    assert closest(word, LEVELS) == meant


def test_swapped_letters_are_one_mistake() -> None:
    assert closest("MTI", ["MTA", "MIT"]) == "MTA"
    assert closest("MTI", ["MIT-0", "MIT", "ISC"]) == "MIT"


def test_short_words_are_not_taken_for_others() -> None:
    assert closest("ab", ["xy"]) is None


def test_a_long_word_costs_nothing() -> None:
    with soon():
        assert closest("a" * 10_000_000, ["a" * 10_000_000]) is None


def naive(one: str, other: str) -> int:
    """The distance by its definition: every way is tried."""
    if not one or not other:
        return len(one) + len(other)
    ways = [naive(one[1:], other) + 1, naive(one, other[1:]) + 1, naive(one[1:], other[1:]) + (one[0] != other[0])]
    if one[:2] == other[1::-1] and len(one) > 1 < len(other):
        ways.append(naive(one[2:], other[2:]) + 1)
    return min(ways)


@settings(max_examples=60, deadline=None)
@given(WORDS.filter(lambda word: len(word) < 6), st.lists(WORDS.filter(lambda word: len(word) < 6), max_size=4))
def test_the_nearest_candidate_wins_and_nothing_is_overlooked(word: str, candidates: list[str]) -> None:
    others = [candidate for candidate in candidates if candidate != word]
    distances = [naive(word.casefold(), other.casefold()) for other in others]
    tolerance = 1 + len(word) // 5
    nearest = min((d for d in distances if d <= tolerance), default=None)
    assert closest(word, candidates) == (None if nearest is None else others[distances.index(nearest)])


def test_quoted_text_cannot_break_a_message() -> None:
    assert quoted("MTI") == "`MTI`"
    assert quoted("a\nb\x1b[2J\u202e") == r"`a\u{a}b\u{1b}[2J\u{202e}`"
    assert quoted("x" * 500) == f"`{'x' * 60}…`"
