"""The values of running policies, and what can be asked of them; compiled policies and the interpreter share it.

`None` always means: not known. A severity is 0 to 4; a vulnerability is the tuple of its ids, the primary one
first; sets are `frozenset`s (of the ids, for vulnerabilities) and lists tuples, except for licences, globs and
ranges, whose sets and lists are built to be asked; collections of evidence are `Collection`s. Nothing here raises
for a value that the checker lets through: arithmetic that leaves the calendar is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from itertools import compress
from typing import Any

from policyengine import limits
from policyengine.evidence import globs, licenses, purls, ranges, vexes
from policyengine.evidence.model import Collection, Custom, Finding, Gap, Identity, Image, Package, Vex
from policyengine.language.types import Type

SKEW = timedelta(seconds=limits.CLOCK_SKEW_SECONDS)
EXACT = Context(prec=4 * limits.JSON_NUMBER_CHARS, traps=[Inexact, InvalidOperation, Overflow])
"""Sums of numbers from documents are exact, or not known."""

UNKNOWN_ELEMENTS: Collection[Any] = Collection(gaps=(Gap("the elements are not known"),))
NO_ELEMENTS: Collection[Any] = Collection()
UNBOUNDED = math.inf
"""The upper end of a count beside a gap that stands for many."""


# ---------------------------------------------------------------------------- constants


def constant(type_: Type, value: Any, assumed: int | None = None) -> Any:
    """The value that the portable `value` of a checked constant stands for; an UNKNOWN severity counts as `assumed`."""
    if type_.container:
        return _container(type_, value, assumed)
    if value is None:
        return assumed if type_.name == "severity" else None
    return READERS[type_.name](value) if type_.name in READERS else value


def _container(type_: Type, values: Iterable[Any], assumed: int | None) -> Any:
    """A set or list; one with a member that is not known is not known itself."""
    if type_.name in SETS:
        return SETS[type_.name](values)
    if type_.name == "vulnerability":
        return frozenset(values) if type_.container == "set" else tuple(values)
    return members(type_, [constant(type_.member, value, assumed) for value in values])


def members(type_: Type, values: Iterable[Any]) -> Any:
    """The set or list of `values`; not known where one of them is not, or cannot be a member."""
    known = tuple(values)
    if any(value is None for value in known):
        return None
    if type_.name in SETS:
        try:
            return SETS[type_.name](str(value) for value in known)
        except ValueError:  # a licence that is an expression, from a document
            return None
    if type_.name == "vulnerability":
        known = tuple(name for ids in known for name in ids)
    return frozenset(known) if type_.container == "set" else known


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _vulnerability(text: str) -> tuple[str, ...]:
    return (text,)


def _seconds(value: int) -> timedelta:
    return timedelta(seconds=value)


def _identity(value: Iterable[str]) -> Any:
    from policyengine.evidence import identities

    form, *texts = value
    return getattr(identities, form)(*texts)


READERS: Mapping[str, Callable[[Any], Any]] = {
    "decimal": Decimal, "time": _instant, "date": date.fromisoformat, "duration": _seconds,
    "vulnerability": _vulnerability, "license": licenses.parse, "glob": globs.glob, "range": ranges.parse,
    "identity": _identity,
}  # fmt: skip
"""The types whose portable form is not the value itself."""

SETS: Mapping[str, Callable[[Iterable[str]], Any]] = {
    "license": licenses.license_set, "glob": globs.glob_set, "range": ranges.range_set,
}  # fmt: skip
"""The types whose sets and lists are built to be asked, from the texts of their members; iterating gives those."""


# ---------------------------------------------------------------------------- fields

COMMON = frozenset({"kind", "digest", "signatures"})
"""The fields of every declared kind of document, which are not in its text."""


def field(record: Any, name: str, type_: Type) -> Any:
    """The field `name` of a record of evidence, as it stands there; `finding.age` needs the instant, see `age`."""
    if type(record) is Custom and name not in COMMON:
        return _stated(type_, record.fields.get(name))
    if name == "id":
        return record.ids
    if name == "aliases":
        return frozenset(record.ids[1:])
    value = getattr(record, name)
    return licenses.parse(value) if type_.name == "license" else value


def _stated(type_: Type, value: Any) -> Any:
    """A value of a declared kind of document."""
    if type_.name == "vulnerability" and isinstance(value, str):
        return (value,)
    return licenses.parse(value) if type_.name == "license" and isinstance(value, str) else value


def age(finding: Finding, at: datetime) -> timedelta | None:
    """The time since `finding` was published; not known where that is not known, or still to come."""
    published = finding.published
    return None if published is None or published > at else at - published


# ---------------------------------------------------------------------------- predicates


def same(name: str, left: Any, right: Any) -> bool | None:
    """Whether two known values of the type `name` are equal."""
    if name == "vulnerability":
        return any(one in right for one in left)
    if name == "license":
        return licenses.equal(left, right)
    if name == "purl":
        return purls.equal(left, right)
    if name == "identity":
        return _same_identity(left, right)
    return bool(left == right)


def contains(name: str, members: Any, item: Any) -> bool | None:
    """Whether a known `item` of the type `name` is one of the known `members`."""
    if name == "vulnerability":
        return any(one in members for one in item)
    if name == "license":
        return licenses.member_of(item, members)
    if name == "purl":
        return _among(item, members)
    if name == "identity":
        return any(_same_identity(item, member) for member in members)
    return item in members


def _among(purl: str, members: Iterable[str]) -> bool | None:
    """Whether one of the package URLs `members` is `purl`, however each is spelt; one that is none may be any."""
    wanted = purls.canonical(purl)
    known = {purls.canonical(member) for member in members}
    if wanted is not None and wanted in known:
        return True
    return None if wanted is None or None in known else False


def _same_identity(left: Any, right: Any) -> bool:
    """Whether a verified identity fits a pattern; two of a kind are compared whole."""
    if isinstance(left, Identity) != isinstance(right, Identity):
        identity, pattern = (left, right) if isinstance(left, Identity) else (right, left)
        return bool(pattern.matches(identity))
    return bool(left == right)


def matcher(name: str, patterns: Any) -> Callable[[Any], bool | None]:
    """What asks whether a text, purl or package (`name`) matches the known `patterns`, one or a set."""
    if name == "package":
        if isinstance(patterns, ranges.RangeSet):
            return lambda package: patterns.contains(package.purl, package.version)
        return lambda package: ranges.contains(patterns, package.purl, package.version)
    if name == "purl":
        if isinstance(patterns, globs.GlobSet):
            return patterns.matches_purl
        return lambda purl: globs.matches_purl(patterns, purl)
    return patterns.matches  # type: ignore[no-any-return]


def within(moment: datetime, duration: timedelta, at: datetime) -> bool | None:
    """Whether `moment` lies at most `duration` before `at`; a clock may be ahead by `SKEW`, further is not known."""
    elapsed = at - moment
    if elapsed < -SKEW:
        return None
    return max(elapsed, timedelta()) <= duration


def signed(document: Any, identities: Any = None) -> bool | None:
    """Whether a verified signature of `document` is by one of `identities` (by anyone, where they are `None`)."""
    patterns = identities if identities is None or isinstance(identities, frozenset | tuple) else (identities,)
    for signature in document.signatures.items:
        if patterns is None or any(_same_identity(signature.identity, pattern) for pattern in patterns):
            return True
    return None if document.signatures.gaps else False


def status(vex: Vex, finding: Finding | None, current: Collection[Vex], about: Iterable[Vex]) -> str | None:
    """The status that `vex` gives for `finding`, unless the `current` statements disagree about it.

    `about` are those of `current` that may be about the finding. A statement that could not be read may say
    otherwise, so beside a gap no status is known. Without a finding, no other statement may give another status
    for the same vulnerability in a package that both may mean.
    """
    if current.gaps:
        return None
    if finding is not None:
        return vexes.status(vex, finding, about)
    disputed = any(other.status != vex.status and _meet(vex, other) for other in current.items)
    return None if disputed else vex.status


def _meet(vex: Vex, other: Vex) -> bool:
    """Whether two statements may be about one finding."""
    if set(vex.ids).isdisjoint(other.ids):
        return False
    heads, others = ({purls.head(product) for product in each.products} for each in (vex, other))
    return None in heads or None in others or not heads.isdisjoint(others)


# ---------------------------------------------------------------------------- three-valued logic


def conjunction(*values: bool | None) -> bool | None:
    """Kleene's `and`."""
    return False if False in values else None if None in values else True


