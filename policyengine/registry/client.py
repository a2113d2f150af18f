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
from policyengine.registry.certsd import Folders
from policyengine.registry.credentials import Logins
from policyengine.registry.mirrors import Mirror, Mirrored, configured
from policyengine.registry.pace import Pace
from policyengine.registry.repository import Repository
from policyengine.registry.session import PATIENT, Retry, Session
from policyengine.registry.store import Whole
from policyengine.registry.targets import Origin, registry_origin
from policyengine.registry.targets import trusted_hosts as vouched
from policyengine.registry.tls import Certificates, Identity
from policyengine.registry.tokens import Authorizer
from policyengine.registry.transport import Deadline, Transport

if TYPE_CHECKING:
    from policyengine.registry.push import Pusher

MODES = ("auto", "api", "tag")

MIRROR_SHARE = 0.25
"""The part of the time for one image that mirrors may take, together, before the registry itself is asked."""


class Registry:
    """Registries as the user's logins reach them: cheap to make, and to be closed, as by `with`.

    `plain_http` is for all registries; `None` means loopback names only. `cert_file` and `key_file` are
    shown to the registries that are named, and to no other server. `login` is host, user and password,
    for that host only. `mirrors` is a file of `mirrors.configured`. `referrers` is `auto`, `api`
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
        cert_file: str | None = None,
        key_file: str | None = None,
        registry_config: str | None = None,
        login: tuple[str, str, str] | None = None,
        mirrors: str | None = None,
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
        _check(referrers, timeout, workers, ca_file, cert_file, key_file)
        self._plain_http = False if plain_http is None and ca_file else plain_http
        self._folders = Folders(environment)
        self._trusted = vouched(environment) if trusted_hosts is None else frozenset(trusted_hosts)
        self._logins = Logins(environment, registry_config, login)
        self._mirrors = configured(mirrors, environment)
        self._environment = environment
        self._ca_file = ca_file
        self._identity = Identity(cert_file, key_file) if cert_file else None
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

    def repository(self, name: str) -> Whole:
        """The store of `registry/path`, with a deadline of its own that begins with its first request.

        Raises `RegistryError` for what the configuration of mirrors blocks.
        """
        reference = Reference.parse(name)
        mirrors = [self._mirror(mirror) for mirror in self._mirrors.of(reference.name)]
        session = self._session(reference, "pull", self._origin(reference), Deadline(self._timeout), self._retry)
        repository = Repository(reference, session, self._mode, self._each)
        return Mirrored(repository, mirrors) if mirrors else repository

    def _mirror(self, mirror: Mirror) -> Repository:
        """A mirror's repository, which gets a part of the time, one try, and the logins for its own name."""
        registry, _, path = mirror.name.partition("/")
        reference = Reference(registry, path)
        deadline = Deadline(self._timeout * MIRROR_SHARE, "the mirror")
        origin = registry_origin(reference.registry, True) if mirror.plain_http else self._origin(reference)
        session = self._session(reference, "pull", origin, deadline, Retry(1))
        return Repository(reference, session, "api", self._each)

    def pusher(self, name: str) -> Pusher:
        """What attaches artifacts in `registry/path`, with a deadline of its own."""
        from policyengine.registry.push import Pusher

        reference = Reference.parse(name)
        deadline = Deadline(self._timeout)
        session = self._session(reference, "pull,push", self._origin(reference), deadline, self._retry)
        return Pusher(reference, session, self._mode)

    def _origin(self, reference: Reference) -> Origin:
        """The registry's server; where the user keeps an authority for it, it is spoken to by TLS."""
        plain = self._plain_http
        if plain is None and self._folders.of(reference.registry).authorities:
            plain = False
        return registry_origin(reference.registry, plain)

    def _session(self, reference: Reference, actions: str, origin: Origin, deadline: Deadline, retry: Retry) -> Session:
        """A conversation about one repository, with the login that these actions (of a token's scope) need."""
        transport = self._connect(origin, reference.registry)
        with self._lock:
            authorizer = self._authorizers.setdefault(
                (reference.name, actions),
                Authorizer(reference.name, origin, transport, self._logins, self._trusted, actions),
            )
            pace = self._paces.setdefault(origin, Pace(2 * self._workers))
        return Session(origin, transport, authorizer, deadline, self._trusted, retry, self._most, pace)

    def _connect(self, origin: Origin, registry: str) -> Transport:
        """The transport, which may go to this server; HTTP is imported here, so that layouts never pay for it."""
        from policyengine.registry.proxies import Proxies
        from policyengine.registry.wire import Wire

        with self._lock:
            if self._transport is None:
                proxies, connections = Proxies(self._environment), 2 * self._workers
                self._transport = Wire(proxies, self._ca_file, connections)
                self._transport.vouch_for(self._trusted)
            if isinstance(self._transport, Wire):
                own = self._folders.of(registry)
                self._transport.introduce(origin, Certificates(own.authorities, self._identity or own.identity))
            return self._transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        if self._transport is not None:
            self._transport.close()


def _check(
    referrers: str, timeout: float, workers: int, ca_file: str | None, cert_file: str | None, key_file: str | None
) -> None:
    """Refuse options that are none; raises `UsageError`."""
    if referrers not in MODES:
        raise UsageError(f"{quoted(referrers)} is not a way to find referrers", "use auto, api or tag")
    if timeout <= 0 or workers < 1:
        raise UsageError("the timeout and the number of workers must be positive")
    for file in (ca_file, cert_file, key_file):
        if file and not Path(file).is_file():
            raise UsageError(f"{quoted(file)} is not a file")
    if key_file and not cert_file:
        raise UsageError("a key without its certificate proves nothing", "name it with --cert-file")
