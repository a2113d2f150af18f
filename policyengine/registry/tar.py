"""A tar archive, indexed once and read in place: nothing is extracted.

The reader is our own because the standard library's would follow links inside the archive, and can
be made to loop or to escape (CVE-2025-4517, CVE-2025-8194).
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from policyengine import limits
from policyengine.errors import Malformed, TooLarge
from policyengine.oci import quoted
from policyengine.registry.content import PIECE

BLOCK = 512
HEADER_BYTES = 64 * BLOCK
"""An extended header, which holds a name or two."""

REGULAR = b"0\x007"
EMPTY = b"123456"
"""Links, devices, folders and pipes: members without content."""
HEADERS = b"xgLK"
"""Extended headers of POSIX and of GNU, which say more of the next member."""


class Tar:
    """The members of the archive in `file`, which is kept open and read by one thread at a time.

    Raises `Malformed` and `TooLarge` for what is no archive, or one that tools would read differently.
    """

    def __init__(self, file: BinaryIO) -> None:
        weakref.finalize(self, file.close)
        self._file = file
        self._lock = threading.Lock()
        self._members = _index(file)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all members, in their order."""
        return tuple(self._members)

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of the member `name`, or `None` if there is none.

        Raises `Malformed` for what is not a regular file or there twice, and `TooLarge` beyond `limit`.
        """
        member = self._member(name)
        if member is None:
            return None
        offset, size = member
        if size > limit:
            raise TooLarge(f"{quoted(name)} in the archive has more than {limit} bytes")
        return self._part(name, offset, size)

    def pieces(self, name: str) -> Iterator[bytes] | None:
        """The same in pieces, however many there are."""
        member = self._member(name)
        if member is None:
            return None
        offset, end = member[0], sum(member)
        return (self._part(name, start, min(PIECE, end - start)) for start in range(offset, end, PIECE))

    def _member(self, name: str) -> tuple[int, int] | None:
        """Where the member `name` begins and how long it is, or `None` if there is none."""
        if name not in self._members:
            return None
        member = self._members[name]
        if member is None:
            raise Malformed(f"{quoted(name)} in the archive is not a regular file, or is there twice")
        return member

    def _part(self, name: str, offset: int, size: int) -> bytes:
        try:
            with self._lock:
                return _content(self._file, offset, size)
        except OSError as error:
            raise Malformed(f"{quoted(name)} in the archive cannot be read: {str(error.strerror).lower()}") from None


def is_tar(block: bytes) -> bool:
    """Whether the first `BLOCK` bytes of a file are a member's header."""
    return len(block) == BLOCK and _checksum_fits(block)


def _index(file: BinaryIO) -> Mapping[str, tuple[int, int] | None]:
    """Offset and size of each member; `None` for one that is not a regular file or not unique."""
    members: dict[str, tuple[int, int] | None] = {}
    for name, kind, offset, size in _members(file):
        if name in members:
            members[name] = None
        else:
            members[name] = (offset, size) if kind in REGULAR else None
        if len(members) > limits.ARCHIVE_MEMBERS:
            raise TooLarge(f"the archive has more than {limits.ARCHIVE_MEMBERS} members")
    return members


def _members(file: BinaryIO) -> Iterator[tuple[str, int, int, int]]:
    """Name, kind, offset and size of each member, in order (POSIX pax, ustar and GNU long names)."""
    end = file.seek(0, os.SEEK_END)
    offset = 0
    extended: dict[str, bytes] = {}
    while header := _header(file, offset):
        kind, size = header[156], _number(header[124:136])
        if kind not in HEADERS and "size" in extended:
            size = _decimal(extended["size"])
        data, offset = offset + BLOCK, offset + BLOCK + -(-size // BLOCK) * BLOCK
        if data + size > end:
            raise Malformed("the archive ends within a member")
        if kind in HEADERS:
            if size > HEADER_BYTES:
                raise TooLarge(f"the archive has a header of more than {HEADER_BYTES} bytes")
            _extend(extended, kind, _content(file, data, size))
            continue
        if kind not in REGULAR and (kind not in EMPTY or size):
            raise Malformed(f"the archive has a member of a kind ({quoted(chr(kind))}) that layouts do not need")
        yield _name(header, extended), kind, data, size
        extended = {}


def _header(file: BinaryIO, offset: int) -> bytes:
    """The header block at `offset`; empty at the end of the archive."""
    file.seek(offset)
    block = file.read(BLOCK)
    if offset and (not block or not block.strip(b"\0")):
        return b""
    if not is_tar(block):
        raise Malformed("the archive has a broken header")
    return block


def _checksum_fits(block: bytes) -> bool:
    stated = block[148:156].strip(b"\0 ")
    return _octal(stated) and int(stated, 8) == sum(block) - sum(block[148:156]) + 8 * ord(" ")


def _octal(digits: bytes) -> bool:
    return bool(digits) and not digits.strip(b"01234567")


def _number(field: bytes) -> int:
    """A size in octal digits, or in GNU's binary form."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ")
    if digits and not _octal(digits):
        raise Malformed("the archive has a member without a size")
    return int(digits or b"0", 8)


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 18:
        raise Malformed("the archive has a member without a size")
    return int(digits)


def _content(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)


def _extend(extended: dict[str, bytes], kind: int, content: bytes) -> None:
    """Take over what an extended header says of the next member."""
    if kind == ord("L"):
        extended["path"] = content.rstrip(b"\0")
    if kind not in b"xg":
        return
    records = dict(_records(content))
    sparse = any(key.startswith("GNU.sparse") for key in records)
    if sparse or (kind == ord("g") and records.keys() & {"path", "size"}):
        raise Malformed("the archive has a header that tools read differently")
    if kind == ord("x"):
        extended.update(records)


def _records(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The records `length key=value` of a pax header."""
    while content:
        length, space, _ = content.partition(b" ")
        size = _decimal(length)
        record = content[len(length) + 1 : size]
        key, equals, value = record.partition(b"=")
        if not (space and equals and record.endswith(b"\n") and size <= len(content)):
            raise Malformed("the archive has a broken extended header")
        yield key.decode("utf-8", "replace"), value[:-1]
        content = content[size:]


def _name(header: bytes, extended: Mapping[str, bytes]) -> str:
    """The member's name without a leading `./`; refuses one that leaves the archive."""
    raw = extended.get("path") or header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0]
    if "path" not in extended and header[257:263] == b"ustar\0" and prefix:
        raw = prefix + b"/" + raw
    name = raw.decode("utf-8", "replace")
    while name.startswith("./"):
        name = name[2:]
    if len(raw) > limits.ARCHIVE_NAME_BYTES or "\0" in name or "\\" in name or name.startswith("/"):
        raise Malformed(f"the archive has a member with the name {quoted(name)}")
    if ".." in name.split("/"):
        raise Malformed(f"the archive has a member that leaves it: {quoted(name)}")
    return name.rstrip("/")