def disjunction(*values: bool | None) -> bool | None:
    """Kleene's `or`."""
    return True if True in values else None if None in values else False


def choose(condition: bool | None, then: Any, otherwise: Any) -> Any:
    """The branch that `condition` takes; where it is not known, what both branches agree on."""
    if condition is None:
        return then if then == otherwise else None
    return then if condition else otherwise


# ---------------------------------------------------------------------------- arithmetic


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    """`+`, `-` or `&` of known values; not known where the result cannot be represented."""
    if isinstance(left, Collection):
        return join(left, right)
    if isinstance(left, frozenset | licenses.LicenseSet | globs.GlobSet | ranges.RangeSet):
        return _combined(operator, left, right)
    try:
        if isinstance(left, Decimal):
            return EXACT.add(left, right) if operator == "+" else EXACT.subtract(left, right)
        return left + right if operator == "+" else left - right
    except (OverflowError, Inexact, InvalidOperation, Overflow):
        return None


def _combined(operator: str, left: Any, right: Any) -> Any:
    return left | right if operator == "+" else left - right if operator == "-" else left & right


def join(left: Collection[Any], right: Collection[Any]) -> Collection[Any]:
    """The items and gaps of both; what is repeated within one stays so."""
    repeated: tuple[int, ...] = ()
    if left.repeated or right.repeated:
        ahead = len(left.items)
        repeated = (*(left.repeated or range(ahead)), *(ahead + index for index in _groups(right)))
    return Collection(left.items + right.items, left.gaps + right.gaps, repeated)


