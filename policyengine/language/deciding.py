"""Deciding: every policy of a set looks at what it may see of the evidence, and the results are combined."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from policyengine.decision.combine import combine
from policyengine.decision.model import (
    Decision,
    DocumentResult,
    PolicySetSummary,
    RuleResult,
    Subject,
    WaiverResult,
)
from policyengine.errors import UsageError
from policyengine.evidence.assembly import Assembly, Declared, Document, Evidence, Status, assemble
from policyengine.evidence.model import Custom, Image
from policyengine.language.compiler import Compiled
from policyengine.language.evaluation import Outcome
from policyengine.language.facts import settled
from policyengine.language.summary import KindSummary, PolicySummary, Summary
from policyengine.language.view import View

RANK = ("irrelevant", "untrusted", "superseded", "unreadable", "used")
"""The statuses of a document, in the order in which the report prefers them where policies differ."""


def decide(
    summary: Summary,
    evidence: Evidence,
    at: datetime,
    environment: str | None,
    parameters: Mapping[str, Any],
    subject: Subject | None,
) -> Decision:
    """The decision that the policies of `summary` come to about one image."""
    assemblies: list[Assembly] = []
    rules: list[RuleResult] = []
    waivers: list[WaiverResult] = []
    applicable = 0
    for policy in summary.policies:
        assembly = assemble(evidence, policy.accepts, declared(policy))
        view = View(evidence.image, assembly.collections, at)
        outcome = Compiled.load(policy.compiled).bind(parameters, environment).evaluate(view)
        if outcome.applies:
            applicable += 1
            assemblies.append(assembly)
        rules.extend(_renumbered(outcome, len(waivers)))
        waivers.extend(outcome.waivers)
    word, reasons = combine(rules, applicable)
    results = _documents(assemblies or [assemble(evidence)])
    return Decision(
        word, subject or _subject(evidence.image), at, shown(summary, environment, parameters), tuple(rules),
        tuple(waivers), results, reasons=reasons, warnings=_warnings(results),
    )  # fmt: skip


def settle(summary: Summary, environment: str | None, parameters: Mapping[str, Any]) -> None:
    """Raise `UsageError` for an environment or parameter that no policy declares, or a parameter without a value."""
    known = [Compiled.load(policy.compiled).facts for policy in summary.policies]
    environments = sorted({each.name for facts in known for each in facts.environments})
    if environment is not None and environment not in environments:
        from policyengine.evidence.problems import quoted

        help = f"the environments are {', '.join(environments)}" if environments else "none is declared"
        raise UsageError(f"no policy has an environment {quoted(environment)}", help)
    declared = {parameter.name for facts in known for parameter in facts.parameters}
    for name in parameters:
        if name not in declared:
            raise undeclared(name, declared)
    for facts in known:
        settled(facts, parameters, environment)


def undeclared(name: str, declared: Iterable[str]) -> UsageError:
    """The error for a parameter that no policy declares."""
    from policyengine.evidence.problems import closest, quoted

    near = closest(name.rpartition(".")[2], sorted({each.rpartition(".")[2] for each in declared}))
    help = f"did you mean `{near}`?" if near else "declare it with `param`"
    return UsageError(f"no policy has a parameter {quoted(name)}", help)


def shown(summary: Summary, environment: str | None, parameters: Mapping[str, Any]) -> PolicySetSummary:
    """The policy set as a report states it: every parameter with the value that it has here."""
    values: dict[str, Any] = {}
    for policy in summary.policies:
        facts = Compiled.load(policy.compiled).facts
        settings = facts.environment(environment).settings
        for parameter in facts.parameters:
            name = parameter.name
            values[name] = parameters.get(name, settings.get(name, parameter.default))
    return PolicySetSummary(_digest(summary.digest, values), summary.names, environment, values)


def _digest(sources: str, values: Mapping[str, Any]) -> str:
    """The digest of a policy set with the values of its parameters; of one without any, that of its sources."""
    if not values:
        return sources
    written = json.dumps([sources, values], sort_keys=True, ensure_ascii=True, default=list)
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"


def declared(policy: PolicySummary) -> tuple[Declared, ...]:
    """The kinds of documents that a policy declares, with what reads them."""
    return tuple(Declared(kind.name, kind.artifact_type, partial(_custom, kind)) for kind in policy.kinds)


def _custom(kind: KindSummary, document: Document) -> Custom:
    """A document as one of the declared kind; raises `EvidenceError` where it is none."""
    from policyengine.evidence.custom import read_custom
    from policyengine.evidence.reading import Source

    fields = tuple((field.name, field.type.name, field.optional, field.path) for field in kind.fields)
    source = Source(document.digest, document.artifact_type, document.signatures, document.created)
    return read_custom(document.data or b"", kind.name, fields, source)


def _renumbered(outcome: Outcome, first: int) -> list[RuleResult]:
    """The rules of one policy, their waivers counted from `first`."""
    if not first:
        return list(outcome.rules)
    return [
        replace(
            rule,
            violations=tuple(v if v.waiver is None else replace(v, waiver=v.waiver + first) for v in rule.violations),
        )
        for rule in outcome.rules
    ]


def _subject(image: Image) -> Subject:
    return Subject(image.reference, image.repository, image.digest, image.media_type, image.platform)


def _documents(assemblies: list[Assembly]) -> tuple[DocumentResult, ...]:
    """What became of each document; where policies differ, the status that made the most of it."""
    columns = zip(*(assembly.statuses for assembly in assemblies), strict=True)
    return tuple(_document(max(column, key=lambda status: RANK.index(status.status))) for column in columns)


def _document(status: Status) -> DocumentResult:
    document = status.document
    return DocumentResult(
        document.digest, document.artifact_type, status.status, status.kind, document.tool, document.format,
        status.reason, document.listed, document.warnings,
    )  # fmt: skip


def _warnings(results: tuple[DocumentResult, ...]) -> tuple[str, ...]:
    return tuple(
        f"{result.kind or 'document'} {result.digest[:19]}: {w}" for result in results for w in result.warnings
    )
