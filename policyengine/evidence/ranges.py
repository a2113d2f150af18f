"""Version ranges: a package URL without version, and what its versions must be (language reference, section 5).

`pkg:deb/debian/xz-utils@>=5.6.0,<5.6.2`: every constraint must hold, in the order of the type's own ecosystem, which
alone counts. The epoch of an RPM or Debian package, often a qualifier, is part of its version; no other qualifier
matters. What could match and has no readable package URL or version is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from policyengine.evidence import purls, versions
from policyengine.evidence.problems import quoted
from policyengine.evidence.purls import Purl

CONSTRAINT = re.compile(r"(==|!=|~=|~>|=<|=>|<=|>=|=|<|>|\^|~)?\s*([^\s<>=!^]*)")
ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
OPERATORS = ("=", "<", "<=", ">", ">=")
MOST_CONSTRAINTS = 8
"""Two bounds are all that an interval needs."""

WITH_EPOCH = ("deb", "rpm")


REVISION = {"apk": "-r0", "deb": "-1", "rpm": "-1"}
"""How versions of distributions go on after what upstream calls the version."""


class Constraint(Struct, frozen=True):
    """One bound: an operator and a version."""

    operator: str
    version: str

    def holds(self, ecosystem: str, version: str) -> bool | None:
        """Whether `version` lies within the bound; `None` where the two do not compare."""
        order = versions.compare(ecosystem, version, self.version)
        return None if order is None else _within(order, self.operator)


class Range(Struct, frozen=True):
    """The versions of one package that satisfy every constraint; `str` gives the text as written."""

    text: str
    ecosystem: str
    """The type of the package URL."""
    head: str
    """The canonical package URL without version."""
    constraints: tuple[Constraint, ...]

    def __str__(self) -> str:
        return self.text

    def holds(self, version: str) -> bool | None:
        """Whether `version` of this package is in the range; `None` where that is not known."""
        answers = [constraint.holds(self.ecosystem, version) for constraint in self.constraints]
        return False if False in answers else None if None in answers else True


def _within(order: int, operator: str) -> bool:
    """Whether a version that is `order` from the bound's lies within it."""
    return ("=" if order == 0 else "<" if order < 0 else ">") in operator


def parse(text: str) -> Range:
    """The range that `text` states; raises `ValueError` with a sentence that says what is wrong and what to write."""
    name, at, bounds = _split(text)
    purl = purls.parse(name)
    if purl is None:
        found = purls.problem(name)
        raise ValueError(found.message if found else f"{quoted(text)} is not a range")
    if purl.version is not None or purl.qualifiers or purl.subpath:
        raise ValueError(f"{quoted(text)} names {_surplus(purl)}: a range begins {quoted(f'{purl.head}@')}")
    if not at or not bounds.strip():
        raise ValueError(f"{quoted(text)} has no constraint: write for instance {quoted(f'{name}@>=1.0,<2.0')}")
    if bounds.count(",") >= MOST_CONSTRAINTS:
        raise ValueError(f"{quoted(text)} has more than {MOST_CONSTRAINTS} constraints")
    constraints = tuple(_constraint(part.strip(), name, text) for part in bounds.split(","))
    for constraint in constraints:
        _check_version(purl.type, constraint, text)
    _check_room(purl.type, constraints, text)
    return Range(text, purl.type, purl.head, constraints)


def _split(text: str) -> tuple[str, str, str]:
    """Package URL, `@` and constraints; an `@` that begins a scope is not the one."""
    name, at, bounds = text.rpartition("@")
    if at and (name.endswith("/") or "/" in bounds):
        return text, "", ""
    return (name, at, bounds) if at else (text, "", "")


def _surplus(purl: Purl) -> str:
    return "two versions" if purl.version is not None else "qualifiers" if purl.qualifiers else "a subpath"


def _constraint(part: str, name: str, text: str) -> Constraint:
    match = CONSTRAINT.fullmatch(part)
    if match is None or (match[1] is None and not match[2]):
        raise ValueError(f"{quoted(part)} in {quoted(text)} is not a constraint: write one of {_known()} and a version")
    operator, version = match[1], ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), match[2])
    if "*" in version:
        raise ValueError(f'{quoted(text)} is a glob, not a range: every version is `package.purl matches "…@*"`')
    if operator is None:
        raise ValueError(f"{quoted(text)} has a version without an operator: write {quoted(f'{name}@={version}')}")
    if operator not in OPERATORS:
        raise ValueError(f"{quoted(operator)} in {quoted(text)} is not one of {_known()}")
    if not version:
        raise ValueError(f"{quoted(operator)} in {quoted(text)} has no version after it")
    return Constraint(operator, version)


