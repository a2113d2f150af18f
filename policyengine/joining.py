"""Joining: what was gathered, plus trust, becomes evidence.

A signature counts for exactly the artifact whose descriptor its payload names; a document counts if a
trusted identity signed the manifest that binds it to the image; only then is it read. What an index is
signed for counts for its platforms too, because the index names their digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine import attestations
from policyengine.decision.model import SignatureResult
from policyengine.errors import (
    EvidenceError,
    NotFound,
    PolicyEngineError,
    RegistryError,
    TooLarge,
    TrustError,
    VerificationError,
)
from policyengine.evidence import formats
from policyengine.evidence.assembly import ONLY_VOUCHED
from policyengine.evidence.assembly import Document as Evident
from policyengine.evidence.model import Collection, Gap
from policyengine.evidence.model import Signature as Verified
from policyengine.evidence.model import joined as union
from policyengine.evidence.reading import Reading, Source
from policyengine.gathering import Document, Gathered, Part, Signature, Untried, Wanted, fetch, others
from policyengine.oci import Descriptor, quoted
from policyengine.registry.referrers import Failure
from policyengine.registry.store import Store
from policyengine.verification.notation import manifest as shape
from policyengine.verification.notation import verify
from policyengine.verification.result import CHECKS
from policyengine.verification.revocation import Check
from policyengine.verification.trust import Trust

CREATED = "org.opencontainers.image.created"


class Signed(Struct, frozen=True):
    """What the signatures of one artifact are worth: the verified ones, and what became of each."""

    signatures: Collection[Verified]
    results: tuple[SignatureResult, ...]


class Case(Struct, frozen=True):
    """An artifact with what claims to sign it, and what is not known of that; `covered` where it needs none itself."""

    target: Descriptor
    signatures: Sequence[Signature]
    gaps: tuple[Gap, ...] = ()
    covered: bool = False


class Judge(Struct, frozen=True):
    """What signatures are judged by: the trust, the repository that selects its statement, and the instant.

    `revoked` checks certificates for revocation; without it nobody is asked.
    """

    trust: Trust
    repository: str
    at: datetime
    revoked: Check | None = None

    def trusted(self) -> frozenset[str]:
        """The SHA-256 fingerprints of the certificates that the trust policy names for the repository."""
        statement = self.trust.select(self.repository)
        stores = statement.stores if statement is not None else ()
        try:
            certificates = [certificate for store in stores for certificate in self.trust.certificates(store)]
        except TrustError:  # verifying says so, signature by signature
            return frozenset()
        return frozenset(hashlib.sha256(certificate.der).hexdigest() for certificate in certificates)

    def signed(self, target: Descriptor, signatures: Sequence[Signature], gaps: Iterable[Gap] = ()) -> Signed:
        """The verified ones among the `signatures` attached to `target`; `gaps` are there beforehand."""
        found: list[Verified] = []
        results: list[SignatureResult] = []
        unknown = list(gaps)
        for signature in signatures:
            outcome = self._one(target, signature)
            if isinstance(outcome, Gap):
                unknown.append(outcome)
            else:
                verified, result = outcome
                results.append(result)
                found.extend([verified] if verified is not None else [])
        return Signed(Collection(tuple(found), tuple(unknown)), tuple(results))

    def all_signed(self, store: Store, cases: Sequence[Case], wanted: Wanted) -> list[Signed]:
        """What the signatures of several artifacts are worth.

        Where none of an artifact's verifies, there is a look into the other place where some may be listed.
        """
        found = [self.signed(case.target, case.signatures, case.gaps) for case in cases]
        lacking = [n for n, signed in enumerate(found) if not (signed.signatures.items or cases[n].covered)]
        more = (
            others(store, [(cases[number].target, cases[number].signatures) for number in lacking], wanted)
            if lacking
            else []
        )
        for number, each in zip(lacking, more, strict=True):
            gaps = [*found[number].signatures.gaps, *_unlisted(each.unlisted)]
            second = self.signed(cases[number].target, each.signatures, gaps)
            found[number] = Signed(second.signatures, (*found[number].results, *second.results))
        return found

    def _one(self, target: Descriptor, signature: Signature) -> tuple[Verified | None, SignatureResult] | Gap:
        """One signature verified or refused, or the gap that it leaves where it could not be had."""
        digest = signature.found.descriptor.digest
        failure = _failure(signature)
        if failure is not None and (outside(failure) or isinstance(failure, Untried)):
            return _gap(f"the signature {digest[:19]} could not be had: {failure.message}", failure)
        try:
            if failure is not None:
                raise failure
            layer = shape.envelope_layer(signature.found.manifest, target)  # type: ignore[union-attr]
            envelope: bytes = signature.envelope.content  # type: ignore[union-attr, assignment]
        except PolicyEngineError as error:
            return None, _refused(digest, target, error)
        result = verify.verify(
            envelope,
            layer.media_type,
            target,
            trust=self.trust,
            repository=self.repository,
            at=self.at,
            revoked=self.revoked,
        )
        return result.signature(digest), _reported(digest, target, result)


def _failure(signature: Signature) -> PolicyEngineError | None:
    """Why a signature or its envelope could not be had, if so."""
    if isinstance(signature.found, Failure):
        return signature.found.error
    content = signature.envelope.content if signature.envelope is not None else None
    return content if isinstance(content, PolicyEngineError) else None


def outside(error: PolicyEngineError) -> bool:
    """Whether content could not be had for a reason outside the artifact: not where a list names what nobody has."""
    return isinstance(error, RegistryError) and not isinstance(error, NotFound)


def _gap(reason: str, error: PolicyEngineError, many: bool = False) -> Gap:
    return Gap(reason, outside(error), bool(getattr(error, "retry", False)), many)


def _refused(digest: str, target: Descriptor, error: PolicyEngineError) -> SignatureResult:
    """The report of a signature that was refused before its envelope was looked at."""
    failed = error.check if isinstance(error, VerificationError) else "integrity"
    checks = {name: "failed" if name == failed else "skipped" for name in CHECKS}
    return SignatureResult(digest, target.digest, "", "rejected", checks, reason=error.message)


def _reported(digest: str, target: Descriptor, result: Any) -> SignatureResult:
    identity = str(result.identity) if result.identity is not None else result.subject or None
    reason = "; ".join(dict.fromkeys([result.reason, *result.logged])).strip("; ") or None
    return SignatureResult(
        digest, target.digest, result.format, result.status, result.checks, identity, result.trust_policy,
        result.signed_at, result.expires, result.timestamped_at, reason, revocation=result.revocation,
    )  # fmt: skip


# ---------------------------------------------------------------------------- the image's signatures


def image_signatures(judge: Judge, store: Store, gathered: Gathered, wanted: Wanted) -> Signed:
    """The signatures of the image or index itself."""
    gaps = list(_unlisted(gathered.unlisted))
    for document in gathered.documents:
        found = document.found
        if isinstance(found, Failure) and not found.descriptor.artifact_type and outside(found.error):
            gaps.append(
                _gap(f"a referrer that may be a signature could not be had: {found.error.message}", found.error)
            )
    return judge.all_signed(store, [Case(gathered.descriptor, gathered.signatures, tuple(gaps))], wanted)[0]


def _unlisted(error: PolicyEngineError | None) -> tuple[Gap, ...]:
    """The gap where signatures could not be listed."""
    return () if error is None else (_gap(f"signatures could not be listed: {error.message}", error, True),)


# ---------------------------------------------------------------------------- documents


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
    """A document with what its own signatures are worth, and those of the indexes that hold it."""

    document: Document
    own: Signed
    above: Signed

    @property
    def vouched(self) -> frozenset[str]:
        """The kinds of documents that need no signature of their own, because an index has one."""
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
        gaps.append(_gap(f"the referrers could not be listed: {gathered.unlisted.message}", gathered.unlisted, True))
    return Joined(tuple(found), tuple(result for s in signed for result in s.results), tuple(gaps))


def _case(document: Document, above: Signed) -> Case:
    """What claims to sign a document. Of one that an index vouches for as a whole nobody looks for more."""
    covered = not document.refers and bool(above.signatures.items)
    return Case(document.found.descriptor, document.signatures, _unlisted(document.unlisted), covered)


def _worth_fetching(reader: Reader, weighed: Weighed) -> bool:
    """Whether somebody trusted signed a document, or some policy may take it unsigned."""
    promised = _promised(weighed.document, reader.wanted)
    return bool(weighed.own.signatures.items) or bool(promised & (reader.accepts | weighed.vouched))


def _promised(document: Document, wanted: Wanted) -> frozenset[str]:
    """The kinds that a document may be: of one whose type nobody could read, every kind."""
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
    attached = subject if document.refers else document.found.descriptor.digest  # an older attestation stays current
    base = replace(_unread(weighed, reader.wanted), attached=attached)
    if isinstance(document.found, Failure):
        known = base.kinds if base.signed else base.kinds & weighed.vouched or base.kinds
        return [_failed(replace(base, kinds=known), document.found.error)]
    if not document.parts:
        return [_failed(base, EvidenceError("it has no layer, so there is no document in it"))]
    if not _worth_fetching(reader, weighed):
        return [base]
    if document.held is None:
        return [_read(base, part, reader.about) for part in document.parts]
    return [_held(_narrowed(base, part, reader.wanted), part, weighed, reader.about) for part in document.parts]


def _unread(weighed: Weighed, wanted: Wanted) -> Evident:
    """A document as far as it is known without its content. What hides its signatures must not hide what it says."""
    document, descriptor = weighed.document, weighed.document.found.descriptor
    signatures = union((weighed.own.signatures, weighed.above.signatures))
    doubt = max(signatures.gaps, key=lambda gap: gap.outside, default=None)
    listed = tuple(result.digest for result in (*weighed.own.results, *weighed.above.results))
    return Evident(
        descriptor.digest, descriptor.artifact_type, _promised(document, wanted) - {"declared"},
        signed=bool(weighed.own.signatures.items), vouched=weighed.vouched, doubt=doubt, signatures=signatures,
        created=_created(descriptor.annotations, signatures.items), listed=listed,
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
    return replace(base, problem=_gap(error.message, error))


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


def _narrowed(base: Evident, part: Part, wanted: Wanted) -> Evident:
    """`base` with the kinds that this one of its statements promises."""
    return replace(base, kinds=attestations.promised(part.descriptor) & wanted.kinds or base.kinds)


def _held(base: Evident, part: Part, weighed: Weighed, about: tuple[str, ...]) -> Evident:
    """One blob of an attestation that an index holds: the index's signatures are for what it vouches for alone."""
    found = _read(base, part, about)
    records = tuple(
        record if record.kind in attestations.KINDS else replace(record, signatures=weighed.own.signatures)
        for record in found.records
    )
    found = replace(found, records=records)
    return found if weighed.document.refers or found.problem is not None else _bound(base, found, about[0])


def _bound(base: Evident, found: Evident, image: str) -> Evident:
    """What an attestation says that does not refer to the image itself: its statement has to name the image."""
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
