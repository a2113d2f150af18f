"""A strict reader of CBOR (RFC 8949), for COSE envelopes.

One data item, definite lengths, shortest heads, no key twice in a map, nothing after the item:
two readers cannot see two different things in bytes that this one accepts. General decoders allow
all of that, interpret tags (times, regular expressions, shared references) and never report
trailing bytes, so a layer above one would have to read every byte a second time.
"""

from __future__ import annotations

import struct

from msgspec import Struct

from policyengine import limits
from policyengine.errors import VerificationError

Item = "int | float | bytes | str | bool | None | list[Item] | dict[int | str | bytes, Item] | Tag | Undefined"
"""What an item becomes; arrays are lists, maps are dicts, tags are never interpreted."""


class Tag(Struct, frozen=True):
    """A tagged item (RFC 8949, section 3.4), not interpreted."""

    number: int
    value: object


class Undefined(Struct, frozen=True):
    """The simple value `undefined`, which is not `null`."""


def loads(data: bytes) -> object:
    """The one item that `data` encodes; raises `VerificationError` with the place of the fault."""
    reader = _Reader(data)
    item = reader.item(0)
    if reader.position != len(data):
        raise reader.fault("more bytes follow the item")
    return item


UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)  # major types, section 3.1
_SIMPLE = {20: False, 21: True, 22: None, 23: Undefined()}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_SHORTEST = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}
"""The smallest argument that needs the longer head, by additional information (section 4.2.1)."""


class _Reader:
    __slots__ = ("data", "items", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.items = 0

    def fault(self, message: str) -> VerificationError:
        return VerificationError(f"the envelope is not strict CBOR: {message} (byte {self.position})")

    def item(self, depth: int) -> object:
        self.items += 1
        if depth > limits.CBOR_DEPTH or self.items > limits.CBOR_ITEMS:
            raise self.fault("it is nested too deep or has too many items")
        head = self.take(1)[0]
        major, info = head >> 5, head & 31
        if major == SIMPLE:
            return self.simple(info)
        argument = info if info < 24 else self.argument(info)
        if major == TEXT:  # the most frequent first
            return self.text(argument)
        if major == BYTES:
            return self.take(argument)
        if major == UNSIGNED:
            return argument
        return self.nested(major, argument, depth) if major != NEGATIVE else -1 - argument

    def nested(self, major: int, argument: int, depth: int) -> object:
        if major == TAG:
            return Tag(argument, self.item(depth + 1))
        return self.array(argument, depth) if major == ARRAY else self.map(argument, depth)

    def take(self, count: int) -> bytes:
        start, end = self.position, self.position + count
        if end > len(self.data):
            raise self.fault("it ends too early")
        self.position = end
        return self.data[start:end]

    def argument(self, info: int) -> int:
        """The argument that follows a head: a value, a length or a count (section 3)."""
        if info not in _SHORTEST:
            raise self.fault("a length is indefinite" if info == 31 else "a head uses a reserved value")
        value = int.from_bytes(self.take(1 << (info - 24)), "big")
        if value < _SHORTEST[info]:
            raise self.fault("a head is longer than it has to be")
        return value

    def simple(self, info: int) -> object:
        if info in _FLOATS:
            value: float = struct.unpack(_FLOATS[info], self.take(1 << (info - 24)))[0]
            return value
        if info not in _SIMPLE:
            raise self.fault("a simple value is not assigned, or a length is indefinite")
        return _SIMPLE[info]

    def text(self, length: int) -> str:
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise self.fault("a text is not UTF-8") from None

    def array(self, count: int, depth: int) -> list[object]:
        return [self.item(depth + 1) for _ in range(count)]

    def map(self, count: int, depth: int) -> dict[int | str | bytes, object]:
        pairs: dict[int | str | bytes, object] = {}
        for _ in range(count):
            key = self.item(depth + 1)
            if type(key) is not int and not isinstance(key, str | bytes):
                raise self.fault("a key is neither a number, a text nor bytes")
            if key in pairs:
                raise self.fault("a key occurs twice in one map")
            pairs[key] = self.item(depth + 1)
        return pairs
