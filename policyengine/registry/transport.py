"""The narrow door to HTTP: one request out, one answer in, its body in pieces.

Everything else (logins, redirects, retries, bounds) is done by hand above it, because each of them
has gone wrong inside an HTTP library (`docs/adr` says which one is behind the door, and why). Tests
put an answer of their own behind it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from msgspec import Struct

from policyengine.errors import Unreachable
from policyengine.registry.content import Content


class Deadline:
    """The instant by which all requests for one image have to be done: so many seconds after the first began."""

    def __init__(self, seconds: float, who: str = "the registry", help: str = "allow more with --timeout") -> None:
        self._seconds, self._who, self._help = seconds, who, help
        self._end: float | None = None

    def remaining(self) -> float:
        """The seconds left; raises `Unreachable` when there are none."""
        left = self._left()
        if left <= 0:
            raise Unreachable(f"{self._who} took longer than {self._seconds:.3g} seconds", self._help)
        return left

    def allows(self, seconds: float) -> bool:
        """Whether there is more time left than `seconds`."""
        return self._left() > seconds

    def _left(self) -> float:
        if self._end is None:
            self._end = time.monotonic() + self._seconds
        return self._end - time.monotonic()


class Request(Struct, frozen=True):
    """One request. `headers` may hold a secret, so that a request is never shown.

    `body` may be content that is read when the request is sent.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Content = b""

    def __repr__(self) -> str:
        return f"<request {self.method} {without_query(self.url)}>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Response(Struct, frozen=True):
    """The beginning of an answer. `chunks` yields the body as it arrives, still encoded as it was sent."""

    status: int
    headers: Sequence[tuple[str, str]]
    chunks: Iterator[bytes]

    def header(self, name: str) -> str:
        """All values of the header called `name` (in lower case), joined by commas; empty if there is none."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)


class Transport(Protocol):
    """What sends requests. Raises `Unreachable`, in `open` and while the chunks are read."""

    def open(self, request: Request, deadline: Deadline) -> AbstractContextManager[Response]:
        """Send `request`, and hand over the answer until the context ends."""

    def close(self) -> None:
        """End all connections."""


def without_query(url: str) -> str:
    """The URL as messages may show it: queries hold signatures of blob stores."""
    return url.partition("?")[0].partition("#")[0]
