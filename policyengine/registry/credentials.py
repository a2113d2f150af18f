"""Logins for registries: given for one host, from the files of docker and podman, and from credential helpers.

Looked up in the order of `Logins.find`; within one file a helper for the host comes before the store
for all hosts, and that before what the file itself holds. A file or helper that is there and cannot
be read is an error, never "no login": an answer to somebody else could differ.
"""

from __future__ import annotations

import base64
import binascii
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from policyengine import limits
from policyengine.errors import Unauthorized, UsageError
from policyengine.oci import DOCKER_HUB, quoted
from policyengine.oci.hosts import canonical_host
from policyengine.registry.credentialhelpers import Login, ask_helper
from policyengine.strictjson import JsonError, loads

HUB_KEY = "https://index.docker.io/v1/"
"""The name under which docker and its helpers keep the login for Docker Hub."""

VARIABLE = "POLICYENGINE_REGISTRY_"
"""What the variables of a login for one host begin with: `…HOST`, `…USERNAME` and `…PASSWORD`."""

Source: TypeAlias = tuple[str, Mapping[str, Any]]
"""A file or variable that holds logins, as messages name it, and its parsed content."""

_LINE_ENDS = str.maketrans("", "", "\r\n")
"""What some tools leave in base64, and Go, in which most readers are written, passes over."""


class Logins:
    """The logins of the user who runs this process.

    `config` names one file to use instead of all others; `given` is host, user and password for that
    host alone. Raises `UsageError` for a login without a host, and for a file named here that cannot be read.
    """

    def __init__(
        self, environment: Mapping[str, str], config: str | None = None, given: tuple[str, str, str] | None = None
    ) -> None:
        self._environment = environment
        self._named = _named(Path(config)) if config else None
        self._given = [_for_host(*given)] if given else []
        if not config:
            self._given += _from_variables(environment)

    def find(self, name: str) -> Login | None:
        """The login for the repository `registry/path`, or `None` where there is none.

        What was given for the host comes first, then the variables, then the files in the order of `files`.
        Raises `Unauthorized` where a file or a helper fails.
        """
        for host, given in self._given:
            if host == name.partition("/")[0]:
                return given
        for source, document in self._documents():
            login = _from_helpers(document, name, source) or _from_auths(document, name, source)
            if login:
                return login
        return None

    def _documents(self) -> Iterable[Source]:
        return self._found() if self._named is None else self._named

    def _found(self) -> Iterator[Source]:
        inline = self._environment.get("DOCKER_AUTH_CONFIG", "")
        if inline:
            yield "DOCKER_AUTH_CONFIG", _decoded("DOCKER_AUTH_CONFIG", inline.encode())
        for path in files(self._environment):
            yield from _held(path)


def _named(path: Path) -> list[Source]:
    """The logins in the one file that the user names. What is wrong with it is wrong use: raises `UsageError`."""
    try:
        if not path.is_file():
            raise Unauthorized(f"the file of logins {quoted(path)} is not a file", "name it with --registry-config")
        found = list(_held(path))
        for source, document in found:
            _table(document, "auths", source)
            _table(document, "credHelpers", source)
    except Unauthorized as fault:
        raise UsageError(fault.message, fault.help) from None
    return found


def _held(path: Path) -> Iterator[Source]:
    """The logins in a file, if it is there and not empty; raises `Unauthorized`."""
    data = _read(path)
    if data and data.strip():
        document = _decoded(str(path), data)
        yield str(path), {"auths": document} if path.name == ".dockercfg" else document


def _from_variables(environment: Mapping[str, str]) -> list[tuple[str, Login]]:
    """The login of `POLICYENGINE_REGISTRY_…`: a host, or none of it; raises `UsageError`."""
    host, username, password = (environment.get(VARIABLE + part, "") for part in ("HOST", "USERNAME", "PASSWORD"))
    if not (username or password):
        return []
    if not host:
        missing = f"{VARIABLE}HOST is not set, so nobody knows whose the login in {VARIABLE}USERNAME is"
        raise UsageError(missing, f"name the registry in {VARIABLE}HOST")
    return [_for_host(host, username, password)]


def _for_host(host: str, username: str, password: str) -> tuple[str, Login]:
    try:
        host = canonical_host(host)
    except ValueError as error:
        raise UsageError(f"a login cannot be for that host: {error}", "write registry.example.com") from None
    if not username or not password:
        raise UsageError(f"the login for {quoted(host)} has no {'password' if username else 'user name'}")
    return host, Login(username, password)


