"""The platform manifests of an index and of the indexes in it, with what refers to each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from policyengine import limits
from policyengine.attestations import Held
from policyengine.errors import Malformed, PolicyEngineError, TooLarge
from policyengine.gathering import Gathered, Wanted, gather
from policyengine.oci import Descriptor, Index, quoted
from policyengine.registry.store import Store


class Platform(Struct, frozen=True):
    """One manifest that an index names; `parents` are the indexes above it, the outermost first.

    `problem` says why an index that may hold further platforms could not be had.
    """

    descriptor: Descriptor
    parents: tuple[Gathered, ...]
    problem: PolicyEngineError | None = None

    @property
    def name(self) -> str:
        """`OS/ARCHITECTURE[/VARIANT]`, or the digest where an entry states no platform."""
        return self.descriptor.platform or self.descriptor.digest[:19]

    @property
    def attestations(self) -> tuple[Held, ...]:
        """The attestations about this manifest in the indexes above it, each once: as the innermost index lists it."""
        found: dict[str, Held] = {}
        for depth in range(len(self.parents), 0, -1):
            above = self.parents[:depth]
            digests, claimed = tuple(each.descriptor.digest for each in above), any(each.signatures for each in above)
            for entry in _entries(above[-1]):
                if entry.attests(self.descriptor.digest):
                    found.setdefault(entry.digest, Held(entry, self.descriptor.digest, digests, claimed))
        return tuple(found.values())


def platforms(store: Store, index: Gathered, asked: str | None, wanted: Wanted) -> list[Platform]:
    """The platform manifests of `index` and of the indexes in it, in their order; only those for the platform `asked`.

    Raises `Malformed` where there is none, and `TooLarge` for more, or deeper ones, than are looked at.
    """
    found = _inside((index,), asked)
    for _ in range(limits.INDEX_DEPTH):
        inner = [(each.descriptor, ()) for each in found if _is_closed(each)]
        opened = iter(gather(store, inner, wanted) if inner else ())
        found = [
            part for each in found for part in (_opened(each, next(opened), asked) if _is_closed(each) else [each])
        ]
        _check_number(found)
    if any(map(_is_closed, found)):
        raise TooLarge(f"the index holds indexes deeper than {limits.INDEX_DEPTH} levels")
    if not found:
        what = f"no manifest for {quoted(asked)}" if asked else "no platform manifest"
        raise Malformed(f"the index has {what}", "ask for a platform that the image was built for")
    return found


def gathered(
    store: Store, found: Sequence[Platform], wanted: Wanted
) -> Iterator[tuple[Platform, Gathered | PolicyEngineError]]:
    """Each platform with everything that refers to it, or why that could not be had: several at once, but not all."""
    for start in range(0, len(found), limits.PLATFORMS_AT_ONCE):
        some = found[start : start + limits.PLATFORMS_AT_ONCE]
        there = [(each.descriptor, each.attestations) for each in some if each.problem is None]
        results = iter(gather(store, there, wanted))
        for each in some:
            yield each, each.problem or next(results)


def _inside(parents: tuple[Gathered, ...], asked: str | None) -> list[Platform]:
    """What the innermost of `parents` names: platform manifests that are `asked` for, and indexes, not yet opened."""
    children = [child for child in _entries(parents[-1]) if not child.is_attestation]
    wanted = [child for child in children if asked is None or child.is_index or child.runs_on(asked)]
    found = [Platform(child, parents) for child in wanted]
    _check_number(found)
    return found


def _entries(index: Gathered) -> Sequence[Descriptor]:
    assert isinstance(index.content, Index)
    return index.content.manifests


def _is_closed(platform: Platform) -> bool:
    return platform.descriptor.is_index and platform.problem is None


def _opened(platform: Platform, index: Gathered | PolicyEngineError, asked: str | None) -> list[Platform]:
    """What an index in an index names. One that could not be had, or is empty, stays in the place of its platforms."""
    if isinstance(index, PolicyEngineError):
        return [Platform(platform.descriptor, platform.parents, index)]
    found = _inside((*platform.parents, index), asked)
    if not found and asked is None:
        empty = Malformed(f"the index {platform.descriptor.digest[:19]} in the index has no platform manifest")
        return [Platform(platform.descriptor, platform.parents, empty)]
    return found


def _check_number(found: Sequence[Platform]) -> None:
    if len(found) > limits.PLATFORMS:
        raise TooLarge(f"the index has more than {limits.PLATFORMS} manifests", "name one with --platform")
