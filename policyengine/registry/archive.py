"""An OCI image layout that lies in a tar archive, plain or packed by gzip; nothing is extracted."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from policyengine import limits
from policyengine.errors import Malformed, TooLarge
from policyengine.registry.folder import not_a_layout
from policyengine.registry.tar import BLOCK, Tar, is_tar

GZIP = b"\x1f\x8b\x08"
PACKED = (b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"BZh")
"""How files begin that zstd, xz and bzip2 packed."""

CHUNK = 256 * 1024


class Archive:
    """A layout that lies in a tar archive: its members are indexed once and read where they are."""

    def __init__(self, path: Path) -> None:
        self._tar = Tar(_opened(path))
        self._prefix = self._root()

    def _root(self) -> str:
        """The folder in the archive that holds the layout; empty at its top."""
        roots = [name for name in self._tar.names if name == "oci-layout" or name.endswith("/oci-layout")]
        top = [name for name in roots if "/" not in name] or [name for name in roots if name.count("/") == 1]
        return top[0].removesuffix("oci-layout") if len(top) == 1 else ""

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of the member `name`, or `None` if there is none; raises as `Tar.read` does."""
        return self._tar.read(self._prefix + name, limit)

    def pieces(self, name: str) -> Iterator[bytes] | None:
        """The same in pieces, however many there are."""
        return self._tar.pieces(self._prefix + name)


def _opened(path: Path) -> BinaryIO:
    """The archive at `path`, unpacked if need be; raises `UsageError` for what is none."""
    file: BinaryIO = path.open("rb")
    try:
        block = file.read(BLOCK)
        if block.startswith(GZIP):
            file.seek(0)
            packed, file = file, _unpacked(file)
            packed.close()
            block = file.read(BLOCK)
        if not is_tar(block):
            help = "the archive is compressed; uncompress it first" if block.startswith(PACKED) else ""
            raise not_a_layout(path, "it is neither a folder nor a tar archive", help)
    except BaseException:
        file.close()
        raise
    return file


def _unpacked(packed: BinaryIO) -> BinaryIO:
    """What gzip packed, in a temporary file that has no name; it is read from its beginning.

    A few bytes can unpack to any number of them, so both their number and their ratio are bounded. Nothing may
    follow: what comes second some tools append and others ignore.
    """
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        read = written = 0
        while not unpacker.eof and (data := unpacker.unconsumed_tail or packed.read(CHUNK)):
            chunk = unpacker.decompress(data, CHUNK)
            read += len(data) - len(unpacker.unconsumed_tail)
            written += file.write(chunk)
            _check_growth(read, written)
        if not unpacker.eof or unpacker.unused_data or packed.read(1):
            raise Malformed("the archive is cut short, or something follows what gzip packed")
    except zlib.error:
        file.close()
        raise Malformed("the archive cannot be unpacked: gzip's data is broken") from None
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _check_growth(read: int, written: int) -> None:
    if written > limits.UNPACKED_BYTES or written > max(limits.UNPACKED_RATIO * read, limits.UNPACKED_FREE_BYTES):
        raise TooLarge("the archive unpacks to more bytes than are read", "uncompress it yourself if you trust it")
