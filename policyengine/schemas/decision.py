"""The report of `policyengine eval -o json`, schema version 1, as models for those who read it in Python.

    from policyengine.schemas.decision import Report, read

    report = read(pathlib.Path("decision.json").read_bytes())

The models are closed and strict: what they accept is what `decision-v1.json` beside this file describes,
which is written from them (`make schema`). The engine itself never imports this module.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter
from pydantic.alias_generators import to_camel

Digest = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$", description="An OCI digest, `algorithm:encoded`."
    ),
]
Instant = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z$",
        description="RFC 3339 in UTC.",
    ),
]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="A day in UTC.")]
Count = Annotated[int, Field(ge=0)]
Outcome = Literal["allow", "deny", "error"]
Effect = Literal["deny", "warn"]
Check = Literal["passed", "failed", "logged", "skipped"]


class Model(BaseModel):
    """What all parts of a report have in common: camel-case keys, no other keys, no conversion of values."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


def absent(description: str = "") -> Any:
    """The default of a key that is left out where there is nothing to say."""
    return Field(default=None, description=description or None)


class Subject(Model):
    reference: str = Field(description="What was asked for.")
    repository: str = Field(description="Registry and repository; empty for a layout that stands for none.")
    digest: Digest | Literal[""] = Field(description="Empty where the reference could not be resolved.")
    media_type: str = Field(description="Of the manifest or index; empty where it could not be read.")
    platform: str = absent("The platform that was asked for, or that the manifest states.")


class Engine(Model):
    version: str


class PolicySet(Model):
    digest: Digest = Field(description="Over the normalised sources and the parameters.")
    policies: list[str] = Field(description="The names of the policies, in order.")
    parameters: dict[str, Any] = Field(description="The value of each parameter, by `POLICY.NAME`.")
    environment: str = absent()


class Violation(Model):
    message: str
    element: str | None = Field(description="What the rule does not hold for; null where it is the image as a whole.")
    state: Literal["violated", "undetermined"]
    evidence: list[Digest] = Field(description="The documents it rests on.")
    missing: str = absent("What was not known.")
    waiver: Count = absent("The waiver that covers it: its place in `waivers`, counted from 0.")
    platform: str = absent("`os/architecture[/variant]`, where an index was evaluated.")


class Rule(Model):
    id: str = Field(description="`POLICY.RULE`.")
    effect: Effect = Field(description="As written.")
    effective_effect: Effect = Field(description="After the environment's downgrades and `--fail-on warn`.")
    title: str
    status: Literal["passed", "violated", "undetermined", "waived", "not-applicable"]
    violations: list[Violation]
    file: str = Field(description="Where the rule stands.")
    line: Annotated[int, Field(ge=1)]
    help: str = absent("What to do about it.")


class Waiver(Model):
    rule: str
    owner: str
    reason: str
    expires: Day = Field(description="Its last day, in UTC.")
    state: Literal["used", "unused", "expired"]
    covers: Count = Field(description="The number of violations that it covers.")
    ticket: str = absent()


class Evidence(Model):
    digest: Digest
    artifact_type: str
    status: Literal["used", "superseded", "untrusted", "unreadable", "irrelevant"]
    signatures: list[Digest] = Field(description="The signatures of this document.")
    warnings: list[str]
    kind: str = absent()
    tool: str = absent()
    format: str = absent()
    reason: str = absent("Why it was not used.")
    platform: str = absent("`os/architecture[/variant]`, where an index was evaluated.")


class Checks(Model):
    integrity: Check
    authenticity: Check
    authentic_timestamp: Check
    expiry: Check
    revocation: Check


class Answer(Model):
    certificate: str = Field(description="The subject of the certificate that was asked about.")
    kind: Literal["ocsp", "crl", "delta-crl"]
    url: str
    answer: Literal["good", "revoked", "unusable"]
    this_update: Instant = absent("Since when a valid answer holds.")
    next_update: Instant = absent("Until when it holds.")
    reason: str = absent("Why the answer does not count, or since when and why the certificate is revoked.")


class Signature(Model):
    digest: Digest
    subject: Digest
    format: str
    status: Literal["verified", "rejected", "audited", "skipped"]
    checks: Checks
    identity: str = absent()
    trust_policy: str = absent()
    signed_at: Instant = absent()
    expires: Instant = absent()
    timestamped_at: Instant = absent()
    reason: str = absent("Why it does not count.")
    platform: str = absent("`os/architecture[/variant]`, where an index was evaluated.")
    revocation: Annotated[list[Answer], Field(min_length=1)] = absent(
        "What was said of the signer's certificates and of its timestamp's, in the order in which it was asked."
    )


class Reason(Model):
    code: str
    message: str
    retry: bool = absent("Whether trying again may help.")


class Platform(Model):
    platform: str
    digest: Digest
    decision: Outcome


class Decision(Model):
    """One decision. `error`: nobody can decide, for a reason outside the artifact."""

    schema_version: Literal["1"]
    decision: Outcome
    subject: Subject
    at: Instant
    engine: Engine
    policy_set: PolicySet
    rules: list[Rule]
    waivers: list[Waiver]
    evidence: list[Evidence]
    signatures: list[Signature]
    reasons: list[Reason] = Field(description="Why the decision is deny or error beyond the rules.")
    platforms: Annotated[list[Platform], Field(min_length=1)] = absent("Those of an index; `decision` is the worst.")


class Decisions(Model):
    """The decisions about several references."""

    schema_version: Literal["1"]
    decisions: Annotated[list[Decision], Field(min_length=1)]


class Report(RootModel[Decision | Decisions]):
    """What `policyengine eval -o json` writes: one decision, or several where several references were given."""


def read(data: bytes) -> Report:
    """The report that `data` is; raises pydantic's `ValidationError` where it is none."""
    return Report.model_validate_json(data)


def schema() -> dict[str, Any]:
    """The JSON Schema of a report, as it is published."""
    generated = TypeAdapter(Report).json_schema(ref_template="#/$defs/{model}")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:policyengine:decision:1",
        "title": "Decision, version 1",
    }
    return {**head, **{key: value for key, value in _plain(generated).items() if key != "title"}}


def _plain(node: Any) -> Any:
    """A generated schema without what says nothing: titles, and defaults of keys that are simply absent."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    noise = [("title", node.get("title")), ("default", None)]
    named = {key: value for key, value in node.items() if (key, value) not in noise or isinstance(value, dict)}
    return {key: _plain(value) for key, value in named.items()}
