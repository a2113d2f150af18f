"""One conversation with a registry about one repository: logs in, follows redirects, tries again, keeps to bounds."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping

from msgspec import Struct

from policyengine import limits
from policyengine.errors import PolicyEngineError, RegistryError, TooLarge
from policyengine.oci import quoted
from policyengine.registry.answers import REDIRECTED, RETRIED, Answer, failure, joined, retry_after
from policyengine.registry.content import Content
from policyengine.registry.notices import Notices
from policyengine.registry.pace import Pace
from policyengine.registry.targets import Origin, check_target, origin_of, resolve_url
from policyengine.registry.tokens import CLIENT, Authorizer
from policyengine.registry.transport import Deadline, Request, Response, Transport


class Retry(Struct, frozen=True):
    """How often a request is sent, and how long to wait in between: a random part of a time that doubles."""

    attempts: int = 4
    first: float = 0.25
    longest: float = 3.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the attempt counted from 0."""
        import random

        return random.uniform(0.0, min(self.first * 2**attempt, self.longest))  # noqa: S311 - spreads load, no secret


PATIENT = Retry()

WIDTH = 16
"""Requests that are open at once, where nobody says otherwise."""


class Session:
    """Requests to one repository. All threads of a run share it, with its deadline and its budget of bytes."""

    def __init__(
        self,
        origin: Origin,
        transport: Transport,
        authorizer: Authorizer,
        deadline: Deadline,
        trusted: Container[str] = (),
        retry: Retry = PATIENT,
        most: int = limits.RUN_BYTES,
        pace: Pace | None = None,
    ) -> None:
        self.origin = origin
        self._transport = transport
        self._authorizer = authorizer
        self._deadline = deadline
        self._trusted = trusted
        self._retry = retry
        self._lock = threading.Lock()
        self._most = most
        self._pace = pace or Pace(WIDTH)
        self._notices = Notices(origin)
        self._bytes = 0
        self._retries = 0

    def get(
        self, url: str, what: str, accept: str, limit: int, excess: PolicyEngineError | None = None, stay: bool = False
    ) -> Answer:
        """The answer to a GET of `url`, whose body has at most `limit` bytes; `what` names it in messages.

        More bytes raise `excess`, else `TooLarge`. With `stay` a redirect to another server is the
        answer. Raises `RegistryError` when no answer could be had; any status but those that are
        worth another try is an answer.
        """
        wanted = _Wanted(what, accept, limit, excess or TooLarge(f"{what} has more than {limit} bytes"), stay)
        return self.patiently(what, lambda: self._follow(url, wanted))

    def patiently(self, what: str, attempt: Callable[[], Answer]) -> Answer:
        """What `attempt` returns, which is made again, a little later, after what may pass.

        Raises `RegistryError` when it does not pass in time.
        """
        for count in range(self._retry.attempts):
            least = 0.0
            try:
                answer = attempt()
            except RegistryError as error:
                if not error.retry:
                    raise
                problem = error
            else:
                if answer.status not in RETRIED:
                    return answer
                problem = failure(answer, what, self.origin)
                least = retry_after(answer)
            wait = max(least, self._retry.delay(count))
            if count + 1 == self._retry.attempts or not self._may_wait(wait):
                raise problem
            time.sleep(wait)
        raise AssertionError("a request is sent at least once")

    def _may_wait(self, seconds: float) -> bool:
        """Whether there is time for another try, and the run has not made too many."""
        with self._lock:
            self._retries += 1
            return self._retries <= limits.RETRIES and self._deadline.allows(seconds)

    def resumed(self, opened: Callable[[int], Iterator[bytes]]) -> Iterator[bytes]:
        """What `opened(0)` yields; where that breaks off after n bytes in a way that may pass, `opened(n)` goes on.

        A transfer that gets on is not given up for having broken off often.
        """
        start = failed = 0
        while True:
            try:
                for piece in opened(start):
                    yield piece
                    start, failed = start + len(piece), 0
            except RegistryError as error:
                wait, failed = self._retry.delay(failed), failed + 1
                if not error.retry or failed >= self._retry.attempts or not self._may_wait(wait):
                    raise
                time.sleep(wait)
            else:
                return

    def send(
        self, method: str, url: str, what: str, body: bytes | Content = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to another request than GET, which is made once, and redirected nowhere.

        The login goes to the registry itself only. Raises `RegistryError` when no answer could be had.
        """
        target = check_target("place for uploads", url, self.origin, self._trusted)
        excess = TooLarge(f"the answer about {what} is too large")
        wanted = _Wanted(what, "*/*", limits.ERROR_BYTES, excess, True, method, body, headers or {})
        return self._authorised(url, wanted) if target == self.origin else self._exchange(url, wanted, "")

    def stream(self, url: str, what: str, start: int = 0) -> Iterator[bytes]:
        """The body of a blob in pieces, from byte `start` on, as long as it comes.

        Raises `RegistryError` where it cannot be had or breaks off, with `retry` where another try may help.
        """
        target, asked = self.origin, False
        wanted = _Wanted(what, "*/*", limits.ERROR_BYTES, TooLarge(what), False, headers=_range(start))
        for _ in range(limits.REDIRECTS + 2):  # one of them for the login
            own = target == self.origin
            header = self._authorizer.ready(self._deadline) if own else ""
            with self._transport.open(self._request(url, wanted, header), self._deadline) as response:
                if response.status in (200, 206):
                    yield from self._pieces(response, start, _first_byte(response, start))
                    return
                answer = Answer(response.status, joined(response.headers), self._body(response, wanted))
            if answer.status == 401 and own and not asked and answer.header("www-authenticate"):
                asked = True
                self._authorizer.renew(answer.header("www-authenticate"), header, self._deadline)
                continue
            if answer.status not in REDIRECTED or not answer.header("location"):
                raise failure(answer, what, self.origin)
            url = resolve_url(url, answer.header("location"))
            target = check_target("redirect", url, self.origin, self._trusted)
        raise RegistryError(f"{self.origin} redirects more than {limits.REDIRECTS} times for {what}")

    def _pieces(self, response: Response, start: int, first: int) -> Iterator[bytes]:
        """A body as it arrives, whose beginning is byte `first` of the blob, from byte `start` on."""
        known = start - first
        if not 0 <= first <= start:
            raise RegistryError(f"{self.origin} sends another part of a blob than was asked for")
        if response.header("content-encoding").lower() not in ("", "identity"):
            raise RegistryError(f"{self.origin} sends a blob compressed, which was not asked for")
        for chunk in response.chunks:
            self._spend(len(chunk))
            skipped, known = min(known, len(chunk)), max(known - len(chunk), 0)
            if chunk[skipped:]:
                yield chunk[skipped:]

    def _follow(self, url: str, wanted: _Wanted) -> Answer:
        """The answer at the end of all redirects. The login goes to the registry itself only."""
        target = self.origin
        for _ in range(limits.REDIRECTS + 1):
            answer = self._authorised(url, wanted) if target == self.origin else self._exchange(url, wanted, "")
            location = answer.header("location")
            if answer.status not in REDIRECTED or not location:
                return answer
            url = resolve_url(url, location)
            if wanted.stay and origin_of(url) != self.origin:
                return answer
            target = check_target("redirect", url, self.origin, self._trusted)
        raise RegistryError(f"{self.origin} redirects more than {limits.REDIRECTS} times for {wanted.what}")

    def _authorised(self, url: str, wanted: _Wanted) -> Answer:
        """The registry's answer; a 401 is answered once, with a fresh login."""
        header = self._authorizer.ready(self._deadline)
        answer = self._exchange(url, wanted, header)
        challenge = (answer.header("www-authenticate") or self._challenge()) if answer.status == 401 else ""
        if not challenge:
            return answer
        header = self._authorizer.renew(challenge, header, self._deadline)
        return self._exchange(url, wanted, header)

    def _challenge(self) -> str:
        """How to log in, asked where the specification says: some registries say it nowhere else."""
        wanted = _Wanted("how to log in", "*/*", limits.ERROR_BYTES, TooLarge("the answer is too large"), True)
        answer = self._exchange(f"{self.origin}/v2/", wanted, "")
        return answer.header("www-authenticate") if answer.status == 401 else ""

    def _exchange(self, url: str, wanted: _Wanted, authorization: str) -> Answer:
        request = self._request(url, wanted, authorization)
        with self._pace.request() as width, self._transport.open(request, self._deadline) as response:
            if response.status == 429:
                self._pace.slow_down(width)
            if request.url.startswith(f"{self.origin}/"):
                self._notices.heed(response)
            return Answer(response.status, joined(response.headers), self._body(response, wanted))

    def _request(self, url: str, wanted: _Wanted, authorization: str) -> Request:
        headers = {"Accept": wanted.accept, "Accept-Encoding": "identity", "User-Agent": CLIENT, **wanted.headers}
        if authorization:
            headers["Authorization"] = authorization
        return Request(wanted.method, url, headers, wanted.body)

    def _body(self, response: Response, wanted: _Wanted) -> bytes:
        """The whole body of a success, the beginning of any other."""
        good = response.status == 200
        if good and response.header("content-encoding").lower() not in ("", "identity"):
            raise RegistryError(f"{self.origin} sends {wanted.what} compressed, which was not asked for")
        limit = wanted.limit if good else limits.ERROR_BYTES
        length = response.header("content-length")
        if good and length.isdecimal() and int(length[:20]) > limit:
            raise wanted.excess
        parts: list[bytes] = []
        size = 0
        for chunk in response.chunks if response.status not in REDIRECTED else ():
            size += len(chunk)
            if size > limit:
                if good:
                    raise wanted.excess
                break
            parts.append(chunk)
            self._spend(len(chunk))
        return b"".join(parts)

    def _spend(self, size: int) -> None:
        with self._lock:
            self._bytes += size
            if self._bytes > self._most:
                raise TooLarge(f"{quoted(self.origin)} sent more than {self._most} bytes for one image")


def _first_byte(response: Response, asked: int) -> int:
    """Where a body begins in its blob: a registry that knows no ranges sends it anew; -1 where it does not say."""
    stated = response.header("content-range")
    if response.status == 200 or not stated:
        return asked if response.status == 206 else 0
    found = re.match(r"bytes ([0-9]{1,18})-", stated, re.ASCII)
    return int(found[1]) if found else -1


def _range(start: int) -> dict[str, str]:
    return {"Range": f"bytes={start}-"} if start else {}


class _Wanted(Struct, frozen=True):
    """What one request is for, and what bounds its answer."""

    what: str
    accept: str
    limit: int
    excess: PolicyEngineError
    stay: bool
    method: str = "GET"
    body: bytes | Content = b""
    headers: Mapping[str, str] = {}
