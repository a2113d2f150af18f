"""What is kept of a policy set once it is compiled: enough to decide, without its syntax or its checked tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from policyengine.language.types import Type

if TYPE_CHECKING:
    from policyengine.language.checked import Policy, Program
    from policyengine.language.diagnostics import Diagnostic

NOTHING = msgspec.msgpack.encode(())
CONFIGURED = frozenset({"user", "created", "labels", "platform"})
"""The fields of the image that only its configuration holds."""

SOURCES = {"finding": "scan", "package": "sbom", "signature": "", "image": ""}
"""The kind of document that a record comes from, where it is not one itself."""


class FieldSummary(Struct, frozen=True):
    """A field of a declared kind of document: the dotted path is into its JSON."""

    name: str
    type: Type
    optional: bool
    path: str


class KindSummary(Struct, frozen=True):
    """A kind of document that a policy declares."""

    name: str
    artifact_type: str
    fields: tuple[FieldSummary, ...]


class PolicySummary(Struct, frozen=True):
    """One policy: what it accepts and asks for, and its compiled form."""

    name: str
    accepts: frozenset[str]
    kinds: tuple[KindSummary, ...]
    demand: dict[str, frozenset[str]]
    compiled: bytes

    @property
    def documents(self) -> frozenset[str]:
        """The kinds of documents that the policy asks for."""
        return frozenset(SOURCES.get(record, record) for record in self.demand) - {""}


class Summary(Struct, frozen=True):
    """A whole policy set. `warnings` are encoded: few runs show them."""

    digest: str
    policies: tuple[PolicySummary, ...]
    warnings: bytes

    @classmethod
    def of(cls, program: Program, found: Sequence[Diagnostic], digest: str) -> Summary:
        """The summary of a program that compiles, with the warnings found in it."""
        return cls(digest, tuple(_policy(policy) for policy in program.policies), msgspec.msgpack.encode(found))

    @classmethod
    def load(cls, data: bytes) -> Summary | None:
        """The summary that `dump` wrote, or `None` where it is not one."""
        try:
            return msgspec.msgpack.decode(data, type=cls)
        except msgspec.MsgspecError:
            return None

    def dump(self) -> bytes:
        """This summary as bytes for the private cache."""
        return msgspec.msgpack.encode(self)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The warnings, in order."""
        if self.warnings == NOTHING:
            return ()
        from policyengine.language.diagnostics import Diagnostic

        return msgspec.msgpack.decode(self.warnings, type=tuple[Diagnostic, ...])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(policy.name for policy in self.policies)


def _policy(policy: Policy) -> PolicySummary:
    from policyengine.language.compiler import compile_policy

    kinds = tuple(
        KindSummary(
            kind.name,
            kind.artifact_type,
            tuple(FieldSummary(field.name, field.type, field.optional, field.path) for field in kind.fields),
        )
        for kind in policy.kinds
    )
    return PolicySummary(policy.name, policy.accepts, kinds, policy.demand, compile_policy(policy).dump())
