"""Attaching an artifact to what is in a layout on disk: files that appear at once, and one more line in the index.

Nothing else about a layout is ever changed, and nothing is removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from policyengine import limits
from policyengine.errors import DigestMismatch, Malformed, TooLarge, UsageError
from policyengine.oci import Descriptor, parse_json, quoted, verifiable
from policyengine.registry.content import Content, of_bytes
from policyengine.registry.folder import Folder


class LayoutWriter:
    """An image layout in a folder, to attach artifacts to. Raises `UsageError` where it cannot be written."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise UsageError(f"{quoted(str(path))} is an archive, to which nothing is attached", "unpack it first")
        self._path = path
        self._files = Folder(path)

    def attach(self, manifest: bytes, blobs: Iterable[bytes | Content], listed: Descriptor) -> None:
        """Store the `blobs` and the `manifest` that names them, and list the manifest as `listed`."""
        try:
            for content in (*blobs, manifest):
                self.store(content if isinstance(content, Content) else of_bytes(content))
            with self._locked():
                self._list(listed)
        except OSError as fault:
            why = fault.strerror or "no reason given"
            raise UsageError(f"the layout {quoted(str(self._path))} cannot be written: {why}") from None

    def store(self, content: Content) -> None:
        """Store a blob under its digest, unless it is there. Raises `DigestMismatch` for other bytes, and `OSError`."""
        name = f"blobs/{verifiable(content.digest).replace(':', '/')}"
        if not self._holds(name, content):
            (self._path / name).parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path / name, checked(content))

    def _holds(self, name: str, content: Content) -> bool:
        """Whether the file `name` has these bytes; it refuses links on the way."""
        try:
            pieces = self._files.pieces(name)
            return pieces is not None and all(
                True for _ in checked(Content(content.digest, content.size, lambda: pieces))
            )
        except DigestMismatch:
            return False

    def _list(self, listed: Descriptor) -> None:
        """Add an entry to `index.json`, whose other entries and members stay as they are."""
        data = self._files.read("index.json", limits.MANIFEST_BYTES)
        index = parse_json(data or b"", "the file index.json")
        entries = index.get("manifests") if isinstance(index, dict) else None
        if not isinstance(index, dict) or not isinstance(entries, list):
            raise Malformed("the layout's index.json is not an index")
        if not any(isinstance(entry, dict) and entry.get("digest") == listed.digest for entry in entries):
            content = compact({**index, "manifests": [*entries, entry_of(listed)]})
            if len(content) > limits.MANIFEST_BYTES:
                raise TooLarge("the layout's index.json would become larger than it may be")
            write_file(self._path / "index.json", [content])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers of this program out; the file that says which version a layout has is never replaced."""
        with (self._path / "oci-layout").open("rb" if sys.platform != "win32" else "r+b") as file:
            _lock(file.fileno())
            yield


def entry_of(listed: Descriptor) -> dict[str, Any]:
    """A descriptor as an index lists it."""
    found: dict[str, Any] = {"mediaType": listed.media_type, "digest": listed.digest, "size": listed.size}
    if listed.artifact_type:
        found["artifactType"] = listed.artifact_type
    return found | ({"annotations": dict(listed.annotations)} if listed.annotations else {})


def compact(value: object) -> bytes:
    """`value` as JSON in the fewest characters; raises `Malformed` for a number with a fraction, which no index has."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except TypeError:
        raise Malformed("the index has members that cannot be kept") from None


def _lock(file: int) -> None:
    """Wait until the file is ours alone; closing it lets it go."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def checked(content: Content) -> Iterator[bytes]:
    """The pieces of `content`; raises `DigestMismatch` at the first byte too many, and at the end for other bytes."""
    algorithm, _, encoded = verifiable(content.digest).partition(":")
    state, size = hashlib.new(algorithm), 0
    for piece in content.pieces():
        size += len(piece)
        if size > content.size:
            break
        state.update(piece)
        yield piece
    if size != content.size:
        raise DigestMismatch(f"{content.digest} has {'more' if size > content.size else 'fewer'} bytes than stated")
    if state.hexdigest() != encoded:
        raise DigestMismatch(f"the bytes under {content.digest} have another digest")


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that appears at once and whole, in the place of whatever had its name. Raises `OSError`."""
    draft = path.with_name(f".{path.name[:100]}.{os.urandom(8).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(draft, flags, 0o666), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
