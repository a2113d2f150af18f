"""A store that is asked everything once, so that two policy sets see the same evidence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from policyengine.errors import PolicyEngineError
from policyengine.oci import Descriptor
from policyengine.registry.store import Store

T = TypeVar("T")
R = TypeVar("R")


class Shared:
    """A `Store` in front of another one; answers and errors alike are kept for as long as it lives."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._said: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`."""
        found: Descriptor = self._once(("resolve", target), lambda: self._store.resolve(target))
        return found

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        found: bytes = self._once(("manifest", *_identity(descriptor)), lambda: self._store.manifest(descriptor))
        return found

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        key = ("blob", *_identity(descriptor), limit)
        found: bytes = self._once(key, lambda: self._store.blob(descriptor, limit))
        return found

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`."""
        found: tuple[Descriptor, ...] = self._once(("referrers", digest), lambda: self._store.referrers(digest))
        return found

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.elsewhere`."""
        found: tuple[Descriptor, ...] = self._once(("elsewhere", digest), lambda: self._store.elsewhere(digest))
        return found

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`."""
        return self._store.each(function, items)

    def _once(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """What was said at first; of two threads that ask at once, both hear the first answer."""
        if key not in self._said:
            try:
                answer = ask()
            except PolicyEngineError as error:
                answer = error
            with self._lock:
                self._said.setdefault(key, answer)
        said = self._said[key]
        if isinstance(said, PolicyEngineError):
            raise said
        return said


def _identity(descriptor: Descriptor) -> tuple[str, str, int]:
    """What a store looks at of a descriptor."""
    return descriptor.media_type, descriptor.digest, descriptor.size
