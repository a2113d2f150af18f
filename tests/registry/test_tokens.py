"""Logging in, with an answer of our own behind the transport."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from policyengine.errors import InvalidReference, RegistryError, Unauthorized
from policyengine.oci import Reference
from policyengine.registry.answers import Answer
from policyengine.registry.credentials import Logins
from policyengine.registry.targets import origin_of
from policyengine.registry.tokens import MARGIN, Authorizer, merged_scopes, read_token
from policyengine.registry.transport import Deadline, Request, Response
from tests.tables import rows

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


SCOPES = "auth_scope.json"


def test_the_scopes_of_oras(shared: Path) -> None:
    for case in rows(shared, SCOPES, "TestCleanScopes"):
        assert merged_scopes(case.get("scopes") or []) == (case.get("want") or []), case
    for case in rows(shared, SCOPES, "Test_cleanActions"):
        wanted = [f"repository:a:{','.join(case['want'])}"] if case.get("want") else []
        assert merged_scopes([f"repository:a:{','.join(case.get('actions') or [])}"]) == wanted, case
    for case in rows(shared, SCOPES, "TestScopeRepository"):
        if "repository" not in case:
            with pytest.raises(InvalidReference):  # no repository has an empty name
                Reference.parse("registry.example.com/")
            continue
        wanted = [case["want"]] if "want" in case else []
        assert merged_scopes([f"repository:{case['repository']}:{','.join(case.get('actions') or [])}"]) == wanted, case


def test_the_scopes_of_containerd(shared: Path) -> None:
    for case in rows(shared, SCOPES, "TestGetTokenScopes"):
        given = [*case["scopesInCtx"], *case["commonScopes"]]
        assert merged_scopes(given) == merged_scopes(case["expected"]), case
    assert merged_scopes(["repository(plugin):a:5000/b:pull", "repository(plugin):a:5000/b:push"]) == [
        "repository(plugin):a:5000/b:pull,push"
    ]
    for case in rows(shared, SCOPES, "TestRepositoryScope"):
        transport = Scripted((200, {"token": "abc"}))
        actions = "pull,push" if case["push"] else "pull"
        origin = origin_of(f"https://{case['refspec']['Locator'].partition('/')[0]}")
        who = Authorizer(case["refspec"]["Locator"], origin, transport, Logins({}), (), actions)
        renew(who, 'Bearer realm="/token"')
        assert parse_qs(urlsplit(transport.asked[0].url).query)["scope"] == [case["expected"]]


FILE = "(file scope)"
Triple = tuple[str, str, str]


def triples(*texts: str) -> set[Triple]:
    """What scopes allow, one action of one resource each, as cue-labs has it."""
    found: set[Triple] = set()
    for scope in merged_scopes(scope for text in texts for scope in text.split()):
        kind, _, rest = scope.partition(":")
        resource, _, actions = rest.rpartition(":")
        found |= {(kind, resource, action) for action in actions.split(",")} if resource else {(kind, rest, "")}
    return found


def triple(wanted: dict[str, str]) -> Triple:
    if "$ident" in wanted:
        return "registry", "catalog", "*"
    return wanted["ResourceType"], wanted.get("Resource", ""), wanted.get("Action", "")


def test_how_cue_labs_reads_scopes(shared: Path) -> None:
    for case in rows(shared, SCOPES, FILE, "parseScopeTests"):
        assert " ".join(merged_scopes(case["in"].split())) == case["canonicalString"], case
        assert triples(case["in"]) == {triple(wanted) for wanted in case["wantScopes"]}
    found = {}
    for case in rows(shared, SCOPES, FILE, "scopeUnionTests"):
        ours = " ".join(merged_scopes([*case["s1"].split(), *case["s2"].split()]))
        if ours != case["want"]:
            found[case["testName"]] = ours
    assert found == {
        # a scope without bounds is a notion of theirs, which no token server knows
        "UnlimitedAndSomething": "* repository:foo:pull",
        "SomethingAndUnlimited": "* repository:foo:pull",
        # one form for equal scopes, whoever wrote them
        "StringPreservedWhenResultEqual": "arble repository:bar/baz:pull,something",
    }


def test_how_cue_labs_compares_scopes(shared: Path) -> None:
    """The union of what is held and what is asked for is what was held, if and only if it holds that already."""
    for case in rows(shared, SCOPES, FILE, "scopeHoldsTests"):
        asked = triple(case["holds"]) if isinstance(case["holds"], dict) else tuple(case["holds"])
        assert (asked in triples(case["s"])) == (case["want"] and case["s"] != "*"), "see Unlimited above"
    for case in rows(shared, SCOPES, FILE, "scopeContainsTests"):
        contained = triples(case["s1"], case["s2"]) == triples(case["s1"])
        assert contained == (case["want"] and case["testName"] != "UnlimitedContainsSomething"), case
    for case in rows(shared, SCOPES, FILE, "scopeLenTests"):
        assert len(triples(*texts(case["scope"]))) == case["want"]


def texts(call: dict[str, Any]) -> list[str]:
    """The scopes of a row that is written as calls."""
    parts = [call.get("recv"), *call["args"]]
    nested = [text for part in parts if isinstance(part, dict) and "$call" in part for text in texts(part)]
    catalog = ["registry:catalog:*" for part in parts if part == {"$ident": "CatalogScope"}]
    return [*nested, *catalog, *(part for part in parts if isinstance(part, str))]


def test_the_tokens_of_containers_image(shared: Path) -> None:
    """They count from `issued_at`, the server's clock; we from when the answer came, and a refused token is renewed."""
    refused = []
    for case in rows(shared, "auth_challenge.json", "TestNewBearerTokenFromHTTPResponseBody"):
        answer = Answer(200, {}, case["input"].encode())
        try:
            header, life = read_token(answer, origin_of("https://registry.example.com"))
        except RegistryError:
            refused.append(case["input"])
            continue
        issued = 1_514_800_802  # 2018-01-01T10:00:02Z
        assert header == f"Bearer {case['expected']['token']}"
        assert life + MARGIN == case["expected"]["expirationTime"]["args"][0] - issued
    assert refused == ["IAmNotJson"]


def test_the_encoded_logins_of_oras(shared: Path) -> None:
    found = {}
    for case in rows(shared, "credentials.json", "Test_encodeAuth"):
        entry = {"username": case["username"], "password": case["password"]}
        who = authorizer(Scripted(), login=json.dumps({"auths": {"registry.example.com": entry}}))
        try:
            assert renew(who, "Basic realm=x") == f"Basic {case['want']}"
        except Unauthorized as error:
            found[case["name"]] = "asks for a login" in error.message
    assert found == {"Password only": True, "Empty username and empty password": True}, "a login has a user's name"
