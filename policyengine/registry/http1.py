"""HTTP/1.1 as a client speaks it: a request written in bytes, and an answer read strictly (RFC 9112).

What can be read in two ways is refused: folded headers, lengths that contradict each other, codings that nobody asked
for. Nothing here knows of sockets; bytes come from a function, as many as have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from policyengine import limits

TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONTROL = bytes({*range(32), 127} - {9})
CHUNK_LINE = 1024
"""Bytes of the line before a chunk: its size, and extensions that nobody uses."""


class Broken(Exception):
    """What arrives is not HTTP, or not all of an answer."""


class Head(Struct, frozen=True):
    """The beginning of an answer; `current` says that it is of HTTP/1.1, and not 1.0."""

    status: int
    headers: tuple[tuple[str, str], ...]
    current: bool

    @property
    def persistent(self) -> bool:
        """Whether the connection may be used again (section 9.3): not where two headers say how long the body is."""
        doubtful = self.all("transfer-encoding") and self.all("content-length")
        return self.current and not doubtful and "close" not in self.all("connection")

    def all(self, name: str) -> list[str]:
        """The members of the header called `name` (in lower case), over all of its lines."""
        values = [value for key, value in self.headers if key.lower() == name]
        return [member.strip().lower() for value in values for member in value.split(",")]


def written(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request. Raises `ValueError` for what would be more than one line: a header may hold a token that
    somebody else made up.
    """
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if " " in target or any(line.encode().translate(None, CONTROL) != line.encode() for line in lines):
        raise ValueError("a line of it holds characters that none may hold")
    return "\r\n".join([*lines, "", ""]).encode()


class Reader:
    """The bytes that a server sends. `receive` returns those that have arrived, none at the end of the connection."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._ready = b""

    @property
    def empty(self) -> bool:
        """Whether nothing has arrived that was not read."""
        return not self._ready

    def line(self, most: int) -> bytes:
        """The next line without its end, of at most so many bytes; raises `Broken`."""
        while (end := self._ready.find(b"\n", 0, most + 2)) < 0:
            if len(self._ready) > most + 1:
                raise Broken("a line is too long")
            self._ready += self._more()
        line, self._ready = self._ready[:end], self._ready[end + 1 :]
        return line.removesuffix(b"\r")

    def some(self, most: int) -> bytes:
        """At least one byte, at most so many; raises `Broken` where there is none."""
        data = self._ready or self._more()
        self._ready = data[most:]
        return data[:most]

    def rest(self) -> Iterator[bytes]:
        """Everything up to the end of the connection."""
        while data := self._ready or self._receive():
            self._ready = b""
            yield data

    def _more(self) -> bytes:
        data = self._receive()
        if not data:
            raise Broken("the connection ends in the middle")
        return data


def head(reader: Reader) -> Head:
    """The head of the next answer, behind those that only say to wait for it (section 15.2 of RFC 9110)."""
    room = limits.HTTP_HEAD_BYTES
    while True:
        lines: list[bytes] = []
        while (line := reader.line(room)) or not lines:
            lines.append(line)
            room -= len(line) + 2
        found = _parsed(lines)
        if found.status >= 200:
            return found
        if found.status == 101:
            raise Broken("the server changes to a protocol that nobody asked for")


def _parsed(lines: list[bytes]) -> Head:
    """Sections 4 and 5: the status line and the headers."""
    version, _, rest = lines[0].partition(b" ")
    code, space = rest[:3], rest[3:4]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(code) < 3 or not code.isdigit() or space not in (b"", b" "):
        raise Broken("the first line is no status")
    headers = tuple(_header(line) for line in lines[1:])
    return Head(int(code), headers, version == b"HTTP/1.1")


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    value = value.strip(b" \t")
    if not name or not colon or name.translate(None, TOKEN) or value.translate(None, CONTROL) != value:
        raise Broken("a line is no header")
    return name.decode("ascii"), value.decode("latin-1")


class Body:
    """The body of one answer, in pieces; `complete` once all of it was read, and the connection goes on behind it."""

    def __init__(self, reader: Reader, head: Head, method: str) -> None:
        self._reader = reader
        self._left = _length(head, method)
        self.complete = self._left == 0

    def __iter__(self) -> Iterator[bytes]:
        if self._left is None:
            yield from self._reader.rest()
        else:
            yield from self._chunks() if self._left == CHUNKED else self._counted(self._left)
            self.complete = True

    def _counted(self, left: int) -> Iterator[bytes]:
        while left:
            data = self._reader.some(left)
            left -= len(data)
            yield data

    def _chunks(self) -> Iterator[bytes]:
        """Section 7.1: chunks up to an empty one, and trailers, which nobody reads."""
        while size := self._chunk_size():
            yield from self._counted(size)
            if self._reader.line(0):
                raise Broken("a chunk is longer than it says")
        room = limits.HTTP_HEAD_BYTES
        while line := self._reader.line(room):
            room -= len(line) + 2

    def _chunk_size(self) -> int:
        digits = self._reader.line(CHUNK_LINE).partition(b";")[0].rstrip(b" \t")
        if not 0 < len(digits) <= 16 or digits.translate(None, b"0123456789abcdefABCDEF"):
            raise Broken("a chunk has no size")
        return int(digits, 16)


CHUNKED = -1


def _length(head: Head, method: str) -> int | None:
    """Section 6.3: how long the body is; `None` where it lasts as long as the connection, `CHUNKED` for chunks."""
    if method == "HEAD" or head.status in (204, 304):
        return 0
    codings, lengths = head.all("transfer-encoding"), set(head.all("content-length"))
    if codings == ["chunked"]:
        return CHUNKED
    if codings:
        raise Broken("the body is in a coding that nobody asked for")
    if not lengths:
        return None
    stated = lengths.pop()
    if lengths or not stated.isascii() or not stated.isdecimal() or len(stated) > 18:
        raise Broken("the length of the body is no number")
    return int(stated)
