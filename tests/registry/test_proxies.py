"""Which proxy a request takes."""

from __future__ import annotations

import pytest

from policyengine.errors import UsageError
from policyengine.registry.proxies import Proxies
from policyengine.registry.targets import origin_of

PROXY = "http://proxy.example.com:3128"


def proxy(url: str, **environment: str) -> str | None:
    return Proxies(environment).proxy_for(origin_of(url))


def test_by_scheme() -> None:
    assert proxy("https://a.com", HTTPS_PROXY=PROXY) == PROXY
    assert proxy("https://a.com", https_proxy="proxy:1") == "http://proxy:1"
    assert proxy("http://a.com", HTTP_PROXY=PROXY) == PROXY
    assert proxy("http://a.com", HTTPS_PROXY=PROXY) is None
    assert proxy("https://a.com", ALL_PROXY=PROXY) == PROXY
    assert proxy("https://a.com", https_proxy="http://lower:1", HTTPS_PROXY=PROXY) == "http://lower:1"
    assert proxy("https://a.com") is None


def test_this_machine_is_never_behind_a_proxy() -> None:
    for host in ("localhost:5000", "127.0.0.1:5000", "[::1]:5000"):
        assert proxy(f"http://{host}", HTTP_PROXY=PROXY, ALL_PROXY=PROXY) is None


def test_a_header_of_a_cgi_request_is_no_proxy() -> None:
    assert proxy("http://a.com", HTTP_PROXY=PROXY, REQUEST_METHOD="GET") is None


@pytest.mark.parametrize(
    ("url", "exempt"),
    [
        *(
            ("https://a.com", "*"),
            ("https://a.com", "a.com"),
            ("https://x.a.com", "a.com"),
            ("https://x.a.com", ".a.com"),
        ),
        *(("https://a.com", ".a.com"), ("https://x.a.com", "*.a.com"), ("https://A.com", "b.com, a.COM")),
        *(("https://10.1.2.3", "10.0.0.0/8"), ("https://10.1.2.3", "10.1.2.3"), ("https://[fd00::1]", "fd00::/8")),
        *(
            ("https://a.com:5000", "a.com:5000"),
            ("https://[fd00::1]:8443", "[fd00::1]:8443"),
            ("https://a.com", "a.com:443"),
        ),
    ],
)
def test_exempt(url: str, exempt: str) -> None:
    assert proxy(url, HTTPS_PROXY=PROXY, NO_PROXY=exempt) is None


@pytest.mark.parametrize(
    ("url", "exempt"),
    [
        *(("https://ba.com", "a.com"), ("https://a.com.evil.com", "a.com"), ("https://11.1.2.3", "10.0.0.0/8")),
        *(("https://a.com:5000", "a.com:443"), ("https://a.com", ""), ("https://a.com", ","), ("https://a.com", ".")),
    ],
)
def test_not_exempt(url: str, exempt: str) -> None:
    assert proxy(url, HTTPS_PROXY=PROXY, NO_PROXY=exempt) == PROXY


def test_the_address_and_the_login_of_a_proxy() -> None:
    url = "http://user:p%40ss@proxy.example.com:3128"
    assert str(Proxies.address(url)) == PROXY
    assert Proxies.login(url) == ("user", "p@ss")
    assert Proxies.login(PROXY) is None
    assert "p%40ss" not in repr(Proxies({"HTTPS_PROXY": url}))


@pytest.mark.parametrize("url", ["socks5://user:secret@a:1", "http://:secret@", "http://secret:notaport"])
def test_what_is_no_proxy(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Proxies.address(url)
    assert "secret" not in str(caught.value)
