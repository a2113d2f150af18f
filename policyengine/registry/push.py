"""Attaching an artifact in a registry: its blobs, its manifest, and its place among the referrers of its subject.

Distribution specification 1.1, "Pushing blobs", "Pushing manifests" and "Pushing manifests with subject". Nothing is
ever deleted.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from policyengine import limits
from policyengine.errors import DigestMismatch, Malformed, NotFound, RegistryError, TooLarge, Unauthorized
from policyengine.oci import (
    INDEXES,
    MANIFESTS,
    OCI_INDEX,
    Descriptor,
    Index,
    Reference,
    digest_of,
    parse_json,
    parse_manifest,
    quoted,
    verifiable,
)
from policyengine.registry.answers import REDIRECTED, Answer, failure
from policyengine.registry.content import Content, of_bytes
from policyengine.registry.referrers import referrers_tag
from policyengine.registry.session import Session
from policyengine.registry.targets import resolve_url
from policyengine.registry.writing import checked, compact, entry_of

if TYPE_CHECKING:
    from policyengine.registry.copying import Plan

ATTEMPTS = 8
"""How often a referrers list is written that others write at the same time."""
LONGEST_PAUSE = 0.5
"""Seconds between two attempts, at most: a random part of it, so that two writers get out of step."""

SETTLED = 0.2
"""Seconds after which the list is looked at once more: who read it before we wrote it may write it after us."""

CHUNK_BYTES = 8 * 1024 * 1024
"""The pieces of a blob that the server does not take as a whole; Amazon's registry wants at least 5 MiB."""

BYTES = "application/octet-stream"
ACCEPT = ", ".join(sorted(INDEXES | MANIFESTS))
"""What may be under the tag: registries answer 404 for what was not asked for, and an image is not to be replaced."""

THERE = Answer(304, {}, b"")
"""Stands for an upload that was not needed."""


