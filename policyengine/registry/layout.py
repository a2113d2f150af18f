"""An OCI image layout on disk as a store: a folder or a tar archive (image specification, `image-layout.md`)."""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from policyengine import limits
from policyengine.errors import ContentError, InvalidReference, Malformed, NotFound, PolicyEngineError, TooLarge
from policyengine.oci import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    Index,
    Manifest,
    Reference,
    is_digest,
    parse_digest,
    parse_json,
    parse_manifest,
    quoted,
    verifiable,
    verify,
)
from policyengine.registry.folder import Folder, not_a_layout
from policyengine.registry.referrers import referrers_tag
from policyengine.registry.store import attempt

if TYPE_CHECKING:
    from policyengine.registry.archive import Archive

T = TypeVar("T")
R = TypeVar("R")

REF_NAME = "org.opencontainers.image.ref.name"
"""The annotation of an entry in `index.json` that holds its tag."""


def parse_layout_reference(text: str) -> tuple[Path, str]:
    """The path and the tag or digest of `path@digest` or `path:tag`; a tag beside a digest is dropped.

    Raises `InvalidReference` where there is neither, or the digest is none.
    """
    path, at, digest = text.rpartition("@")
    if at and is_digest(digest):
        return _without_tag(path), parse_digest(digest)
    path, tag = split_tag(text)
    if not (path and tag):
        raise InvalidReference(f"{quoted(text)} names neither a tag nor a digest of the layout", _advice(text))
    return Path(path), tag


def _advice(path: str) -> str:
    """Help for who names no image: a tag of the layout at `path`, if it is one that can be read."""
    try:
        tags = Layout(path).tags if path else []
    except PolicyEngineError:
        tags = []
    return f"write {path}:{tags[0]}, or another of its images" if tags else "write PATH@sha256:… or PATH:TAG"


def split_tag(text: str) -> tuple[str, str]:
    """Path and tag at the first colon that a drive letter does not need."""
    drive = 2 if text[1:3] in (":\\", ":/") else 0
    path, _, tag = text[drive:].partition(":")
    return text[:drive] + path, tag


def _without_tag(text: str) -> Path:
    """The path of `path:tag`, if it is not the name of something that exists itself."""
    try:
        Path(text).lstat()
    except (OSError, ValueError):
        return Path(split_tag(text)[0])
    return Path(text)


