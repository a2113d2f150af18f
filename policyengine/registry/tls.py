"""TLS: whom to trust, and which certificate to show where a registry asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from policyengine.errors import UsageError
from policyengine.oci import quoted

if TYPE_CHECKING:
    import ssl


class Identity(Struct, frozen=True):
    """A client's certificate and its key, as files in PEM; the key may be in the certificate's file."""

    cert_file: str
    key_file: str | None = None


class Certificates(Struct, frozen=True):
    """What counts for one registry besides the system's roots: files of authorities, and who we are there."""

    authorities: tuple[str, ...] = ()
    identity: Identity | None = None


def trust(authorities: Iterable[str], identity: Identity | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer, with the system's roots and those of the files `authorities`, as `identity` if there is one.

    Raises `UsageError` if a file cannot be read, or a key needs a password.
    """
    import ssl

    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for file in authorities:
        try:
            context.load_verify_locations(cafile=file)
        except OSError as error:
            raise UsageError(f"{quoted(file, 300)} is not a file of certificates: {error.strerror or error}") from None
    if identity:
        try:  # without a callback OpenSSL would ask the terminal for a password
            context.load_cert_chain(identity.cert_file, identity.key_file, password=lambda: b"")
        except OSError as error:
            raise _unusable(identity, error) from None
    return context


def _unusable(identity: Identity, error: OSError) -> UsageError:
    key = f" with the key in {quoted(identity.key_file)}" if identity.key_file else ""
    message = f"{quoted(identity.cert_file)}{key} cannot be used as a client certificate: {error.strerror or error}"
    return UsageError(message, "give a certificate and its key, without a password, as PEM")


def secured(sock: Any, context: ssl.SSLContext, host: str) -> Any:
    """`sock` with TLS to `host`; one that speaks it already, to a proxy, carries a second layer."""
    import ssl

    inside = isinstance(sock, ssl.SSLSocket)
    return Layer(sock, context, host) if inside else context.wrap_socket(sock, server_hostname=host)


class Layer:
    """TLS inside of TLS, to a server behind a proxy: what a connection needs of a socket."""

    def __init__(self, sock: ssl.SSLSocket, context: ssl.SSLContext, host: str) -> None:
        import ssl

        self._sock, self._came, self._goes = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_hostname=host)
        self.settimeout, self.close = sock.settimeout, sock.close
        self._do(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        self._do(lambda: self._tls.write(data))

    def recv(self, most: int) -> bytes:
        import ssl

        try:
            data: bytes = self._do(lambda: self._tls.read(most))
        except ssl.SSLEOFError:  # as the socket's own `recv` has it
            return b""
        return data

    def _do(self, operation: Callable[[], Any]) -> Any:
        """What `operation` returns, once the other side has sent what it takes."""
        import ssl

        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self._flush()
            else:
                self._flush()
                return result
            data = self._sock.recv(16 * 1024)
            self._came.write(data) if data else self._came.write_eof()

    def _flush(self) -> None:
        if self._goes.pending:
            self._sock.sendall(self._goes.read())
