"""What the engine asks of a place that holds images, be it a registry or a layout on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from policyengine.errors import PolicyEngineError
from policyengine.oci import Descriptor

T = TypeVar("T")
R = TypeVar("R")


class Store(Protocol):
    """One repository, read only. Every byte that it returns has the digest that was asked for.

    All methods raise `RegistryError` where content could not be had for a reason outside the
    artifact, and `ContentError` where the artifact's own bytes are wrong. They may be called from
    several threads at once.
    """

    def resolve(self, target: str) -> Descriptor:
        """The descriptor of the manifest that a tag or a digest names, by its own bytes."""

    def manifest(self, descriptor: Descriptor) -> bytes:
        """The bytes of a manifest or index, at most `limits.MANIFEST_BYTES`."""

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """The bytes of a blob; raises `TooLarge` before reading more than `limit`."""

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """What seems to refer to `digest`: hints, each digest once, that the caller must verify.

        An empty answer means that there are none; where they cannot be listed it raises.
        """

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """What a second place lists for `digest` that `referrers` had no need to ask; often there is none.

        Worth asking before saying that nobody trusted signed something.
        """

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """One wave: `function` of every item, concurrently where that helps, results in order.

        An error of this package becomes the result of its item, so that one never stops the rest.
        """


class Whole(Store, Protocol):
    """A store that also gives content which is too large to be held, such as the layers of an image."""

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """The bytes of a blob of any size as they arrive, not verified.

        They count only when `writing.checked` has seen all of them. Raises as soon as it is asked, or underway.
        """


def attempt(function: Callable[[T], R], item: T) -> R | PolicyEngineError:
    """The result of `function`, or the error of this package that it raised."""
    try:
        return function(item)
    except PolicyEngineError as error:
        return error
