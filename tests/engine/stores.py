"""Stores around a store: one counts what it is asked for, one fails where a test wants it to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from policyengine import Layout, PolicyEngineError
from policyengine.oci import Descriptor
from policyengine.registry.store import Store
from tests import example

T = TypeVar("T")
R = TypeVar("R")
Asked = tuple[str, str]
"""One request: `manifest`, `blob`, `referrers` or `elsewhere`, and the digest or tag that it names."""


class Watched:
    """A store that counts requests and rounds as a registry sees them.

    A manifest that was resolved or read is not asked for again. A round is one wave with at least
    one request in it, or one request by itself. `failing` says which requests raise what.
    """

    def __init__(self, inner: Store, failing: Mapping[Asked, PolicyEngineError] | None = None) -> None:
        self.inner, self.failing = inner, failing or {}
        self.asked: list[Asked] = []
        self.rounds = 0
        self._known: set[str] = set()
        self._wave: int | None = None

    def repository(self, _name: str) -> Watched:
        """This store stands for every repository."""
        return self

    def resolve(self, target: str) -> Descriptor:
        self._ask("manifest", target)
        found = self.inner.resolve(target)
        self._known.add(found.digest)
        return found

    def manifest(self, descriptor: Descriptor) -> bytes:
        if descriptor.digest not in self._known:
            self._ask("manifest", descriptor.digest)
        found = self.inner.manifest(descriptor)
        self._known.add(descriptor.digest)
        return found

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        self._ask("blob", descriptor.digest)
        return self.inner.blob(descriptor, limit)

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        self._ask("referrers", digest)
        return self.inner.referrers(digest)

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        self._ask("elsewhere", digest)
        return self.inner.elsewhere(digest)

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        assert self._wave is None, "a wave within a wave"
        self._wave = len(self.asked)
        try:
            return self.inner.each(function, items)
        finally:
            self.rounds += len(self.asked) > self._wave
            self._wave = None

    def _ask(self, what: str, name: str) -> None:
        self.asked.append((what, name))
        self.rounds += self._wave is None
        if (what, name) in self.failing:
            raise self.failing[what, name]


class Lying(Watched):
    """A store that lists everything that it has as a referrer of everything."""

    def __init__(self, inner: Store, listed: Iterable[Descriptor]) -> None:
        super().__init__(inner)
        self.listed = tuple(listed)

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        self._ask("referrers", digest)
        return self.listed


def watched(folder: Path = example.LAYOUT, failing: Mapping[Asked, PolicyEngineError] | None = None) -> Watched:
    """The layout in `folder`, watched."""
    return Watched(Layout(folder), failing)
