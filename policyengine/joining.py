"""Joining: which of the gathered documents count as evidence, and what they say.

A document counts if a trusted identity signed the manifest that binds it to the image; only then is it read. What an
index is signed for counts for its platforms too, because the index names their digests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine import attestations
from policyengine.decision.model import SignatureResult
from policyengine.errors import EvidenceError, PolicyEngineError, TooLarge
from policyengine.evidence import formats
from policyengine.evidence.assembly import ONLY_VOUCHED
from policyengine.evidence.assembly import Document as Evident
from policyengine.evidence.model import Gap
from policyengine.evidence.model import Signature as Verified
from policyengine.evidence.model import joined as union
from policyengine.evidence.reading import Reading, Source
from policyengine.gathering import Document, Gathered, Part, Wanted, fetch
from policyengine.judging import Case, Judge, Signed, gap, unlisted
from policyengine.oci import IN_TOTO, Descriptor, quoted
from policyengine.registry.referrers import Failure
from policyengine.registry.store import Store

CREATED = "org.opencontainers.image.created"


class Reader(Struct, frozen=True):
    """By what documents are taken for evidence.

    `accepts` are the kinds that some policy takes unsigned; `about` the digests by which the image is
    known, its own and that of the index that names it; `indexes` what the signatures of those indexes are worth.
    """

    judge: Judge
    store: Store
    wanted: Wanted
    accepts: frozenset[str]
    about: tuple[str, ...]
    indexes: Mapping[str, Signed] = {}

    def above(self, document: Document) -> Signed:
        """What the signatures are worth of the indexes that hold a document."""
        held = document.held.indexes if document.held is not None else ()
        found = [self.indexes[digest] for digest in held]
        return Signed(union(each.signatures for each in found), tuple(r for each in found for r in each.results))


class Weighed(Struct, frozen=True):
    """A document with what its own signatures are worth, and those of the indexes `above` it, which hold it."""

    document: Document
    own: Signed
    above: Signed

    @property
    def vouched(self) -> frozenset[str]:
        """The kinds of documents for which the signature of an index that holds them is enough."""
        return attestations.KINDS if self.above.signatures.items else frozenset()


class Joined(Struct, frozen=True):
    """The documents of one subject, and what became of their signatures."""

    documents: tuple[Evident, ...]
    results: tuple[SignatureResult, ...]
    gaps: tuple[Gap, ...]


def documents(reader: Reader, gathered: Gathered) -> Joined:
    """What refers to the image as evidence, and what an index holds about it."""
    above = [reader.above(document) for document in gathered.documents]
    cases = [_case(document, each) for document, each in zip(gathered.documents, above, strict=True)]
    signed = reader.judge.all_signed(reader.store, cases, reader.wanted)
    weighed = list(map(Weighed, gathered.documents, signed, above))
    fetch(reader.store, [part for each in weighed if _worth_fetching(reader, each) for part in each.document.parts])
    found = [evident for each in weighed for evident in _evident(reader, each, gathered.descriptor.digest)]
    found += [_stray(stray.descriptor, stray.reason) for stray in gathered.strays]
    gaps = []
    if gathered.unlisted is not None:
        gaps.append(gap(f"the referrers could not be listed: {gathered.unlisted.message}", gathered.unlisted, True))
    return Joined(tuple(found), tuple(result for s in signed for result in s.results), tuple(gaps))


def _case(document: Document, above: Signed) -> Case:
    """What claims to sign a document. Where the signature of an index is enough, no further one is looked for."""
    covered = not document.refers and bool(above.signatures.items)
    return Case(document.found.descriptor, document.signatures, unlisted(document.unlisted), covered)


def _worth_fetching(reader: Reader, weighed: Weighed) -> bool:
    """Whether somebody trusted signed a document, or some policy may take it unsigned."""
    promised = _promised(weighed.document, reader.wanted)
    return bool(weighed.own.signatures.items) or bool(promised & (reader.accepts | weighed.vouched))


def _promised(document: Document, wanted: Wanted) -> frozenset[str]:
    """The kinds that a document may be: every kind where its type could not be read."""
    artifact_type = document.found.descriptor.artifact_type
    if not document.refers:
        return wanted.kinds & attestations.KINDS
    if artifact_type:
        return wanted.promised(artifact_type)
    return wanted.kinds | {"declared"} if wanted.declared else wanted.kinds


def _stray(descriptor: Descriptor, reason: str) -> Evident:
    return Evident(descriptor.digest, descriptor.artifact_type, reason=reason)


def _evident(reader: Reader, weighed: Weighed, subject: str) -> list[Evident]:
    """A referrer of `subject` as evidence: one document for each of its blobs, or one that says why it is none."""
    document = weighed.document
    # Documents supersede each other if they are attached to the same; an attestation is attached to itself alone.
    attached = subject if document.refers else document.found.descriptor.digest
    base = replace(_unread(weighed, reader.wanted), attached=attached)
    if isinstance(document.found, Failure):
        inside = reader.wanted.kinds & attestations.KINDS if base.held else frozenset()
        return _apart(_failed(base, document.found.error), inside)
    if not document.parts:
        return [_failed(base, EvidenceError("it has no layer, so there is no document in it"))]
    if not _worth_fetching(reader, weighed):
        return [base]
    if document.held is None:
        return [_read(base, part, reader.about) for part in document.parts]
    return [each for part in document.parts for each in _held(reader, base, part, weighed)]


def _apart(base: Evident, inside: frozenset[str]) -> list[Evident]:
    """What a document may be that cannot be had or read: of the kinds `inside` an index, and what a list promises.

    They are two documents, because the index's signature counts for the first alone, and because neither what a list
    says of the artifact's type nor that an index lists it must make it into something else.
    """
    if not inside:
        return [base]
    held = replace(base, artifact_type=IN_TOTO, kinds=inside, declared=False)
    listed = replace(base, kinds=base.kinds - attestations.KINDS)
    return [held, listed] if listed.kinds or listed.declared else [held]


def _unread(weighed: Weighed, wanted: Wanted) -> Evident:
    """A document as far as it is known without its content."""
    document, descriptor = weighed.document, weighed.document.found.descriptor
    signatures = union((weighed.own.signatures, weighed.above.signatures))
    doubt = max(signatures.gaps, key=lambda each: each.outside, default=None)
    listed = tuple(result.digest for result in (*weighed.own.results, *weighed.above.results))
    return Evident(
        descriptor.digest, descriptor.artifact_type, _promised(document, wanted) - {"declared"},
        signed=bool(weighed.own.signatures.items), vouched=weighed.vouched, doubt=doubt, signatures=signatures,
        created=_created(descriptor.annotations, weighed.own.signatures.items or signatures.items), listed=listed,
        declared=document.refers and descriptor.artifact_type in wanted.declared, held=document.held is not None,
    )  # fmt: skip


def _created(annotations: Any, signatures: Sequence[Verified]) -> datetime | None:
    """The time that a document gets which states none: its manifest's annotation, else the first signing time."""
    written = (annotations or {}).get(CREATED)
    if written:
        from policyengine.evidence.instants import instant

        stated = instant(written)
        if stated is not None:
            return stated
    times = [signature.signed_at for signature in signatures if signature.signed_at is not None]
    return min(times) if times else None


