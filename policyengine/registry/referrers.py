"""Referrers: what is attached to an image or another artifact, found as hints and then verified.

A registry or a layout lists referrers, but nothing binds such a list. So each one that matters is
fetched, hashed, and must itself name the subject that was asked about (registry issue classes:
GitLab's tag alias, a signature listed under another image).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct

from policyengine.errors import Malformed, PolicyEngineError
from policyengine.oci import Descriptor, Manifest, parse_manifest
from policyengine.registry.store import Store


class Referrer(Struct, frozen=True):
    """A verified referrer: its manifest has its digest, and names the subject.

    The descriptor's `artifact_type` is the manifest's own, whatever the listing said.
    """

    descriptor: Descriptor
    manifest: Manifest


class Failure(Struct, frozen=True):
    """A referrer that is listed and could not be had; what it says is unknown.

    `descriptor.artifact_type` is what the listing says, empty where it says nothing: then it may be
    a document of any kind, or a signature.
    """

    descriptor: Descriptor
    error: PolicyEngineError


class Stray(Struct, frozen=True):
    """A listed referrer that does not count: of no relevant type, or not of this subject (`reason`)."""

    descriptor: Descriptor
    reason: str


Found: TypeAlias = Referrer | Failure | Stray


class Attached(Struct, frozen=True):
    """What is attached to one subject, each part in the order of the digests."""

    referrers: tuple[Referrer, ...] = ()
    failures: tuple[Failure, ...] = ()
    strays: tuple[Stray, ...] = ()


IRRELEVANT = "no rule asks for artifacts of this type"
ELSEWHERE = "it is listed as a referrer, but names another subject"


def everything(_artifact_type: str) -> bool:
    """The widest notion of what is relevant."""
    return True


def attached(store: Store, subject: str, relevant: Callable[[str], bool] = everything) -> Attached:
    """The verified referrers of the digest `subject`, and what became of the others.

    A referrer whose listed artifact type is not `relevant` is not fetched; one that is listed
    without a type is, to learn it. Raises `RegistryError` or `ContentError` where the referrers
    cannot be listed.
    """
    results = store.each(lambda listed: examine(store, subject, listed, relevant), store.referrers(subject))
    return sorted_out(results)


def examine(store: Store, subject: str, listed: Descriptor, relevant: Callable[[str], bool] = everything) -> Found:
    """What the listed referrer of the digest `subject` turns out to be."""
    if listed.artifact_type and not relevant(listed.artifact_type):
        return Stray(listed, IRRELEVANT)
    try:
        manifest = parse_manifest(store.manifest(listed), listed.media_type)
    except PolicyEngineError as error:
        return Failure(listed, error)
    if manifest.subject is None or manifest.subject.digest != subject:
        return Stray(listed, ELSEWHERE)
    descriptor = Descriptor(
        listed.media_type, listed.digest, listed.size, manifest.artifact_type, manifest.annotations, listed.platform
    )
    if not (manifest.artifact_type and relevant(manifest.artifact_type)):
        return Stray(descriptor, IRRELEVANT)
    if not isinstance(manifest, Manifest):
        return Failure(descriptor, Malformed(f"the referrer {listed.digest} is an index, which holds no document"))
    return Referrer(descriptor, manifest)


def sorted_out(results: Iterable[Found | PolicyEngineError]) -> Attached:
    """What `examine` returned for the referrers of one subject, by what they turned out to be.

    Raises an error that came as a result: it may stand for a referrer of which nothing is known.
    """
    found: dict[type, list[Found]] = {Referrer: [], Failure: [], Stray: []}
    for result in results:
        if isinstance(result, PolicyEngineError):
            raise result
        found[type(result)].append(result)
    parts = (tuple(sorted(part, key=_digest)) for part in found.values())
    return Attached(*parts)  # type: ignore[arg-type]


def _digest(found: Found) -> str:
    return found.descriptor.digest


def referrers_tag(digest: str) -> str:
    """The tag under which the referrers of `digest` are listed where a registry has no API for them.

    Distribution specification, "Referrers Tag Schema": algorithm and encoded part cut to 32 and 64
    characters, and what no tag can hold replaced by `-`.
    """
    algorithm, _, encoded = digest.partition(":")
    plain = f"{algorithm[:32]}-{encoded[:64]}"
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in plain)