def _open(path: Path) -> Folder | Archive:
    """The files of the layout at `path`; raises `UsageError` where there is nothing to read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Folder(path)
        if stat.S_ISREG(mode):
            from policyengine.registry.archive import Archive

            return Archive(path)
    except FileNotFoundError:
        raise not_a_layout(path, "it does not exist", "check the path before the @ or the colon") from None
    except (OSError, ValueError) as error:
        raise not_a_layout(path, f"it cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    raise not_a_layout(path, "it is neither a folder nor a file")


class Layout:
    """An image layout, read in place. Raises `UsageError` where `path` holds none.

    Content that `index.json` or a manifest names may be absent: asking for it raises `NotFound`.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._files = _open(self._path)
        self._check_version()
        self._entries = self._index()
        self._attached: tuple[dict[str, dict[str, Descriptor]], list[Descriptor]] | None = None

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:  # noqa: ARG002 - the interface of stores
        """See `Store.elsewhere`: a layout is read as a whole."""
        return ()

    def repository(self, name: str) -> Layout:
        """This layout as the repository `name`, which it stands for whatever its own tags say."""
        Reference.parse(name)
        return self

    def _check_version(self) -> None:
        data = self._files.read("oci-layout", limits.LAYOUT_FILE_BYTES)
        if data is None:
            docker = self._files.read("manifest.json", limits.MANIFEST_BYTES) is not None
            advice = "write one with skopeo copy docker-archive:FILE oci:FOLDER" if docker else ""
            raise not_a_layout(self._path, "it has no file oci-layout", advice)
        marker = parse_json(data, "the file oci-layout")
        version = marker.get("imageLayoutVersion") if isinstance(marker, dict) else None
        if version != "1.0.0":
            raise not_a_layout(self._path, f"its version is {quoted(version)}, not 1.0.0")

    def _index(self) -> tuple[Descriptor, ...]:
        try:
            data = self._files.read("index.json", limits.MANIFEST_BYTES)
            index = parse_manifest(data) if data is not None else None
        except ContentError as error:
            raise not_a_layout(self._path, f"its index.json is not one: {error.message}") from None
        if index is None:
            raise not_a_layout(self._path, "it has no file index.json")
        if not isinstance(index, Index):
            raise not_a_layout(self._path, "its index.json is a manifest and not an index")
        return index.manifests

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`. A tag is the `ref.name` annotation of an entry of `index.json`."""
        digest = parse_digest(target) if is_digest(target) else self._tagged(target)
        stated = next((entry for entry in self._entries if entry.digest == digest), None)
        data = self.manifest(stated) if stated else verify(self._read(digest, limits.MANIFEST_BYTES), digest)
        return Descriptor(parse_manifest(data, stated.media_type if stated else "").media_type, digest, len(data))

    def _tagged(self, tag: str) -> str:
        digests = {entry.digest for entry in self._entries if entry.annotations.get(REF_NAME) == tag}
        if len(digests) > 1:
            raise Malformed(f"the layout has two images with the tag {quoted(tag)}", "name the image by its digest")
        if not digests:
            tags = ", ".join(quoted(known) for known in self.tags[:10])
            raise NotFound(
                f"the layout has no image with the tag {quoted(tag)}",
                f"it has {tags}" if tags else "name the image by its digest",
            )
        return digests.pop()

    @property
    def tags(self) -> list[str]:
        """The tags of its images, without those under which referrers are listed."""
        known = {entry.annotations.get(REF_NAME, "") for entry in self._entries} - {""}
        return sorted(name for name in known if not name.startswith("sha256-"))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        return self.blob(descriptor, limits.MANIFEST_BYTES)

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        if descriptor.size > limit:
            raise TooLarge(f"{descriptor.digest} has {descriptor.size} bytes, and the limit is {limit}")
        return verify(self._read(descriptor.digest, limit), descriptor.digest, descriptor.size)

    def _read(self, digest: str, limit: int) -> bytes:
        """The bytes under `digest`, not yet verified."""
        algorithm, _, encoded = verifiable(digest).partition(":")  # nothing else becomes part of a path
        data = self._files.read(f"blobs/{algorithm}/{encoded}", limit)
        if data is None:
            raise NotFound(f"the layout does not hold {digest}")
        return data

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """See `Whole.pieces`."""
        name = f"blobs/{verifiable(descriptor.digest).replace(':', '/')}"
        found = self._files.pieces(name)
        if found is None:
            raise NotFound(f"the layout does not hold {descriptor.digest}")
        return found

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`. They are found by reading every manifest that `index.json` reaches.

        An entry that cannot be read and is neither tagged nor a platform may refer to anything, so
        it is a hint for every subject.
        """
        if self._attached is None:
            self._attached = self._find_subjects()
        subjects, unread = self._attached
        lost = (entry for entry in unread if entry.annotations.get(REF_NAME, "") in ("", referrers_tag(digest)))
        return (*subjects.get(digest, {}).values(), *lost)

    def _find_subjects(self) -> tuple[dict[str, dict[str, Descriptor]], list[Descriptor]]:
        """The referrers of each subject, and the entries that may be referrers but cannot be read."""
        subjects: dict[str, dict[str, Descriptor]] = {}
        unread = []
        for entry, manifest in self._walk():
            if isinstance(manifest, PolicyEngineError):
                if entry.platform is None:
                    unread.append(entry)
            elif manifest.subject:
                known = Descriptor(
                    entry.media_type, entry.digest, entry.size, manifest.artifact_type, manifest.annotations
                )
                subjects.setdefault(manifest.subject.digest, {})[entry.digest] = known
        return subjects, unread

    def _walk(self) -> Iterator[tuple[Descriptor, Manifest | Index | PolicyEngineError]]:
        """Every manifest that `index.json` reaches through indexes, each once, or why it cannot be read.

        What lies near comes first, so that none seems deeper than it is.
        """
        waiting = deque((entry, 0) for entry in self._entries)
        seen: set[str] = set()
        size = 0
        while waiting:
            entry, depth = waiting.popleft()
            if entry.digest in seen or entry.media_type not in INDEXES | MANIFESTS:
                continue
            seen.add(entry.digest)
            size += entry.size
            if len(seen) > limits.REFERRERS or size > limits.RUN_BYTES or depth > limits.INDEX_DEPTH:
                raise TooLarge("the layout has more manifests, or deeper ones, than are read")
            manifest = attempt(lambda known: parse_manifest(self.manifest(known), known.media_type), entry)
            yield entry, manifest
            if isinstance(manifest, Index):
                waiting += [(child, depth + 1) for child in manifest.manifests]

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`: one after the other, since a disk answers at once."""
        return [attempt(function, item) for item in items]
