"""Digests: texts such as `sha256:…` that name content by its bytes (image specification, `descriptor.md`)."""

from __future__ import annotations

import hashlib
import re

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


def verifiable(digest: str) -> str:
    """`digest`, if content can be verified by it, and thus asked for; raises `Malformed` otherwise."""
    fault = digest_fault(digest)
    if fault:
        raise Malformed(f"{quoted(digest)} {fault}", "content is only used under sha256 or sha512")
    return digest


def verify(data: bytes, digest: str, size: int | None = None) -> bytes:
    """`data`, if it has this digest and, where one is given, this size in bytes.

    Raises `DigestMismatch`, or `Malformed` for a digest that cannot be verified.
    """
    algorithm = verifiable(digest).partition(":")[0]
    if size is not None and len(data) != size:
        raise DigestMismatch(f"{digest} has {len(data)} bytes where its descriptor states {size}")
    if digest_of(data, algorithm) != digest:
        raise DigestMismatch(f"the bytes of {digest} do not have that digest", "they were changed after it was named")
    return data


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
