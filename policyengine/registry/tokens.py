"""Logging in to one repository: basic authentication, and bearer tokens from a token server.

Distribution's token specification, with what registries add to it. Tokens live in memory only, for
the one repository that they were made for.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Container, Iterable
from typing import Any
from urllib.parse import urlencode

from policyengine import limits
from policyengine.errors import NotFound, RegistryError, Unauthorized
from policyengine.registry.answers import Answer, failure, joined
from policyengine.registry.challenges import Challenge, parse_challenges
from policyengine.registry.credentialhelpers import Login
from policyengine.registry.credentials import Logins
from policyengine.registry.targets import TRUST_HELP, Origin, check_target, may_have_login, resolve_url
from policyengine.registry.transport import Deadline, Request, Transport
from policyengine.strictjson import JsonError, loads

CLIENT = "policyengine"
SHORTEST_LIFE = 60
"""Seconds that a token lasts when its server says less or nothing (as the token specification has it)."""
MARGIN = 5
"""Seconds before its end at which a token is not used any more."""

_TOKEN = re.compile(r"[!-~]+")


class Authorizer:
    """The `Authorization` header for requests to one repository; serves several threads."""

    def __init__(
        self,
        name: str,
        origin: Origin,
        transport: Transport,
        logins: Logins,
        trusted: Container[str] = (),
        actions: str = "pull",
    ) -> None:
        self._name = name
        self._actions = actions
        self._origin = origin
        self._transport = transport
        self._logins = logins
        self._trusted = trusted
        self._lock = threading.Lock()
        self._header = ""
        self._until = 0.0
        self._known = ""

    def current(self) -> str:
        """The header that was accepted last; empty if there is none, or its token has run out."""
        return self._header if time.monotonic() < self._until else ""

    def ready(self, deadline: Deadline) -> str:
        """The header to begin a request with: where a token has run out, a new one for the same challenge.

        Raises what `renew` raises.
        """
        return self.current() or (self.renew(self._known, "", deadline) if self._known else "")

    def renew(self, header: str, refused: str, deadline: Deadline) -> str:
        """The header that answers a 401 with this `WWW-Authenticate` header, after `refused` was not taken.

        One thread asks the token server, the others wait for its answer. Raises `Unauthorized`, or
        what asking the token server raises.
        """
        with self._lock:
            if self.current() in ("", refused):
                self._header, life = self._answer(parse_challenges(header), deadline)
                self._until = time.monotonic() + life
                self._known = header
            return self._header

    def _answer(self, challenges: list[Challenge], deadline: Deadline) -> tuple[str, float]:
        """A header and the seconds that it may be used for."""
        login = self._logins.find(self._name)
        for challenge in challenges:
            if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
                return self._bearer(challenge, login, deadline)
        if any(challenge.scheme == "basic" for challenge in challenges):
            return self._basic(login), float("inf")
        raise Unauthorized(f"{self._origin} offers no way to log in that is known here")

    def _basic(self, login: Login | None) -> str:
        if login is None or not login.username:
            raise Unauthorized(f"{self._origin} asks for a login", f"run docker login {self._origin.authority}")
        self._check_privacy()
        return _basic(login)

    def _check_privacy(self) -> None:
        """Refuse to send a secret of the user's over plain HTTP, except to this machine."""
        if self._origin.scheme != "https" and not self._origin.is_loopback:
            raise Unauthorized(f"the login for {self._origin.authority} is not sent over plain HTTP", "use TLS")

    def _bearer(self, challenge: Challenge, login: Login | None, deadline: Deadline) -> tuple[str, float]:
        if login and login.registry_token:
            self._check_privacy()
            return f"Bearer {_checked(login.registry_token)}", float("inf")
        url = resolve_url(f"{self._origin}/", challenge.parameters["realm"])
        server = check_target("token server", url, self._origin, self._trusted)
        trusted = may_have_login(server, self._name.partition("/")[0], self._origin, self._trusted)
        answer = self._ask(url, challenge, login if trusted else None, deadline)
        if answer.status != 200:
            raise self._refusal(answer, server, withheld=bool(login) and not trusted)
        return read_token(answer, server)

    def _ask(self, url: str, challenge: Challenge, login: Login | None, deadline: Deadline) -> Answer:
        """The token server's answer: a refresh token goes in a form, user and password in a header."""
        fields = [("service", challenge.parameters["service"])] if challenge.parameters.get("service") else []
        own = f"repository:{self._name.partition('/')[2]}:{self._actions}"
        scopes = merged_scopes([own, *challenge.parameters.get("scope", "").split()])
        if login and login.refresh_token:
            form = [("grant_type", "refresh_token"), *fields, ("client_id", CLIENT), ("scope", " ".join(scopes))]
            body = urlencode([*form, ("refresh_token", login.refresh_token)]).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._exchange(Request("POST", url, kind, body), deadline)
            if answer.status not in (404, 405):
                return answer
        query = urlencode([*fields, *(("scope", scope) for scope in scopes)])
        secret = {"Authorization": _basic(login)} if login and login.username else {}
        return self._exchange(Request("GET", f"{url}{'&' if '?' in url else '?'}{query}", secret), deadline)

    def _exchange(self, request: Request, deadline: Deadline) -> Answer:
        """One request to a token server; a redirect is not followed."""
        plain = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": CLIENT}
        request = Request(request.method, request.url, {**plain, **request.headers}, request.body)
        with self._transport.open(request, deadline) as response:
            body = b""
            for chunk in response.chunks:
                body += chunk
                if len(body) > limits.TOKEN_BYTES:
                    raise RegistryError(f"the token server of {self._origin} answers with too many bytes")
            return Answer(response.status, joined(response.headers), body)

    def _refusal(self, answer: Answer, server: Origin, withheld: bool) -> RegistryError:
        error = failure(answer, f"a token for {self._name}", server)
        if isinstance(error, NotFound):  # it is the token server that is not there, not the image
            return Unauthorized(error.message, "the registry names a token server that does not serve tokens")
        if isinstance(error, Unauthorized) and withheld:
            return Unauthorized(error.message, f"the login was not sent to {server}: {TRUST_HELP}")
        return error


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def read_token(answer: Answer, server: Origin) -> tuple[str, float]:
    """The header with the token in a token server's answer, and the seconds that it may be used for."""
    try:
        document: Any = loads(answer.body)
    except JsonError:
        document = None
    token = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
    if not isinstance(token, str):
        raise RegistryError(f"the token server {server} answers without a token")
    life = document.get("expires_in")
    return f"Bearer {_checked(token)}", max(life if type(life) is int else 0, SHORTEST_LIFE) - MARGIN


def _checked(token: str) -> str:
    """A token that can stand in a header."""
    if not _TOKEN.fullmatch(token):
        raise RegistryError("the token holds characters that no header can hold")
    return token


def merged_scopes(scopes: Iterable[str]) -> list[str]:
    """Scopes (`type:name:actions`) sorted, each resource once with all its actions; other texts as they are."""
    actions: dict[str, set[str]] = {}
    others = set()
    for scope in scopes:
        resource, _, names = scope.rpartition(":")
        if ":" in resource:
            actions.setdefault(resource, set()).update(name for name in names.split(",") if name)
        else:
            others.add(scope)
    merged = {
        f"{resource}:{'*' if '*' in names else ','.join(sorted(names))}" for resource, names in actions.items() if names
    }
    return sorted(merged | others)
