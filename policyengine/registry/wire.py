"""HTTP over sockets, behind `Transport`: which way a request takes, and which connection it goes over."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from policyengine.errors import RegistryError, Unreachable
from policyengine.oci import quoted
from policyengine.oci.hosts import PORTS
from policyengine.registry import http1
from policyengine.registry.connection import Connection, dialled
from policyengine.registry.content import Content, sliced
from policyengine.registry.proxies import Proxies
from policyengine.registry.targets import Origin, origin_of
from policyengine.registry.tls import Certificates, trust
from policyengine.registry.transport import Deadline, Request, Response

if TYPE_CHECKING:
    import ssl


class Route(Struct, frozen=True):
    """The way to a server: the URL of the proxy in between, and what counts for the server where the user named it."""

    target: Origin
    proxy: str | None
    certificates: Certificates

    @property
    def forwarded(self) -> bool:
        """Whether the proxy reads the requests; those to servers with TLS it passes on unread."""
        return self.proxy is not None and self.target.scheme == "http"


class Wire:
    """Connections to registries, kept open between requests if wanted; one object serves several threads."""

    def __init__(
        self,
        proxies: Proxies,
        ca_file: str | None = None,
        connections: int = 16,
        keep_open: bool = True,
    ) -> None:
        self._proxies = proxies
        self._authorities = (ca_file,) if ca_file else ()
        self._introduced: dict[Origin, Certificates] = {}
        self._vouched: set[tuple[str, int]] = set()
        self._kept = connections if keep_open else 0
        self._waiting: list[tuple[Route, Connection]] = []
        self._contexts: dict[Certificates, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def vouch(self, host: str, port: int) -> None:
        """Let requests go to this server wherever it is: the user has named it."""
        self._vouched.add((host, port))

    def introduce(self, server: Origin, certificates: Certificates) -> None:
        """Vouch for a registry that the user has named, and speak to it with its own certificates."""
        self.vouch(server.host, server.port)
        self._introduced[server] = certificates

    def vouch_for(self, hosts: Iterable[str]) -> None:
        """The same for servers as the user writes them: `host[:port]`, without a port for the usual ones."""
        for host in hosts:
            parts = urlsplit(f"//{host}")
            for port in [parts.port] if parts.port else PORTS.values():
                self.vouch(parts.hostname or "", port)

    @contextmanager
    def open(self, request: Request, deadline: Deadline) -> Iterator[Response]:
        """See `Transport.open`."""
        target = origin_of(request.url)
        route = Route(target, self._proxies.proxy_for(target), self._introduced.get(target, Certificates()))
        with _translated(target):
            head = self._head(request, route)
            connection = self._taken(route, deadline) or self._made(route, deadline)
        reusable = False
        try:
            with _translated(target):
                _send(connection, head, request)
                answer = http1.head(connection.reader)
                body = http1.Body(connection.reader, answer, request.method)
            yield Response(answer.status, answer.headers, _chunks(body, target))
            reusable = body.complete and answer.persistent
        finally:
            self._leave(route, connection, reusable)

    def _head(self, request: Request, route: Route) -> bytes:
        parts = urlsplit(request.url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        headers = {"Host": route.target.authority, **request.headers, **_length(request)}
        if not route.forwarded:
            return http1.written(request.method, path, headers)
        return http1.written(request.method, f"{route.target}{path}", headers | self._login(route))

    def _login(self, route: Route) -> dict[str, str]:
        """What the proxy asks for, and nobody else is told."""
        from base64 import b64encode

        login = self._proxies.login(route.proxy or "")
        return {"Proxy-Authorization": f"Basic {b64encode(':'.join(login).encode()).decode()}"} if login else {}

    # ------------------------------------------------------------------------ connections

    def _taken(self, route: Route, deadline: Deadline) -> Connection | None:
        """A connection that waits for the next request, if there is one."""
        while True:
            with self._lock:
                number = next((n for n, (way, _) in enumerate(self._waiting) if way == route), None)
                if number is None:
                    return None
                connection = self._waiting.pop(number)[1]
            if connection.idle():
                connection.deadline = deadline
                return connection
            connection.close()

    def _made(self, route: Route, deadline: Deadline) -> Connection:
        """A new connection, through the proxy where there is one."""
        first = self._proxies.address(route.proxy) if route.proxy else route.target
        vouched = route.proxy is not None or (first.host, first.port) in self._vouched
        connection = dialled(first.host, first.port, deadline, vouched)
        try:
            if route.proxy and first.scheme == "https":
                connection.encrypt(self._context(Certificates()), first.host)
            if route.proxy and not route.forwarded:
                self._pass_through(connection, route)
            if route.target.scheme == "https":
                connection.encrypt(self._context(route.certificates), route.target.host)
        except BaseException:
            connection.close()
            raise
        return connection

    def _pass_through(self, connection: Connection, route: Route) -> None:
        """Let the proxy connect to the target (section 9.3.6 of RFC 9110)."""
        host, port = route.target.host, route.target.port
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        connection.send(http1.written("CONNECT", place, {"Host": place, **self._login(route)}))
        status = http1.head(connection.reader).status
        if not 200 <= status < 300 or not connection.reader.empty:
            raise OSError(f"the proxy answers {status}")

    def _context(self, certificates: Certificates) -> ssl.SSLContext:
        with self._lock:
            if certificates not in self._contexts:
                authorities = (*self._authorities, *certificates.authorities)
                self._contexts[certificates] = trust(authorities, certificates.identity)
            return self._contexts[certificates]

    def _leave(self, route: Route, connection: Connection, reusable: bool) -> None:
        """Keep a connection for the next request, or end it."""
        with self._lock:
            if reusable and len(self._waiting) < self._kept:
                self._waiting.append((route, connection))
                return
        connection.close()

    def close(self) -> None:
        """End all connections."""
        with self._lock:
            waiting, self._waiting, self._kept = self._waiting, [], 0
        for _, connection in waiting:
            connection.close()


def _send(connection: Connection, head: bytes, request: Request) -> None:
    """Send a request. A server may answer and hang up before all of it has arrived: then its answer counts."""
    size, left = _size(request), _size(request)
    with suppress(BrokenPipeError, ConnectionResetError):
        if not size:
            connection.send(head)
        for piece in request.body.pieces() if isinstance(request.body, Content) else sliced(request.body):
            left -= len(piece)
            if left < 0:
                break
            connection.send(head + piece)
            head = b""
        if left:
            raise ValueError("its content has changed")


@contextmanager
def _translated(target: Origin) -> Iterator[None]:
    """Turn what sockets and HTTP raise into our own errors."""
    try:
        yield
    except http1.Broken:
        raise Unreachable(f"{target} broke off its answer, or does not speak HTTP") from None
    except TimeoutError:
        raise Unreachable(f"{target} does not answer in time") from None
    except OSError as error:
        raise _unreachable(target, error) from None
    except ValueError as error:
        raise RegistryError(f"the request to {quoted(target)} could not be made: {quoted(error)}") from None


def _unreachable(target: Origin, error: OSError) -> Unreachable:
    import ssl

    if isinstance(error, ssl.SSLError):
        failure = Unreachable(
            f"{target} could not be trusted: {error.reason or error}",
            "name the CA of a private registry with --ca-file; a registry without TLS needs --plain-http",
        )
        failure.retry = False
        return failure
    why = error.strerror.lower() if error.strerror else quoted(error)
    return Unreachable(f"{target} cannot be reached: {why}", "check the name, the network and the proxy")


def _size(request: Request) -> int:
    return request.body.size if isinstance(request.body, Content) else len(request.body)


def _length(request: Request) -> dict[str, str]:
    """A length for what has a body, and for an upload without one: servers ask for it."""
    size = _size(request)
    return {"Content-Length": str(size)} if size or request.method in ("POST", "PUT") else {}


def _chunks(body: http1.Body, target: Origin) -> Iterator[bytes]:
    with _translated(target):
        yield from body
