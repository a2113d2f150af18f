"""Content too large to be held: streamed, resumed where it broke off, and never with the login at another server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from policyengine.errors import DigestMismatch, NotFound, RegistryError, TooLarge, Unreachable
from policyengine.oci import Descriptor, digest_of
from policyengine.registry.client import Registry
from policyengine.registry.content import Content
from policyengine.registry.session import Retry
from policyengine.registry.transport import Deadline, Request, Response
from policyengine.registry.writing import checked

HOST, NAME = "https://registry.example.com", "registry.example.com/prod/app"
DATA = bytes(range(256)) * 40
BLOB = Descriptor("application/octet-stream", digest_of(DATA), len(DATA))
LOGIN = json.dumps({"auths": {"registry.example.com": {"username": "user", "password": "secret"}}})
Hook = Callable[[Request], "tuple[int, dict[str, str], list[bytes]] | None"]


@dataclass
class Server:
    """Serves one blob; with `breaks` the first so many answers break off after 1000 bytes."""

    breaks: int = 0
    ranges: bool = True
    data: bytes = DATA
    hook: Hook = lambda _request: None
    requests: list[Request] = field(default_factory=list)

    @contextmanager
    def open(self, request: Request, deadline: Deadline) -> Iterator[Response]:
        assert deadline.remaining() > 0
        self.requests.append(request)
        status, headers, body = self.hook(request) or self.answer(request)
        yield Response(status, list(headers.items()), self.chunks(body, status))

    def answer(self, request: Request) -> tuple[int, dict[str, str], list[bytes]]:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1]) if self.ranges else 0
        rest = self.data[start:]
        return (206 if start else 200), {}, [rest[i : i + 500] for i in range(0, len(rest), 500)]

    def chunks(self, body: list[bytes], status: int) -> Iterator[bytes]:
        broken = status in (200, 206) and self.breaks > 0
        self.breaks -= broken
        yield from body[:2] if broken else body
        if broken:
            raise Unreachable("broke off")

    def close(self) -> None:
        """Nothing to end."""


def stream(server: Server, login: str = "{}", most: int = 1 << 30, attempts: int = 2) -> bytes:
    environment = {"DOCKER_AUTH_CONFIG": login}
    with Registry(environment=environment, transport=server, retry=Retry(attempts, 0.0), most=most) as client:
        store = client.repository(NAME)
        return b"".join(checked(Content(BLOB.digest, BLOB.size, lambda: store.pieces(BLOB))))


@pytest.mark.parametrize("ranges", [True, False])
def test_a_transfer_goes_on_where_it_broke_off(ranges: bool) -> None:
    server = Server(breaks=1 if not ranges else 5, ranges=ranges)
    assert stream(server, attempts=3) == DATA
    starts = [request.headers.get("Range") for request in server.requests]
    assert starts == ([None, "bytes=1000-"] if not ranges else [None, *(f"bytes={n}000-" for n in range(1, 6))])


def test_a_transfer_that_does_not_get_on_is_given_up() -> None:
    def nothing(_request: Request) -> tuple[int, dict[str, str], list[bytes]] | None:
        raise Unreachable("no answer")

    server = Server(hook=nothing)
    with pytest.raises(Unreachable):
        stream(server, attempts=3)
    assert len(server.requests) == 3


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", b"x" * len(DATA)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DigestMismatch):
        stream(Server(data=data))


def test_no_more_is_read_than_was_stated() -> None:
    read = []

    def endless(_request: Request) -> tuple[int, dict[str, str], list[bytes]]:
        class Body(list[bytes]):
            def __iter__(self) -> Iterator[bytes]:
                while True:
                    read.append(1)
                    yield b"x" * 500

        return 200, {}, Body()

    with pytest.raises(DigestMismatch):
        stream(Server(hook=endless))
    assert len(read) <= len(DATA) // 500 + 2


def test_the_budget_of_a_run_holds() -> None:
    with pytest.raises(TooLarge):
        stream(Server(), most=1000)


def test_no_login_follows_a_redirect() -> None:
    secret = "Basic " + base64.b64encode(b"user:secret").decode()

    def elsewhere(request: Request) -> tuple[int, dict[str, str], list[bytes]] | None:
        given = request.headers.get("Authorization")
        if urlsplit(request.url).netloc != "registry.example.com":
            assert given is None
            return None
        if given != secret:
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, []
        return 307, {"Location": "https://blobs.example.com/x?sig=1"}, []

    server = Server(hook=elsewhere)
    assert stream(server, LOGIN) == DATA
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "place", ["http://blobs.example.com/x", "https://169.254.169.254/", "/v2/prod/app/blobs/again"]
)
def test_a_redirect_that_may_not_be_is_refused(place: str) -> None:
    server = Server(hook=lambda _request: (307, {"Location": place}, []))
    with pytest.raises(RegistryError):
        stream(server)
    assert len(server.requests) <= 8


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        stream(Server(hook=lambda _request: (404, {}, [])))


def test_a_refused_login_ends() -> None:
    server = Server(hook=lambda _request: (401, {"WWW-Authenticate": 'Basic realm="x"'}, []))
    with pytest.raises(RegistryError):
        stream(server, LOGIN)
    assert len(server.requests) == 2