def _failed(base: Evident, error: PolicyEngineError) -> Evident:
    return replace(base, problem=gap(error.message, error))


def _read(base: Evident, part: Part, about: tuple[str, ...]) -> Evident:
    """`base` with what its content says; the content decides what a document is."""
    if isinstance(part.content, PolicyEngineError):
        return _failed(base, part.content)
    if base.declared:
        from policyengine.evidence import custom

        base = replace(base, data=part.content, subjects=custom.subjects(part.content or b""))
        if not base.kinds:
            return base
    source = Source(base.digest, base.artifact_type, base.signatures, base.created, about)
    try:
        found = formats.read(part.content or b"", source)
    except EvidenceError as error:
        return _failed(base, error)
    except (MemoryError, RecursionError):
        return _failed(base, TooLarge("reading it takes more memory than there is"))
    if found.kind == "other":
        reason = f"it is {found.format}, and no rule asks for that"
        return replace(base, kinds=frozenset(), format=found.format, reason=reason)
    return replace(
        base, kinds=frozenset({found.kind}), records=found.records, format=found.format, tool=found.tool,
        warnings=(*found.warnings, *_mislabelled(base, found)), subjects=found.subjects,
    )  # fmt: skip


def _held(reader: Reader, base: Evident, part: Part, weighed: Weighed) -> list[Evident]:
    """One blob of an attestation. The signatures of its index count for SBOMs and provenance in it alone."""
    inside, own = attestations.promised(part.descriptor) & reader.wanted.kinds, weighed.own.signatures
    narrowed = replace(base, kinds=inside or base.kinds)
    found = _read(narrowed, part, reader.about)
    records = tuple(
        record if record.kind in attestations.KINDS else replace(record, signatures=own) for record in found.records
    )
    found = replace(found, records=records, signatures=own if found.declared else found.signatures)
    if not weighed.document.refers:
        return [found if found.problem is not None else _bound(narrowed, found, reader.about[0])]
    return [found] if found.problem is None else _apart(replace(found, kinds=base.kinds), inside)


def _bound(base: Evident, found: Evident, image: str) -> Evident:
    """What an attestation says that is no referrer of the image: its statement has to name the `image`, a digest."""
    if found.kinds and image not in found.subjects:
        named = quoted(found.subjects[0]) if found.subjects else "nothing by its digest"
        return _failed(base, EvidenceError(f"the index holds it for this image, but its statement names {named}"))
    records = tuple(record for record in found.records if record.kind in attestations.KINDS)
    if len(records) == len(found.records):
        return found
    if not records:
        return replace(found, records=(), kinds=frozenset(), reason=ONLY_VOUCHED)
    return replace(found, records=records, warnings=(*found.warnings, ONLY_VOUCHED))


def _mislabelled(base: Evident, reading: Reading) -> tuple[str, ...]:
    """A warning where the declared type promises another format than the content has."""
    expected = formats.declared_format(base.artifact_type)
    if expected is None or reading.format.startswith(expected):
        return ()
    return (f"it is {reading.format} under the artifact type {base.artifact_type}",)
