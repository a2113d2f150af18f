"""Writing artifacts into a layout on disk: files that appear at once and whole, then lines in the index.

Nothing else about a layout is ever changed, and nothing is removed, but for a tag that goes over to another image.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from policyengine import limits
from policyengine.errors import ContentError, DigestMismatch, Malformed, TooLarge, UsageError
from policyengine.oci import OCI_INDEX, Descriptor, parse_json, parse_manifest, quoted, verifiable, verify
from policyengine.registry.content import Content, of_bytes, sliced
from policyengine.registry.folder import Folder
from policyengine.registry.referrers import referrers_tag

if TYPE_CHECKING:
    from policyengine.registry.copying import Plan


REF_NAME = "org.opencontainers.image.ref.name"
"""The annotation of an entry in `index.json` that holds its tag."""


class LayoutWriter:
    """An image layout in a folder, to write artifacts into. Raises `UsageError` where it cannot be written."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise UsageError(f"{quoted(str(path))} is an archive, which is not written into", "unpack it first")
        self._path = path
        self._files = Folder(path)

    @classmethod
    def made(cls, path: Path) -> Self:
        """The writer of the layout at `path`, which is made where there is nothing, or an empty folder."""
        with _writing(path):
            if os.path.lexists(path) and not path.is_dir():
                raise UsageError(f"{quoted(str(path))} is a file, and layouts are written as folders", "name a folder")
            path.mkdir(parents=True, exist_ok=True)
            if not (path / "oci-layout").is_file():
                if {each.name for each in path.iterdir()} - {"index.json"}:  # which may be what is left of an attempt
                    raise UsageError(f"{quoted(str(path))} is a folder with other things in it", "name a new folder")
                empty = compact({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
                write_file(path / "index.json", [empty])
                write_file(path / "oci-layout", [b'{"imageLayoutVersion":"1.0.0"}'])
        return cls(path)

    def attach(self, manifest: bytes, blobs: Iterable[bytes | Content], listed: Descriptor) -> None:
        """Store the `blobs` and the `manifest` that names them, and list the manifest as `listed`."""
        for content in (*blobs, manifest):
            self.store(content if isinstance(content, Content) else of_bytes(content))
        subject = parse_manifest(manifest, listed.media_type).subject
        entry = entry_of(listed)
        self.list_entries([entry], referring={subject.digest: [entry]} if subject else {})

    def store(self, content: Content) -> bool:
        """Store a blob under its digest; `False` where it is there. Raises `DigestMismatch` for other bytes."""
        name = f"blobs/{verifiable(content.digest).replace(':', '/')}"
        if self._holds(name, content):
            return False
        with _writing(self._path):
            (self._path / name).parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path / name, checked(content))
        return True

    def put(self, manifest: bytes, described: Descriptor) -> None:
        """See `copying.Target`."""
        self.store(Content(described.digest, described.size, lambda: sliced(manifest)))

    def finish(self, plan: Plan, tag: str | None) -> None:
        """See `copying.Target`."""
        subjects = {part.descriptor.digest: part.content.subject for part in plan.parts}
        referring: dict[str, list[dict[str, Any]]] = {}
        for each in plan.attached:
            if subject := subjects[each.digest]:
                referring.setdefault(subject.digest, []).append(entry_of(each))
        self.list_entries([entry_of(each) for each in (*plan.attached, plan.root.descriptor)], tag, referring)

    def _holds(self, name: str, content: Content) -> bool:
        """Whether the file `name` has these bytes; it refuses links on the way."""
        try:
            pieces = self._files.pieces(name)
            held = Content(content.digest, content.size, lambda: pieces or iter(()))
            return pieces is not None and all(True for _ in checked(held))
        except DigestMismatch:
            return False

    def list_entries(
        self,
        entries: Sequence[dict[str, Any]],
        tag: str | None = None,
        referring: Mapping[str, Sequence[dict[str, Any]]] = MappingProxyType({}),
    ) -> None:
        """Add entries to `index.json`, whose others and members stay as they are; `tag` the last of them.

        This is where oras and Notation look for referrers. `referring` gives those of each subject by its digest: they
        are also listed under the subject's tag `sha256-…`, as in registries without the referrers API, for regctl.
        """
        with _writing(self._path), self._locked():
            data = self._files.read("index.json", limits.MANIFEST_BYTES)
            index = parse_json(data or b"", "the file index.json")
            known = index.get("manifests") if isinstance(index, dict) else None
            if not isinstance(index, dict) or not isinstance(known, list):
                raise Malformed("the layout's index.json is not an index")
            digests = {entry.get("digest") for entry in known if isinstance(entry, dict)}
            listed = [*known, *(entry for entry in entries if entry["digest"] not in digests)]
            listed = listed if tag is None else _tagged(listed, entries[-1], tag)
            for subject, referrers in referring.items():
                listed = self._with_list(listed, referrers_tag(subject), referrers)
            if listed != known:
                content = compact({**index, "manifests": listed})
                if len(content) > limits.MANIFEST_BYTES:
                    raise TooLarge("the layout's index.json would become larger than it may be")
                write_file(self._path / "index.json", [content])

    def _with_list(self, listed: list[Any], tag: str, referrers: Sequence[dict[str, Any]]) -> list[Any]:
        """The entries `listed` in `index.json`, where the list of referrers under `tag` now has the `referrers` too."""
        before = [entry for entry in listed if _notes(entry).get(REF_NAME) == tag]
        known = self._known(str(before[0].get("digest")), referrers) if before else ()
        if known is None:
            return listed
        digests = {entry.get("digest") for entry in known if isinstance(entry, dict)}
        new = [entry for entry in referrers if entry["digest"] not in digests]
        content = _list_of([*known, *new])
        self.store(content)
        entry = entry_of(Descriptor(OCI_INDEX, content.digest, content.size, annotations={REF_NAME: tag}))
        return [*(each for each in listed if each not in before), entry] if new else listed

    def _known(self, digest: str, referrers: Sequence[dict[str, Any]]) -> Sequence[Any] | None:
        """The entries of the list `digest`; `None` if it cannot be read. It is kept then: only it may name some."""
        if digest == _list_of(referrers).digest:
            return referrers
        try:
            data = self._files.read(f"blobs/{verifiable(digest).replace(':', '/')}", limits.MANIFEST_BYTES) or b""
            index = parse_json(verify(data, digest), "the list of referrers")
        except ContentError:
            return None
        found = index.get("manifests") if isinstance(index, dict) else None
        return found if isinstance(found, list) else None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers of this program out; the file that says which version a layout has is never replaced."""
        with (self._path / "oci-layout").open("rb" if sys.platform != "win32" else "r+b") as file:
            _lock(file.fileno())
            yield


def _tagged(listed: list[Any], wanted: dict[str, Any], tag: str) -> list[Any]:
    """The entries, of which only that of the `wanted` digest has the tag."""
    digest, result, found = wanted["digest"], [], False
    for entry in listed:
        notes = _notes(entry)
        if notes.get(REF_NAME) == tag and entry.get("digest") != digest:
            del notes[REF_NAME]
            entry = {key: value for key, value in entry.items() if key != "annotations"}
            entry |= {"annotations": notes} if notes else {}
        elif not found and isinstance(entry, dict) and entry.get("digest") == digest:
            found = notes.setdefault(REF_NAME, tag) == tag
            entry = {**entry, "annotations": notes}
        result.append(entry)
    return result if found else [*result, {**wanted, "annotations": {REF_NAME: tag}}]


def _list_of(entries: Sequence[Any]) -> Content:
    """An index of these entries."""
    return of_bytes(compact({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))


def _notes(entry: Any) -> dict[str, Any]:
    """The annotations of an entry, to be changed; none where it has none that can be read."""
    notes = entry.get("annotations") if isinstance(entry, dict) else None
    return dict(notes) if isinstance(notes, dict) else {}


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say what the system says against writing."""
    try:
        yield
    except OSError as fault:
        why = (fault.strerror or "no reason given").lower()
        raise UsageError(f"the layout {quoted(str(path))} cannot be written: {why}") from None


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
