"""Logging in, with an answer of our own behind the transport."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from policyengine.errors import RegistryError, Unauthorized
from policyengine.registry.credentials import Logins
from policyengine.registry.targets import origin_of
from policyengine.registry.tokens import Authorizer, merged_scopes
from policyengine.registry.transport import Deadline, Request, Response

LOGIN = json.dumps({"auths": {"registry.example.com": {"username": "user", "password": "secret"}}})


class Scripted:
    """Answers each request with the next of the given answers, and keeps what was asked."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    @contextmanager
    def open(self, request: Request, deadline: Deadline) -> Iterator[Response]:
        assert deadline.remaining() > 0
        self.asked.append(request)
        status, body = self.answers.pop(0)
        yield Response(status, [("Content-Type", "application/json")], iter([json.dumps(body).encode()]))

    def close(self) -> None:
        """Nothing to end."""


def authorizer(transport: Scripted, server: str = "https://registry.example.com", login: str = LOGIN) -> Authorizer:
    return Authorizer(
        "registry.example.com/team/app", origin_of(server), transport, Logins({"DOCKER_AUTH_CONFIG": login})
    )


def renew(who: Authorizer, header: str) -> str:
    return who.renew(header, who.current(), Deadline(10))


def test_the_token_of_the_same_host() -> None:
    transport = Scripted((200, {"access_token": "abc"}))
    header = 'Bearer realm="https://registry.example.com/auth?x=1",service="s",scope="repository:team/app:pull,push"'
    assert renew(authorizer(transport), header) == "Bearer abc"
    url = urlsplit(transport.asked[0].url)
    assert parse_qs(url.query) == {"x": ["1"], "service": ["s"], "scope": ["repository:team/app:pull,push"]}
    assert transport.asked[0].headers["Authorization"].startswith("Basic ")
    assert "Basic" not in repr(transport.asked[0])


def test_a_token_server_elsewhere_gets_no_login() -> None:
    transport = Scripted((200, {"token": "abc"}))
    assert renew(authorizer(transport), 'Bearer realm="https://auth.elsewhere.com/token"') == "Bearer abc"
    assert "Authorization" not in transport.asked[0].headers
    transport = Scripted((401, {}))
    with pytest.raises(Unauthorized) as caught:
        renew(authorizer(transport), 'Bearer realm="https://auth.elsewhere.com/token"')
    assert "was not sent to https://auth.elsewhere.com" in caught.value.help


def test_a_login_is_not_sent_over_plain_http() -> None:
    for header in ("Basic realm=x", 'Bearer realm="http://registry.example.com/token"'):
        transport = Scripted((401, {}))
        with pytest.raises(Unauthorized):
            renew(authorizer(transport, "http://registry.example.com"), header)
        assert all("Authorization" not in request.headers for request in transport.asked)
    ready = json.dumps({"auths": {"registry.example.com": {"registrytoken": "t"}}})
    with pytest.raises(Unauthorized, match="plain HTTP"):
        renew(authorizer(Scripted(), "http://registry.example.com", ready), 'Bearer realm="x"')


def test_a_refresh_token_falls_back_to_the_older_way() -> None:
    login = json.dumps({"auths": {"registry.example.com": {"auth": "dTpw", "identitytoken": "refresh"}}})
    transport = Scripted((405, {}), (200, {"token": "abc"}))
    assert renew(authorizer(transport, login=login), 'Bearer realm="/token",service="s"') == "Bearer abc"
    assert [request.method for request in transport.asked] == ["POST", "GET"]
    form = parse_qs(transport.asked[0].body.decode())
    assert form["refresh_token"] == ["refresh"]
    assert form["grant_type"] == ["refresh_token"]
    assert "offline_token" not in transport.asked[1].url


def test_bearer_comes_before_basic() -> None:
    transport = Scripted((200, {"token": "abc"}))
    assert renew(authorizer(transport), 'Basic realm=x, Bearer realm="/token"') == "Bearer abc"


@pytest.mark.parametrize("header", ["Negotiate", "", "Digest realm=x", "nonsense"])
def test_no_way_to_log_in(header: str) -> None:
    with pytest.raises(Unauthorized, match="offers no way"):
        renew(authorizer(Scripted()), header)


def test_a_redirect_of_a_token_server_is_not_followed() -> None:
    transport = Scripted((302, {}))
    with pytest.raises(RegistryError):
        renew(authorizer(transport), 'Bearer realm="/token"')
    assert len(transport.asked) == 1


@pytest.mark.parametrize("life", [0, 1, -5, None, "soon", 10**30])
def test_odd_lives_of_tokens(life: object) -> None:
    who = authorizer(Scripted((200, {"token": "abc", "expires_in": life})))
    renew(who, 'Bearer realm="/token"')
    assert who.current() == "Bearer abc", "a minute at least"


def test_a_token_that_another_thread_has_renewed_is_taken_over() -> None:
    who = authorizer(Scripted((200, {"token": "new"})))
    assert who.renew('Bearer realm="/token"', "", Deadline(10)) == "Bearer new"
    assert who.renew('Bearer realm="/token"', "", Deadline(10)) == "Bearer new"


def test_the_scopes_of_oras(shared: Path) -> None:
    tables = json.loads((shared / "data/registry/auth_scope.json").read_text())["tables"]
    (cases,) = [table["cases"] for table in tables if table["test"] == "TestCleanScopes"]
    assert len(cases) == 13
    for case in cases:
        assert merged_scopes(case.get("scopes") or []) == (case.get("want") or []), case
