"""Whether a certificate of a chain is revoked: OCSP responders and revocation lists, asked as the specification says.

Trust store and trust policy specification, "Certificate Revocation Evaluation". Of each certificate but the
root: its responders are asked one after the other until one gives a valid answer, then its lists; one that
names neither cannot be revoked and is fine; one of which nobody gives a valid answer is unknown, and that is
a failure. The certificates of a chain are asked about at the same time.

One certificate is `inquiry`'s matter, and how answers are fetched is the caller's. Importing this module is
cheap; asking imports `cryptography`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from policyengine import limits
from policyengine.decision.model import RevocationAnswer
from policyengine.errors import Unreachable
from policyengine.verification.answers import Answers, Fetch

if TYPE_CHECKING:
    from policyengine.verification.certificates import Certificate, Chain

T = TypeVar("T")


class Status(Struct, frozen=True):
    """What became of a chain: every answer that was looked at, in order, and what is wrong, if anything is.

    `revoked` tells a certificate that is revoked from one that cannot be said not to be.
    """

    answers: tuple[RevocationAnswer, ...] = ()
    problem: str = ""
    revoked: bool = False


Check = Callable[["Chain", datetime, "datetime | None"], Status]
"""Checks a chain at an instant; the third argument is the authentic signing time, where there is one.

May raise `VerificationError` as well where a certificate is revoked, or cannot be said not to be.
"""


class Revocation:
    """A `Check` that asks by `fetch`, and remembers what it was told. One object serves several threads.

    Revocation lists outlast it in the user's cache, unless they are not to be `cached`.
    """

    def __init__(self, fetch: Fetch, cached: bool = True) -> None:
        self._answers = Answers(fetch, cached)

    def __call__(self, chain: Chain, at: datetime, signed_at: datetime | None = None) -> Status:
        """The status of `chain`; the root counts as fine."""
        pairs = [pair for pair in pairwise(chain) if pair[0].revocable]
        until = time.monotonic() + limits.REVOCATION_SECONDS
        found = _each(pairs, lambda pair: self._asked(*pair, at, signed_at, until)) if pairs else []
        told = tuple(answer for status in found for answer in status.answers)
        bad = sorted((status for status in found if status.problem), key=lambda status: not status.revoked)
        return Status(told, bad[0].problem, bad[0].revoked) if bad else Status(told)

    def _asked(
        self, certificate: Certificate, issuer: Certificate, at: datetime, signed_at: datetime | None, until: float
    ) -> Status:
        from policyengine.verification.inquiry import Inquiry

        return Inquiry(self._answers, certificate, issuer, at, signed_at, until).status()


def unreachable(url: str, body: bytes | None, limit: int, seconds: float) -> bytes:  # noqa: ARG001 - as every `Fetch`
    """A `Fetch` that opens no connection: what is not kept cannot be determined."""
    raise Unreachable("no connection may be opened")


def check(chain: Chain, at: datetime, signed_at: datetime | None = None, *, fetch: Fetch = unreachable) -> Status:
    """The status of one chain; for several, a `Revocation` asks less."""
    return Revocation(fetch)(chain, at, signed_at)


def _each(items: Sequence[T], function: Callable[[T], Status]) -> list[Status]:
    """The results in order, got at the same time."""
    if len(items) == 1:
        return [function(items[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(items)) as threads:
        return list(threads.map(function, items))
