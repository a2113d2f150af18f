"""Results that take long to get, kept between runs: the grammar's tables, compiled policies, revocation lists.

A cache can only save time: whatever goes wrong with it means "not there", never an error. What is in
it is believed like code of one's own (compiled policies *are* code), so it must be nobody else's:

- the folder is the user's, `$XDG_CACHE_HOME/policyengine` or where the platform keeps such things,
  made with mode 0700; one that belongs to another user, or that others may write, is not used;
- an entry carries a keyed hash (BLAKE2b) of its kind, its key and its data, under a random key of this
  user in the same folder. Whoever can read that key could change the program too; what the hash
  catches is what was cut short, mixed up, or copied here from elsewhere;
- an entry appears at once under its final name, so that no reader sees half of one.

So bytes that come back from `load` are bytes that this user's `store` was given for the same key. An
entry is named by the hash of its key, and a key is everything that the result depends on.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

SECRET_BYTES = 32
MAC_BYTES = 32

ENTRIES = 256
"""Entries that are kept; the ones stored longest ago go first."""

LARGEST = 64 * 1024 * 1024
"""Bytes of one entry; more is not kept."""


def load(kind: str, key: bytes) -> bytes | None:
    """What was stored for `kind` and `key`, or `None`."""
    with suppress(OSError):
        home = folder()
        secret = _secret(home) if home else None
        if home and secret:
            content = read(home / _name(kind, key), LARGEST)
            mac, data = content[:MAC_BYTES], content[MAC_BYTES:]
            return data if _same(mac, _mac(secret, kind, key, data)) else None
    return None


def store(kind: str, key: bytes, data: bytes) -> None:
    """Keep `data` for `kind` and `key`, where that is possible."""
    with suppress(OSError):
        home = folder()
        secret = _secret(home) if home else None
        if home and secret and len(data) <= LARGEST - MAC_BYTES:
            write(home / _name(kind, key), _mac(secret, kind, key, data) + data)
            _prune(home)


def folder() -> Path | None:
    """The folder of the cache, made if it was not there; `None` where none is safe to use."""
    home = _place()
    if home is None:
        return None
    with suppress(OSError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return home if _private(home) else None
    return None


def entries() -> list[Path]:
    """The files of all entries; the key is none."""
    home = folder()
    with suppress(OSError):
        return [path for path in home.iterdir() if path.name != "key" and path.is_file()] if home else []
    return []


def remove(path: Path) -> bool:
    """Remove an entry; whether it is gone by this."""
    with suppress(OSError):
        path.unlink()
        return True
    return False


def _place() -> Path | None:
    """Where the platform keeps what can be computed again; a relative path is no place."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", ""))
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    try:
        base = base.expanduser()
    except RuntimeError:  # nobody's home is known
        return None
    return base / "policyengine" if base.is_absolute() else None


def _private(home: Path) -> bool:
    """Whether the folder is the user's own, and nobody else may write in it. (Windows profiles are by default.)"""
    if sys.platform == "win32":
        return home.is_dir()
    status = home.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _secret(home: Path) -> bytes | None:
    """The user's key of the hashes; made by the first who asks for it."""
    path = home / "key"
    with suppress(FileNotFoundError):
        known = read(path, SECRET_BYTES)
        return known if len(known) == SECRET_BYTES else None
    write(path, os.urandom(SECRET_BYTES), first=True)
    return read(path, SECRET_BYTES)


def _prune(home: Path) -> None:
    """Remove the oldest entries beyond the number that is kept, and drafts that somebody left."""
    found = (path for path in home.iterdir() if path.name != "key" and path.is_file())
    latest = sorted(found, key=lambda path: -path.stat().st_mtime)
    for path in latest[ENTRIES:]:
        path.unlink(missing_ok=True)


def _name(kind: str, key: bytes) -> str:
    return f"{kind}-{blake2b(key, digest_size=20).hexdigest()}"


def _mac(secret: bytes, kind: str, key: bytes, data: bytes) -> bytes:
    parts = (kind.encode(), key, data)
    mac = blake2b(key=secret, digest_size=MAC_BYTES)
    for part in parts:
        mac.update(len(part).to_bytes(8, "big") + part)
    return mac.digest()


def _same(one: bytes, other: bytes) -> bool:
    """Whether two hashes are equal. No need to hide the time: who could measure it could read the key."""
    return one == other


def read(path: Path, most: int) -> bytes:
    """The file's bytes, unless it is a link or larger than `most`, which is no entry of ours; waits for no pipe."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        size = os.fstat(file.fileno()).st_size  # reading takes as much memory as it is told to take at most
        content = file.read(size + 1) if size <= most else b""
    return content if len(content) <= size else b""


def write(path: Path, content: bytes, first: bool = False) -> None:
    """Write a file that appears at once; with `first`, one that is there already stays."""
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if first:
            with suppress(FileExistsError):
                os.link(draft, path)
        else:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
