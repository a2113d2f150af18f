"""Gathering: an image, what refers to it, and what signs that, in waves.

All requests of one depth go out together, so that evidence of depth d costs d + 2 rounds:

1. the image's manifest, and the list of its referrers;
2. the referrers' manifests, and the lists of what refers to those that may be documents;
3. the envelopes of the image's signatures, the documents, the manifests of the documents' signatures;
4. the envelopes of those.

A document that is too large to be fetched before somebody signed for it waits for a fifth. What a
referrer is worth is decided later, by signatures; whatever cannot be had stays in the result with
its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from policyengine import attestations, limits
from policyengine.attestations import Candidate, Held
from policyengine.errors import PolicyEngineError, TooLarge, VerificationError
from policyengine.evidence import formats
from policyengine.oci import Descriptor, Index, Manifest, is_digest, parse_manifest
from policyengine.registry.referrers import Failure, Found, Referrer, Stray, examine
from policyengine.registry.store import Store
from policyengine.verification.notation.manifest import thumbprints
from policyengine.waves import Call, Waves, together, wave

SIGNATURE = "application/vnd.cncf.notary.signature"
UNTYPED = frozenset(
    {
        "application/vnd.oci.empty.v1+json",
        "application/vnd.unknown.artifact.v1",
        "application/vnd.unknown.config.v1+json",
    }
)
"""What tools write as artifact type or as the configuration's media type where nobody named one."""


class Wanted(Struct, frozen=True):
    """What the policies ask for: kinds of documents, and the artifact types of the kinds that they declare.

    `configuration` says that a rule reads something which only the image's configuration holds. `trusted`
    gives the fingerprints of the certificates that may have signed; `signatures` of one artifact are tried at most.
    """

    kinds: frozenset[str] = frozenset()
    declared: frozenset[str] = frozenset()
    configuration: bool = False
    trusted: Callable[[], frozenset[str]] = frozenset
    signatures: int = limits.SIGNATURES_PER_SUBJECT

    @property
    def documents(self) -> bool:
        """Whether any rule looks at documents."""
        return bool(self.kinds or self.declared)

    def promised(self, artifact_type: str) -> frozenset[str]:
        """The wanted kinds that an artifact of this type may hold; a type that says nothing may hold any.

        That some policy declares a kind of this type takes nothing away from the others.
        """
        kind = "unknown" if artifact_type in UNTYPED else formats.declared_kind(artifact_type)
        known = self.kinds if kind == "unknown" else self.kinds & {kind or "", *formats.kinds_beside(artifact_type)}
        return known | {"declared"} if artifact_type in self.declared else known

    def relevant(self, artifact_type: str) -> bool:
        """Whether an artifact of this type can matter: a signature, or a document that is asked for."""
        return artifact_type == SIGNATURE or bool(self.promised(artifact_type))


class Untried(TooLarge):
    """What was left out because there is too much of it, and not for what it is: whatever it says stays unknown."""


class Part(Struct):
    """One blob, with its bytes or why they could not be had; `None` while it is not fetched."""

    descriptor: Descriptor
    content: bytes | PolicyEngineError | None = None


class Signature(Struct):
    """A signature manifest with its envelope, or why it could not be had."""

    found: Referrer | Failure
    envelope: Part | None = None


class Document(Struct):
    """A referrer that may be evidence, with its blobs and what signs it; `unlisted` says why that is not known.

    `held` says that an index holds it as an attestation; `refers` is false for an attestation that is no referrer.
    """

    found: Referrer | Failure
    parts: list[Part] = []
    signatures: list[Signature] = []
    unlisted: PolicyEngineError | None = None
    held: Held | None = None
    refers: bool = True


class Gathered(Struct):
    """A manifest or index with everything that refers to it; `unlisted` says why that could not be listed."""

    descriptor: Descriptor
    content: Manifest | Index
    signatures: list[Signature] = []
    documents: list[Document] = []
    strays: list[Stray] = []
    unlisted: PolicyEngineError | None = None
    configuration: bytes | PolicyEngineError | None = None


