"""What is wrong with a value that somebody wrote, and what they may have meant."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

LONGEST_WORD = 64
"""Characters. No name, id or unit is longer, so nothing longer is a misspelt one."""


class Problem(Struct, frozen=True):
    """Why a text is not the value it should be: one sentence, and a better text where one is near."""

    message: str
    suggestion: str | None = None


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` is most likely a misspelling of, or `None` where none is near.

    Letter case hardly counts. The first of several equally near candidates wins. Time grows with the
    number of candidates, not with the length of what somebody wrote.
    """
    if not word or len(word) > LONGEST_WORD:
        return None
    folded = word.casefold()
    letters = frozenset(folded)
    best, least = None, _tolerance(folded) + 1
    for candidate in candidates:
        if abs(len(candidate) - len(word)) >= least or candidate == word:
            continue
        other = candidate.casefold()
        if len(letters.symmetric_difference(other)) > 2 * (least - 1):
            continue  # each mistake changes at most two letters of the set: cheaper than the distance itself
        distance = _distance(folded, other, least)
        if distance < least:
            best, least = candidate, distance
    return best


def _tolerance(word: str) -> int:
    """How many mistakes are still a misspelling: one in a short word, at most three in a long one."""
    return min(3, 1 + len(word) // 5)


def _distance(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours from `one` to `other`; `limit` if not fewer.

    This is the optimal string alignment distance; a row whose every cell has reached `limit` ends it.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, sign in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != sign))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == sign:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit and min(above) >= limit:
            return limit
        before = above
    return min(row[-1], limit)


def quoted(text: str, limit: int = 60) -> str:
    """`text` between backticks for a message: on one line, printable, cut after `limit` characters."""
    shown = "".join(sign if sign.isprintable() else f"\\u{{{ord(sign):x}}}" for sign in text[:limit])
    return f"`{shown}…`" if len(text) > limit else f"`{shown}`"