class Pusher:
    """Attaches artifacts in one repository.

    In mode `auto` the registry lists an artifact itself where it says so, and else the tag schema does; `tag`
    writes the tag in any case, as Notation does by default; `api` refuses registries that do not list.
    """

    def __init__(self, reference: Reference, session: Session, mode: str) -> None:
        self._name = reference.name
        self._path = f"/v2/{reference.repository}"
        self._session = session
        self._mode = mode

    def attach(self, manifest: bytes, blobs: Iterable[bytes | Content], listed: Descriptor) -> None:
        """Push the `blobs` and the `manifest` that names them, and list it among its subject's referrers.

        Raises `RegistryError`.
        """
        for content in blobs:
            self.push_blob(content if isinstance(content, Content) else of_bytes(content))
        self.put(manifest, listed)

    def store(self, content: Content) -> bool:
        """See `copying.Target`."""
        return self.push_blob(content)

    def finish(self, plan: Plan, tag: str | None) -> None:
        """See `copying.Target`: the tag comes last."""
        if tag is not None:
            self._put(tag, plan.root.data, plan.root.descriptor.media_type)

    def put(self, manifest: bytes, listed: Descriptor) -> None:
        """Push a manifest whose blobs are there, by its digest, and list it if it refers to something."""
        answer = self._put(listed.digest, manifest, listed.media_type)
        subject = parse_manifest(manifest, listed.media_type).subject
        if subject is not None:
            self._see_listed(subject.digest, answer, listed)

    def _see_listed(self, subject: str, answer: Answer, listed: Descriptor) -> None:
        """List what was pushed under its subject's tag, unless the registry's `answer` says that it does it itself."""
        known = answer.header("oci-subject") == subject
        if self._mode == "api" and not known:
            raise RegistryError(f"{self._session.origin} does not list referrers itself", "use --referrers auto")
        if self._mode == "tag" or not known:
            self._list(subject, listed)

    # ------------------------------------------------------------------------ blobs

    def push_blob(self, given: Content) -> bool:
        """Push one blob, or find it there (`False`); after an answer that was lost, look whether it is.

        Raises `RegistryError`, and `DigestMismatch` for other bytes.
        """
        content = Content(given.digest, given.size, lambda: checked(given))
        what = f"the blob {content.digest} of {self._name}"
        answer = self._session.patiently(what, lambda: self._upload(content, what))
        if answer.status == 413:
            answer = self._session.patiently(what, lambda: self._upload(content, what, in_chunks=True))
        if answer is THERE:
            return False
        self._check(answer, what, content.digest)
        return True

    def _upload(self, content: Content, what: str, in_chunks: bool = False) -> Answer:
        """The answer that ends one upload: success, or the first that is none."""
        there = self._session.send("HEAD", self._url(f"blobs/{verifiable(content.digest)}"), what)
        if there.status == 200 or there.status in REDIRECTED:  # to where the blob is stored
            return THERE
        begun = self._session.send("POST", self._url("blobs/uploads/"), what)
        if begun.status != 202:
            return begun
        place = self._place(self._url("blobs/uploads/"), begun)
        body: bytes | Content = content
        if in_chunks:
            answer, place = self._chunks(place, begun, content, what)
            if answer.status != 202:
                return answer
            body = b""
        place += f"{'&' if '?' in place else '?'}digest={quote(content.digest, safe='')}"
        return self._session.send("PUT", place, what, body, {"Content-Type": BYTES})

    def _chunks(self, place: str, begun: Answer, content: Content, what: str) -> tuple[Answer, str]:
        """Send all of `content` in chunks; the last answer, or the first refusal, and where the upload ends."""
        least = begun.header("oci-chunk-min-length")
        size = max(CHUNK_BYTES, int(least)) if least.isdecimal() and len(least) < 10 else CHUNK_BYTES
        answer, sent = begun, 0
        for chunk in _chunked(content, size):
            range_ = f"{sent}-{sent + len(chunk) - 1}"
            answer = self._session.send("PATCH", place, what, chunk, {"Content-Type": BYTES, "Content-Range": range_})
            if answer.status != 202:
                break
            place = self._place(place, answer)
            sent += len(chunk)
        return answer, place

    def _place(self, base: str, answer: Answer) -> str:
        """Where the upload continues."""
        place = answer.header("location")
        if not place:
            raise RegistryError(f"{self._session.origin} does not say where to upload to")
        return resolve_url(base, place)

    # ------------------------------------------------------------------------ manifests

    def _put(self, target: str, content: bytes, media_type: str, known: str = "") -> Answer:
        """Push a manifest by digest or tag; `known` is the mark of what it may replace. Its answer is a success."""
        what = f"the manifest {target} of {self._name}"
        headers = {"Content-Type": media_type} | ({"If-Match": known} if known else {})
        url = self._url(f"manifests/{target}")
        answer = self._session.patiently(what, lambda: self._session.send("PUT", url, what, content, headers))
        if not (known and answer.status == 412):
            self._check(answer, what, digest_of(content))
        return answer

    def _list(self, subject: str, listed: Descriptor) -> None:
        """Add an entry to the index under the subject's tag.

        Others may do that at the same time, and the last one wins where the registry does not heed `If-Match`:
        so what came of it is read again, at once and a little later.
        """
        tag = referrers_tag(subject)
        wrote = False
        for attempt in range(ATTEMPTS + 1):
            index, mark = self._index(tag, subject)
            if _lists(index, listed):
                if not wrote:
                    return
                time.sleep(SETTLED)
                index, mark = self._index(tag, subject)
                if _lists(index, listed):
                    return
            if attempt:
                time.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311 - spreads load, no secret
            if attempt < ATTEMPTS:
                self._write(tag, index, mark, listed)
                wrote = True
        raise RegistryError(f"others write the list of referrers {tag} of {self._name} all the time", "try again")

    def _write(self, tag: str, index: dict[str, Any], mark: str, listed: Descriptor) -> None:
        """Write the index with one more entry, where it still has the mark."""
        content = compact({**index, "manifests": [*index["manifests"], entry_of(listed)]})
        if len(content) > limits.MANIFEST_BYTES:
            raise TooLarge(f"the list of referrers {tag} of {self._name} would become larger than it may be")
        self._put(tag, content, OCI_INDEX, mark)

    def _index(self, tag: str, subject: str) -> tuple[dict[str, Any], str]:
        """The index under the tag, as it stands there or new, and the mark of this state of it."""
        what = f"the list of referrers {tag} of {self._name}"
        answer = self._session.get(self._url(f"manifests/{tag}"), what, ACCEPT, limits.MANIFEST_BYTES)
        if answer.status not in (200, 404):
            raise failure(answer, what, self._session.origin)
        if answer.status == 404 or digest_of(answer.body, subject.partition(":")[0]) == subject:
            return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, ""  # GitLab shows the subject itself
        if not isinstance(parse_manifest(answer.body, answer.media_type), Index):
            raise Malformed(f"{what} is not an index", "remove that tag")
        document = parse_json(answer.body, what)
        assert isinstance(document, dict)
        mark = answer.header("etag")
        return {**document, "manifests": document["manifests"] or []}, "" if mark.startswith("W/") else mark

    # ------------------------------------------------------------------------ answers

    def _check(self, answer: Answer, what: str, digest: str) -> None:
        """Refuse an answer that is no success, or that is about other bytes."""
        if answer.status not in (200, 201, 204):
            raise self._refusal(answer, what)
        stated = answer.header("docker-content-digest")
        if stated.startswith(digest.partition(":")[0] + ":") and stated != digest:
            raise DigestMismatch(f"{self._session.origin} stored {what} as {quoted(stated)}")

    def _refusal(self, answer: Answer, what: str) -> RegistryError:
        origin, status = self._session.origin, answer.status
        if status in (401, 403):
            return Unauthorized(
                f"{origin} does not let this login write {what} ({status})", "log in with an account that may push"
            )
        if status == 404:
            return NotFound(f"{origin} has no place for {what} (404)", "create the repository, or check its name")
        if status == 405:
            return RegistryError(f"{origin} takes no uploads, so not {what} either (405)", "it may be read-only")
        if status == 413:
            return RegistryError(f"{what} is larger than {origin} takes (413)", "ask its administrator for the limit")
        return failure(answer, what, origin)

    def _url(self, rest: str) -> str:
        return f"{self._session.origin}{self._path}/{rest}"


def _lists(index: dict[str, Any], listed: Descriptor) -> bool:
    return any(isinstance(entry, dict) and entry.get("digest") == listed.digest for entry in index["manifests"])


def _chunked(content: Content, size: int) -> Iterable[bytes]:
    """The content in chunks of exactly `size` bytes, but for the last."""
    held = bytearray()
    for piece in content.pieces():
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
