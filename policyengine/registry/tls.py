"""TLS: whom to trust, and which certificate to show where a registry asks for one."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

from msgspec import Struct

from policyengine.errors import UsageError
from policyengine.oci import quoted


class Identity(Struct, frozen=True):
    """A client's certificate and its key, as files in PEM; the key may be in the certificate's file."""

    cert_file: str
    key_file: str | None = None


class Certificates(Struct, frozen=True):
    """What is used for one registry besides the system's roots: files of authorities, and a client certificate."""

    authorities: tuple[str, ...] = ()
    identity: Identity | None = None


def trust(authorities: Iterable[str], identity: Identity | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer, with the system's roots and those of the files `authorities`, as `identity` if there is one.

    Raises `UsageError` if a file cannot be read, or a key needs a password.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for file in authorities:
        try:
            context.load_verify_locations(cafile=file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"{quoted(file, 300)} is not a file of certificates: {error.strerror or error}") from None
    if identity:
        try:  # without a callback OpenSSL would ask the terminal for a password
            context.load_cert_chain(identity.cert_file, identity.key_file, password=lambda: b"")
        except (OSError, ssl.SSLError) as error:
            raise _unusable(identity, error) from None
    return context


def _unusable(identity: Identity, error: OSError) -> UsageError:
    key = f" with the key in {quoted(identity.key_file)}" if identity.key_file else ""
    message = f"{quoted(identity.cert_file)}{key} cannot be used as a client certificate: {error.strerror or error}"
    return UsageError(message, "give a certificate and its key, without a password, as PEM")
