"""Digests: texts such as `sha256:…` that name content by its bytes (image specification, `descriptor.md`)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from policyengine.errors import DigestMismatch, InvalidReference, Malformed

ALGORITHMS = {"sha256": 64, "sha512": 128}
"""The algorithms that can be verified, each with the length of its hexadecimal form."""

_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+", re.ASCII)


def parse_digest(text: str) -> str:
    """`text`, if it is a digest that can be verified; raises `InvalidReference` otherwise."""
    fault = digest_fault(text)
    if fault:
        raise InvalidReference(
            f"{quoted(text)} {fault}", "write a digest as sha256: and 64 lower-case hexadecimal digits"
        )
    return text


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of `data`."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def hasher(digest: str) -> Any:
    """A fresh hash object of the digest's algorithm; raises `Malformed` where it cannot be verified."""
    fault = digest_fault(digest)
    if fault:
        raise Malformed(f"{quoted(digest)} {fault}", "content is only used under sha256 or sha512")
    return hashlib.new(digest.partition(":")[0])


def verify(data: bytes, digest: str, size: int | None = None) -> bytes:
    """`data`, if it has this digest and, where one is given, this size in bytes.

    Raises `DigestMismatch`, or `Malformed` for a digest that cannot be verified.
    """
    state = hasher(digest)
    if size is not None and len(data) != size:
        raise size_mismatch(digest, size, len(data))
    state.update(data)
    if state.hexdigest() != digest.partition(":")[2]:
        raise digest_mismatch(digest)
    return data


def digest_mismatch(digest: str) -> DigestMismatch:
    """The error for bytes that do not have `digest`."""
    return DigestMismatch(
        f"the bytes of {digest} do not have that digest", "the content was changed after it was named"
    )


def size_mismatch(digest: str, stated: int, found: int) -> DigestMismatch:
    """The error for content that is longer or shorter than its descriptor states."""
    return DigestMismatch(f"{digest} has {found} bytes where its descriptor states {stated}")


def is_digest(text: str) -> bool:
    """Whether `text` is meant as a digest: it has the form of one, of whatever algorithm."""
    return _DIGEST.fullmatch(text) is not None


def digest_fault(text: str) -> str:
    """Why `text` is no digest that can be verified; empty if it is one."""
    if not _DIGEST.fullmatch(text):
        return "is not a digest"
    algorithm, _, encoded = text.partition(":")
    length = ALGORITHMS.get(algorithm)
    if length is None:
        return "uses a digest algorithm that is not supported"
    if len(encoded) != length or encoded.strip("0123456789abcdef"):
        return f"is not a {algorithm} digest, which has {length} lower-case hexadecimal digits"
    return ""


def quoted(text: object, length: int = 100) -> str:
    """Text from outside as a message may show it: printable, in quotes, and cut short."""
    raw = str(text)
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in raw[:length])
    return f'"{plain}{"…" if len(raw) > length else ""}"'
