"""Hosts of registries: one name for each server, however it is typed.

Policies, trust policies and logins are found by names, so a second way to write a registry would be a way out of
their scopes.
"""

from __future__ import annotations

import re

from policyengine.oci.digests import quoted

DOCKER_HUB = "docker.io"
HUB_ALIASES = frozenset(("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"))
"""Other hosts at which Docker Hub answers for the repositories of `docker.io`."""

PORTS = {"https": 443, "http": 80}

_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::([0-9]+))?", re.ASCII)
_NUMBER = re.compile("[0-9]+|0[xX][0-9a-fA-F]*")


def canonical_host(text: str) -> str:
    """The one name of the registry `host[:port]`: in lower case, without the port that goes without saying.

    That is 443 for TLS, and 80 on this machine, which is spoken to by plain HTTP. Names of Docker Hub become
    `docker.io`, and addresses their shortest form. Raises `ValueError` with what is wrong.
    """
    found = _HOST.fullmatch(text)
    if not found:
        raise ValueError(f"{quoted(text)} is not the name of a host")
    host = _canonical_address(found[1].lower())
    port = _port(found[2])
    if port == PORTS["http" if is_loopback(host.strip("[]")) else "https"]:
        port = None
    if host in HUB_ALIASES and port is None:
        return DOCKER_HUB
    return host if port is None else f"{host}:{port}"


def split_port(host: str) -> tuple[str, int | None]:
    """Host (an IPv6 address without its brackets) and port of a canonical `host[:port]`."""
    name, colon, port = host.rpartition(":")
    if colon and not host.endswith("]"):
        return name.strip("[]"), int(port)
    return host.strip("[]"), None


def is_loopback(host: str) -> bool:
    """Whether `host` (a name, or an address without brackets) is this machine."""
    if host.lower() == "localhost":
        return True
    if not (host[:1].isdigit() or ":" in host):
        return False
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port(digits: str | None) -> int | None:
    if digits is None:
        return None
    plain = digits.lstrip("0")
    if not plain or len(plain) > 5 or int(plain) > 65535:
        raise ValueError(f"{quoted(digits)} is not a port, which is a number from 1 to 65535")
    return int(plain)


def _canonical_address(host: str) -> str:
    """`host`, an address in its shortest form; short and octal addresses (`127.1`, `010.0.0.1`) are none."""
    if not host.startswith("[") and not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return host
    import ipaddress  # seldom needed, and slow to import

    try:
        if not host.startswith("["):
            return str(ipaddress.IPv4Address(host))
        address = ipaddress.IPv6Address(host.strip("[]"))
        return str(address.ipv4_mapped or f"[{address}]")
    except ValueError:
        raise ValueError(f"{quoted(host)} is not an address") from None
