"""An OCI image layout that lies in a folder: no symbolic link is followed, nothing but regular files is read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from policyengine.errors import Malformed, RegistryError, TooLarge, UsageError
from policyengine.oci import quoted
from policyengine.registry.content import PIECE

NO_FILE = (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.ENODEV)
"""What opening says of something that is there and is no regular file."""


class Folder:
    """A layout that lies in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._plain: set[Path] = set()

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of the file `name`, or `None` if there is none.

        Raises `Malformed` for what is not a regular file, `TooLarge` beyond `limit` bytes, and `RegistryError`
        where the reason lies outside the layout: no right to read, a fault of the disk.
        """
        path = self._path / name
        with _faults(name):
            try:
                self._check_folders(path.parent)
                return _read_regular(path, limit)
            except FileNotFoundError:
                return None

    def pieces(self, name: str) -> Iterator[bytes] | None:
        """The bytes of the file `name` in pieces, however many, or `None` if there is none; raises what `read` does."""
        path = self._path / name
        with _faults(name):
            try:
                self._check_folders(path.parent)
                file = _open_regular(path)
            except FileNotFoundError:
                return None
        return _pieces(file, name)

    def _check_folders(self, folder: Path) -> None:
        """Refuse symbolic links on the way down to `folder`."""
        if folder in self._plain or folder == self._path:
            return
        self._check_folders(folder.parent)
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise Malformed(f"{folder.relative_to(self._path)} in the layout is not a folder")
        self._plain.add(folder)


def _read_regular(path: Path, limit: int) -> bytes:
    """The file's bytes, if it is a regular one."""
    with _open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise TooLarge(f"{quoted(path.name)} in the layout has more than {limit} bytes")
        return file.read(limit)


def _open_regular(path: Path) -> BinaryIO:
    """The file, if it is a regular one; never waits for a pipe or a device."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = open(os.open(path, flags), "rb")  # noqa: PTH123, SIM115 - pathlib cannot pass the flags; others close it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Malformed(f"{quoted(path.name)} in the layout is not a regular file")
    return file


def _pieces(file: BinaryIO, name: str) -> Iterator[bytes]:
    with file, _faults(name):
        while piece := file.read(PIECE):
            yield piece


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Turn what the system says of a file into our own errors."""
    try:
        yield
    except OSError as error:
        fault = Malformed if error.errno in NO_FILE else RegistryError
        raise fault(f"{name} in the layout cannot be read: {str(error.strerror).lower()}") from None


def not_a_layout(path: Path, why: str, help: str = "") -> UsageError:
    """The error for a path that holds no OCI image layout."""
    return UsageError(f"{quoted(path)} is not an OCI image layout: {why}", help or "name a folder or a tar archive")