def find(store: Store, target: str, wanted: Wanted) -> Gathered:
    """What the tag or digest `target` names, and everything that refers to it.

    Raises what the store raises for the manifest itself; all else that fails is in the result.
    """
    if is_digest(target):
        found, listed = wave(store, [lambda: store.resolve(target), lambda: store.referrers(target)])
    else:
        found = store.resolve(target)
        listed = wave(store, [lambda: store.referrers(found.digest)])[0]
    behind = _gathered(store, _had(found), store.manifest(_had(found)), listed, wanted)
    (gathered,) = together(store, [behind])
    return _had(gathered)  # type: ignore[no-any-return] # it is no error


def gather(
    store: Store, named: Sequence[tuple[Descriptor, Sequence[Held]]], wanted: Wanted
) -> list[Gathered | PolicyEngineError]:
    """The same for several manifests that an index names, each with its attestations there, in the waves of one."""
    return together(store, [_named(store, descriptor, held, wanted) for descriptor, held in named])


def _named(store: Store, descriptor: Descriptor, held: Sequence[Held], wanted: Wanted) -> Waves[Gathered]:
    if len(held) > limits.ATTESTATIONS:
        raise TooLarge(f"the index has more than {limits.ATTESTATIONS} attestations about {descriptor.digest}")
    manifest, listed = yield [lambda: store.manifest(descriptor), lambda: store.referrers(descriptor.digest)]
    return (yield from _gathered(store, descriptor, _had(manifest), listed, wanted, held))


def _had(result: Any) -> Any:
    """The result of a call without which there is nothing to decide about; raises the error that it may be."""
    if isinstance(result, PolicyEngineError):
        raise result
    return result


def _gathered(
    store: Store, descriptor: Descriptor, manifest: bytes, listed: Any, wanted: Wanted, held: Sequence[Held] = ()
) -> Waves[Gathered]:
    """The waves behind the first."""
    gathered = Gathered(descriptor, parse_manifest(manifest, descriptor.media_type))
    hints, gathered.unlisted = _hints(listed, descriptor)
    yield from _second_wave(store, gathered, attestations.candidates(hints, held), wanted)
    yield from _third_wave(store, gathered, wanted)
    yield from _fourth_wave(store, gathered, wanted)
    return gathered


class More(Struct):
    """What a second place lists for one artifact; `unlisted` says why that could not be learnt."""

    signatures: list[Signature]
    unlisted: PolicyEngineError | None


def others(store: Store, targets: Sequence[tuple[Descriptor, Sequence[Signature]]], wanted: Wanted) -> list[More]:
    """For each target with its known signatures, none of which will do, those that a second place lists beside them."""
    lists = store.each(lambda target: store.elsewhere(target[0].digest), targets)
    more: list[More] = []
    calls: list[Call] = []
    for (target, known), listed in zip(targets, lists, strict=True):
        hints, unlisted = _hints(listed, target)
        seen = {signature.found.descriptor.digest for signature in known}
        new = [hint for hint in hints if hint.artifact_type in ("", SIGNATURE) and hint.digest not in seen]
        more.append(More([Signature(Failure(hint, TooLarge("not fetched"))) for hint in new], unlisted))
        calls += [_examination(store, target, hint, _is_signature) for hint in new]
    results = iter(wave(store, calls))
    for each in more:
        each.signatures = _signatures(each.signatures, results)
    fetch(store, [part for each in more for part in envelopes(each.signatures, wanted)], limits.ENVELOPE_BYTES)
    return more


def _as_found(hint: Descriptor, result: Any) -> Found:
    """What `examine` says of a hint; that it raised is a failure like another."""
    return Failure(hint, result) if isinstance(result, PolicyEngineError) else result


def fetch(store: Store, parts: Iterable[Part], limit: int = limits.DOCUMENT_BYTES) -> None:
    """Fetch, in one wave, those of `parts` that have not been fetched; what is too much together is not fetched."""
    missing = _missing(parts)
    for part, content in zip(missing, wave(store, [_blob(store, part, limit) for part in missing]), strict=True):
        part.content = content


def _missing(parts: Iterable[Part]) -> list[Part]:
    """Those of `parts` that are to be fetched."""
    missing, room = [], limits.TOTAL_BYTES
    for part in parts:
        room -= part.descriptor.size if part.content is None else 0
        if part.content is None and room < 0:
            part.content = Untried("what is attached to this image is too large together")
        elif part.content is None:
            missing.append(part)
    return missing


