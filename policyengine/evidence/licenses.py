"""Licences: SPDX expressions, what permits them and what they require (language reference, section 5).

Two questions are asked of an expression and a set, in three-valued logic. `permitted_by`: is there a way to comply
that uses only licences of the set? `requires_any`: is there no way to comply without one of them? `OR` is a choice
of the one who complies, `AND` is not; a part that nobody can read makes the answer unknown where it matters.

A set stands for the *terms* that it lists: pairs of a licence and an exception. `A-or-later` as a member lists every
version of A from there on; as a licence it lets the licensee choose among them. Terms without an exception cover the
same licence with any exception, since an exception only adds permission.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from policyengine.evidence import licenselist
from policyengine.evidence.licenseexpressions import (
    ADDITION_REF,
    LICENSE_REF,
    MEMO,
    NONE,
    NOTHING,
    TOKEN,
    AllOf,
    AnyOf,
    Leaf,
    License,
    Node,
    doubtful,
    listed,
    parse,
)
from policyengine.evidence.problems import Problem, closest, quoted

__all__ = [
    "License",
    "LicenseSet",
    "equal",
    "license_set",
    "member_of",
    "parse",
    "permitted_by",
    "problem",
    "requires_any",
]


class _Answers(dict[str | None, bool | None]):
    """The answers to one question about one set, by the raw text of the licence."""

    def __init__(self, ask: Callable[[Node], bool | None]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, text: str | None) -> bool | None:
        if len(self) >= MEMO:
            self.clear()
        stated = parse(text)
        answer = self[text] = None if stated is None else self._ask(stated.root)
        return answer


class LicenseSet:
    """Licences that a policy lists. `members` are as written, deprecated ids replaced; iteration gives their texts.

    `permits[text]` and `requires[text]` answer for the raw text of a licence (or `None`) at the cost of one look-up:
    compiled policies use them directly.
    """

    __slots__ = ("members", "permits", "requires", "terms")

    def __init__(self, members: frozenset[Leaf]) -> None:
        self.members = members
        self.terms = frozenset((base, leaf.exception) for leaf in members for base in _ways(leaf))
        self.permits = _Answers(lambda root: _answer(root, self._permitted, AllOf))
        self.requires = _Answers(lambda root: _answer(root, self._required, AnyOf))

    def __or__(self, other: LicenseSet) -> LicenseSet:
        return LicenseSet(self.members | other.members)

    def __and__(self, other: LicenseSet) -> LicenseSet:
        return LicenseSet(self.members & other.members)

    def __sub__(self, other: LicenseSet) -> LicenseSet:
        return LicenseSet(self.members - other.members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LicenseSet) and self.members == other.members

    def __hash__(self) -> int:
        return hash(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(map(str, self.members), key=str.lower))

    def _permitted(self, leaf: Leaf) -> bool | None:
        if leaf == NOTHING:
            return False
        if leaf.clear and leaf.base:
            return any(self._covers(base, leaf.exception) for base in _ways(leaf))
        return True if any((base, leaf.exception) in self.terms for base in _ways(leaf)) else None

    def _required(self, leaf: Leaf) -> bool | None:
        if leaf == NOTHING:
            return False
        if leaf.base and all(self._covers(base, leaf.exception) for base in _ways(leaf)):
            return True
        return False if leaf.clear and leaf.base else None

    def _covers(self, base: str, exception: str) -> bool:
        return (base, exception) in self.terms or (base, "") in self.terms


def _ways(leaf: Leaf) -> tuple[str, ...]:
    """The versions of a licence that may be chosen."""
    return licenselist.versions_from(leaf.base) if leaf.later else (leaf.base,)


def _answer(node: Node, of: Callable[[Leaf], bool | None], each: type[AllOf | AnyOf]) -> bool | None:
    """Kleene's value of `node`: every part of an `each` must hold, of the other kind one part."""
    if isinstance(node, Leaf):
        return of(node)
    answers = {_answer(part, of, each) for part in node.parts}
    decisive = not isinstance(node, each)
    return decisive if decisive in answers else None if None in answers else not decisive


def license_set(members: Iterable[str]) -> LicenseSet:
    """The set of the licences called `members`; raises `ValueError` for one of which `problem` has something to say."""
    leaves = []
    for text in members:
        if (found := problem(text)) is not None:
            raise ValueError(found.message)
        member = parse(text)
        assert member is not None
        assert isinstance(member.root, Leaf)
        leaves.append(member.root)
    return LicenseSet(frozenset(leaves))


def permitted_by(license: License | None, allowed: LicenseSet) -> bool | None:
    """Whether there is a way to comply with `license` that uses only licences of `allowed`; `None` is unknown."""
    return None if license is None else allowed.permits[license.text]


def requires_any(license: License | None, forbidden: LicenseSet) -> bool | None:
    """Whether there is no way to comply with `license` without a licence of `forbidden`; `None` is unknown."""
    return None if license is None else forbidden.requires[license.text]


def equal(one: License | None, other: License | None) -> bool | None:
    """Whether both state the same: order, repetition, case and deprecated spellings aside; `None` is unknown."""
    if one is None or other is None or doubtful(one.root) or doubtful(other.root):
        return None
    return one.root == other.root


def member_of(license: License | None, members: LicenseSet) -> bool | None:
    """Whether `license` is one of `members`, as it stands there (`in`): no choice is made and no version is chosen."""
    if license is None or doubtful(license.root):
        return None
    return license.root in members.members


def problem(text: str, *, expression: bool = False) -> Problem | None:
    """What is wrong with `text` as a licence in a policy, or `None`.

    A member of a set is a simple licence or `X WITH E`; with `expression` any SPDX expression and `NONE` will do.
    """
    words = TOKEN.findall(text)
    if expression and (text.strip() == NONE or _clear_expression(text)):
        return None
    if text.strip() in ("", NONE, "NOASSERTION"):
        return Problem(f"{quoted(text)} names no licence; ask with `is missing` whether a package has none")
    if len(words) == 1:
        return _word_problem(words[0], text)
    if len(words) == 3 and words[1] in ("WITH", "with"):
        return _word_problem(words[0], text) or _exception_problem(words)
    if not expression and _clear_expression(text):
        return Problem(f"{quoted(text)} is an expression, and a set holds simple licences: list each by itself")
    return Problem(f"{quoted(text)} is not an SPDX licence expression", licenselist.nearest(text.strip()))


def _clear_expression(text: str) -> bool:
    stated = parse(text)
    return stated is not None and not doubtful(stated.root)


def _word_problem(word: str, text: str) -> Problem | None:
    if LICENSE_REF.fullmatch(word) or listed(word) is not None:
        return None
    if LICENSE_REF.fullmatch(re.sub("licenseref-", "LicenseRef-", word, flags=re.IGNORECASE)):
        near: str | None = re.sub("licenseref-", "LicenseRef-", text, flags=re.IGNORECASE)
    else:
        near = licenselist.nearest(word)
        near = near and text.replace(word, near, 1)
    return Problem(f"{quoted(word)} is not an SPDX licence id, nor a `LicenseRef-…`", near)


def _exception_problem(words: list[str]) -> Problem | None:
    licence, operator, exception = words
    if exception.lower() in licenselist.exceptions() or ADDITION_REF.fullmatch(exception):
        return None
    near = closest(exception, licenselist.exceptions().values())
    return Problem(f"{quoted(exception)} is not an SPDX licence exception", near and f"{licence} {operator} {near}")
