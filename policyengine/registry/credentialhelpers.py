"""Logins, and the programs that keep them for a user: `docker-credential-…` (docker's "Credential helper protocol")."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.errors import Unauthorized
from policyengine.oci import quoted
from policyengine.strictjson import JsonError, loads

TOKEN_USERS = frozenset(("<token>", "00000000-0000-0000-0000-000000000000"))
"""Users whose password is a refresh token: as helpers mark one, and as Azure Container Registry does."""

SECONDS = 30.0
"""How long a helper may take."""
_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


class Login(Struct, frozen=True):
    """What to show a registry. It never shows itself: neither in messages nor in logs."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    """A refresh token, exchanged at the token server."""
    registry_token: str = ""
    """A token that the registry itself takes."""

    @property
    def refresh_token(self) -> str:
        """What the token server exchanges for a token; empty where the login has none."""
        return self.identity_token or (self.password if self.username in TOKEN_USERS else "")

    def __repr__(self) -> str:
        return "<login>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []

    def __bool__(self) -> bool:
        return bool(self.username or self.password or self.identity_token or self.registry_token)


def ask_helper(helper: object, key: str) -> Login | None:
    """What the program `docker-credential-HELPER` answers for `key`; `None` where it has nothing.

    It is found on the path by its name only, gets no shell, and may take `SECONDS`. Raises `Unauthorized`.
    """
    if not isinstance(helper, str) or not _NAME.fullmatch(helper):
        raise Unauthorized(f"{quoted(helper)} is not the name of a credential helper", "correct the file of logins")
    status, output = _run(f"docker-credential-{helper}", key)
    if status != 0:
        if b"credentials not found" in output or b"no credentials server URL" in output:
            return None
        raise _failed(helper, "fails")
    try:
        answer = loads(output)
    except JsonError:
        answer = None
    if not isinstance(answer, dict) or not all(isinstance(answer.get(k, ""), str) for k in ("Username", "Secret")):
        raise _failed(helper, "does not answer with a login")
    username, secret = answer.get("Username", ""), answer.get("Secret", "")
    return (Login(identity_token=secret) if username == "<token>" else Login(username, secret)) or None


def _run(program: str, key: str) -> tuple[int, bytes]:
    """Exit status and output of a helper, the output in a file so that none can fill the memory."""
    import subprocess
    import tempfile

    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(  # noqa: S603 - a checked name, without a shell
                [program, "get"],
                input=key.encode(),
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _failed(program, f"took longer than {SECONDS:g} seconds") from None
        except OSError:
            raise _failed(program, "cannot be run") from None
        output.seek(0)
        return done.returncode, output.read(limits.HELPER_BYTES)


def _failed(helper: str, why: str) -> Unauthorized:
    return Unauthorized(f"the credential helper {quoted(helper)} {why}", "run it by hand, or log in again")
