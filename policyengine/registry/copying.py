"""Copying an image with everything attached to it, byte for byte: every digest stays what it is.

A copy that lacks one bad scan would decide differently from the original, so whatever cannot be had stops it. The
target knows the image, by tag or in its index, only when all of it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from policyengine import limits
from policyengine.errors import NotFound, PolicyEngineError, TooLarge
from policyengine.oci import Descriptor, Index, Manifest, parse_manifest
from policyengine.registry.content import Content
from policyengine.registry.discovery import hints
from policyengine.registry.store import Whole

R = TypeVar("R")

LEVELS = limits.REFERRER_DEPTH + limits.INDEX_DEPTH
ABSENT = ("nondistributable", "foreign")
"""In the media types of layers that registries need not have; where they are is never followed."""


class Target(Protocol):
    """Where a copy goes: a layout, or a repository of a registry."""

    def store(self, content: Content) -> bool:
        """Store a blob; `False` where it is there already. Raises `DigestMismatch` for other bytes."""

    def put(self, manifest: bytes, described: Descriptor) -> None:
        """Store a manifest whose blobs and entries are there."""

    def finish(self, plan: Plan, tag: str | None) -> None:
        """Make known what was stored."""


class Part(Struct, eq=False):
    """A manifest of what is copied: with its bytes, the entries of an index, and what refers to it."""

    descriptor: Descriptor
    data: bytes
    content: Manifest | Index
    entries: list[Part] = []
    referrers: list[Part] = []

    def upwards(self) -> Iterator[Part]:
        """The entries of an index before the index, which registries demand."""
        for entry in self.entries:
            yield from entry.upwards()
        yield self


class Plan(Struct, frozen=True):
    """What is to be copied: the manifests in the order in which registries take them, and the blobs they name.

    `attached` are those that refer to others, `strays` those that are listed so and do not.
    """

    root: Part
    parts: tuple[Part, ...]
    attached: tuple[Descriptor, ...]
    blobs: tuple[Descriptor, ...]
    strays: tuple[Descriptor, ...]


class Outcome(Struct, frozen=True):
    """What became of the blobs: copied, there already, or layers that the source does not have itself."""

    copied: tuple[Descriptor, ...]
    present: tuple[Descriptor, ...]
    absent: tuple[Descriptor, ...]


def planned(store: Whole, target: str) -> Plan:
    """What belongs to the artifact that the tag or digest `target` names.

    Raises what the store raises for any part of it that cannot be had, and `TooLarge`.
    """
    walk = Walk(store)
    root = walk.walked(store.resolve(target))
    waiting, parts, attached = [root], [], []
    for part in waiting:
        for each in part.upwards():
            parts.append(each)
            waiting += each.referrers
        attached += [part.descriptor] if part is not root else []
    blobs = {blob.digest: blob for part in parts for blob in _blobs(part.content)}
    return Plan(root, tuple(parts), tuple(attached), tuple(blobs.values()), tuple(walk.strays))


def copy(store: Whole, plan: Plan, to: Target, tag: str | None, watch: Callable[[Content], Content]) -> Outcome:
    """Carry out a plan; every blob goes through `watch`. Raises what the store and the target raise."""
    failed: list[PolicyEngineError] = []

    def carry(blob: Descriptor) -> str:
        if failed:
            raise failed[0]
        try:
            return "copied" if to.store(watch(_content(store, blob))) else "present"
        except PolicyEngineError as error:
            if isinstance(error, NotFound) and any(word in blob.media_type for word in ABSENT):
                return "absent"
            failed.append(error)
            raise

    results = _all(store.each(carry, plan.blobs))
    for part in plan.parts:
        to.put(part.data, part.descriptor)
    to.finish(plan, tag)
    sorted_out = {
        word: [blob for blob, got in zip(plan.blobs, results, strict=True) if got == word] for word in set(results)
    }
    return Outcome(*(tuple(sorted_out.get(word, ())) for word in ("copied", "present", "absent")))


def _content(store: Whole, blob: Descriptor) -> Content:
    return Content(blob.digest, blob.size, lambda: store.pieces(blob))


class Walk:
    """The way through everything that belongs to one artifact, level by level; each manifest is taken once."""

    def __init__(self, store: Whole) -> None:
        self.strays: list[Descriptor] = []
        self._store = store
        self._seen: set[str] = set()
        self._room = limits.REFERRERS_BYTES

    def walked(self, found: Descriptor) -> Part:
        """The artifact with its entries and referrers, and those with theirs."""
        (root,) = level = self._fetched([(found, None, False)])
        for _ in range(LEVELS):
            listed = _all(self._store.each(lambda part: hints(self._store, part.descriptor.digest), level))
            wanted = [(entry, part, False) for part in level for entry in _entries(part)]
            wanted += [(hint, part, True) for part, found in zip(level, listed, strict=True) for hint in found]
            level = self._fetched([each for each in wanted if each[0].digest not in self._seen])
            if not level:
                return root
        raise TooLarge("what refers to what is nested too deeply")

    def _fetched(self, wanted: Sequence[tuple[Descriptor, Part | None, bool]]) -> list[Part]:
        """The manifests of what is `wanted`, each hung below another as entry or referrer.

        What names another subject is a stray here, and may be found again where it belongs.
        """
        self._room -= sum(hint.size for hint, _, _ in wanted)
        if len(self._seen) + len(wanted) > limits.REFERRERS or self._room < 0:
            raise TooLarge("there are more artifacts than are copied at once")
        data = _all(self._store.each(lambda each: self._store.manifest(each[0]), wanted))
        return [part for each, content in zip(wanted, data, strict=True) if (part := self._hung(*each, content))]

    def _hung(self, hint: Descriptor, above: Part | None, refers: bool, data: bytes) -> Part | None:
        part = _part(hint, data)
        subject = part.content.subject
        if above is not None and refers and (subject is None or subject.digest != above.descriptor.digest):
            self.strays.append(part.descriptor)
            return None
        if hint.digest in self._seen:
            return None
        self._seen.add(hint.digest)
        if above is not None:
            (above.referrers if refers else above.entries).append(part)
        return part


def _part(hint: Descriptor, data: bytes) -> Part:
    content = parse_manifest(data, hint.media_type)
    own = Descriptor(
        hint.media_type, hint.digest, hint.size, content.artifact_type if content.subject else "",
        content.annotations if content.subject else {},
    )  # fmt: skip
    return Part(own, data, content)


def _entries(part: Part) -> Sequence[Descriptor]:
    return part.content.manifests if isinstance(part.content, Index) else ()


def _blobs(content: Manifest | Index) -> Sequence[Descriptor]:
    if isinstance(content, Index):
        return ()
    return [*([content.config] if content.config else []), *content.layers]


def _all(results: Sequence[R | PolicyEngineError]) -> list[R]:
    """The results, if none is an error; raises the first that is."""
    for result in results:
        if isinstance(result, PolicyEngineError):
            raise result
    return results  # type: ignore[return-value] # there is none, as was seen
