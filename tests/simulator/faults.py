"""What can go wrong with any request, as values: each is one answer of a broken or hostile server."""

from __future__ import annotations

import gzip
from typing import Any

from policyengine.oci import OCI_INDEX, OCI_MANIFEST

MANIFEST = {"Content-Type": OCI_MANIFEST}

FAULTS: dict[str, tuple[str, Any]] = {
    "401 for ever": ("status", 401),
    "a token server on the inner network": ("header", 'Bearer realm="http://169.254.169.254/token"'),
    "a token server elsewhere": ("header", 'Bearer realm="http://{other}/token"'),
    "a login for another scheme": ("header", "Negotiate"),
    "forbidden": ("status", 403),
    "not found": ("status", 404),
    "a teapot": ("status", 418),
    "rate limit": ("status", 429),
    "rate limit with a long wait": ("status", (429, {"Retry-After": "3600"})),
    "rate limit until a date": ("status", (429, {"Retry-After": "Sun, 22 Nov 2099 00:00:00 GMT"})),
    "rate limit until nonsense": ("status", (429, {"Retry-After": "-1e999"})),
    "server fault": ("status", 500),
    "unavailable": ("status", 503),
    "an empty body": ("body", (b"", MANIFEST)),
    "another body": ("body", (b'{"schemaVersion":2}', MANIFEST)),
    "a page of a portal": ("body", (b"<html>log in</html>", {"Content-Type": "text/html"})),
    "an empty list": ("body", (b'{"schemaVersion":2,"manifests":[]}', {"Content-Type": OCI_INDEX})),
    "a deep text": ("body", (b"[" * 100_000, MANIFEST)),
    "a text with two readings": ("body", (b'{"schemaVersion":2,"Layers":[],"layers":[]}', MANIFEST)),
    "a bomb": ("body", (gzip.compress(b" " * 9_000_000), {**MANIFEST, "Content-Encoding": "gzip"})),
    "a huge body": ("huge", 10**12),
    "an endless body": ("endless", None),
    "a body cut short": ("truncate", None),
    "a slow body": ("drip", None),
    "slow headers": ("drip headers", None),
    "no HTTP": ("garbage", None),
    "a dropped connection": ("drop", None),
    "a redirect to itself": ("redirect", "?again"),
    "a redirect elsewhere": ("redirect", "http://{other}/v2/prod/order-api/manifests/latest"),
    "a redirect to the metadata service": ("redirect", "http://169.254.169.254/latest/meta-data"),
    "a redirect to a file": ("redirect", "file:///etc/passwd"),
    "a redirect with a login": ("redirect", "https://user:password@registry.example.com/"),
    "a redirect to nowhere": ("redirect", "http://["),
    "pages without end": ("endless pages", None),
}


def at(name: str, other: str) -> tuple[str, Any]:
    """The fault of that name; `{other}` in it stands for another server."""
    kind, value = FAULTS[name]
    return kind, value.replace("{other}", other) if isinstance(value, str) else value
