"""Conan's order: dotted items; after `-` a pre-release and after `+` a build, which are versions again.

Conan compares an item that is a number with one that is not as texts, by which `9` is newer than `10a`, and `10a`
newer than `10`; here such items compare by the number that they begin with, so that the order is one.
"""

from __future__ import annotations

import re
from typing import Any

VERSION = re.compile(r"[A-Za-z0-9_.*+-]+")
DIGITS = re.compile(r"\d+")
LEVELS = 8
"""How often a version may hold a pre-release or build that is a version again."""


def key(version: str, levels: int = LEVELS) -> Any:
    """The items without final zeros, whether it is a release, the pre-release, and the build."""
    if not VERSION.fullmatch(version) or not levels:
        return None
    rest, plus, build = version.rpartition("+") if "+" in version else (version, "", "")
    name, minus, before = rest.rpartition("-") if "-" in rest else (rest, "", "")
    parts = [_inner(minus, before, levels), _inner(plus, build, levels)]
    return None if None in parts else (_items(name), not minus, *parts)


def _inner(sign: str, text: str, levels: int) -> Any:
    return (key(text, levels - 1) if text else ((),)) if sign else ()


def _items(name: str) -> tuple[tuple[int, int, str], ...]:
    items = name.split(".")
    while items and items[-1].isdigit() and int(items[-1]) == 0:
        items.pop()
    return tuple(map(_item, items))


def _item(text: str) -> tuple[int, int, str]:
    """A sign such as `*`, then numbers by their size, `1` before `1a` before `2`, then words."""
    digits = DIGITS.match(text)
    if digits:
        return 1, int(digits[0]), text[digits.end() :]
    return (2 if text[:1].isalpha() else 0), 0, text
