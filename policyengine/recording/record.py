"""What a record holds, as `record.json` writes it.

Contents (manifests, blobs, policies, certificates, answers) are named by the SHA-256 digest under which the
archive holds them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from policyengine import limits
from policyengine.errors import PolicyEngineError
from policyengine.oci import Descriptor

FORMAT = "policyengine record"
VERSION = 1

Content: TypeAlias = str
"""The digest of a content of the archive."""


class Fault(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why something could not be had: the name of the error's class, and what it said."""

    kind: str
    message: str
    help: str = ""
    retry: bool = False

    @classmethod
    def of(cls, error: PolicyEngineError) -> Fault:
        """The fault that `error` was."""
        return cls(type(error).__name__, error.message, error.help, bool(getattr(error, "retry", False)))

    def error(self) -> PolicyEngineError:
        """The error again, to be raised; of no kind in particular where its class is not known."""
        found = _kinds().get(self.kind, PolicyEngineError)(self.message, self.help)
        if hasattr(found, "retry"):
            found.retry = self.retry
        return found


def _kinds() -> dict[str, type[PolicyEngineError]]:
    """Every class of errors, by its name."""
    found: dict[str, type[PolicyEngineError]] = {}
    waiting: list[type[PolicyEngineError]] = [PolicyEngineError]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting += kind.__subclasses__()
    return found


class Question(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a store was asked (`Store`): its method, and what distinguishes this call from others."""

    ask: Literal["resolve", "manifest", "blob", "referrers", "elsewhere"]
    target: str
    media_type: str = ""
    size: int = 0
    limit: int = 0


class Answer(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the store said: bytes, descriptors, or why there is neither. An empty list is an answer; no list is none."""

    question: Question
    content: Content | None = None
    listed: tuple[Descriptor, ...] | None = None
    fault: Fault | None = None


class Image(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One image that was decided about: its reference, the platform that was asked for, what its store said.

    `shown` is what stands before the digest in reports, where that is not the reference.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None
    platform: str | None = None
    shown: str = ""
    answers: tuple[Answer, ...] = ()


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """One policy file: its path as reports show it, and its text."""

    path: str
    content: Content


class TrustStore(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A trust store's certificates as DER, in their order, or why it could not be read."""

    kind: str
    name: str
    certificates: tuple[Content, ...] = ()
    fault: Fault | None = None


class Trusted(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The trust policy with the stores that its statements about the images name; without one, `reason` says why."""

    policy: Content | None = None
    path: str = ""
    reason: str = ""
    stores: tuple[TrustStore, ...] = ()


class Revocation(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an OCSP responder or a server of revocation lists said. `request` is what was sent to it."""

    url: str
    request: Content | None = None
    content: Content | None = None
    fault: Fault | None = None


class Record(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A decision about images, with everything that it depended on.

    `at` is the instant as RFC 3339; `parameters` are as they were given, `NAME=VALUE`; `policy_set` is the digest of
    the policies together; `signatures` of one artifact were tried at most. `revocation` is `None` where nobody was to
    be asked. `report` is the decision itself, as `-o json` shows it.
    """

    format: str
    version: int
    engine: str
    at: str
    images: tuple[Image, ...]
    policies: tuple[Policy, ...]
    policy_set: str
    trust: Trusted
    report: Content
    environment: str | None = None
    parameters: tuple[str, ...] = ()
    fail_on: Literal["deny", "warn"] = "deny"
    signatures: int = limits.SIGNATURES_PER_SUBJECT
    revocation: tuple[Revocation, ...] | None = None
