"""Registries, with the options and the logins of one user."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from policyengine import limits
from policyengine.errors import UsageError
from policyengine.oci import Reference, quoted
from policyengine.registry.credentials import Logins
from policyengine.registry.pace import Pace
from policyengine.registry.repository import Repository
from policyengine.registry.session import PATIENT, Retry, Session
from policyengine.registry.targets import Origin, registry_origin
from policyengine.registry.targets import trusted_hosts as vouched
from policyengine.registry.tokens import Authorizer
from policyengine.registry.transport import Deadline, Transport

if TYPE_CHECKING:
    from policyengine.registry.push import Pusher

MODES = ("auto", "api", "tag")


class Registry:
    """Registries as the user's logins reach them: cheap to make, and to be closed, as by `with`.

    `plain_http` is for all registries; `None` means loopback names only. `referrers` is `auto`, `api`
    or `tag`. `timeout` bounds, in seconds, all requests for one repository object; `workers` how many
    are made at once, for all of the `images` that are asked for at the same time. `trusted_hosts`
    (`host[:port]`) may be redirected to, and given a login as token server, wherever they are. `most`
    bounds the bytes received for one repository object. Raises `UsageError` for options that cannot
    be.
    """

    def __init__(
        self,
        *,
        plain_http: bool | None = None,
        ca_file: str | None = None,
        registry_config: str | None = None,
        referrers: str = "auto",
        timeout: float = 60.0,
        workers: int = 8,
        images: int = 1,
        trusted_hosts: Iterable[str] | None = None,
        environment: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        retry: Retry = PATIENT,
        most: int = limits.RUN_BYTES,
    ) -> None:
        environment = os.environ if environment is None else environment
        if referrers not in MODES:
            raise UsageError(f"{quoted(referrers)} is not a way to find referrers", "use auto, api or tag")
        if timeout <= 0 or workers < 1:
            raise UsageError("the timeout and the number of workers must be positive")
        for file in (ca_file, registry_config):
            if file and not Path(file).is_file():
                raise UsageError(f"{quoted(file)} is not a file")
        self._plain_http = False if plain_http is None and ca_file else plain_http
        self._trusted = vouched(environment) if trusted_hosts is None else frozenset(trusted_hosts)
        self._logins = Logins(environment, registry_config)
        self._environment = environment
        self._ca_file = ca_file
        self._mode = referrers
        self._timeout = timeout
        self._workers = workers
        self._each = max(1, workers // max(1, images))
        self._retry = retry
        self._most = most
        self._transport = transport
        self._authorizers: dict[tuple[str, str], Authorizer] = {}
        self._paces: dict[Origin, Pace] = {}
        self._lock = threading.Lock()

    def repository(self, name: str) -> Repository:
        """The store of `registry/path`, with a deadline of its own that begins with its first request."""
        reference = Reference.parse(name)
        return Repository(reference, self._session(reference, "pull"), self._mode, self._each)

    def pusher(self, name: str) -> Pusher:
        """What attaches artifacts in `registry/path`, with a deadline of its own."""
        from policyengine.registry.push import Pusher

        reference = Reference.parse(name)
        return Pusher(reference, self._session(reference, "pull,push"), self._mode)

    def _session(self, reference: Reference, actions: str) -> Session:
        """A conversation about one repository, with the login that these actions (of a token's scope) need."""
        origin = registry_origin(reference.registry, self._plain_http)
        transport = self._connect(origin.host, origin.port)
        with self._lock:
            authorizer = self._authorizers.setdefault(
                (reference.name, actions),
                Authorizer(reference.name, origin, transport, self._logins, self._trusted, actions),
            )
            pace = self._paces.setdefault(origin, Pace(2 * self._workers))
        deadline = Deadline(self._timeout)
        return Session(origin, transport, authorizer, deadline, self._trusted, self._retry, self._most, pace)

    def _connect(self, host: str, port: int) -> Transport:
        """The transport, which may go to this server; HTTP is imported here, so that layouts never pay for it."""
        from policyengine.registry.proxies import Proxies
        from policyengine.registry.wire import Wire

        with self._lock:
            if self._transport is None:
                self._transport = Wire(Proxies(self._environment), self._ca_file, 2 * self._workers)
                self._transport.vouch_for(self._trusted)
            if isinstance(self._transport, Wire):
                self._transport.vouch(host, port)
            return self._transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        if self._transport is not None:
            self._transport.close()
