"""Licence expressions as trees: SPDX 3.0.1, annex B.

A text that states nothing is no expression: free text, a missing licence, `NOASSERTION` (language reference,
section 5). An id that the list does not have is a leaf of which nothing is known.
"""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from policyengine import limits
from policyengine.evidence import licenselist

MEMO = 8_192
"""Expressions remembered; an image of 50,000 packages has a few hundred different ones."""

TOKEN = re.compile(r"[()]|[^\s()]+")
WORD = re.compile(r"[A-Za-z0-9.-]+\+?")
LICENSE_REF = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
ADDITION_REF = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?AdditionRef-[A-Za-z0-9.-]+")
OPERATORS = frozenset(("AND", "OR", "WITH", "and", "or", "with"))
"""SPDX 3.0.1, annex B: operators are all in upper or all in lower case."""

NONE = "NONE"


class Leaf(Struct, frozen=True):
    """A simple licence, perhaps with an exception. Without a `base` it is one that nobody knows.

    `clear` is false where the exception is not on the SPDX list: such an addition may restrict instead of permit.
    """

    base: str
    later: bool = False
    exception: str = ""
    clear: bool = True

    def __str__(self) -> str:
        text = licenselist.spelling(self.base, self.later)
        exception = licenselist.exceptions().get(self.exception, self.exception)
        return f"{text} WITH {exception}" if exception else text


class AllOf(Struct, frozen=True):
    """Licences that hold together (`AND`)."""

    parts: frozenset[Node]


class AnyOf(Struct, frozen=True):
    """Licences of which one may be chosen (`OR`)."""

    parts: frozenset[Node]


Node = Leaf | AllOf | AnyOf
UNKNOWN = Leaf("")
NOTHING = Leaf(NONE)
"""What `NONE` says: there is no licence. It permits nothing and requires nothing."""


class License(Struct, frozen=True, eq=False):
    """A licence expression as a document states it; `str` gives the raw text."""

    text: str
    root: Node

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, License) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


class _Unreadable(Exception):
    """The text is no licence expression."""


@lru_cache(MEMO)
def parse(text: str | None) -> License | None:
    """The expression that `text` states, or `None` where it states none: missing, free text, `NOASSERTION`.

    An unknown id in an expression that also has known ones is a part of which nothing is known.
    """
    if text is None or len(text) > limits.LICENSE_CHARACTERS:
        return None
    if text.strip() == NONE:
        return License(text, NOTHING)
    try:
        root = _Parser(text).expression()
    except _Unreadable:
        return None
    return None if unknown(root) else License(text, root)


def unknown(node: Node) -> bool:
    """Whether nothing at all is known of `node`."""
    return not node.base if isinstance(node, Leaf) else all(map(unknown, node.parts))


def doubtful(node: Node) -> bool:
    """Whether something in `node` is not known."""
    return not node.base or not node.clear if isinstance(node, Leaf) else any(map(doubtful, node.parts))


class _Parser:
    """Reads one expression (SPDX 3.0.1, annex B): `WITH` binds tightest, then `AND`, then `OR`."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        self.position = 0
        self.depth = 0

    def expression(self) -> Node:
        node = self._either()
        if self.position < len(self.tokens):
            raise _Unreadable
        return node

    def _either(self) -> Node:
        parts = [self._both()]
        while self._operator("OR"):
            parts.append(self._both())
        return _joined(AnyOf, parts)

    def _both(self) -> Node:
        parts = [self._simple()]
        while self._operator("AND"):
            parts.append(self._simple())
        return _joined(AllOf, parts)

    def _simple(self) -> Node:
        word = self._next()
        if word == "(":
            return self._parenthesised()
        leaf = _leaf(word)
        if not self._operator("WITH"):
            return leaf
        return _with(leaf, self._next())

    def _parenthesised(self) -> Node:
        self.depth += 1
        if self.depth > limits.EXPRESSION_DEPTH:
            raise _Unreadable
        node = self._either()
        if self._next() != ")":
            raise _Unreadable
        self.depth -= 1
        return node

    def _next(self) -> str:
        self.position += 1
        return self.tokens[self.position - 1] if self.position <= len(self.tokens) else ""

    def _operator(self, name: str) -> bool:
        found = self.position < len(self.tokens) and self.tokens[self.position] in (name, name.lower())
        self.position += found
        return found


def _joined(kind: type[AllOf | AnyOf], parts: list[Node]) -> Node:
    """The parts as one node: nesting of the same kind and repetition say nothing."""
    flat = frozenset(inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,)))
    return kind(flat) if len(flat) > 1 else next(iter(flat))


def _leaf(word: str) -> Leaf:
    """The simple licence called `word`; unknown where the list has none of that name."""
    if LICENSE_REF.fullmatch(word):
        return Leaf(word.lower())
    if not WORD.fullmatch(word) or word in OPERATORS:
        raise _Unreadable
    return listed(word) or UNKNOWN


def listed(word: str) -> Leaf | None:
    """The licence of the list that `word` names, with `+` read as "or later" and deprecated ids replaced."""
    current = licenselist.licenses().get(word.lower())
    if current is None:
        if not word.endswith("+") or word.lower().endswith("-only+"):
            return None
        older = listed(word[:-1])
        return older and Leaf(older.base, True, older.exception)
    identifier, _, exception = current.partition(" WITH ")
    return Leaf(*licenselist.base(identifier), exception.lower())


def _with(leaf: Leaf, word: str) -> Leaf:
    """`leaf WITH word`."""
    if not (WORD.fullmatch(word) or ADDITION_REF.fullmatch(word)) or word in OPERATORS or leaf.exception:
        raise _Unreadable
    if not leaf.base:
        return UNKNOWN
    known = licenselist.exceptions().get(word.lower())
    return Leaf(leaf.base, leaf.later, (known or word).lower(), known is not None)
