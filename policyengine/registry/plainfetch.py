"""OCSP responders and revocation lists: the one kind of server that is asked over plain HTTP, and without a login.

What they say is signed, and TLS could not begin without them. Their addresses stand in certificates, so they are
a stranger's words: only `http` is spoken, redirects included, and inner networks are not entered unless the user
vouches for the server, as for registries (`targets`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from policyengine import limits
from policyengine.errors import RegistryError, TooLarge
from policyengine.oci import quoted
from policyengine.registry.answers import REDIRECTED
from policyengine.registry.targets import TRUST_HELP, Origin, is_public_name, origin_of, resolve_url, trusted_hosts
from policyengine.registry.tokens import CLIENT
from policyengine.registry.transport import Deadline, Request, Response, Transport, without_query


class PlainFetch:
    """A callable that asks one address, as `verification.answers.Fetch` describes it; serves several threads.

    No connection is kept, so that there is nothing to close.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, transport: Transport | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._trusted = trusted_hosts(self._environment)
        self._transport = transport
        self._lock = threading.Lock()

    def __call__(self, url: str, body: bytes | None, limit: int, seconds: float) -> bytes:
        """What `url` answers: to an OCSP request in `body`, or else to a plain GET.

        Raises `RegistryError` where there is no answer, `Unreachable` among them, and `TooLarge`.
        """
        deadline = Deadline(seconds, "the server", "")
        for _ in range(limits.REDIRECTS + 1):
            target = self._target(url)
            with self._connect().open(_request(url, body), deadline) as response:
                location = response.header("location")
                if response.status not in REDIRECTED or not location or body is not None:
                    return _body(response, target, limit)
            url = resolve_url(url, location)
        raise RegistryError(f"{quoted(without_query(url))} is behind more than {limits.REDIRECTS} redirects")

    def _target(self, url: str) -> Origin:
        """The server of `url`, if it may be asked; raises `RegistryError`."""
        try:
            target = origin_of(url)
        except RegistryError:
            raise RegistryError(f"{quoted(without_query(url))} is not a plain http URL") from None
        if target.scheme != "http":
            raise RegistryError(f"{quoted(target)} is not asked: only http is spoken here")
        if target.authority not in self._trusted and not is_public_name(target.host):
            raise RegistryError(f"{quoted(target)} is on an inner network, and nobody vouched for it", TRUST_HELP)
        return target

    def _connect(self) -> Transport:
        """The transport; HTTP is imported here, so that chains which name nobody never pay for it."""
        with self._lock:
            if self._transport is None:
                from policyengine.registry.proxies import Proxies
                from policyengine.registry.wire import Wire

                self._transport = Wire(Proxies(self._environment), keep_open=False)
                self._transport.vouch_for(self._trusted)
            return self._transport


AUTHORITY_SECONDS = 30.0
"""How long a time stamping authority may take."""


def ask_authority(url: str, request: bytes, limit: int) -> bytes:
    """What the time stamping authority that the user has named answers to a request (RFC 3161, section 3.4).

    Raises `RegistryError` and `TooLarge`.
    """
    from policyengine.registry.proxies import Proxies
    from policyengine.registry.wire import Wire

    target = origin_of(url)
    transport = Wire(Proxies(os.environ), keep_open=False)
    transport.vouch(target.host, target.port)
    headers = {"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity", "User-Agent": CLIENT}
    deadline = Deadline(AUTHORITY_SECONDS, "the time stamping authority", "")
    with transport.open(Request("POST", url, headers, request), deadline) as response:
        return _body(response, target, limit)


def _request(url: str, body: bytes | None) -> Request:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": CLIENT}
    if body is None:
        return Request("GET", url, headers)
    return Request("POST", url, {**headers, "Content-Type": "application/ocsp-request"}, body)


def _body(response: Response, target: Origin, limit: int) -> bytes:
    """The whole body of a success, not more than `limit` bytes."""
    if response.status != 200:
        raise RegistryError(f"{target} answers {response.status}")
    if response.header("content-encoding").lower() not in ("", "identity"):
        raise RegistryError(f"{target} answers in a compressed form, which was not asked for")
    length = response.header("content-length")
    parts, size = [], int(length[:20]) if length.isdecimal() else 0
    if size <= limit:
        size = 0
        for chunk in response.chunks:
            size += len(chunk)
            if size > limit:
                break
            parts.append(chunk)
    if size > limit:
        raise TooLarge(f"{target} answers with more than {limit} bytes")
    return b"".join(parts)
