r"""JSON texts read strictly, since everything that a registry serves is hostile.

RFC 8259 leaves open what a repeated key or a lone surrogate means, and two readers that fill the
gap differently can be made to see two different documents. Here such texts are refused, as are
other encodings than UTF-8, `NaN`, trailing data, and nesting beyond the limit. A leading byte
order mark is skipped.

Numbers with a fraction or an exponent become `Decimal` straight from their text, never `float`.

How it is fast. `msgspec` decodes twice as fast as `json` but keeps the last of two equal keys
without a word. A dropped key takes its colon with it: so the value is encoded again (which is
cheap) and the colons are counted, those written as `\u003a` included. Equal counts prove that
nothing was dropped. Nesting is bounded before decoding by stripping the text to its brackets.

Measured on CPython 3.11, two shared cores, seconds (SPDX 15 MB, CycloneDX 21 MB, SARIF 14 MB):

    json.loads, no checks                       0.13   0.31   0.18
    json.loads, object_pairs_hook               0.18   0.52   0.26   and nesting unchecked
    msgspec, no checks                          0.10   0.26   0.17
    this module                                 0.14   0.46   0.21   of which nesting 0.02 0.11 0.05
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import accumulate

import msgspec

from policyengine import limits


class JsonError(ValueError):
    """A text that is not strict JSON: `message` is one sentence.

    `offset` counts bytes from 0, `line` and `column` (in characters) from 1. All three are `None`
    where finding the place in a very large text would cost more than the text is worth.
    """

    def __init__(
        self, message: str, offset: int | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message, offset, line, column)
        self.message, self.offset, self.line, self.column = message, offset, line, column

    def __str__(self) -> str:
        return self.message if self.line is None else f"{self.message} (line {self.line}, column {self.column})"


def loads(data: bytes, *, max_depth: int = limits.JSON_DEPTH) -> object:
    """The value of the JSON text `data`: dict, list, str, int, Decimal, bool or None.

    Raises `JsonError` for anything that is not exactly one strict JSON text in UTF-8.
    """
    return counted(data, max_depth)[0]


def counted(data: bytes, max_depth: int | None, escaped: bool | None = None) -> tuple[object, int]:
    """The value of `data` as `loads` reads it, and how many colons it writes: for a part of a text.

    `max_depth` is `None` where the caller knows that the nesting is within bounds, and `escaped` is what
    `escapes_colons` says of the whole text, where that is known.
    """
    _check_encoding(data)
    text = data.removeprefix(BOM)
    try:
        if max_depth is not None:
            _check_depth(text, max_depth)
        value = _decode(text)
        written = colons(text, escapes_colons(text) if escaped is None else escaped)
        if msgspec.json.encode(value).count(b":") != written:
            raise _Place(REPEATED, *_repeated_key(text))
    except _Place as fault:
        raise _located(data, fault, len(data) - len(text)) from None
    return value, written


def check(data: bytes, *, max_depth: int = limits.JSON_DEPTH) -> None:
    """Raise `JsonError` unless `data` is one strict JSON text."""
    loads(data, max_depth=max_depth)


def place(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column, from 1 and in characters, of the byte at `offset`."""
    start = data.rfind(b"\n", 0, offset) + 1
    column = len(data[start:offset].removeprefix(BOM if start == 0 else b"").decode("utf-8", "replace")) + 1
    return data.count(b"\n", 0, offset) + 1, column


def locate(data: bytes, path: Sequence[str | int]) -> int | None:
    """The byte offset at which the member or element at `path` begins, in a text that `loads` has read.

    A member begins with its name. `None` where a very large text would take too long to search.
    """
    wanted, here = list(path), list[str | int]()
    mark = len(data) - len(data.removeprefix(BOM))
    for offset, token in _tokens(data[mark:], _PATH_TOKEN):
        if token in (b"{", b"["):
            if here == wanted:
                return offset + mark
            here.append("" if token == b"{" else 0)
        elif token in (b"}", b"]"):
            here.pop()
        elif token == b",":
            here[-1] = here[-1] + 1 if isinstance(here[-1], int) else ""
        elif token.endswith(b":") and len(token) > 1:
            here[-1] = msgspec.json.decode(token[:-1], type=str)
        if here == wanted and token not in (b"}", b"]"):
            return offset + mark
    return None


def quoted(text: str, length: int = 60) -> str:
    """`text` from outside as it may stand in a message: in quotes, on one line, printable, and short."""
    cut = text if len(text) <= length else text[:length] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{{{ord(c):X}}}" for c in cut) + '"'


BOM = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LOCATE_TOKENS = 5_000_000  # about two seconds of looking for the place of an error


class _Place(Exception):
    """A fault in the text without its mark: message, what names it, byte offset."""

    def __init__(self, message: str, detail: str = "", offset: int | None = None) -> None:
        super().__init__(message, detail, offset)
        self.message, self.offset = message + detail, offset


def _located(data: bytes, fault: _Place, mark: int) -> JsonError:
    if fault.offset is None:
        return JsonError(fault.message)
    offset = fault.offset + mark
    return JsonError(fault.message, offset, *place(data, offset))


def _check_encoding(data: bytes) -> None:
    if data.startswith(_WIDE_MARKS) or b"\0" in data[:4]:
        raise JsonError("the text is UTF-16 or UTF-32, and JSON has to be UTF-8", 0, 1, 1)
    if not data.removeprefix(BOM).strip(b" \t\r\n"):
        raise JsonError("the text is empty", 0, 1, 1)