def _hints(listed: Any, subject: Descriptor) -> tuple[tuple[Descriptor, ...], PolicyEngineError | None]:
    """The listed referrers, or the reason why they are not known. One that is too large by itself is never read."""
    if isinstance(listed, PolicyEngineError):
        return (), listed
    if len(listed) > limits.REFERRERS:
        return (), TooLarge(f"more than {limits.REFERRERS} referrers of {subject.digest}")
    if sum(hint.size for hint in listed if hint.size <= limits.MANIFEST_BYTES) > limits.REFERRERS_BYTES:
        return (), TooLarge(f"the referrers' manifests of {subject.digest} are too large together")
    return listed, None


# ---------------------------------------------------------------------------- wave 2: manifests and lists


def _second_wave(store: Store, gathered: Gathered, found: Sequence[Candidate], wanted: Wanted) -> Waves[None]:
    may_be = [each.descriptor for each in found if wanted.documents and each.may_be(wanted.kinds, wanted.promised)]
    calls: list[Call] = [_look(store, gathered.descriptor, each, wanted) for each in found]
    calls += [_list(store, descriptor) for descriptor in may_be]
    results = yield calls
    lists = {each.digest: listed for each, listed in zip(may_be, results[len(found) :], strict=True)}
    for candidate, result in zip(found, results[: len(found)], strict=True):
        _sort(gathered, candidate, result, lists)
    for document in gathered.documents:
        document.parts = document.parts if document.refers else _statements(document, wanted)
    gathered.documents.sort(key=lambda document: document.found.descriptor.digest)
    gathered.signatures.sort(key=lambda signature: signature.found.descriptor.digest)


def _look(store: Store, subject: Descriptor, candidate: Candidate, wanted: Wanted) -> Call:
    return lambda: candidate.examine(store, subject.digest, wanted.relevant, wanted.kinds)


def _examination(
    store: Store, subject: Descriptor, hint: Descriptor, relevant: Callable[[str], bool]
) -> Callable[[], Found]:
    return lambda: examine(store, subject.digest, hint, relevant)


def _list(store: Store, hint: Descriptor) -> Callable[[], tuple[Descriptor, ...]]:
    return lambda: store.referrers(hint.digest)


def _sort(gathered: Gathered, candidate: Candidate, result: Any, lists: dict[str, Any]) -> None:
    """Put what a candidate turned out to be where it belongs. `result` may be the error that looking at it raised."""
    failed = Failure(candidate.descriptor, result), candidate.hint is not None
    found, refers = failed if isinstance(result, PolicyEngineError) else result
    if isinstance(found, Stray):
        gathered.strays.append(found)
    elif found.descriptor.artifact_type == SIGNATURE and (candidate.held is None or isinstance(found, Referrer)):
        gathered.signatures.append(Signature(found))
    else:  # what an index holds and cannot be had is no signature because a list says so
        document = _document(found, lists.get(found.descriptor.digest, ()))
        document.held, document.refers = candidate.held, refers
        gathered.documents.append(document)


def _document(found: Referrer | Failure, listed: Any) -> Document:
    """A document with the hints of its signatures, which are not examined yet."""
    hints, unlisted = _hints(listed, found.descriptor)
    document = Document(found, unlisted=unlisted)
    candidates = [hint for hint in hints if hint.artifact_type in ("", SIGNATURE)]
    document.signatures = [Signature(Failure(hint, TooLarge("not fetched"))) for hint in candidates]
    if isinstance(found, Referrer):
        document.parts = [Part(layer) for layer in found.manifest.layers]
        if len(document.parts) > limits.LAYERS:
            document.found = Failure(found.descriptor, TooLarge(f"it has more than {limits.LAYERS} layers"))
            document.parts = []
    return document


# ---------------------------------------------------------------------------- waves 3 and 4: contents


