"""A repository of which one image is being asked for already, while what needs the answer is still being imported."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from policyengine.errors import PolicyEngineError
from policyengine.oci import Descriptor, is_digest
from policyengine.registry.flights import fulfil
from policyengine.registry.store import Store

T = TypeVar("T")
R = TypeVar("R")


class Begun:
    """The repository `inner`, whose manifest `target` (a tag or digest) is on its way, and the list of its referrers.

    Each of the two is asked for once, in a daemon thread of its own. Its answer, or why it failed, is what whoever asks
    for the same gets.
    """

    def __init__(self, inner: Store, target: str) -> None:
        self._inner, self._target = inner, target
        self._resolved = _started(inner.resolve, target)
        self._listed = _started(inner.referrers, target) if is_digest(target) else None

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`."""
        return self._resolved.result() if target == self._target else self._inner.resolve(target)

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`."""
        own = self._listed if digest == self._target else None
        return own.result() if own is not None else self._inner.referrers(digest)

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        return self._inner.manifest(descriptor)

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        return self._inner.blob(descriptor, limit)

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.elsewhere`."""
        return self._inner.elsewhere(digest)

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`."""
        return self._inner.each(function, items)


def _started(function: Callable[[str], T], argument: str) -> Future[T]:
    """What `function` comes to, in a thread of its own."""
    future: Future[T] = Future()
    threading.Thread(target=fulfil, args=(future, partial(function, argument)), daemon=True).start()
    return future
