"""What an envelope says, for people to look at. Nothing here is verified against anything outside the envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

from msgspec import Struct

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.verification import certificates, timestamps
from policyengine.verification.notation import envelope, payload, verify
from policyengine.verification.trustview import CertificateView

T = TypeVar("T")


class EnvelopeView(Struct, frozen=True):
    """An envelope as it states itself. `target` are the members of the signed descriptor.

    `problems` are sentences: why no trust in the world would make a good signature of it. `stamped_at` and
    `stamped_by` are of its timestamp.
    """

    format: str
    algorithm: str
    scheme: str
    signed_at: datetime
    expires: datetime | None
    agent: str | None
    plugin: str | None
    attributes: tuple[str, ...]
    target: Mapping[str, object]
    chain: tuple[CertificateView, ...]
    stamped_at: datetime | None
    stamped_by: str | None
    problems: tuple[str, ...]


def describe(data: bytes, media_type: str) -> EnvelopeView:
    """What the envelope says; raises `VerificationError` for what is none of this format."""
    read = verify.parse(data, media_type)
    problems: list[str] = []

    def attempt(step: Callable[[], T]) -> T | None:
        try:
            return step()
        except VerificationError as fault:
            problems.append(fault.message)
            return None

    attempt(partial(verify.intact, read))
    target = attempt(partial(payload.stated, read.payload))
    stamp = attempt(partial(timestamps.stated, read.timestamp)) if read.timestamp is not None else None
    chain = [attempt(partial(_certificate, der)) for der in read.chain[: limits.CHAIN_LENGTH]]
    return EnvelopeView(
        format=read.format,
        algorithm=read.algorithm,
        scheme=read.attributes.scheme,
        signed_at=read.attributes.signed_at,
        expires=read.attributes.expires,
        agent=read.agent,
        plugin=read.attributes.plugin,
        attributes=tuple(sorted(read.attributes.names - envelope.SIGNED_NAMES)),
        target=target or {},
        chain=tuple(filter(None, chain)),
        stamped_at=stamp[0] if stamp else None,
        stamped_by=stamp[1].subject if stamp else None,
        problems=tuple(dict.fromkeys(problems)),
    )


def _certificate(der: bytes) -> CertificateView:
    read = certificates.read(der)
    return CertificateView(read.subject, read.fingerprint, read.not_before, read.not_after)