def _third_wave(store: Store, gathered: Gathered, wanted: Wanted) -> Waves[None]:
    nested = [(document, signature) for document in gathered.documents for signature in document.signatures]
    calls: list[Call] = [
        _examination(store, document.found.descriptor, signature.found.descriptor, _is_signature)
        for document, signature in nested
    ]
    parts = [*envelopes(gathered.signatures, wanted), *_early(gathered.documents, wanted)]
    calls += [_blob(store, part, limits.ENVELOPE_BYTES) for part in parts]
    configuration = _configuration(gathered) if wanted.configuration else None
    if configuration is not None:
        calls.append(_blob(store, configuration, limits.CONFIG_BYTES))
    results = iter((yield calls))
    for document in gathered.documents:
        document.signatures = _signatures(document.signatures, results)
    for part in parts:
        part.content = next(results)
    gathered.configuration = next(results, None)


def _is_signature(artifact_type: str) -> bool:
    return artifact_type == SIGNATURE


def _signatures(hinted: Sequence[Signature], results: Iterator[Any]) -> list[Signature]:
    """What the `hinted` signatures turned out to be, each by the next of `results`."""
    found = [_as_found(signature.found.descriptor, next(results)) for signature in hinted]
    return [Signature(each) for each in found if not isinstance(each, Stray)]


def _early(documents: Sequence[Document], wanted: Wanted) -> list[Part]:
    """The documents worth fetching before their signatures are verified: somebody signed them, and they are small."""
    found, room = [], 8 * limits.EARLY_BYTES
    for part in (part for document in documents for part in _claimed(document, wanted)):
        if part.descriptor.size <= min(room, limits.EARLY_BYTES):
            room -= part.descriptor.size
            found.append(part)
    return found


def _claimed(document: Document, wanted: Wanted) -> list[Part]:
    """The blobs that something claims to sign: all if the document has a signature, statements if its index has one."""
    if document.signatures:
        return document.parts
    return _statements(document, wanted) if document.held is not None and document.held.claimed else []


def _statements(document: Document, wanted: Wanted) -> list[Part]:
    """The blobs of an attestation that may be documents of the wanted kinds."""
    return [part for part in document.parts if attestations.promised(part.descriptor) & wanted.kinds]


def _configuration(gathered: Gathered) -> Part | None:
    config = gathered.content.config if isinstance(gathered.content, Manifest) else None
    return Part(config) if config is not None else None


def _fourth_wave(store: Store, gathered: Gathered, wanted: Wanted) -> Waves[None]:
    parts = [part for document in gathered.documents for part in envelopes(document.signatures, wanted)]
    missing = _missing(parts)
    results = yield [_blob(store, part, limits.ENVELOPE_BYTES) for part in missing]
    for part, content in zip(missing, results, strict=True):
        part.content = content


def envelopes(signatures: Sequence[Signature], wanted: Wanted) -> list[Part]:
    """The envelopes to fetch of what claims to sign one artifact, a bounded number with a bounded size.

    Anybody who can push can attach signatures. Where there are too many, those go first whose unsigned
    thumbprints name a trusted certificate, the small ones before the large, so that junk does not crowd
    out a good one.
    """
    found = [(s, s.found.manifest) for s in signatures if isinstance(s.found, Referrer)]
    shaped = [(signature, manifest) for signature, manifest in found if len(manifest.layers) == 1]
    room = limits.ENVELOPES_BYTES
    if len(shaped) > wanted.signatures or sum(m.layers[0].size for _, m in shaped) > room:
        trusted = wanted.trusted()
        shaped.sort(key=lambda pair: (not _promising(pair[1], trusted), pair[1].layers[0].size))
    parts = []
    for number, (signature, manifest) in enumerate(shaped):
        signature.envelope = part = Part(manifest.layers[0])
        room -= part.descriptor.size
        if number < wanted.signatures and room >= 0:
            parts.append(part)
        else:
            part.content = Untried(f"only {len(parts)} signatures of one artifact are tried")
    return parts


def _promising(manifest: Manifest, trusted: frozenset[str]) -> bool:
    """Whether a signature manifest names a trusted certificate: a hint, never a proof."""
    try:
        return not trusted.isdisjoint(thumbprints(manifest))
    except VerificationError:
        return False


def _blob(store: Store, part: Part, limit: int) -> Callable[[], bytes]:
    return lambda: store.blob(part.descriptor, limit)
