"""Who asks a registry: a login given on the command line, a client certificate, and by way of which mirrors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

from msgspec import Struct

from policyengine import limits
from policyengine.cli.commands import option
from policyengine.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def identifying(function: F) -> F:
    """The options of an `Identity`."""
    for add in (
        option("--registries-conf", topic="Registry", metavar="FILE",
               help="Mirrors, as podman's registries.conf names them."),
        option("--key-file", topic="Registry", metavar="FILE", help="The key of --cert-file, as PEM."),
        option("--cert-file", topic="Registry", metavar="FILE",
               help="A client certificate for registries that ask for one, as PEM."),
        option("--password-stdin", topic="Registry", is_flag=True, help="Read the password from standard input."),
        option("--username", topic="Registry", metavar="NAME",
               help="Who logs in to the one registry that is named; with --password-stdin."),
    ):  # fmt: skip
        function = add(function)
    return function


class Identity(Struct, frozen=True, kw_only=True):
    """The options of `identifying`."""

    username: str | None = None
    password_stdin: bool = False
    cert_file: str | None = None
    key_file: str | None = None
    registries_conf: str | None = None

    @classmethod
    def of(cls, options: dict[str, Any]) -> Identity:
        """The identity that `options` say, which are taken out."""
        return cls(**{name: options.pop(name) for name in cls.__struct_fields__})

    def settings(self, registries: Iterable[str]) -> dict[str, Any]:
        """What `Registry` takes of it, to ask `registries`; raises `UsageError`."""
        self.check(registries := sorted(set(registries)))
        return {
            "cert_file": self.cert_file,
            "key_file": self.key_file,
            "mirrors": self.registries_conf,
            "login": None if self.username is None else (registries[0], self.username, _password()),
        }

    def check(self, registries: Iterable[str]) -> None:
        """Refuse a login that is none, or for several registries: nobody says whose the password is."""
        if (self.username is None) == self.password_stdin:
            raise UsageError("--username and --password-stdin belong together", "give both, or use `docker login`")
        count = len(set(registries))
        if self.username is not None and count != 1:
            several = f"a login is for one registry, and {count} are named"
            raise UsageError(several, "ask one at a time, or use `docker login`")


@cache
def _password() -> str:
    """The password on standard input, without the line's end; raises `UsageError`."""
    data = sys.stdin.buffer.read(limits.HELPER_BYTES + 1)
    if len(data) > limits.HELPER_BYTES:
        raise UsageError(f"the password on standard input has more than {limits.HELPER_BYTES} bytes")
    try:
        password = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError("the password on standard input is not UTF-8") from None
    if not password or not password.isprintable():
        raise UsageError("there is no password on standard input", "pipe it in, as to `docker login --password-stdin`")
    return password
