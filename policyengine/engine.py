"""One evaluation, from a reference to a decision.

Bytes → verified values → facts → decision: each step a function of the one before. `evaluate` is the
story; gathering talks to the store, judging verifies signatures, joining reads documents, and the policy set decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from policyengine import limits
from policyengine.decision.combine import DENY, ERROR, joined
from policyengine.decision.model import Decision, Reason, SignatureResult, Subject
from policyengine.errors import ContentError, Malformed, PolicyEngineError, RegistryError
from policyengine.evidence.assembly import Document, Evidence
from policyengine.evidence.model import joined as union
from policyengine.gathering import Gathered, Wanted, find
from policyengine.imaging import image, stated_platform
from policyengine.indexing import Platform, platforms
from policyengine.indexing import gathered as gathered_of
from policyengine.joining import Reader, documents
from policyengine.judging import Judge, Signed, image_signatures
from policyengine.language.policyset import PolicySet
from policyengine.oci import Descriptor, Index, Reference, quoted
from policyengine.registry.store import Store
from policyengine.verification.revocation import Check, Revocation
from policyengine.verification.trust import Trust

if TYPE_CHECKING:
    from policyengine.registry.plainfetch import PlainFetch


class Source(Protocol):
    """Where repositories are: a registry, or a layout that stands for any one of them."""

    def repository(self, name: str) -> Store:
        """The repository called `name` (`registry.example.com/prod/app`)."""


class Request(Struct, frozen=True):
    """What is asked: an image in a store, by tag or digest, as `reference` names it; one platform or all."""

    reference: Reference
    store: Store
    platform: str | None = None


class Terms(Struct, frozen=True):
    """By what is decided: policies with their environment and parameters, trust, and the instant (aware, UTC).

    `revoked` checks certificates for revocation; without it nobody is asked, and whoever names a responder or a
    revocation list cannot be said not to be revoked. `signatures` of one artifact are tried at most.
    """

    policies: PolicySet
    trust: Trust
    at: datetime
    environment: str | None = None
    parameters: Mapping[str, Any] = {}
    revoked: Check | None = None
    signatures: int = limits.SIGNATURES_PER_SUBJECT


class Evaluation(Struct, frozen=True):
    """One request on its terms, with what follows from both: what to fetch, and who judges signatures."""

    request: Request
    terms: Terms
    wanted: Wanted
    judge: Judge
    signed: dict[str, Signed] = field(default_factory=dict)
    """What the signatures of an image or index are worth, by its digest: an index is judged once for all platforms."""

    @classmethod
    def of(cls, request: Request, terms: Terms) -> Evaluation:
        """The evaluation of `request` on `terms`."""
        policies = terms.policies
        judge = Judge(terms.trust, request.reference.name, terms.at, terms.revoked)
        configuration = policies.configuration or request.platform is not None
        wanted = Wanted(policies.kinds, policies.artifact_types, configuration, judge.trusted, terms.signatures)
        return cls(request, terms, wanted, judge)

    @property
    def store(self) -> Store:
        """Where the image is."""
        return self.request.store


def evaluate(
    reference: str,
    policies: PolicySet,
    *,
    trust: Trust,
    registry: Source,
    at: datetime,
    environment: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    platform: str | None = None,
    revoked: Check | None = None,
) -> Decision:
    """Decide whether the image that `reference` names (`registry/repository@digest` or `:tag`) may run.

    `registry` is where the image is: a `Registry`, or a `Layout` that stands for the reference's repository.
    `at` is the instant of the evaluation, aware. `revoked` checks certificates for revocation, by default by
    asking those whom they name (`asking`); `revocation.check` asks nobody. Never raises for what a registry
    or an artifact does: that becomes a decision to deny, or `error` where nobody can decide. Raises
    `InvalidReference` and `UsageError` before anything is fetched.
    """
    named = Reference.parse(reference)
    request = Request(named, registry.repository(named.name), platform)
    return decide_about(request, Terms(policies, trust, at, environment, parameters or {}, revoked or asking()))


def asking() -> Check:
    """The check of revocation that asks responders and lists.

    It opens no connection, and does not even import what does, before it has to: few certificates name anybody.
    """

    @cache
    def plain() -> PlainFetch:
        from policyengine.registry.plainfetch import PlainFetch

        return PlainFetch()

    def fetch(url: str, body: bytes | None, limit: int, seconds: float) -> bytes:
        return plain()(url, body, limit, seconds)

    return Revocation(fetch)


def decide_about(request: Request, terms: Terms) -> Decision:
    """The story: resolve and gather, then join and decide, for the image or for each platform of an index."""
    terms.policies.settle(terms.environment, terms.parameters)
    target = request.reference.target
    evaluation = Evaluation.of(request, terms)
    try:
        gathered = find(request.store, target, evaluation.wanted)
        if isinstance(gathered.content, Index):
            return _index(evaluation, gathered)
        _check_platform(request.platform, gathered)
        return _decided(evaluation, gathered)
    except (RegistryError, ContentError) as error:
        return _undecided(evaluation, error)


def _decided(evaluation: Evaluation, gathered: Gathered, taken: Platform | None = None) -> Decision:
    """The decision about one image manifest; `taken` is the entry by which indexes name it."""
    terms = evaluation.terms
    evidence, signatures = _known(evaluation, gathered, taken)
    subject = _subject(evaluation.request, gathered.descriptor)
    decision = terms.policies.decide(
        evidence, at=terms.at, environment=terms.environment, parameters=terms.parameters, subject=subject
    )
    return replace(decision, signatures=signatures)


def _check_platform(asked: str | None, gathered: Gathered) -> None:
    """Refuse an image by itself that is for another platform than the one `asked` for."""
    if asked is None:
        return
    stated = stated_platform(gathered)
    if not f"{stated}/".startswith(f"{asked}/"):
        what = f"is for {quoted(stated)}" if stated else "does not say for which platform it is"
        raise Malformed(
            f"the image {what}, and {quoted(asked)} was asked for", "leave out the platform, or name the image's"
        )


def _known(
    evaluation: Evaluation, gathered: Gathered, taken: Platform | None
) -> tuple[Evidence, tuple[SignatureResult, ...]]:
    """What is known of one image manifest, with what its indexes add, and what became of every signature."""
    judge, store, wanted = evaluation.judge, evaluation.store, evaluation.wanted
    accepts = evaluation.terms.policies.accepts
    sources = [gathered, *reversed(taken.parents if taken is not None else ())]
    signed = [_signed(evaluation, source) for source in sources]
    about = tuple(source.descriptor.digest for source in sources)
    reader = Reader(judge, store, wanted, accepts, about, dict(zip(about[1:], signed[1:], strict=True)))
    found = [documents(reader, source) for source in sources]
    evidence = Evidence(
        image(
            evaluation.request.reference,
            gathered,
            taken.descriptor.platform if taken is not None else None,
            union(each.signatures for each in signed),
        ),
        tuple(_compared(document, about) for each in found for document in each.documents),
        tuple(gap for each in found for gap in each.gaps),
    )
    results = [each.results for each in signed] + [each.results for each in found]
    return evidence, tuple(result for part in results for result in part)


def _signed(evaluation: Evaluation, source: Gathered) -> Signed:
    """What the signatures of an image or index are worth."""
    digest = source.descriptor.digest
    if digest not in evaluation.signed:
        evaluation.signed[digest] = image_signatures(evaluation.judge, evaluation.store, source, evaluation.wanted)
    return evaluation.signed[digest]


def _compared(document: Document, about: tuple[str, ...]) -> Document:
    """`document` with a warning where it names subjects, and none of them is the image."""
    if not document.subjects or set(about) & set(document.subjects):
        return document
    warning = f"it says that it is about {document.subjects[0][:19]}, which is another image"
    return replace(document, warnings=(*document.warnings, warning))


# ---------------------------------------------------------------------------- indexes


def _index(evaluation: Evaluation, index: Gathered) -> Decision:
    """The decision about an index: the worst of its platforms', or that of the one that was asked for."""
    store, wanted = evaluation.store, evaluation.wanted
    found = platforms(store, index, evaluation.request.platform, wanted)
    decisions = [
        (platform.name, platform.descriptor.digest, _platform(evaluation, platform, own))
        for platform, own in gathered_of(store, found, wanted)
    ]
    return joined(_subject(evaluation.request, index.descriptor), decisions)


