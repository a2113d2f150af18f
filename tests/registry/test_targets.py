"""Where a registry may send us, and what it may be sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine.errors import InvalidReference, RegistryError
from policyengine.oci.hosts import is_loopback
from policyengine.registry.targets import (
    Origin,
    check_target,
    is_public,
    may_have_login,
    origin_of,
    registry_origin,
    resolve_url,
)
from tests.tables import rows

REALMS = "auth_realm_redirect.json"

REGISTRIES = {
    "registryHTTPS": "https://registry.example.com",
    "registryHTTP": "http://registry.example.com",
    "registryLoopback": "http://127.0.0.1:5000",
}


def refused(kind: str, url: str, origin: Origin, trusted: tuple[str, ...] = ()) -> bool:
    try:
        check_target(kind, resolve_url(f"{origin}/v2/", url), origin, trusted)
    except RegistryError:
        return True
    return False


def test_the_realms_of_oras(shared: Path) -> None:
    found = {}
    for case in rows(shared, REALMS, "Test_validateRealm"):
        ours = refused("token server", case["realm"], origin_of(REGISTRIES[case["registry"]["$ident"]]))
        if ours != case["wantErr"]:
            found[case["name"]] = ours
    assert found == {
        # the port counts: what listens beside the registry need not be its own
        "loopback realm is allowed when registry shares the loopback hostname": True,
        # it is no URL, so it is a path of the registry's own
        "unparseable realm is rejected": False,
    }


def test_the_realms_of_go_containerregistry(shared: Path) -> None:
    for case in rows(shared, REALMS, "TestValidateRealmURLUnspecified"):
        assert refused("token server", case["realm"], origin_of("https://registry.test")) == case["wantErr"], case
    for case in rows(shared, REALMS, "TestValidateRealmURLSameHost"):
        scheme = "http" if case.get("insecure") else "https"
        origin = origin_of(f"{scheme}://{case['registryHost']}")
        assert refused("token server", case["realm"], origin) == case.get("wantErr", False), case


def test_the_addresses_of_go_containerregistry(shared: Path) -> None:
    no_urls = set()
    for case in rows(shared, REALMS, "TestCanonicalAddressResolution"):
        try:
            origin = origin_of(f"{case['scheme']}://{case['address']}")
        except RegistryError:
            no_urls.add(case["address"])
        else:
            host = f"[{origin.host}]" if ":" in origin.host else origin.host
            assert f"{host}:{origin.port}" == case["want"]
    assert no_urls == {"2001:db8::1", "something:is::wrong]:"}, "an address needs its brackets in a URL"


def test_origins(shared: Path) -> None:
    for case in rows(shared, REALMS, "Test_sameHTTPOrigin"):
        assert (origin_of(case["a"]) == origin_of(case["b"])) == case["want"], case


def test_the_redirects_of_regclient(shared: Path) -> None:
    found = {}
    for case in rows(shared, REALMS, "TestAllowRedirect"):
        source, target = case["src"]["args"][1], case["dest"]["args"][1]
        ours = refused("redirect", target, origin_of(source))
        if ours != bool(case["expect"]):
            found[case["name"]] = ours
    assert found == {"local to external": True}, "theirs is to another machine of the inner network"


def test_what_is_local_for_regclient(shared: Path) -> None:
    origin = origin_of("https://registry.example.com")
    inner = {case["host"]: case["expect"] for case in rows(shared, REALMS, "TestIsLocal")}
    urls = {host: f"https://[{host}]/" if host == "::1" else f"https://{host}/" for host in inner}
    assert {host for host, local in inner.items() if refused("redirect", urls[host], origin) != local} == {
        "10.0.0.1"  # another machine of the inner network is refused too
    }


def test_loopback_names() -> None:
    for name in ("localhost", "LOCALHOST", "127.0.0.1", "127.255.0.9", "::1"):
        assert is_loopback(name)
    for name in ("localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "10.0.0.1", "foo.localhost", ""):
        assert not is_loopback(name)


@pytest.mark.parametrize(
    ("registry", "plain_http", "url"),
    [
        ("registry.example.com", None, "https://registry.example.com"),
        ("registry.example.com:5000", None, "https://registry.example.com:5000"),
        ("10.0.0.1:5000", None, "https://10.0.0.1:5000"),
        ("localhost:5000", None, "http://localhost:5000"),
        ("127.0.0.1", None, "http://127.0.0.1"),
        ("[::1]:5000", None, "http://[::1]:5000"),
        ("localhost:5000", False, "https://localhost:5000"),
        ("registry.example.com", True, "http://registry.example.com"),
        ("docker.io", None, "https://registry-1.docker.io"),
    ],
)
def test_servers_of_registries(registry: str, plain_http: bool | None, url: str) -> None:
    assert str(registry_origin(registry, plain_http)) == url


@pytest.mark.parametrize(
    ("registry", "plain_http"), [("registry.example.com:80", True), ("localhost:443", False), ("localhost:80", True)]
)
def test_a_port_that_goes_without_saying_would_be_a_second_name(registry: str, plain_http: bool) -> None:
    with pytest.raises(InvalidReference, match="anyway") as caught:
        registry_origin(registry, plain_http)
    assert caught.value.exit_code == 2


INNER = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
]


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses(address: str) -> None:
    assert not is_public(address)
    host = f"[{address.partition('%')[0]}]" if ":" in address else address
    assert refused("redirect", f"https://{host}/x", origin_of("https://registry.example.com"))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "a.localhost", "db.local", "x.internal."]
)
def test_names_that_stand_for_inner_addresses(host: str) -> None:
    assert refused("redirect", f"https://{host}/x", origin_of("https://registry.example.com"))


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com", "https://", "https://user@example.com/", "https://a:b@example.com/", "https://e.com:0/"),
        *(
            "https://e.com:99999/",
            "https://e.com/#x",
            "https://e.com/a b",
            "https://e.com\\@x/",
            "https://e.com/\r\nX: y",
        ),
        *("https://ex\u0430mple.com/", "javascript:alert(1)", "https://[::1", "//", "data:x"),
    ],
)
def test_what_is_no_target(url: str) -> None:
    with pytest.raises(RegistryError):
        origin_of(url)


def test_links_stay_on_the_server() -> None:
    origin = origin_of("https://registry.example.com")
    assert refused("link", "https://other.example.com/", origin)
    assert refused("link", "https://registry.example.com:8443/", origin)
    assert not refused("link", "/v2/a?last=1", origin)


def test_who_may_have_the_login() -> None:
    def may(registry: str, server: str, *trusted: str) -> bool:
        return may_have_login(origin_of(server), registry, registry_origin(registry, None), trusted)

    assert may("registry.example.com", "https://registry.example.com/token")
    assert may("docker.io", "https://auth.docker.io/token")
    assert may("registry.gitlab.com", "https://gitlab.com/jwt/auth")
    assert may("registry.example.com", "https://auth.example.com/token", "auth.example.com")
    assert not may("registry.example.com", "https://auth.example.com/token")
    assert not may("registry.example.com", "https://auth.docker.io/token")
    assert not may("registry.example.com", "https://registry.example.com:8443/token")
    assert not may("registry.example.com", "http://auth.example.com/token", "auth.example.com")