def files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where logins may be, in order: podman's places before docker's, each only where its variable or folder says."""
    if "REGISTRY_AUTH_FILE" in environment:
        yield Path(environment["REGISTRY_AUTH_FILE"])
    if environment.get("XDG_RUNTIME_DIR"):
        yield Path(environment["XDG_RUNTIME_DIR"], "containers/auth.json")
    elif sys.platform == "linux":
        yield Path(f"/run/containers/{os.getuid()}/auth.json")
    home = environment.get("HOME") or environment.get("USERPROFILE")
    if environment.get("XDG_CONFIG_HOME") or home:
        yield Path(environment.get("XDG_CONFIG_HOME") or f"{home}/.config", "containers/auth.json")
    if environment.get("DOCKER_CONFIG") or home:
        yield Path(environment.get("DOCKER_CONFIG") or f"{home}/.docker", "config.json")
    if home:
        yield Path(home, ".dockercfg")


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(limits.LOGIN_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unauthorized(f"the file of logins {quoted(path)} cannot be read: {str(error.strerror).lower()}") from None
    if len(data) > limits.LOGIN_FILE_BYTES:
        raise Unauthorized(f"the file of logins {quoted(path)} has more than {limits.LOGIN_FILE_BYTES} bytes")
    return data


def _decoded(source: str, data: bytes) -> Mapping[str, Any]:
    try:
        document = loads(data)
    except JsonError:
        document = None
    if not isinstance(document, dict):
        raise _broken(source, "is not a JSON object")
    return document


def _broken(source: str, why: str) -> Unauthorized:
    return Unauthorized(f"the file of logins {quoted(source)} {why}", "log in again, or correct the file")


# What a file holds itself


def _from_auths(document: Mapping[str, Any], name: str, source: str) -> Login | None:
    """The entry for the repository, its nearest parent or its registry; an exact key before another spelling."""
    entries = _table(document, "auths", source)
    for wanted in lookup_order(name):
        for key in sorted((key for key in entries if canonical_key(key) == wanted), key=lambda key: key != wanted):
            login = _entry(entries[key], source)
            if login:
                return login
    return None


def lookup_order(name: str) -> Iterator[str]:
    """`registry/a/b`, `registry/a`, `registry`: whole components only, never a prefix of one."""
    while name:
        yield name
        name = name.rpartition("/")[0]


def canonical_key(key: str) -> str:
    """What a key of a file is for: a registry, or a repository and all below it; empty where it is for neither.

    A key with a scheme is for the whole registry, as docker has it, and so is one that ends in `/v1/`.
    """
    host = hostname(key)
    path = "" if "://" in key else key.partition("/")[2]
    try:
        host = canonical_host(host)
    except ValueError:
        return ""
    return host if path in ("", "v1/", "v2/") else f"{host}/{path}"


def hostname(key: str) -> str:
    """The host and port of a key as docker writes it: without scheme and path."""
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _table(document: Mapping[str, Any], key: str, source: str) -> Mapping[str, Any]:
    value = document.get(key)
    if value is not None and not isinstance(value, dict):
        raise _broken(source, f"has no table under {key}")
    return value or {}


def _entry(entry: object, source: str) -> Login:
    if not isinstance(entry, dict):
        raise _broken(source, "has an entry that is not an object")
    fields = [entry.get(key) or "" for key in ("username", "password", "identitytoken", "registrytoken", "auth")]
    if not all(isinstance(field, str) for field in fields):
        raise _broken(source, "has an entry that is not text")
    username, password, identity_token, registry_token, encoded = fields
    if encoded:
        username, password = _decode_basic(encoded, source)
    return Login(username, password, identity_token, registry_token)


def _decode_basic(encoded: str, source: str) -> tuple[str, str]:
    """User and password of an `auth` value: base64 of `user:password`, some tools pad with NUL."""
    try:
        text = base64.b64decode(encoded.translate(_LINE_ENDS), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    username, colon, password = text.partition(":")
    if not colon:
        raise _broken(source, "has an entry whose auth is not base64 of user:password")
    return username, password.rstrip("\0")


# Credential helpers


def _from_helpers(document: Mapping[str, Any], name: str, source: str) -> Login | None:
    """What the helper for the host answers, or the store for all hosts; no helper at all is one that is named ""."""
    registry = name.partition("/")[0]
    helpers = _table(document, "credHelpers", source)
    named = [(helpers[key], key) for key in helpers if canonical_key(key) == registry]
    if not any(helper == "" for helper, _ in named):
        named.append((document.get("credsStore"), HUB_KEY if registry == DOCKER_HUB else registry))
    for helper, key in named:
        login = ask_helper(helper, key) if helper else None
        if login:
            return login
    return None
