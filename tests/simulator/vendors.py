"""What the registries of this world do differently, as values."""

from __future__ import annotations

from dataclasses import dataclass

BEARER = 'Bearer realm="{realm}",service="{host}",scope="repository:{name}:pull"'


@dataclass(frozen=True)
class Habits:
    """How one vendor's registry behaves, where the specification leaves it open or is not kept."""

    challenge: str = BEARER
    """Its `WWW-Authenticate`, of `{realm}`, `{host}` and `{name}`."""
    refusal: str = ""
    """What it adds to the challenge when it refuses a token."""
    token_keys: tuple[str, ...] = ("token", "access_token")
    lifetime: int | None = 300
    exchanges: bool = True
    """Whether its token server takes refresh tokens in a form."""
    lists: str = "api"
    """What it says to a request for referrers: `api`, `text` (404 of its router), `406`, `303` or `empty`."""
    lists_openly: bool = False
    """Whether it says that without a login."""
    filters: bool = False
    alias: bool = False
    """Whether the tag `sha256-…` stands for the image with that digest."""
    cookie: bool = False
    """Whether it sets a cookie, and refuses requests that bring it back."""
    stores: bool = False
    """Whether blobs are on another server, at an address with a signature, where a login is refused."""
    limits: bool = False
    """Whether it tells in headers how many requests are left."""


PLAIN = Habits(challenge='Bearer realm="{realm}",service="simulator",scope="repository:{name}:pull"')

VENDORS = {
    "ACR": Habits(token_keys=("access_token",), lifetime=None, stores=True),
    "Docker Hub": Habits(BEARER.replace("{host}", "registry.docker.io"), lists="empty", limits=True, stores=True),
    "GHCR": Habits(exchanges=False, lists="303"),
    "ECR": Habits('Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"', stores=True),
    "GAR": Habits('Bearer realm="{realm}"', lifetime=None),
    "Harbor": Habits(cookie=True, filters=True),
    "Quay": Habits('Bearer realm="{realm}",service="{host}"', stores=True),
    "zot": Habits('Basic realm="zot"', filters=True),
    "GitLab": Habits(lists="text", alias=True, stores=True, exchanges=False),
    "Artifactory": Habits(lists="406", exchanges=False, token_keys=("token",), lifetime=3600),
    "distribution": Habits(refusal=',error="insufficient_scope"', lists="text", lists_openly=True, lifetime=None),
}
