"""Plain HTTP for revocation: where it goes, where it does not go, and what bounds the answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import repeat

import pytest

from policyengine.errors import PolicyEngineError, RegistryError, TooLarge, Unreachable
from policyengine.registry.plainfetch import PlainFetch
from tests.registry.test_wire import named
from tests.simulator.answers import Answer, Server

MUCH = 1000


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({"/list": b"the list", "/large": b"x" * (MUCH + 1), "/exact": b"x" * MUCH}) as serving:
        yield serving


def fetcher(server: Server) -> PlainFetch:
    return PlainFetch({"POLICYENGINE_TRUSTED_HOSTS": server.host})


def fetch(server: Server, path: str, body: bytes | None = None, seconds: float = 10) -> bytes:
    return fetcher(server)(server.url(path), body, MUCH, seconds)


def test_a_list_is_fetched_without_a_login_or_anything_about_the_user(server: Server) -> None:
    assert fetch(server, "/list") == b"the list"
    ((method, path, headers, body),) = server.seen
    assert (method, path, body) == ("GET", "/list", b"")
    assert headers == {
        "Host": server.host,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "policyengine",
    }


def test_an_ocsp_request_is_posted(server: Server) -> None:
    assert fetch(server, "/list", b"question") == b"the list"
    ((method, _, headers, body),) = server.seen
    assert (method, headers["Content-Type"], body) == ("POST", "application/ocsp-request", b"question")


@pytest.mark.parametrize("length", [True, False])
def test_no_more_is_read_than_there_may_be(server: Server, length: bool) -> None:
    server.at["/stream"] = Answer([b"x" * 100] * 11, length=length)
    assert len(fetch(server, "/exact")) == MUCH
    for path in ("/large", "/stream"):
        with pytest.raises(TooLarge, match="more than 1000 bytes"):
            fetch(server, path)


def test_an_answer_without_an_end_is_left(server: Server) -> None:
    server.at["/endless"] = Answer(repeat(b"x" * 500), length=False)
    with pytest.raises(TooLarge):
        fetch(server, "/endless")


@pytest.mark.parametrize(("pieces", "length"), [([b"x"], True), ([b"x"] * 50, False)])
def test_a_slow_answer_ends_in_time(server: Server, pieces: list[bytes], length: bool) -> None:
    server.at["/slow"] = Answer(pieces, pause=0.2, length=length)
    start = time.monotonic()
    with pytest.raises(Unreachable):
        fetch(server, "/slow", seconds=0.1)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("status", [204, 206, 401, 403, 404, 500, 503])
def test_only_a_success_is_an_answer(server: Server, status: int) -> None:
    server.at["/other"] = Answer([b"body"] if status != 204 else [], status)
    with pytest.raises(RegistryError, match=f"answers {status}"):
        fetch(server, "/other")


def test_a_compressed_answer_is_refused(server: Server) -> None:
    server.at["/packed"] = Answer([b"\x1f\x8b"], headers={"Content-Encoding": "gzip"})
    with pytest.raises(RegistryError, match="compressed"):
        fetch(server, "/packed")


def test_a_server_that_is_not_there(server: Server) -> None:
    ask = fetcher(server)
    server.server_close()
    with pytest.raises(Unreachable):
        ask(server.url("/list"), None, MUCH, 2)


# Where it does not go


@pytest.mark.parametrize(
    "url",
    [
        "https://crl.example/ca.crl",
        "ldap://crl.example/cn=ca",
        "file:///etc/passwd",
        "ftp://crl.example/ca.crl",
        "http://user:password@crl.example/",
        "http:///ca.crl",
        "http://crl.example:0/",
        "http://crl.example/ca crl",
        "http://crl.example/\r\nHost: x",
        "crl.example/ca.crl",
        "",
    ],
)
def test_nothing_but_plain_http_is_spoken(url: str) -> None:
    with pytest.raises(RegistryError, match=r"plain http URL|only http is spoken"):
        PlainFetch({})(url, None, MUCH, 1)


INNER = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://192.168.1.1:8080/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://127.1/",
    "http://metadata.google.internal/",
    "http://printer.local/",
]


@pytest.mark.parametrize("url", INNER)
def test_inner_networks_are_not_entered(url: str) -> None:
    with pytest.raises(RegistryError, match="inner network") as caught:
        PlainFetch({})(url, None, MUCH, 1)
    assert "POLICYENGINE_TRUSTED_HOSTS" in caught.value.help


def test_a_public_name_for_an_inner_address_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "crl.example", "127.0.0.1")
    with pytest.raises(RegistryError, match="inner network"):
        PlainFetch({})(f"http://crl.example:{server.server_port}/list", None, MUCH, 2)
    assert server.seen == []


def test_who_is_vouched_for_is_reached_by_that_name_and_port_only(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, "crl.example", "127.0.0.1")
    vouched = PlainFetch({"POLICYENGINE_TRUSTED_HOSTS": f"x.example, crl.example:{server.server_port}"})
    assert vouched(f"http://crl.example:{server.server_port}/list", None, MUCH, 2) == b"the list"
    for other in (server.url("/list"), "http://crl.example/list"):
        with pytest.raises(RegistryError, match="inner network"):
            vouched(other, None, MUCH, 2)


# Redirects


def moved(to: str) -> Answer:
    return Answer(status=302, headers={"Location": to})


def test_a_redirect_is_followed_by_http_only(server: Server) -> None:
    server.at |= {
        "/moved": moved("/list"),
        "/secure": moved(f"https://{server.host}/list"),
        "/file": moved("file:///x"),
    }
    assert fetch(server, "/moved") == b"the list"
    for path in ("/secure", "/file"):
        with pytest.raises(RegistryError, match=r"only http is spoken|plain http URL"):
            fetch(server, path)


@pytest.mark.parametrize("to", ["http://127.0.0.1:1/", "http://169.254.169.254/", "//10.0.0.1/"])
def test_a_redirect_into_an_inner_network_is_not_followed(server: Server, to: str) -> None:
    server.at["/moved"] = moved(to)
    with pytest.raises(RegistryError, match="inner network"):
        fetch(server, "/moved")


def test_a_circle_of_redirects_ends(server: Server) -> None:
    server.at["/circle"] = moved("/circle")
    with pytest.raises(RegistryError, match="more than 5 redirects"):
        fetch(server, "/circle")
    assert len(server.seen) == 6


def test_an_ocsp_request_is_not_carried_elsewhere(server: Server) -> None:
    server.at["/moved"] = moved("/list")
    with pytest.raises(RegistryError, match="answers 302"):
        fetch(server, "/moved", b"question")


def test_a_proxy_gets_the_request_where_the_environment_names_one(server: Server) -> None:
    server.at["http://crl.example/"] = b"from the proxy"
    through = PlainFetch({"http_proxy": server.url("")})
    assert through("http://crl.example/ca.crl", None, MUCH, 5) == b"from the proxy"
    with pytest.raises(PolicyEngineError, match="inner network"):
        through("http://10.0.0.1/", None, MUCH, 5)
