"""Logging in, with an answer of our own behind the transport."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
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


def sent(request: Request) -> bytes:
    """The body of a request, which is in memory for token servers."""
    assert isinstance(request.body, bytes)
    return request.body


def test_a_refresh_token_falls_back_to_the_older_way() -> None:
    login = json.dumps({"auths": {"registry.example.com": {"auth": "dTpw", "identitytoken": "refresh"}}})
    transport = Scripted((405, {}), (200, {"token": "abc"}))
    assert renew(authorizer(transport, login=login), 'Bearer realm="/token",service="s"') == "Bearer abc"
    assert [request.method for request in transport.asked] == ["POST", "GET"]
    form = parse_qs(sent(transport.asked[0]).decode())
    assert form["refresh_token"] == ["refresh"]
    assert form["grant_type"] == ["refresh_token"]
    assert "offline_token" not in transport.asked[1].url


def test_bearer_comes_before_basic() -> None:
    transport = Scripted((200, {"token": "abc"}))
    assert renew(authorizer(transport), 'Basic realm=x, Bearer realm="/token"') == "Bearer abc"


def test_a_bearer_challenge_without_a_token_server_is_none() -> None:
    assert renew(authorizer(Scripted()), 'Bearer realm="", Basic realm="x"').startswith("Basic ")
    with pytest.raises(Unauthorized, match="offers no way"):
        renew(authorizer(Scripted()), 'Bearer service="x"')


@pytest.mark.parametrize(
    "realm", ["", "http://169.254.169.254/t", "https://10.0.0.1/t", "file:///etc/passwd", "ftp://a/t"]
)
def test_no_token_is_asked_for_at_odd_places(realm: str) -> None:
    transport = Scripted()
    with pytest.raises(RegistryError):
        renew(authorizer(transport), f'Bearer realm="{realm}"')
    assert transport.asked == []


@pytest.mark.parametrize(
    "realm",
    [
        *("https://registry.example.com.evil.com/t", "https://evil.com/registry.example.com", "//evil.com/t"),
        *("https://registry.example.com:8443/t", "https://sub.registry.example.com/t", "https://example.com/t"),
        *("https://registry.example.com./t", "https://auth.docker.io/token", "https://registryxexample.com/t"),
    ],
)
def test_servers_that_only_look_like_the_registry_get_no_login(realm: str) -> None:
    transport = Scripted((200, {"token": "anonymous"}))
    assert renew(authorizer(transport), f'Bearer realm="{realm}"') == "Bearer anonymous"
    assert "Authorization" not in transport.asked[0].headers
    refreshing = json.dumps({"auths": {"registry.example.com": {"identitytoken": "refresh"}}})
    transport = Scripted((200, {"token": "anonymous"}))
    renew(authorizer(transport, login=refreshing), f'Bearer realm="{realm}"')
    assert (transport.asked[0].method, b"refresh" in sent(transport.asked[0])) == ("GET", False)


@pytest.mark.parametrize(
    "realm", ["https://REGISTRY.example.com:443/t", "/t", "t", "https://registry.example.com/t?a=b"]
)
def test_other_ways_to_write_the_registry_itself(realm: str) -> None:
    transport = Scripted((200, {"token": "abc"}))
    renew(authorizer(transport), f'Bearer realm="{realm}"')
    assert transport.asked[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("user", ["<token>", "00000000-0000-0000-0000-000000000000"])
def test_a_password_that_is_a_refresh_token_is_exchanged(user: str) -> None:
    login = json.dumps({"auths": {"registry.example.com": {"username": user, "password": "refresh"}}})
    transport = Scripted((200, {"access_token": "abc"}))
    assert renew(authorizer(transport, login=login), 'Bearer realm="/oauth2/token",service="r"') == "Bearer abc"
    form = parse_qs(sent(transport.asked[0]).decode())
    assert (transport.asked[0].method, form["refresh_token"], form["service"]) == ("POST", ["refresh"], ["r"])


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


def scopes(shared: Path, *names: str) -> list[dict[str, Any]]:
    tables = json.loads((shared / "data/registry/auth_scope.json").read_text())["tables"]
    found = [case for table in tables if {table["test"], table["table"]} & set(names) for case in table["cases"]]
    assert found
    return found


def test_the_scopes_of_cue_labs(shared: Path) -> None:
    for case in scopes(shared, "parseScopeTests"):
        assert " ".join(merged_scopes(case["in"].split())) == case["canonicalString"], case
    for case in scopes(shared, "scopeUnionTests"):
        wanted = merged_scopes([*case["s1"].split(), *case["s2"].split()])
        if not case.get("wantUnlimited"):  # "*" is a notion of theirs, not of token servers
            assert wanted == merged_scopes(case["want"].split()), case


def test_the_actions_of_oras(shared: Path) -> None:
    for case in scopes(shared, "Test_cleanActions"):
        wanted = [f"repository:a:{','.join(case['want'])}"] if case.get("want") else []
        assert merged_scopes([f"repository:a:{','.join(case.get('actions') or [])}"]) == wanted, case


def test_the_scopes_of_containerd(shared: Path) -> None:
    for case in scopes(shared, "TestGetTokenScopes"):
        given = [*case["scopesInCtx"], *case["commonScopes"]]
        assert merged_scopes(given) == merged_scopes(case["expected"]), case
    assert merged_scopes(["repository(plugin):a:5000/b:pull", "repository(plugin):a:5000/b:push"]) == [
        "repository(plugin):a:5000/b:pull,push"
    ]