def _number(text: str) -> Decimal:
    if len(text) > limits.JSON_NUMBER_CHARS:
        raise ValueError(f"a number has {len(text)} characters, more than {limits.JSON_NUMBER_CHARS}")
    number = Decimal(text)
    if abs(number.adjusted()) > limits.JSON_EXPONENT:
        raise ValueError(f"a number is beyond 1e{limits.JSON_EXPONENT}")
    return number


_decoder = msgspec.json.Decoder(float_hook=_number)
_OFFSET = re.compile(r" \(byte (\d+)\)$")
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")


def _decode(text: bytes) -> object:
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise _Place("the text is nested too deep for the stack that is left") from None
    except UnicodeDecodeError:
        raise _Place("the text is not UTF-8", "", _invalid_byte(text)) from None
    except msgspec.DecodeError as fault:
        raise _syntax_fault(text, str(fault)) from None
    except ValueError as fault:
        raise _Place(str(fault)) from None


def _invalid_byte(text: bytes) -> int | None:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as fault:
        return fault.start
    return None


def _syntax_fault(text: bytes, message: str) -> _Place:
    found = _OFFSET.search(message)
    if found:
        reason = _OFFSET.sub("", message).removeprefix("JSON is malformed: ")
        return _Place(reason, "", int(found.group(1)) - (reason == "trailing characters"))
    if "truncated" not in message:
        return _Place(message.partition(" - at `")[0].replace("Integer value", "a number is"))
    half = _HALF_PAIR.search(text, max(0, len(text) - 13))
    if half:
        return _Place("invalid utf-16 surrogate pair", "", half.start())
    return _Place("the text ends too early", "", len(text))


# Repeated keys ------------------------------------------------------------------------------------


REPEATED = "the same key occurs twice in one object"


def colons(text: bytes, escaped: bool) -> int:
    """How many colons the JSON `text` writes, between keys and values and in its texts, `escaped` ones included."""
    written = text.count(b":")
    if escaped:
        unescaped = text.replace(b"\\\\", b"")
        written += unescaped.count(b"\\u003a") + unescaped.count(b"\\u003A")
    return written


def escapes_colons(text: bytes) -> bool:
    """Whether `text` may write a colon as an escape."""
    return b"\\u003a" in text or b"\\u003A" in text


def _repeated_key(text: bytes) -> tuple[str, int | None]:
    """The first repeated key, as a phrase, and its offset; only ever called on valid JSON."""
    open_objects: list[set[str]] = []
    for offset, token in _tokens(text):
        if token == b"{":
            open_objects.append(set())
        elif token == b"}":
            open_objects.pop()
        elif token.endswith(b":"):
            key = msgspec.json.decode(token[:-1], type=str)
            if key in open_objects[-1]:
                return f": {quoted(key)}", offset
            open_objects[-1].add(key)
    return "", None


_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"(?:[ \t\r\n]*:)?|[][{}]', re.DOTALL)


_PATH_TOKEN = re.compile(_TOKEN.pattern + rb"|,", re.DOTALL)


def _tokens(text: bytes, token: re.Pattern[bytes] = _TOKEN) -> Iterator[tuple[int, bytes]]:
    """Offsets and texts of brackets, strings, and keys with their colon, for as long as it is worth it."""
    for number, match in enumerate(token.finditer(text)):
        if number >= _LOCATE_TOKENS:
            return
        yield match.start(), match.group()


# Nesting ------------------------------------------------------------------------------------------

_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STRING = re.compile(rb'"[^"]*"')
_ROUNDS = 8
_CHUNK = 65_536
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord('"'): 0}


def _check_depth(text: bytes, max_depth: int) -> None:
    """Refuse nesting beyond `max_depth` before a decoder has to recurse.

    On a broken text this is exact up to the break, which is as far as a decoder gets.
    """
    if len(text) < _CHUNK and text.count(b"[") + text.count(b"{") <= max_depth:
        return
    brackets = _brackets(text)
    if not _is_shallow(brackets, max_depth) and _exceeds(brackets, max_depth):
        raise _Place(f"the text is nested deeper than {max_depth} levels", "", _too_deep(text, max_depth))


def _brackets(text: bytes) -> bytes:
    """Only the brackets of `text` that stand outside strings."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return _STRING.sub(b"", text.translate(None, _NO_BRACKET).replace(b'""', b""))


def _is_shallow(brackets: bytes, max_depth: int) -> bool:
    """Whether a few rounds of removing empty pairs leave nothing; one round takes at most two levels."""
    if max_depth < 2 * _ROUNDS:
        return False
    for _ in range(_ROUNDS):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return not brackets


def _exceeds(brackets: bytes, max_depth: int) -> bool:
    level = 0
    for start in range(0, len(brackets), _CHUNK):
        levels = list(accumulate(map(_STEP.__getitem__, brackets[start : start + _CHUNK]), initial=level))
        if max(levels) > max_depth:
            return True
        level = levels[-1]
    return False


def _too_deep(text: bytes, max_depth: int) -> int | None:
    depth = 0
    for offset, token in _tokens(text):
        depth += _STEP.get(token[0], 0)
        if depth > max_depth:
            return offset
    return None
