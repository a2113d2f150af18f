"""One connection to a server: dialled at an address that was checked, and bounded by the deadline of each request."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from policyengine.errors import RegistryError
from policyengine.oci import quoted
from policyengine.registry import http1
from policyengine.registry.targets import TRUST_HELP, is_public
from policyengine.registry.tls import secured
from policyengine.registry.transport import Deadline

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
"""How long one connection attempt, and one read, may take; the deadline bounds their sum."""
PIECE = 64 * 1024
"""Bytes taken from a socket at a time."""


class Connection:
    """A connection, which serves one request after the other; every operation ends by the `deadline` of its request."""

    def __init__(self, sock: Any, deadline: Deadline) -> None:
        self._sock, self.deadline = sock, deadline
        self.reader = http1.Reader(self._receive)

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self._bound()
        self._sock.sendall(data)

    def _receive(self) -> bytes:
        self._bound()
        data: bytes = self._sock.recv(PIECE)
        return data

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """From here on speak TLS, with `host`."""
        self._bound()
        self._sock = secured(self._sock, context, host)

    def _bound(self) -> None:
        self._sock.settimeout(min(READ_SECONDS, self.deadline.remaining()))

    def idle(self) -> bool:
        """Whether the server has neither ended the connection nor said anything unasked."""
        self._sock.settimeout(0)
        try:
            self._sock.recv(1)
        except BlockingIOError:
            return self.reader.empty
        except OSError as error:
            import ssl

            return isinstance(error, ssl.SSLWantReadError) and self.reader.empty
        return False

    def close(self) -> None:
        """End it."""
        self._sock.close()


def dialled(host: str, port: int, deadline: Deadline, vouched: bool) -> Connection:
    """A connection to `host`, made to the very address that was checked: a name may stand for another one later.

    Raises `OSError`, and `RegistryError` for an inner address of a server that nobody `vouched` for.
    """
    addresses = resolve(host, port, min(CONNECT_SECONDS, deadline.remaining()))
    if not vouched and not all(is_public(str(address[0])) for _, address in addresses):
        raise RegistryError(f"{quoted(host)} is on an inner network, and nobody vouched for it", TRUST_HELP)
    failure = OSError("the name has no address")
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(CONNECT_SECONDS, deadline.remaining()))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except OSError as error:
            failure = error
            sock.close()
        else:
            return Connection(sock, deadline)
    raise failure


def resolve(host: str, port: int, seconds: float) -> list[tuple[socket.AddressFamily, Any]]:
    """The addresses of `host`, asked in a thread of its own because the system's resolver knows no timeout.

    The name is passed on as bytes: given a text, Python loads the tables of international names first.
    """
    answers: dict[Any, socket.AddressFamily] = {}

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        answers.update({entry[4]: entry[0] for entry in found})

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answers:
        raise OSError("its name could not be resolved")
    return [(family, address) for address, family in answers.items()]
