"""What registries served by digest, kept between runs: manifests, indexes and blobs, which never change.

Tags and lists of referrers change, so they are never kept. An entry can only save a request:

- its bytes are checked against the digest and size that were asked for whenever it is read, so that one that was
  cut short or changed is not there, and is fetched again;
- it is kept by repository: what one repository served is never taken for what another one has;
- it lies in the user's own cache folder (`policyengine.cache`), where nobody else may write; whether the user may
  still read the repository is for the caller to know (`docs/adr`);
- whatever goes wrong with the disk means "not there", never an error.

Files appear whole under their final names and nobody waits for anybody, so that processes may share the folder.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from policyengine import cache, limits
from policyengine.errors import ContentError
from policyengine.oci import verify

FOLDER = "content"
"""The folder of the entries, in the user's cache folder."""

DAY = 24 * 3600
"""Seconds after which a draft is one that a process left behind."""

BLOCK = 4096
"""Bytes of the disk that even the smallest entry takes."""

DRAFT = "."
"""How the names of entries begin that are still being written."""


class Entry(Struct, frozen=True):
    """A file of the cache: its size in bytes, and when it was last used, in seconds of the epoch."""

    path: Path
    size: int
    used: float


class BlobCache:
    """The contents that are kept for the user; `home` is the user's cache folder unless a test names another.

    One object serves several threads. At most `most` bytes are kept, the least recently used go first.
    """

    def __init__(self, home: Path | None = None, most: int = limits.CACHE_BYTES) -> None:
        self._home, self._most = home, most
        self._folder: Path | None = None
        self._size: int | None = None

    @property
    def folder(self) -> Path | None:
        """The folder of the entries, made if it was not there; `None` where nothing can be kept."""
        if self._folder is None and (home := self._home or cache.folder()) is not None:
            with suppress(OSError):
                (home / FOLDER).mkdir(mode=0o700, exist_ok=True)
                self._folder = home / FOLDER
        return self._folder

    def load(self, repository: str, digest: str, size: int | None = None) -> bytes | None:
        """What `repository` served under `digest`, with that digest and size again, or `None`."""
        with suppress(OSError, ContentError):
            if self.folder is not None:
                path = self.folder / _name(repository, digest)
                data = verify(cache.read(path, limits.CACHED_BYTES), digest, size)
                with suppress(OSError):  # a folder that cannot be written can still be read
                    os.utime(path)
                return data
        return None

    def store(self, repository: str, digest: str, data: bytes) -> None:
        """Keep `data`, which `repository` served and which has the digest, where that is possible."""
        if len(data) > min(limits.CACHED_BYTES, self._most):
            return
        with suppress(OSError):
            if self.folder is not None:
                cache.write(self.folder / _name(repository, digest), data)
                self._grow(len(data))

    def entries(self) -> list[Entry]:
        """Everything that is kept, the least recently used first."""
        found = []
        with suppress(OSError):
            for path in self.folder.iterdir() if self.folder is not None else ():
                with suppress(OSError):  # another process removed it
                    status = path.lstat()
                    found.append(Entry(path, status.st_size, status.st_mtime))
        return sorted(found, key=lambda entry: entry.used)

    def prune(self, most: int | None = None, before: float = 0) -> list[Entry]:
        """Remove what was last used `before` then (seconds of the epoch) and what is over `most` bytes; what went."""
        entries = self.entries()
        excess = sum(_cost(entry.size) for entry in entries) - (self._most if most is None else most)
        forgotten = entries[-1].used - DAY if entries else 0.0
        gone = []
        for entry in entries:
            left = entry.path.name.startswith(DRAFT) and entry.used < forgotten
            if (entry.used < before or excess > 0 or left) and cache.remove(entry.path):
                excess -= _cost(entry.size)
                gone.append(entry)
        return gone

    def _grow(self, more: int) -> None:
        """Note that there is one entry of `more` bytes more; once there is too much, make room for a while."""
        if self._size is None:
            self._size = sum(_cost(entry.size) for entry in self.entries())
        else:
            self._size += _cost(more)
        if self._size > self._most:
            self.prune(self._most * 3 // 4)
            self._size = None


def _name(repository: str, digest: str) -> str:
    return blake2b(f"{repository}\0{digest}".encode(), digest_size=32).hexdigest()


def _cost(size: int) -> int:
    """The bytes that an entry of `size` takes on disk, so that many small ones count too."""
    return -(-size // BLOCK) * BLOCK
