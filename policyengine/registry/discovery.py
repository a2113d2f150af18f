"""What refers to an image, what refers to that, and so on: the graph of its artifacts, level by level.

Each level costs one round of requests. Whatever cannot be had or listed is part of the graph, with the reason: that
there is nothing and that nobody knows are different answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.errors import PolicyEngineError, TooLarge
from policyengine.oci import IN_TOTO, Descriptor, Index, Manifest, is_digest, parse_manifest
from policyengine.registry.referrers import ELSEWHERE
from policyengine.registry.store import Store


class Artifact(Struct, eq=False):
    """One artifact with what refers to it.

    `descriptor.artifact_type` and `.annotations` are the manifest's own. Where it could not be had `error` says why
    and the descriptor is what the listing says; `stray` says why it is no referrer although it is listed. `referrers`
    are `None` where they were not asked for, and `unlisted` says why they could not be listed. `platforms` are the
    entries of an index, of which the manifests of attestations alone are fetched.
    """

    descriptor: Descriptor
    content: Manifest | Index | None = None
    referrers: list[Artifact] | None = None
    platforms: list[Artifact] = []
    error: PolicyEngineError | None = None
    unlisted: PolicyEngineError | None = None
    stray: str = ""

    def walk(self) -> Iterator[Artifact]:
        """This artifact and everything below it, those above first."""
        waiting = [self]
        while waiting:
            artifact = waiting.pop()
            yield artifact
            waiting += [*reversed(artifact.referrers or ()), *reversed(artifact.platforms)]

    @property
    def problems(self) -> list[PolicyEngineError]:
        """Why the graph may not be whole."""
        return [fault for each in self.walk() for fault in (each.error, each.unlisted) if fault is not None]

    @property
    def size(self) -> int | None:
        """Bytes of the artifact's content; `None` where the manifest was not had."""
        return sum(layer.size for layer in self.content.layers) if isinstance(self.content, Manifest) else None


def fetched(store: Store, target: str) -> Artifact:
    """The artifact that the tag or digest `target` names, by itself. Raises what the store raises."""
    found = store.resolve(target)
    return _artifact(found, store.manifest(found))


def discover(store: Store, target: str, depth: int | None = None) -> Artifact:
    """The artifact that the tag or digest `target` names, and what refers to it, `depth` levels deep or all.

    Raises what the store raises for the artifact itself.
    """
    if is_digest(target):
        calls: list[Callable[[], Any]] = [lambda: store.resolve(target), lambda: hints(store, target)]
        found, listed = store.each(lambda call: call(), calls)
    else:
        found = store.resolve(target)
        listed = _listed(store, [found])[0]
    if isinstance(found, PolicyEngineError):
        raise found
    root = _artifact(found, store.manifest(found))
    root.platforms = [Artifact(_entry(entry)) for entry in _entries(root)]
    _expand(store, [root, *root.platforms], [listed, *_platforms(store, root.platforms)], depth)
    return root


def _entry(entry: Descriptor) -> Descriptor:
    """An entry of an index as it is shown: an attestation has the type of what it holds for its artifact type."""
    kind = IN_TOTO if entry.is_attestation else entry.artifact_type
    return Descriptor(entry.media_type, entry.digest, entry.size, kind, entry.annotations, entry.platform)


def _platforms(store: Store, platforms: Sequence[Artifact]) -> list[Any]:
    """The referrers of each entry of an index; fetches the manifests of attestations in the same round."""
    inside = [each for each in platforms if each.descriptor.is_attestation]
    calls: list[Callable[[], Any]] = [partial(hints, store, each.descriptor.digest) for each in platforms]
    calls += [partial(_manifest, store, each.descriptor) for each in inside]
    results = store.each(lambda call: call(), calls)
    for artifact, result in zip(inside, results[len(platforms) :], strict=True):
        if isinstance(result, PolicyEngineError):
            artifact.error = result
        else:
            artifact.content = result
    return results[: len(platforms)]


def _manifest(store: Store, descriptor: Descriptor) -> Manifest | Index:
    return parse_manifest(store.manifest(descriptor), descriptor.media_type)


def hints(store: Store, digest: str) -> Sequence[Descriptor]:
    """What any place lists as a referrer of `digest`, each once. Raises what the store raises."""
    listed = [*store.referrers(digest), *store.elsewhere(digest)]
    return list({hint.digest: hint for hint in reversed(listed)}.values())[::-1]


def _entries(artifact: Artifact) -> Sequence[Descriptor]:
    return artifact.content.manifests if isinstance(artifact.content, Index) else ()


def _expand(store: Store, heads: list[Artifact], lists: list[Any], depth: int | None) -> None:
    """Add what refers to the `heads`, whose referrers are listed in `lists`, and go on with that."""
    room = limits.REFERRERS
    for level in range(depth or limits.REFERRER_DEPTH):
        pairs = [(head, hint) for head, listed in zip(heads, lists, strict=True) for hint in _hints(head, listed)]
        room -= len(pairs)
        if room < 0:
            _give_up(heads, "there are more artifacts than are looked at")
        if room < 0 or not pairs:
            return
        calls: list[Callable[[], Any]] = [lambda pair=pair: _examined(store, *pair) for pair in pairs]  # type: ignore[misc]
        last = depth is not None and level + 1 == depth
        calls += [] if last else [lambda hint=hint: hints(store, hint.digest) for _, hint in pairs]  # type: ignore[misc]
        results = store.each(lambda call: call(), calls)
        heads, lists = _grown(pairs, results)
        if last:
            return
    _give_up([head for head, listed in zip(heads, lists, strict=True) if listed], "referrers are nested too deeply")


def _hints(head: Artifact, listed: Any) -> Sequence[Descriptor]:
    """The listed referrers of `head`, which is told if they could not be listed."""
    if isinstance(listed, PolicyEngineError):
        head.unlisted = listed
        return ()
    head.referrers = []
    return sorted(listed, key=lambda hint: (hint.artifact_type, hint.digest))


def _grown(pairs: list[tuple[Artifact, Descriptor]], results: list[Any]) -> tuple[list[Artifact], list[Any]]:
    """Hang what was found below its subject; those that are referrers indeed, with what is listed for them."""
    heads, lists = [], []
    for number, (head, hint) in enumerate(pairs):
        result = results[number]
        artifact = Artifact(hint, error=result) if isinstance(result, PolicyEngineError) else result
        assert head.referrers is not None
        head.referrers.append(artifact)
        if artifact.content is not None and not artifact.stray and len(results) > len(pairs):
            heads.append(artifact)
            lists.append(results[len(pairs) + number])
    return heads, lists


def _examined(store: Store, head: Artifact, hint: Descriptor) -> Artifact:
    """The listed referrer as it is; raises what the store raises, and `Malformed`."""
    artifact = _artifact(hint, store.manifest(hint))
    subject = artifact.content.subject if artifact.content is not None else None
    if subject is None or subject.digest != head.descriptor.digest:
        artifact.stray = ELSEWHERE
    return artifact


def _artifact(descriptor: Descriptor, data: bytes) -> Artifact:
    content = parse_manifest(data, descriptor.media_type)
    own = Descriptor(
        descriptor.media_type, descriptor.digest, descriptor.size, content.artifact_type, content.annotations,
        descriptor.platform,
    )  # fmt: skip
    return Artifact(own, content)


def _listed(store: Store, subjects: Sequence[Descriptor]) -> list[Any]:
    return store.each(lambda subject: hints(store, subject.digest), subjects)


def _give_up(heads: list[Artifact], why: str) -> None:
    for head in heads:
        head.referrers, head.unlisted = None, TooLarge(why)
