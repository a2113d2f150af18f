"""Where requests may go: one rule for token servers, redirects and links that a registry names.

What a registry says is hostile: it must not send this process, or the user's login, to a cloud's
metadata service, to a neighbour on the inner network, or from TLS to plain text (oras-go
CVE-2026-48978, containerd CVE-2020-15157). Names are checked here, addresses again when dialling.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Container, Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from msgspec import Struct

from policyengine.errors import InvalidReference, RegistryError
from policyengine.oci import DOCKER_HUB, quoted
from policyengine.oci.hosts import PORTS, is_loopback, split_port

NAT64 = ipaddress.ip_network("64:ff9b::/96")

TRUSTED_HOSTS = "POLICYENGINE_TRUSTED_HOSTS"
"""The environment variable that names servers the user vouches for: `host[:port]`, separated by commas."""
TRUST_HELP = f"if you know that server, name it in {TRUSTED_HOSTS}"

TOKEN_HOSTS = {DOCKER_HUB: "auth.docker.io", "registry.gitlab.com": "gitlab.com"}
"""Token servers on another host than their registry, which may be given its login."""


class Origin(Struct, frozen=True):
    """Scheme, host and port of a server, as a browser compares them."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """`host[:port]`, without a default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if PORTS.get(self.scheme) == self.port else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, by its name or address."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def registry_origin(registry: str, plain_http: bool | None) -> Origin:
    """The server of the registry that a reference names; `None` means plain HTTP for loopback names only.

    Raises `InvalidReference` for a port that goes without saying: the repository would have two names, and
    the scopes of policies know one.
    """
    host, port = split_port("registry-1.docker.io" if registry == DOCKER_HUB else registry)
    scheme = "http" if plain_http or (plain_http is None and is_loopback(host)) else "https"
    if port == PORTS[scheme]:
        raise InvalidReference(f"{quoted(registry)} names the port that {scheme} has anyway", f"leave out :{port}")
    return Origin(scheme, host, port or PORTS[scheme])


def trusted_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """The servers (`host[:port]`) that the user vouches for."""
    return frozenset(host.strip() for host in environment.get(TRUSTED_HOSTS, "").split(",") if host.strip())


def origin_of(url: str) -> Origin:
    """The origin of a URL; raises `RegistryError` for what is no plain HTTP URL."""
    parts = _split(url)
    return Origin(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])


def resolve_url(base: str, location: str) -> str:
    """The URL that `location` names, seen from `base`."""
    _refuse_odd_characters(location)
    return urljoin(base, location)


def check_target(kind: str, url: str, origin: Origin, trusted: Container[str] = ()) -> Origin:
    """The origin of `url`, if the registry at `origin` may send us there.

    `kind` (`token server`, `redirect`, `link`) is for the message; `trusted` are hosts (`host[:port]`) that the
    user vouches for. Raises `RegistryError`.
    """
    target = origin_of(url)
    if target == origin:
        return target
    if target.scheme != "https" and origin.scheme == "https":
        raise _refused(kind, target, "would leave TLS")
    if kind == "link":
        raise _refused(kind, target, "is another server")
    if target.authority not in trusted and not is_public_name(target.host):
        raise _refused(kind, target, "is on an inner network")
    return target


def may_have_login(target: Origin, registry: str, origin: Origin, trusted: Container[str]) -> bool:
    """Whether the token server at `target` may be given the login for `registry`."""
    vouched = target.authority in trusted or target.host == TOKEN_HOSTS.get(registry)
    return (target == origin or vouched) and (target.scheme == "https" or target.is_loopback)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, whatever it is wrapped in."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = inner or ip
    return ip.is_global and not ip.is_multicast


def is_public_name(host: str) -> bool:
    """Whether a host may be on the public internet, as far as its name tells."""
    try:
        return is_public(host)
    except ValueError:
        labels = host.lower().rstrip(".").split(".")
        number = labels[-1].isdigit() or labels[-1].startswith("0x")  # 127.1, 0x7f000001, 2130706433
        return labels[-1] not in ("localhost", "local", "internal") and not number


def _split(url: str) -> SplitResult:
    _refuse_odd_characters(url)
    try:
        parts = urlsplit(url)
        plain = parts.scheme in PORTS and parts.hostname and "@" not in parts.netloc and not parts.fragment
        if plain and parts.port != 0:
            return parts
    except ValueError:
        pass
    raise RegistryError(f"the registry names {quoted(url)}, which is not a plain https URL")


def _refuse_odd_characters(url: str) -> None:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise RegistryError(f"the registry names {quoted(url)}, which is not a URL")


def _refused(kind: str, target: Origin, why: str) -> RegistryError:
    return RegistryError(f"the registry names a {kind} at {quoted(target)}, which {why}", TRUST_HELP)
