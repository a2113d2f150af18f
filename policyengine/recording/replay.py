"""Replaying: stores, servers and trust that say what a record holds, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from msgspec import Struct

from policyengine import limits
from policyengine.errors import PolicyEngineError, TrustError
from policyengine.language.policyset import PolicySet
from policyengine.language.source import Source
from policyengine.oci import Descriptor, Reference, digest_of, is_digest, quoted, verify
from policyengine.recording import record
from policyengine.recording.archive import NotRecorded, Recorded
from policyengine.recording.record import Answer, Question
from policyengine.recording.recorder import asked_blob, asked_manifest
from policyengine.registry.store import Store, attempt
from policyengine.verification import trustpolicy
from policyengine.verification.answers import Fetch
from policyengine.verification.trust import Trust
from policyengine.verification.trustpolicy import StoreName

if TYPE_CHECKING:
    from policyengine.verification.certificates import Certificate

T = TypeVar("T")
R = TypeVar("R")


class Replayed:
    """A store that says again what one said: what is not in the record could not be had, and is never "none"."""

    def __init__(self, recorded: Recorded, answers: Iterable[Answer]) -> None:
        self._recorded = recorded
        self._said = {answer.question: answer for answer in answers}

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`."""
        found = self._listed(Question("resolve", target))
        if len(found) != 1 or (is_digest(target) and found[0].digest != target):
            raise NotRecorded(f"the record does not say what {quoted(target)} names")
        return found[0]

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        return self._content(asked_manifest(descriptor), descriptor, limits.MANIFEST_BYTES)

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        return self._content(asked_blob(descriptor, limit), descriptor, limit)

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`."""
        return self._listed(Question("referrers", digest))

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.elsewhere`."""
        return self._listed(Question("elsewhere", digest))

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`: one after the other."""
        return [attempt(function, item) for item in items]

    def _content(self, question: Question, descriptor: Descriptor, limit: int) -> bytes:
        content = self._answer(question).content
        if content is None:
            raise _unanswered(question)
        return verify(self._recorded.content(content, limit), descriptor.digest, descriptor.size)

    def _listed(self, question: Question) -> tuple[Descriptor, ...]:
        listed = self._answer(question).listed
        if listed is None:
            raise _unanswered(question)
        return listed

    def _answer(self, question: Question) -> Answer:
        answer = self._said.get(question)
        if answer is None:
            raise _unanswered(question)
        if answer.fault is not None:
            raise answer.fault.error()
        return answer


def _unanswered(question: Question) -> NotRecorded:
    asked = {"resolve": "what {} names", "manifest": "the manifest {}", "blob": "the blob {}"}
    what = asked.get(question.ask, "the referrers of {}").format(quoted(question.target))
    return NotRecorded(f"the record does not hold {what}")


Held: TypeAlias = "tuple[Certificate, ...] | TrustError"
"""What a record holds of a trust store."""


class Subject(Struct, frozen=True):
    """One image of a record."""

    reference: Reference
    store: Store
    platform: str | None
    shown: str


def subjects(recorded: Recorded) -> tuple[Subject, ...]:
    """The images of a record, each with what its store said."""
    return tuple(_subject(recorded, image) for image in recorded.record.images)


def _subject(recorded: Recorded, image: record.Image) -> Subject:
    reference = Reference(image.registry, image.repository, image.tag, image.digest)
    if not (image.tag or image.digest):
        raise recorded.refused("one of its images has neither a tag nor a digest")
    return Subject(reference, Replayed(recorded, image.answers), image.platform, image.shown)


def policies(recorded: Recorded) -> PolicySet:
    """The policies of a record; raises `UsageError` where they are not all there, and `PolicyError`."""
    found = PolicySet.compile([_source(recorded, policy) for policy in recorded.record.policies])
    if found.digest != recorded.record.policy_set:
        raise recorded.refused("its policies are not those that decided")
    return found


def _source(recorded: Recorded, policy: record.Policy) -> Source:
    try:
        return Source(policy.path, recorded.needed(policy.content, limits.POLICY_FILE_BYTES).decode())
    except UnicodeDecodeError:
        raise recorded.refused("one of its policies is no text") from None


def instant(recorded: Recorded) -> datetime:
    """The instant of a record's evaluation."""
    try:
        at = datetime.fromisoformat(recorded.record.at)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - refused below
    if at.utcoffset() is None:
        raise recorded.refused("it does not say at which instant was decided")
    return at


def trust(recorded: Recorded) -> Trust:
    """Who is trusted by a record; a store that its trust policy names and it does not hold cannot be read.

    Raises `UsageError` and `TrustError`.
    """
    trusted = recorded.record.trust
    if trusted.policy is None:
        return Trust.none(trusted.reason)
    content, file = recorded.needed(trusted.policy, limits.TRUST_FILE_BYTES), Path(trusted.path)
    policy = trustpolicy.parse(content, file)
    named = {store for statement in policy.statements for store in statement.stores}
    held = {StoreName(store.kind, store.name): store for store in trusted.stores}
    return Trust(policy, file, known={name: _certificates(recorded, name, held.get(name)) for name in named})


def _certificates(recorded: Recorded, name: StoreName, store: record.TrustStore | None) -> Held:
    """The certificates of a store, or why there are none to be had."""
    from policyengine.verification import certificates

    if store is None:
        return TrustError(f"the record does not hold the trust store {name}")
    if store.fault is not None:
        return TrustError(store.fault.message, store.fault.help)
    found = [recorded.needed(content, limits.TRUST_FILE_BYTES) for content in store.certificates]
    try:
        return tuple(certificates.read(der) for der in found)
    except PolicyEngineError as error:
        return TrustError(f"the record's trust store {name} holds something else than certificates: {error.message}")


def fetch(recorded: Recorded) -> Fetch:
    """What OCSP responders and servers of revocation lists said; what nobody asked them then, nobody can now."""
    said = {(each.url, each.request): each for each in recorded.record.revocation or ()}

    def ask(url: str, body: bytes | None, limit: int, seconds: float) -> bytes:  # noqa: ARG001 - as every `Fetch`
        found = said.get((url, None if body is None else digest_of(body)))
        if found is None:
            raise NotRecorded(f"the record does not hold an answer of {quoted(url)}")
        if found.fault is not None:
            raise found.fault.error()
        return recorded.content(found.content or "", limit)

    return ask
