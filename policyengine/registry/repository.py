"""One repository of a registry as a store, over the distribution API 1.1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from policyengine import limits
from policyengine.errors import DigestMismatch, Malformed, NotFound, PolicyEngineError, RegistryError, TooLarge
from policyengine.oci import (
    INDEXES,
    MANIFESTS,
    OCI_INDEX,
    Descriptor,
    Index,
    Reference,
    digest_of,
    is_digest,
    is_tag,
    parse_digest,
    parse_manifest,
    quoted,
    verifiable,
    verify,
)
from policyengine.registry.answers import Answer, error_codes, failure
from policyengine.registry.challenges import next_link
from policyengine.registry.flights import Flights
from policyengine.registry.referrers import referrers_tag
from policyengine.registry.session import Session
from policyengine.registry.store import attempt
from policyengine.registry.targets import check_target, resolve_url

T = TypeVar("T")
R = TypeVar("R")

ACCEPT = ", ".join(sorted(INDEXES | MANIFESTS))
"""What a manifest may be. Without it, registries answer 404 for OCI content (docker-registry 2.8)."""

NOTATION = "application/vnd.cncf.notary.signature"
NO_API = frozenset((400, 404, 405, 406, 501))
"""Answers of registries that do not have the referrers API."""

REMEMBERED_BYTES = 64 * 1024
"""The largest manifest or blob that is kept in memory, so that a run asks for it once."""
RESUMED_BYTES = 1024 * 1024
"""The largest blob that is asked for anew, as a whole, where its transfer breaks off."""
REMEMBERED_IN_ALL = 16 * 1024 * 1024


class Repository:
    """One repository of a registry: a `Store`."""

    def __init__(self, reference: Reference, session: Session, mode: str, workers: int) -> None:
        self._name = reference.name
        self._path = f"/v2/{reference.repository}"
        self._session = session
        self._mode = mode
        self._workers = workers
        self._has_api = True
        self._flights = Flights()
        self._remembered: dict[str, bytes] = {}
        self._room = REMEMBERED_IN_ALL
        self._lists: dict[str, tuple[Descriptor, ...]] = {}
        self._tagged: set[str] = set()

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`."""
        if is_digest(target):
            parse_digest(target)
        elif not is_tag(target):
            raise NotFound(f"{quoted(target)} is not a tag of {self._name}")
        answer = self._get_manifest(target, limits.MANIFEST_BYTES)
        digest = target if is_digest(target) else digest_of(answer.body)
        verify(answer.body, digest)
        self._check_header(answer, digest)
        kind = parse_manifest(answer.body, answer.media_type).media_type
        self._remember(digest, answer.body)
        return Descriptor(kind, digest, len(answer.body))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        _check_size(descriptor, limits.MANIFEST_BYTES)
        return self._once(descriptor, descriptor.media_type, self._fetched_manifest)

    def _once(self, descriptor: Descriptor, kind: str, fetched: Callable[[Descriptor], bytes]) -> bytes:
        """What is remembered, or else fetched once, however many ask for it at the same time."""

        def had() -> bytes:
            known = self._remembered.get(descriptor.digest)
            return fetched(descriptor) if known is None else verify(known, descriptor.digest, descriptor.size)

        return self._flights.join((descriptor.digest, descriptor.size, kind), had)

    def _fetched_manifest(self, descriptor: Descriptor) -> bytes:
        excess = _longer(descriptor)
        answer = self._get_manifest(verifiable(descriptor.digest), descriptor.size, excess)
        data = verify(answer.body, descriptor.digest, descriptor.size)
        if answer.media_type != descriptor.media_type:
            raise Malformed(
                f"{self._session.origin} serves {descriptor.digest} as {quoted(answer.media_type)}"
                f" where it is listed as {quoted(descriptor.media_type)}"
            )
        return self._remember(descriptor.digest, data)

    def _get_manifest(self, target: str, limit: int, excess: PolicyEngineError | None = None) -> Answer:
        what = f"the manifest {target} of {self._name}"
        answer = self._session.get(self._url(f"manifests/{target}"), what, ACCEPT, limit, excess)
        if answer.status != 200:
            raise failure(answer, what, self._session.origin)
        return answer

    def _check_header(self, answer: Answer, digest: str) -> None:
        """Refuse a manifest that the registry itself names by another digest of the same algorithm."""
        stated = answer.header("docker-content-digest")
        if stated.startswith(digest.partition(":")[0] + ":") and stated != digest:
            raise DigestMismatch(f"{self._session.origin} calls the manifest {digest} by the digest {quoted(stated)}")

    def _remember(self, digest: str, data: bytes) -> bytes:
        if len(data) <= min(REMEMBERED_BYTES, self._room):
            self._room -= len(data)
            self._remembered[digest] = data
        return data

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        _check_size(descriptor, limit)
        return self._once(descriptor, "blob", self._fetched_blob)

    def _fetched_blob(self, descriptor: Descriptor) -> bytes:
        if descriptor.size > RESUMED_BYTES:
            return self._large(descriptor)
        what = f"the blob {descriptor.digest} of {self._name}"
        url = self._url(f"blobs/{verifiable(descriptor.digest)}")
        excess = _longer(descriptor)
        answer = self._session.get(url, what, "*/*", descriptor.size, excess)
        if answer.status != 200:
            raise failure(answer, what, self._session.origin)
        return self._remember(descriptor.digest, verify(answer.body, descriptor.digest, descriptor.size))

    def _large(self, descriptor: Descriptor) -> bytes:
        """A blob whose transfer goes on where it broke off; its digest is that of the whole."""
        parts, size = [], 0
        for piece in self.pieces(descriptor):
            size += len(piece)
            if size > descriptor.size:
                raise _longer(descriptor)
            parts.append(piece)
        return verify(b"".join(parts), descriptor.digest, descriptor.size)

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """See `Whole.pieces`. Where the transfer breaks off, it goes on from there."""
        what = f"the blob {descriptor.digest} of {self._name}"
        url = self._url(f"blobs/{verifiable(descriptor.digest)}")
        return self._session.resumed(lambda start: self._session.stream(url, what, start))

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`. A list is asked for once: one decision sees one state of it."""
        parse_digest(digest)
        if digest not in self._lists:
            listed = self._list(digest)
            self._lists[digest] = tuple({entry.digest: entry for entry in reversed(listed)}.values())[::-1]
        return self._lists[digest]

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.elsewhere`: the tag schema, where the API alone was asked and the user lets us choose.

        A registry may list one signature through its API and two under the tag: Notation rewrites the
        tag's index as a whole, and some registries learn through the API only of what came last.
        """
        if self._mode != "auto" or digest in self._tagged:
            return ()
        return self._from_tag(digest)

    def _list(self, digest: str) -> list[Descriptor]:
        """All entries that the registry has for `digest`, in the mode that the user chose.

        In mode `auto` the API is asked, and the tag schema too where the API is missing, or lists no
        Notation signature: Notation writes the tag by default, and some registries that have the API
        do not list then what they were given under it.
        """
        listed = self._from_api(digest) if self._mode != "tag" and self._has_api else None
        if self._mode == "api":
            if listed is None:
                raise RegistryError(f"{self._session.origin} has no referrers API", "use --referrers auto")
            return listed
        if listed and any(entry.artifact_type == NOTATION for entry in listed):
            return listed
        self._tagged.add(digest)
        return [*(listed or ()), *self._from_tag(digest)]

    def _from_api(self, digest: str) -> list[Descriptor] | None:
        """All pages of the referrers API; `None` where the registry does not have it."""
        url: str | None = self._url(f"referrers/{digest}")
        seen: set[str] = set()
        listed: list[Descriptor] = []
        while url and url not in seen:
            seen.add(url)
            page = self._page(url, digest, first=len(seen) == 1)
            if page is None:
                return None
            entries, url = page
            listed += entries
            if len(seen) > limits.REFERRER_PAGES or len(listed) > limits.REFERRERS:
                raise TooLarge(f"{self._session.origin} lists more referrers of {digest} than are read")
        if url:
            raise Malformed(f"{self._session.origin} lists the referrers of {digest} in a circle")
        return listed

    def _page(self, url: str, digest: str, first: bool) -> tuple[tuple[Descriptor, ...], str | None] | None:
        """The entries of one page and the URL of the next; `None` where there is no referrers API."""
        what = f"the referrers of {digest}"
        answer = self._session.get(url, what, OCI_INDEX, limits.MANIFEST_BYTES, stay=True)
        foreign = 300 <= answer.status < 400 or (answer.status == 200 and answer.media_type != OCI_INDEX)
        missing = answer.status in NO_API and "NAME_UNKNOWN" not in error_codes(answer)
        if first and (foreign or missing):
            self._has_api = answer.status == 404 and bool(error_codes(answer))  # that may be about this digest alone
            return None
        if answer.status != 200 or foreign:
            raise failure(answer, what, self._session.origin)
        index = parse_manifest(answer.body, OCI_INDEX)
        assert isinstance(index, Index)
        return index.manifests, self._next(url, answer.header("link"), digest)

    def _next(self, url: str, header: str, digest: str) -> str | None:
        """The URL of the next page, which must be of the same list."""
        link = next_link(header)
        if link is None:
            return None
        following = resolve_url(url, link)
        check_target("link", following, self._session.origin)
        if unquote(urlsplit(following).path) != urlsplit(self._url(f"referrers/{digest}")).path:
            raise RegistryError(f"{self._session.origin} continues the referrers of {digest} in another list")
        return following

    def _from_tag(self, digest: str) -> tuple[Descriptor, ...]:
        """The entries of the index under the tag that stands for `digest`; none where there is no such index."""
        what = f"the referrers of {digest} by their tag"
        url = self._url(f"manifests/{referrers_tag(digest)}")
        answer = self._session.get(url, what, ACCEPT, limits.MANIFEST_BYTES)
        if answer.status == 404:
            return ()
        if answer.status != 200:
            raise failure(answer, what, self._session.origin)
        if digest_of(answer.body, digest.partition(":")[0]) == digest:
            return ()  # GitLab takes the tag for the subject itself, whose platforms are no referrers
        index = parse_manifest(answer.body, answer.media_type)
        return index.manifests if isinstance(index, Index) else ()

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`. Each wave has threads of its own, so that waves may be nested."""
        from concurrent.futures import ThreadPoolExecutor

        waiting = list(items)
        if len(waiting) < 2:
            return [attempt(function, item) for item in waiting]
        with ThreadPoolExecutor(min(self._workers, len(waiting))) as threads:
            return list(threads.map(lambda item: attempt(function, item), waiting))

    def _url(self, rest: str) -> str:
        return f"{self._session.origin}{self._path}/{rest}"


def _check_size(descriptor: Descriptor, limit: int) -> None:
    if descriptor.size > limit:
        raise TooLarge(f"{descriptor.digest} has {descriptor.size} bytes, and the limit is {limit}")


def _longer(descriptor: Descriptor) -> DigestMismatch:
    return DigestMismatch(f"{descriptor.digest} has more bytes than the {descriptor.size} that its descriptor states")
