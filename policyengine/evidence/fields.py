"""Fields of documents, read without trusting their types.

A field that is absent or `null` is `None`, or empty. A field of another type than its format
prescribes is not a missing field: whoever holds it is unreadable, because a rule must not pass
for the lack of what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar

from policyengine import limits
from policyengine.evidence.model import Collection, Gap
from policyengine.evidence.pieces import Pieces
from policyengine.strictjson import quoted

Record = dict[str, Any]
T = TypeVar("T")


_BLANK = 1_000  # characters beyond which a text is not worth looking through for anything but white space


class Unreadable(Exception):
    """Something in a document that is not what its format says; the text is half a sentence.

    `holder` is the object that it is in, and `key` the member's name, where that is known.
    """

    def __init__(self, reason: str, holder: Record | None = None, key: str | None = None) -> None:
        super().__init__(reason)
        self.holder, self.key = holder, key


def text(record: Record, key: str) -> str | None:
    """The text at `key`; `None` where it is absent, `null` or blank, as generators write what they do not know."""
    value = record.get(key)
    if type(value) is str:
        return None if not value or (value.isspace() and len(value) <= _BLANK) else value
    if value is None:
        return None
    raise _wrong(record, key, "a text")


def required(record: Record, key: str) -> str:
    """The text at `key`, which has to be there and not blank."""
    value = text(record, key)
    if value is None:
        raise Unreadable(f"{quoted(key)} is missing", record, key)
    return value


def member(record: Record, key: str) -> Record:
    """The object at `key`; empty where it is absent."""
    value = record.get(key)
    if type(value) is dict:
        return value
    if value is None:
        return {}
    raise _wrong(record, key, "an object")


def items(record: Record, key: str) -> Sequence[Any]:
    """The array at `key`, its elements unchecked; empty where it is absent."""
    value = record.get(key)
    if type(value) is list or type(value) is Pieces:
        return value  # type: ignore[return-value]
    if value is None:
        return []
    raise _wrong(record, key, "an array")


def array(record: Record, key: str) -> Sequence[Any]:
    """The array at `key`, its elements unchecked; raises `Unreadable` where it is absent, too."""
    if not is_array(record.get(key)):
        raise Unreadable(f"{quoted(key)} is not an array", record, key)
    return items(record, key)


def is_array(value: Any) -> bool:
    """Whether `value` is an array, at hand or in pieces."""
    return type(value) is list or type(value) is Pieces


def records(record: Record, key: str) -> list[Record]:
    """The array of objects at `key`; empty where it is absent."""
    values = items(record, key)
    if type(values) is not list:
        values = list(values)
    for value in values:
        if type(value) is not dict:
            raise Unreadable(f"{quoted(key)} holds {_kind(value)} where objects belong", record, key)
    return values


def texts(record: Record, key: str) -> list[str]:
    """The array of texts at `key`; empty where it is absent."""
    values = items(record, key)
    if type(values) is not list:
        values = list(values)
    for value in values:
        if type(value) is not str:
            raise Unreadable(f"{quoted(key)} holds {_kind(value)} where texts belong", record, key)
    return values


def flag(record: Record, key: str) -> bool | None:
    """The truth value at `key`."""
    value = record.get(key)
    if value is None or type(value) is bool:
        return value
    raise _wrong(record, key, "true or false")


def index(record: Record, key: str) -> int | None:
    """The position at `key`, from 0; `None` where it is absent or negative, as SARIF writes "none" as -1."""
    value = record.get(key)
    if type(value) is int:
        return value if value >= 0 else None
    if value is None:
        return None
    raise _wrong(record, key, "a whole number")


def number(record: Record, key: str) -> Decimal | None:
    """The number at `key`, or the one that is written there as a text; `None` for any other text."""
    value = record.get(key)
    if value is None or type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    if type(value) is str:
        return decimal(value)
    raise _wrong(record, key, "a number")


def decimal(word: str) -> Decimal | None:
    """The finite number that `word` is, within the bounds that hold for numbers of JSON."""
    return _decimal(word) if len(word) <= limits.JSON_NUMBER_CHARS else None


@lru_cache(maxsize=1024)
def _decimal(word: str) -> Decimal | None:
    """See `decimal`. There are a hundred scores, and a large scan writes them ten thousand times."""
    if "_" in word or not word.isascii():
        return None
    try:
        value = Decimal(word.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= limits.JSON_EXPONENT else None


def collect(
    elements: Iterable[Any], read: Callable[[Record], Iterable[T]], noun: str, many: bool = False
) -> Collection[T]:
    """What `read` makes of each element; one that it cannot read, or that is no object, leaves a gap.

    `many` says that an element may stand for any number of things.
    """
    found: list[T] = []
    gaps = _gathered(elements, read, found.extend, noun, many)
    return Collection(tuple(found), gaps)


def collect_each(elements: Iterable[Any], read: Callable[[Record], T], noun: str) -> Collection[T]:
    """The same where `read` makes one thing of each element."""
    found: list[T] = []
    gaps = _gathered(elements, read, found.append, noun, many=False)
    return Collection(tuple(found), gaps)


def _gathered(
    elements: Iterable[Any], read: Callable[[Record], Any], keep: Callable[[Any], None], noun: str, many: bool
) -> tuple[Gap, ...]:
    """Give to `keep` what `read` makes of each element; the gaps that the others leave."""
    gaps: list[Gap] = []
    for position, element in enumerate(elements, 1):
        if type(element) is not dict:
            gaps.append(Gap(f"{noun} {position} cannot be read: it is {_kind(element)} where an object belongs"))
            continue
        try:
            keep(read(element))
        except Unreadable as fault:
            gaps.append(Gap(f"{noun} {position} cannot be read: {fault}", many=many))
    return _folded(gaps, noun)


_GAPS_TOLD = 100


def _folded(gaps: list[Gap], noun: str) -> tuple[Gap, ...]:
    """`gaps`, the rest of very many as one."""
    if len(gaps) <= _GAPS_TOLD:
        return tuple(gaps)
    rest = Gap(f"{len(gaps) - _GAPS_TOLD} further elements of the kind {noun} cannot be read")
    return (*gaps[:_GAPS_TOLD], rest)


def _wrong(record: Record, key: str, wanted: str) -> Unreadable:
    return Unreadable(f"{quoted(key)} is {_kind(record[key])}, not {wanted}", record, key)


def path_of(root: Any, holder: Record) -> tuple[str | int, ...] | None:
    """The path from `root` to the object `holder` itself, not to one that is equal."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(root, ())]
    while waiting:
        value, path = waiting.pop()
        if value is holder:
            return path
        pairs = value.items() if type(value) is dict else enumerate(value) if type(value) is list else ()
        waiting.extend((inner, (*path, key)) for key, inner in pairs if type(inner) in (dict, list))
    return None


_KINDS = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "null"}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")
