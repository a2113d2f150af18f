"""A strict reader of DER (X.690, section 10), for RFC 3161 tokens.

Definite shortest lengths, single-byte tags, nothing after the element. BER is refused: a token
that can be read in two ways is not worth the time that it states.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from policyengine.errors import VerificationError

BOOLEAN, INTEGER, OCTET_STRING, NULL, OID, GENERALIZED_TIME = 0x01, 0x02, 0x04, 0x05, 0x06, 0x18
SEQUENCE, SET = 0x30, 0x31


def context(number: int, *, constructed: bool = True) -> int:
    """The tag `[number]` of the context class."""
    return 0x80 | (0x20 if constructed else 0) | number


class Element(Struct, frozen=True):
    """One element: its tag, the content without the head, and all of its bytes."""

    tag: int
    content: bytes
    raw: bytes


def read(data: bytes, tag: int) -> Element:
    """The one element of this tag that `data` is; raises `VerificationError`."""
    element, end = _at(data, 0)
    if end != len(data):
        raise _fault("more bytes follow the element")
    return expect(element, tag)


def elements(element: Element) -> tuple[Element, ...]:
    """The elements inside a constructed one, in order."""
    return tuple(_each(element.content))


class Fields:
    """The fields of a SEQUENCE, taken in order; every method raises `VerificationError`."""

    __slots__ = ("_left",)

    def __init__(self, element: Element) -> None:
        self._left = list(elements(element))[::-1]

    def take(self, tag: int) -> Element:
        """The next field, which has to have this tag."""
        if not self._left:
            raise _fault("a field is missing")
        return expect(self._left.pop(), tag)

    def maybe(self, tag: int) -> Element | None:
        """The next field if it has this tag: an optional one."""
        return self._left.pop() if self._left and self._left[-1].tag == tag else None

    def end(self) -> None:
        """There must be no further field."""
        if self._left:
            raise _fault("a field follows that does not belong there")


def integer(element: Element) -> int:
    """The value of an INTEGER in its shortest form (X.690, section 8.3)."""
    content = element.content
    padded = len(content) > 1 and (content[0], content[1] >> 7) in ((0x00, 0), (0xFF, 1))
    if not content or padded:
        raise _fault("an integer is not in its shortest form")
    return int.from_bytes(content, "big", signed=True)


def oid(element: Element) -> str:
    """The dotted text of an OBJECT IDENTIFIER (X.690, section 8.19)."""
    content = element.content
    if not content or len(content) > 64 or content[-1] & 0x80:
        raise _fault("an object identifier is cut off or too long")
    arcs, value = [], 0
    for position, byte in enumerate(content):
        if byte == 0x80 and (position == 0 or not content[position - 1] & 0x80):
            raise _fault("an object identifier is not in its shortest form")
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def boolean(element: Element) -> bool:
    """The value of a BOOLEAN: all bits or none (X.690, section 11.1)."""
    if element.content not in (b"\x00", b"\xff"):
        raise _fault("a boolean is neither 0x00 nor 0xFF")
    return element.content == b"\xff"


_TIME = rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.([0-9]{0,5}[1-9]))?Z"


def generalized_time(element: Element) -> datetime:
    """The instant of a GeneralizedTime in UTC, to the microsecond at most (X.690, section 11.7)."""
    match = re.fullmatch(_TIME, element.content)
    if match is None:
        raise _fault("a time is not in the form that DER asks for")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    micros = int((match[7] or b"").ljust(6, b"0"))
    try:
        if not 1950 <= year <= 9998:  # so that no arithmetic with an accuracy overflows
            raise ValueError
        return datetime(year, month, day, hour, minute, second, micros, UTC)
    except ValueError:
        raise _fault("a time does not exist or is out of range") from None


def _each(data: bytes) -> Iterator[Element]:
    position = 0
    while position < len(data):
        element, position = _at(data, position)
        yield element


def _at(data: bytes, position: int) -> tuple[Element, int]:
    """The element at `position`, and where it ends (X.690, sections 8.1 and 10.1)."""
    head = data[position : position + 6]
    if len(head) < 2 or head[0] & 0x1F == 0x1F:
        raise _fault("an element is cut off or has a long tag")
    start, length = _length(head)
    start, end = position + start, position + start + length
    if end > len(data):
        raise _fault("an element is cut off")
    return Element(head[0], data[start:end], data[position:end]), end


def _length(head: bytes) -> tuple[int, int]:
    """The length of a head in bytes, and the length that it states."""
    count = head[1] & 0x7F
    if head[1] < 0x80:
        return 2, head[1]
    if not 1 <= count <= 4 or len(head) < 2 + count:
        raise _fault("a length is indefinite, too long or cut off")
    length = int.from_bytes(head[2 : 2 + count], "big")
    if length < 0x80 or length < 1 << 8 * (count - 1):
        raise _fault("a length is not in its shortest form")
    return 2 + count, length


def expect(element: Element, tag: int) -> Element:
    """`element`, if it has this tag; raises `VerificationError`."""
    if element.tag != tag:
        raise _fault(f"a field has the tag 0x{element.tag:02X} where 0x{tag:02X} belongs")
    return element


def _fault(message: str) -> VerificationError:
    return VerificationError(f"the token is not strict DER: {message}")
