r"""Alpine's order (apk-tools): `\d+(\.\d+)*[a-z]?(_suffix\d*)*(~hash)?(-r\d+)?`.

A number after a dot that begins with zeros compares by them first, the fewer the newer: `1.1` is newer than `1.02`.
"""

from __future__ import annotations

import re

VERSION = re.compile(
    r"(\d+)((?:\.\d+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:~([0-9a-f]+))?(?:-r(\d+))?"
)
SUFFIX = re.compile(r"([a-z]+)(\d*)")
BEFORE = ("alpha", "beta", "pre", "rc")
AFTER = ("cvs", "svn", "git", "hg", "p")
EARLIER, END, REVISION, HASH, SUFFIX_NUMBER, LATER, LETTER, REST, NUMBER = range(9)
"""What may come next in a version, oldest first."""

Token = tuple[int, int | str]


def key(version: str) -> tuple[Token, ...] | None:
    """The parts of a version, each with the rank of its kind, then the end."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    first, numbers, letter, suffixes, commit, revision = match.groups()
    tokens: list[Token] = [(NUMBER, int(first))]
    for number in numbers.split(".")[1:]:
        tokens += _number(number)
    if letter:
        tokens.append((LETTER, letter))
    for name, count in SUFFIX.findall(suffixes):
        tokens += _suffix(name, count)
    if commit:
        tokens.append((HASH, commit))
    if revision:
        tokens.append((REVISION, int(revision)))
    return (*tokens, (END, 0))


def _number(digits: str) -> list[Token]:
    rest = digits.lstrip("0")
    zeros = len(digits) - len(rest)
    if not zeros:
        return [(NUMBER, int(rest))]
    return [(NUMBER, -zeros), (REST, int(rest))] if rest else [(NUMBER, -zeros)]


def _suffix(name: str, count: str) -> list[Token]:
    first = (EARLIER, BEFORE.index(name)) if name in BEFORE else (LATER, AFTER.index(name))
    return [first, (SUFFIX_NUMBER, int(count))] if count else [first]