def _groups(collection: Collection[Any]) -> Iterable[int]:
    return collection.repeated or range(len(collection.items))


# ---------------------------------------------------------------------------- elements and counts


def elements(value: Any, name: str) -> Collection[Any]:
    """What a quantifier ranges over: a collection, or the members of a set or list of the type `name`."""
    if isinstance(value, Collection):
        return value
    if value is None:
        return UNKNOWN_ELEMENTS
    listed = sorted(value, key=str) if isinstance(value, frozenset) else value
    wrap = READERS[name] if name in SETS or name == "vulnerability" else None
    return Collection(tuple(map(wrap, listed)) if wrap is not None else tuple(listed))


def fewest(collection: Collection[Any], flags: Iterable[bool]) -> int:
    """How many different elements are flagged; `flags` are in the order of the items."""
    if collection.repeated:
        return len(set(compress(collection.repeated, flags)))
    return sum(flags)


def most(collection: Collection[Any], flags: Iterable[bool]) -> float:
    """How many there may be, when what the gaps stand for is counted too."""
    return fewest(collection, flags) + unseen(collection)


def unseen(collection: Collection[Any]) -> float:
    """How many elements the gaps of `collection` may stand for."""
    return UNBOUNDED if any(gap.many for gap in collection.gaps) else len(collection.gaps)


def exactly(low: int, high: float) -> int | None:
    """The number between `low` and `high`, if there is only one."""
    return low if low == high else None


def sources(record: Any) -> tuple[str, ...]:
    """The digest of the document that `record` comes from."""
    digest = record.document if isinstance(record, Finding | Package) else getattr(record, "digest", "")
    return (digest,) if digest and not isinstance(record, Image) else ()
