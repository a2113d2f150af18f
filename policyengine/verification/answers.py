"""Answers about revocation: what makes one count, and those that were fetched.

An answer is an OCSP response or a revocation list. Where it comes from proves nothing: it counts for its
signature and its times alone, checked again whenever it is used, from the network, memory or disk alike.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from policyengine import cache, limits
from policyengine.errors import PolicyEngineError, Unreachable, VerificationError

Fetch = Callable[[str, "bytes | None", int, float], bytes]
"""Asks an address: its URL, an OCSP request to send there (a plain GET where there is none), the most bytes, and
the most seconds. Raises `PolicyEngineError`, `Unreachable` among them where nobody answered."""


class Revoked(Struct, frozen=True):
    """An entry of an answer: since when a certificate is revoked, why, and since when its key was not to be trusted."""

    since: datetime
    reason: str
    invalid_since: datetime | None = None

    def excuses(self, signed_at: datetime | None) -> bool:
        """Whether a signature was made before the key became bad; only an authentic signing time can tell."""
        return signed_at is not None and self.invalid_since is not None and signed_at < self.invalid_since

    def __str__(self) -> str:
        return f"revoked since {instant(self.since)} ({self.reason})"


class Found(Struct, frozen=True):
    """What a valid answer means for one certificate and signing time; `entry` is there if it lists the certificate."""

    revoked: bool
    entry: Revoked | None
    this_update: datetime
    next_update: datetime | None


def check_current(this_update: datetime, next_update: datetime | None, at: datetime) -> None:
    """The answer is of `at`: not of the future, and not replaced yet; raises `VerificationError`.

    One without a next update could be replayed for ever (RFC 6960, section 4.2.2.1; RFC 5280, section 5.1.2.5).
    """
    check_begun(this_update, at)
    if next_update is None:
        raise VerificationError("it does not say when the next one comes")
    if at > next_update:
        raise VerificationError(f"it expired at {instant(next_update)}")


def check_begun(this_update: datetime, at: datetime) -> None:
    """The answer is not of a later instant, give or take differing clocks; raises `VerificationError`."""
    if this_update > at + timedelta(seconds=limits.CLOCK_SKEW_SECONDS):
        raise VerificationError(f"it is of {instant(this_update)}, which is later than the evaluation's instant")


def instant(time: datetime) -> str:
    """A time in UTC as messages show it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class Question(Struct, frozen=True):
    """What is asked of an address that a certificate names: a URL that begins with it, and perhaps a body."""

    address: str
    url: str
    body: bytes | None = None


class Answers:
    """What was fetched. Nothing is asked twice at one instant, and an address that nobody answers at only once.

    Revocation lists are kept beyond the instant, in memory and, if they are `cached`, in the user's cache. One object
    serves several threads.
    """

    def __init__(self, fetch: Fetch, cached: bool = True) -> None:
        self._fetch = fetch
        self._cached = cached
        self._at: datetime | None = None
        self._asked: dict[Question, bytes | PolicyEngineError] = {}
        self._lists: dict[str, bytes] = {}

    def ask(self, at: datetime, question: Question, limit: int, seconds: float) -> bytes:
        """The answer to `question` at the instant `at`; raises `VerificationError` where there is none."""
        if at != self._at:
            self._at, self._asked = at, {}
        asked, nobody = self._asked, Question(question.address, "")
        known = asked.get(question) or asked.get(nobody)
        if known is None:
            try:
                known = self._fetch(question.url, question.body, limit, seconds)
            except PolicyEngineError as error:
                known = error
                if isinstance(error, Unreachable):
                    asked[nobody] = error
            asked[question] = known
        if isinstance(known, PolicyEngineError):
            raise VerificationError(known.message, known.help)
        return known

    def kept(self, url: str) -> bytes | None:
        """The revocation list of `url` that was kept last; it may have expired."""
        return self._lists.get(url) or (cache.load(LISTS, url.encode()) if self._cached else None)

    def keep(self, url: str, data: bytes) -> None:
        """Keep a revocation list whose signature was verified."""
        if sum(map(len, self._lists.values())) + len(data) > limits.LISTS_BYTES:
            self._lists.clear()
        self._lists[url] = data
        if self._cached:
            cache.store(LISTS, url.encode(), data)


LISTS = "crl"
"""The kind of entries in the user's cache."""
