"""A registry's repository as a store that keeps what it serves by digest, and asks for it once only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from policyengine.errors import ContentError, PolicyEngineError
from policyengine.oci import Descriptor, is_digest, parse_json, parse_manifest
from policyengine.registry.blobcache import BlobCache
from policyengine.registry.store import Store, attempt

T = TypeVar("T")
R = TypeVar("R")


class Kept:
    """The repository `name` as `inner` reaches it, with what earlier runs were given in `cache`.

    Tags and lists of referrers are always asked for. Something that is kept counts only once the registry has served
    content to this login: whoever may no longer read the repository learns nothing from what earlier runs were given.
    """

    def __init__(self, inner: Store, name: str, cache: BlobCache) -> None:
        self._inner, self._name, self._cache = inner, name, cache
        self._served = False
        self._turns: dict[str, threading.Lock] = {}
        self._lists: dict[str, tuple[Descriptor, ...] | PolicyEngineError] = {}

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`."""
        found = self._image(target) if is_digest(target) else None
        if found is None:
            found = self._inner.resolve(target)
            self._served = True
        return found

    def _image(self, digest: str) -> Descriptor | None:
        """The descriptor of a manifest that is kept and states its own media type.

        Its referrers are listed in any case, at the same time, so that waiting for the list costs no request; that
        there are some shows that the login is good. An empty list shows nothing: some registries have one of
        repositories that are not there.
        """
        data = self._cache.load(self._name, digest)
        kind = _stated_type(data) if data is not None else ""
        if data is None or not kind:
            return None
        attempt(self.referrers, digest)
        return Descriptor(kind, digest, len(data)) if self._served else None

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        known = self._load(descriptor)
        if known is not None and _type(known) == descriptor.media_type:
            return known
        return self._keep(descriptor, self._inner.manifest(descriptor))

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        known = self._load(descriptor) if descriptor.size <= limit else None
        return known if known is not None else self._keep(descriptor, self._inner.blob(descriptor, limit))

    def _load(self, descriptor: Descriptor) -> bytes | None:
        return self._cache.load(self._name, descriptor.digest, descriptor.size) if self._served else None

    def _keep(self, descriptor: Descriptor, data: bytes) -> bytes:
        self._served = True
        self._cache.store(self._name, descriptor.digest, data)
        return data

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`. A list is asked for once, by whoever comes first."""
        with self._turns.setdefault(digest, threading.Lock()):
            if digest not in self._lists:
                self._lists[digest] = attempt(self._inner.referrers, digest)
        listed = self._lists[digest]
        if isinstance(listed, PolicyEngineError):
            raise listed
        self._served = self._served or bool(listed)
        return listed

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.elsewhere`."""
        return self._inner.elsewhere(digest)

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`."""
        return self._inner.each(function, items)


def _type(manifest: bytes) -> str:
    """The media type of a manifest or index by its content; empty where it is neither."""
    try:
        return parse_manifest(manifest).media_type
    except ContentError:
        return ""


def _stated_type(manifest: bytes) -> str:
    """The media type that a manifest or index states itself; empty where only its server can say it."""
    kind = _type(manifest)
    fields = parse_json(manifest, "the manifest") if kind else None
    return kind if isinstance(fields, dict) and fields.get("mediaType") == kind else ""
