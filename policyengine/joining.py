"""Joining: what was gathered, plus trust, becomes evidence.

A signature counts for exactly the artifact whose descriptor its payload names; a document counts if a
trusted identity signed the manifest that binds it to the image; only then is it read. What an index is
signed for counts for its platforms too, because the index names their digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

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
from policyengine.evidence.assembly import Document as Evident
from policyengine.evidence.model import Collection, Gap
from policyengine.evidence.model import Signature as Verified
from policyengine.evidence.reading import Reading, Source
from policyengine.gathering import Document, Gathered, Part, Signature, Untried, Wanted, fetch, others
from policyengine.oci import Descriptor
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
    """An artifact with what claims to sign it, and what is not known of that."""

    target: Descriptor
    signatures: Sequence[Signature]
    gaps: tuple[Gap, ...] = ()


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
        lacking = [number for number, signed in enumerate(found) if not signed.signatures.items]
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
    known, its own and that of the index that names it.
    """

    judge: Judge
    store: Store
    wanted: Wanted
    accepts: frozenset[str]
    about: tuple[str, ...]


class Joined(Struct, frozen=True):
    """The documents of one subject, and what became of their signatures."""

    documents: tuple[Evident, ...]
    results: tuple[SignatureResult, ...]
    gaps: tuple[Gap, ...]


def documents(reader: Reader, gathered: Gathered) -> Joined:
    """What refers to the image as evidence."""
    cases = [Case(d.found.descriptor, d.signatures, _unlisted(d.unlisted)) for d in gathered.documents]
    signed = reader.judge.all_signed(reader.store, cases, reader.wanted)
    pairs = list(zip(gathered.documents, signed, strict=True))
    worth = [document for document, s in pairs if _worth_fetching(reader, document, s)]
    fetch(reader.store, [part for document in worth for part in document.parts])
    found = [evident for document, s in pairs for evident in _evident(reader, document, s)]
    found = [replace(evident, attached=gathered.descriptor.digest) for evident in found]
    found += [_stray(stray.descriptor, stray.reason) for stray in gathered.strays]
    gaps = []
    if gathered.unlisted is not None:
        gaps.append(_gap(f"the referrers could not be listed: {gathered.unlisted.message}", gathered.unlisted, True))
    return Joined(tuple(found), tuple(result for s in signed for result in s.results), tuple(gaps))


def _worth_fetching(reader: Reader, document: Document, signed: Signed) -> bool:
    """Whether somebody trusted signed a document, or some policy may take it unsigned."""
    return bool(signed.signatures.items) or bool(_promised(document, reader.wanted) & reader.accepts)


def _promised(document: Document, wanted: Wanted) -> frozenset[str]:
    """The kinds that a document may be: of one whose type nobody could read, every kind."""
    artifact_type = document.found.descriptor.artifact_type
    if artifact_type:
        return wanted.promised(artifact_type)
    return wanted.kinds | {"declared"} if wanted.declared else wanted.kinds


def _stray(descriptor: Descriptor, reason: str) -> Evident:
    return Evident(descriptor.digest, descriptor.artifact_type, reason=reason)


def _evident(reader: Reader, document: Document, signed: Signed) -> list[Evident]:
    """A referrer as evidence: one document for each of its blobs, or one that says why it is none."""
    base = _unread(document, signed, reader.wanted)
    if isinstance(document.found, Failure):
        return [_failed(base, document.found.error)]
    if not document.parts:
        return [_failed(base, EvidenceError("it has no layer, so there is no document in it"))]
    if not _worth_fetching(reader, document, signed):
        return [base]
    return [_read(base, part, reader.about) for part in document.parts]


def _unread(document: Document, signed: Signed, wanted: Wanted) -> Evident:
    """A document as far as it is known without its content. What hides its signatures must not hide what it says."""
    descriptor = document.found.descriptor
    doubt = max(signed.signatures.gaps, key=lambda gap: gap.outside, default=None)
    listed = tuple(result.digest for result in signed.results)
    return Evident(
        descriptor.digest, descriptor.artifact_type, _promised(document, wanted) - {"declared"},
        signed=bool(signed.signatures.items), doubt=doubt, signatures=signed.signatures,
        created=_created(descriptor.annotations, signed.signatures.items), listed=listed,
        declared=descriptor.artifact_type in wanted.declared,
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
        base = replace(base, data=part.content)
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


def _mislabelled(base: Evident, reading: Reading) -> tuple[str, ...]:
    """A warning where the declared type promises another format than the content has."""
    expected = formats.declared_format(base.artifact_type)
    if expected is None or reading.format.startswith(expected):
        return ()
    return (f"it is {reading.format} under the artifact type {base.artifact_type}",)
