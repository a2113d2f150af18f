"""HTTP over sockets: httpcore, the part of httpx that sends and receives, behind `Transport`.

Two things are added where the sockets are made: addresses of inner networks are refused for servers
that nobody named, when the name has been resolved (so that no name can stand for two addresses);
and every single read ends by the deadline, so that a server cannot drip its headers for ever.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpcore

from policyengine.errors import RegistryError, Unreachable
from policyengine.oci import quoted
from policyengine.oci.hosts import PORTS
from policyengine.registry.content import Content, sliced
from policyengine.registry.proxies import Proxies
from policyengine.registry.targets import TRUST_HELP, Origin, is_public, origin_of
from policyengine.registry.tls import Certificates, trust
from policyengine.registry.transport import Deadline, Request, Response

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
"""How long one connection attempt, and one read, may take; the deadline bounds their sum."""


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
        self._connections = connections
        self._kept = connections if keep_open else 0
        self._pools: dict[tuple[str, str | None, Certificates], httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()
        self._dialler = Dialler()

    def vouch(self, host: str, port: int) -> None:
        """Let requests go to this server wherever it is: the user has named it."""
        self._dialler.vouched.add((host, port))

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
        self._dialler.local.deadline = deadline
        sent = {"Host": target.authority, **request.headers, **_length(request)}
        timeouts = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS}
        with _translated(target):
            message = httpcore.Request(
                request.method,
                request.url,
                headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                content=request.body.pieces() if isinstance(request.body, Content) else sliced(request.body),
                extensions={"timeout": {**timeouts, "pool": deadline.remaining()}},
            )
            answer = self._pool(target).handle_request(message)
        try:
            yield Response(answer.status, _decoded(answer.headers), _chunks(answer, target))
        finally:
            answer.close()

    def close(self) -> None:
        """End all connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, target: Origin) -> httpcore.ConnectionPool:
        proxy = self._proxies.proxy_for(target)
        with self._lock:
            key = (target.scheme, proxy, self._introduced.get(target, Certificates()))
            if key not in self._pools:
                self._pools[key] = self._new_pool(*key)
            return self._pools[key]

    def _new_pool(self, scheme: str, proxy: str | None, certificates: Certificates) -> httpcore.ConnectionPool:
        settings: dict[str, Any] = {}
        if proxy:
            address = self._proxies.address(proxy)
            self.vouch(address.host, address.port)
            settings["proxy"] = httpcore.Proxy(str(address), auth=self._proxies.login(proxy))
        return httpcore.ConnectionPool(
            ssl_context=trust((*self._authorities, *certificates.authorities), certificates.identity)
            if scheme == "https" or proxy
            else None,
            max_connections=self._connections,
            max_keepalive_connections=self._kept,
            network_backend=self._dialler,
            **settings,
        )


class Dialler(httpcore.NetworkBackend):
    """Makes connections: resolves a name once, and connects to the very address that it has checked."""

    def __init__(self) -> None:
        self.vouched: set[tuple[str, int]] = set()
        self.local = threading.local()
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to `host`; raises `httpcore.ConnectError`, or `RegistryError` for an inner address."""
        deadline: Deadline = self.local.deadline
        addresses = resolve(host, port, min(timeout or CONNECT_SECONDS, deadline.remaining()))
        if (host, port) not in self.vouched and not all(is_public(address) for address in addresses):
            raise RegistryError(f"{quoted(host)} is on an inner network, and nobody vouched for it", TRUST_HELP)
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            seconds = min(timeout or CONNECT_SECONDS, deadline.remaining())
            try:
                stream = self._sockets.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return Stream(stream, self.local)
        raise failure


class Stream(httpcore.NetworkStream):
    """A connection whose every operation ends by the deadline of the request that it serves."""

    def __init__(self, stream: httpcore.NetworkStream, local: threading.local) -> None:
        self._stream = stream
        self._local = local

    def _seconds(self, timeout: float | None) -> float:
        deadline: Deadline = self._local.deadline
        return min(timeout or READ_SECONDS, deadline.remaining())

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._seconds(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._seconds(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return Stream(self._stream.start_tls(ssl_context, server_hostname, self._seconds(timeout)), self._local)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of `host`, asked in a thread of its own because the system's resolver knows no timeout."""
    answers: list[str] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        answers.extend(dict.fromkeys(str(entry[4][0]) for entry in found))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answers:
        raise httpcore.ConnectError("its name could not be resolved")
    return list(answers)


@contextmanager
def _translated(target: Origin) -> Iterator[None]:
    """Turn what httpcore raises into our own errors."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise _unreachable(target, error) from None
    except (httpcore.UnsupportedProtocol, ValueError, ssl.SSLError) as error:
        raise RegistryError(f"the request to {quoted(target)} could not be made: {quoted(error)}") from None


def _unreachable(target: Origin, error: Exception) -> Unreachable:
    cause = error.__cause__ or error.__context__
    if isinstance(error, httpcore.TimeoutException):
        return Unreachable(f"{target} does not answer in time")
    if isinstance(cause, ssl.SSLError):
        failure = Unreachable(
            f"{target} could not be trusted: {cause.reason or cause}",
            "name the CA of a private registry with --ca-file; a registry without TLS needs --plain-http",
        )
        failure.retry = False
        return failure
    if isinstance(error, httpcore.ProtocolError):
        return Unreachable(f"{target} broke off its answer, or does not speak HTTP")
    why = cause.strerror.lower() if isinstance(cause, OSError) and cause.strerror else quoted(error).strip('"')
    return Unreachable(f"{target} cannot be reached: {why}", "check the name, the network and the proxy")


def _length(request: Request) -> dict[str, str]:
    """A length for what has a body, and for an upload without one: servers ask for it."""
    size = request.body.size if isinstance(request.body, Content) else len(request.body)
    return {"Content-Length": str(size)} if size or request.method in ("POST", "PUT") else {}


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _chunks(answer: httpcore.Response, target: Origin) -> Iterator[bytes]:
    with _translated(target):
        yield from answer.iter_stream()
