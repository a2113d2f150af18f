"""Proxies as the environment names them, decided here because libraries disagree on `NO_PROXY`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from policyengine.errors import UsageError
from policyengine.registry.targets import Origin


class Proxies:
    """`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of an environment, in either case."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        def read(name: str) -> str:
            return environment.get(name.lower()) or environment.get(name.upper()) or ""

        common = read("ALL_PROXY")
        # Under CGI the upper-case name is a header that any client may send (httpoxy, CVE-2016-5385).
        http = environment.get("http_proxy", "") if "REQUEST_METHOD" in environment else read("HTTP_PROXY")
        self._by_scheme = {"https": read("HTTPS_PROXY") or common, "http": http or common}
        self._exempt = [entry.strip().lower() for entry in read("NO_PROXY").split(",") if entry.strip()]

    def proxy_for(self, target: Origin) -> str | None:
        """The URL of the proxy for requests to `target`, or `None`; never one for this machine itself."""
        proxy = self._by_scheme.get(target.scheme)
        if not proxy or target.is_loopback or any(_covers(entry, target) for entry in self._exempt):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    @staticmethod
    def address(proxy: str) -> Origin:
        """Where the proxy is; raises `UsageError`, without the URL, which may hold a password."""
        try:
            parts = urlsplit(proxy)
            if parts.scheme in ("http", "https") and parts.hostname:
                return Origin(parts.scheme, parts.hostname, parts.port or (80 if parts.scheme == "http" else 443))
        except ValueError:
            pass
        raise UsageError("the proxy that the environment names is not an http URL", "correct HTTPS_PROXY")

    @staticmethod
    def login(proxy: str) -> tuple[str, str] | None:
        """User and password in the proxy's URL."""
        parts = urlsplit(proxy)
        return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None

    def __repr__(self) -> str:
        return "<proxies of the environment>"


def _covers(entry: str, target: Origin) -> bool:
    """Whether `entry` of `NO_PROXY` is for `target`: `*`, or a host, domain, address or network, and perhaps a port."""
    if entry == "*":
        return True
    host, port = _split_port(entry)
    if port is not None and port != target.port:
        return False
    try:
        return ipaddress.ip_address(target.host) in ipaddress.ip_network(host, strict=False)
    except ValueError:
        domain = host.removeprefix("*").lstrip(".")
        return bool(domain) and f".{target.host}".endswith(f".{domain}")


def _split_port(entry: str) -> tuple[str, int | None]:
    """Host and port of an entry; IPv6 addresses have a port only behind brackets."""
    host, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(port)
    return entry.strip("[]"), None
