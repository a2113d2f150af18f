"""Recording: what stores and servers said, noted while a decision is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from policyengine import __version__
from policyengine.errors import PolicyEngineError, TrustError
from policyengine.language.policyset import PolicySet
from policyengine.oci import Descriptor, Reference, digest_of
from policyengine.recording import archive, record
from policyengine.recording.record import Answer, Fault, Question, Record
from policyengine.registry.store import Store
from policyengine.verification.answers import Fetch
from policyengine.verification.trust import Trust
from policyengine.verification.trustpolicy import StoreName

T = TypeVar("T")
R = TypeVar("R")


class Contents(dict[str, bytes]):
    """Contents by their SHA-256 digest."""

    def keep(self, data: bytes) -> str:
        """Keep `data`; its digest."""
        digest = digest_of(data)
        self[digest] = data
        return digest


class Watched:
    """A store that notes what another one says. Whoever asks the same again hears the same again."""

    def __init__(self, inner: Store, contents: Contents) -> None:
        self._inner, self._contents = inner, contents
        self._said: dict[Question, Answer] = {}

    def answers(self) -> tuple[Answer, ...]:
        """Everything that was asked, in an order that does not depend on which thread was first."""
        return tuple(sorted(self._said.values(), key=lambda answer: _order(answer.question)))

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`."""
        return self._listed(Question("resolve", target), lambda: (self._inner.resolve(target),))[0]

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        return self._content(asked_manifest(descriptor), lambda: self._inner.manifest(descriptor))

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        return self._content(asked_blob(descriptor, limit), lambda: self._inner.blob(descriptor, limit))

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`."""
        return self._listed(Question("referrers", digest), lambda: self._inner.referrers(digest))

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.elsewhere`."""
        return self._listed(Question("elsewhere", digest), lambda: self._inner.elsewhere(digest))

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`."""
        return self._inner.each(function, items)

    def _content(self, question: Question, ask: Callable[[], bytes]) -> bytes:
        answer = self._answer(question, lambda: Answer(question, content=self._contents.keep(ask())))
        return self._contents[answer.content or ""]

    def _listed(self, question: Question, ask: Callable[[], tuple[Descriptor, ...]]) -> tuple[Descriptor, ...]:
        return self._answer(question, lambda: Answer(question, listed=ask())).listed or ()

    def _answer(self, question: Question, ask: Callable[[], Answer]) -> Answer:
        """What was said to `question` first."""
        if question not in self._said:
            try:
                answer = ask()
            except PolicyEngineError as error:
                answer = Answer(question, fault=Fault.of(error))
            self._said.setdefault(question, answer)
        answer = self._said[question]
        if answer.fault is not None:
            raise answer.fault.error()
        return answer


def asked_manifest(descriptor: Descriptor) -> Question:
    """The question for a manifest."""
    return Question("manifest", descriptor.digest, descriptor.media_type, descriptor.size)


def asked_blob(descriptor: Descriptor, limit: int) -> Question:
    """The question for a blob."""
    return Question("blob", descriptor.digest, "", descriptor.size, limit)


def _order(question: Question) -> tuple[str, str, str, int, int]:
    return question.ask, question.target, question.media_type, question.size, question.limit


class Recorder:
    """Notes what decisions depend on. One object serves several images and threads."""

    def __init__(self) -> None:
        self._contents = Contents()
        self._watched: list[tuple[record.Image, Watched]] = []
        self._revocation: dict[tuple[str, bytes | None], record.Revocation] | None = None

    def watch(self, reference: Reference, store: Store, platform: str | None, shown: str) -> Store:
        """`store`, from now on noted as that of one image."""
        name = (reference.registry, reference.repository, reference.tag, reference.digest)
        watched = Watched(store, self._contents)
        self._watched.append((record.Image(*name, platform, shown), watched))
        return watched

    def overhear(self, fetch: Fetch) -> Fetch:
        """`fetch`, from now on noted."""
        noted = self._revocation = {}

        def ask(url: str, body: bytes | None, limit: int, seconds: float) -> bytes:
            try:
                data, fault = fetch(url, body, limit, seconds), None
            except PolicyEngineError as error:
                data, fault = b"", Fault.of(error)
            request = None if body is None else self._contents.keep(body)
            content = None if fault is not None else self._contents.keep(data)
            said = noted.setdefault((url, body), record.Revocation(url, request, content, fault))
            if said.fault is not None:
                raise said.fault.error()
            return self._contents[said.content or ""]

        return ask

    def save(self, path: Path, by: Grounds, report: str) -> None:
        """Write everything that was noted, `by` what was decided, and the `report`; raises `UsageError`."""
        keep = self._contents.keep
        texts = by.policies.sources
        found = Record(
            record.FORMAT,
            record.VERSION,
            __version__,
            by.at.isoformat(),
            tuple(_with_answers(image, watched) for image, watched in self._watched),
            tuple(record.Policy(text.path, keep(text.text.encode())) for text in texts),
            by.policies.digest,
            self._trusted(by.trust),
            keep(report.encode("utf-8", "surrogateescape")),
            by.environment,
            by.parameters,
            by.fail_on,
            by.signatures,
            self._overheard(),
        )
        archive.save(path, found, self._contents)

    def _overheard(self) -> tuple[record.Revocation, ...] | None:
        """What was said about revocation, in an order of its own; `None` where nobody was to be asked."""
        said = self._revocation
        return None if said is None else tuple(said[key] for key in sorted(said, key=repr))

    def _trusted(self, trust: Trust) -> record.Trusted:
        """The trust policy, and the stores of the statements that select the images' repositories."""
        if trust.content is None:
            return record.Trusted(reason=trust.reason)
        names = [f"{image.registry}/{image.repository}" for image, _ in self._watched]
        statements = [statement for name in dict.fromkeys(names) if (statement := trust.select(name)) is not None]
        stores = dict.fromkeys(store for statement in statements for store in statement.stores)
        held = tuple(self._store(trust, store) for store in stores)
        return record.Trusted(self._contents.keep(trust.content), str(trust.file), trust.reason, held)

    def _store(self, trust: Trust, store: StoreName) -> record.TrustStore:
        try:
            found = trust.certificates(store)
        except TrustError as error:
            return record.TrustStore(store.kind, store.name, fault=Fault.of(error))
        return record.TrustStore(store.kind, store.name, tuple(self._contents.keep(each.der) for each in found))


class Grounds(Struct, frozen=True):
    """By what was decided, beside what stores and servers said."""

    policies: PolicySet
    trust: Trust
    at: datetime
    environment: str | None
    parameters: tuple[str, ...]
    fail_on: Literal["deny", "warn"]
    signatures: int


def _with_answers(image: record.Image, watched: Watched) -> record.Image:
    return replace(image, answers=watched.answers())