def _known() -> str:
    return " ".join(f"`{operator}`" for operator in OPERATORS)


def _check_version(ecosystem: str, constraint: Constraint, text: str) -> None:
    """A bound must have a place in the order; `=` may name what has none, such as a branch."""
    if constraint.operator != "=" and versions.key(ecosystem, constraint.version) is None:
        raise ValueError(f"{quoted(constraint.version)} in {quoted(text)} is no version in the order of `{ecosystem}`")


def _check_room(ecosystem: str, constraints: tuple[Constraint, ...], text: str) -> None:
    """A range that no version can satisfy is a slip: each bound must leave room for every other."""
    for one in constraints:
        for other in constraints:
            if not _compatible(one, other, versions.compare(ecosystem, one.version, other.version)):
                raise ValueError(f"no version is in {quoted(text)}: both `{one.operator}{one.version}` and "
                                 f"`{other.operator}{other.version}`")  # fmt: skip


def _compatible(one: Constraint, other: Constraint, order: int | None) -> bool:
    """Whether some version may satisfy both, where `one`'s version is `order` from `other`'s."""
    if order is None:
        return True
    if one.operator == "=":
        return _within(order, other.operator)
    if ">" in one.operator and "<" in other.operator:
        return order < 0 or (order == 0 and "=" in one.operator and "=" in other.operator)
    return True


def warning(range_: Range) -> str | None:
    """What an author may not expect of a range that compiles, or `None`: `=5.6.0` is not about `5.6.0-1`."""
    revision = REVISION.get(range_.ecosystem)
    for constraint in range_.constraints:
        if revision and constraint.operator in ("=", "<=", ">") and "-" not in constraint.version:
            example = f"{constraint.version}{revision}"
            return f"{quoted(constraint.version)} is older than {quoted(example)}, since it names no revision"
    return None


def contains(range_: Range, purl: str | None, version: str | None = None) -> bool | None:
    """Whether the package named by `purl` is in the range; `None` where it could be and that is not known.

    `version` stands in for a package URL that has none.
    """
    if purl is None or (head := purls.head(purl)) is None:
        return None
    if head != range_.head:
        return False
    found = whole_version(purls.parse(purl), version)
    return None if found is None else range_.holds(found)


def whole_version(purl: Purl | None, stated: str | None) -> str | None:
    """The whole version of a package; `None` where it has none, or two epochs."""
    if purl is None:
        return None
    version = purl.version or stated
    epoch = dict(purl.qualifiers).get("epoch") if purl.type in WITH_EPOCH else None
    if version is None or epoch is None:
        return version
    before, colon, _ = version.partition(":")
    if not colon:
        return f"{epoch}:{version}"
    return version if before == epoch else None


class RangeSet:
    """Ranges of which one must hold, found by their package. Sets combine by the texts of their members."""

    __slots__ = ("_by_head", "ranges")

    def __init__(self, ranges: frozenset[Range]) -> None:
        self.ranges = ranges
        self._by_head: dict[str, list[Range]] = {}
        for range_ in sorted(ranges, key=str):
            self._by_head.setdefault(range_.head, []).append(range_)

    def __or__(self, other: RangeSet) -> RangeSet:
        return RangeSet(self.ranges | other.ranges)

    def __and__(self, other: RangeSet) -> RangeSet:
        return RangeSet(self.ranges & other.ranges)

    def __sub__(self, other: RangeSet) -> RangeSet:
        return RangeSet(self.ranges - other.ranges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)

    def __len__(self) -> int:
        return len(self.ranges)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(map(str, self.ranges)))

    def contains(self, purl: str | None, version: str | None = None) -> bool | None:
        """Whether one of the ranges contains the package, as `ranges.contains` says."""
        if purl is None or (head := purls.head(purl)) is None:
            return None if self.ranges else False
        about = self._by_head.get(head)
        if about is None:
            return False
        found = whole_version(purls.parse(purl), version)
        if found is None:
            return None
        answers = [range_.holds(found) for range_ in about]
        return True if True in answers else None if None in answers else False


def range_set(texts: Iterable[str]) -> RangeSet:
    """The set of the ranges `texts`; raises `ValueError` as `parse` does."""
    return RangeSet(frozenset(map(parse, texts)))


def any_contains(ranges: RangeSet, purl: str | None, version: str | None = None) -> bool | None:
    """Whether one of `ranges` contains the package; `None` where one could and that is not known."""
    return ranges.contains(purl, version)