def _platform(evaluation: Evaluation, platform: Platform, own: Gathered | PolicyEngineError) -> Decision:
    """The decision about one platform of an index."""
    try:
        if isinstance(own, PolicyEngineError):
            raise own
        return _decided(evaluation, own, platform)
    except (RegistryError, ContentError) as error:
        return _undecided(evaluation, error)


# ---------------------------------------------------------------------------- when nothing can be evaluated


def _subject(request: Request, descriptor: Descriptor) -> Subject:
    reference = request.reference
    shown = Reference(reference.registry, reference.repository, reference.tag, descriptor.digest)
    return Subject(str(shown), reference.name, descriptor.digest, descriptor.media_type)


def _undecided(evaluation: Evaluation, error: PolicyEngineError) -> Decision:
    """The decision where the image itself could not be had, or is not what it should be."""
    reference, terms = evaluation.request.reference, evaluation.terms
    outside = isinstance(error, RegistryError)
    reason = Reason(_code(error), error.message, bool(getattr(error, "retry", False)) if outside else None)
    subject = Subject(str(reference), reference.name, reference.digest or "", "")
    summary = terms.policies.shown(terms.environment, terms.parameters)
    return Decision(ERROR if outside else DENY, subject, terms.at, summary, reasons=(reason,))


def _code(error: PolicyEngineError) -> str:
    """The reason's code: the name of the error's class in kebab-case."""
    name = type(error).__name__
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
