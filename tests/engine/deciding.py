"""Deciding about the embedded example as users of the package do, for tests that change one thing about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from policyengine import Decision, PolicyEngineError, PolicySet, Trust, evaluate
from policyengine.engine import Source
from policyengine.registry.layout import Layout
from tests import example

NOTATION = example.FOLDER / "notation"
POLICY = "order-api"


@cache
def policies() -> PolicySet:
    """The example's policies."""
    return PolicySet.load(example.POLICIES)


@cache
def trust() -> Trust:
    """Who is trusted in the example."""
    return Trust.load(NOTATION / "trustpolicy.json", NOTATION / "truststore")


def decided(registry: Source, target: str = "clean", **more: Any) -> Decision:
    """The decision about the image of the example that has the tag `target`, by its digest; other targets as given.

    `more` replaces `policies`, `trust`, `at` (as text) or `platform`.
    """
    digest = example.digest(target) if target in ("clean", "vulnerable") else target
    reference = f"{example.REPOSITORY}{'@' if ':' in digest else ':'}{digest}"
    terms: dict[str, Any] = {"policies": policies(), "trust": trust(), "at": example.AT} | more
    terms["at"] = datetime.fromisoformat(terms["at"])
    return evaluate(reference, registry=registry, **terms)


def verdict(folder: Any, target: str = "clean", **more: Any) -> str:
    """`allow`, `deny` or `error`; `refused` where the layout in `folder` is none, so that nothing was evaluated."""
    try:
        return decided(Layout(folder), target, **more).decision
    except PolicyEngineError:
        return "refused"


def rules(decision: Decision, *statuses: str) -> set[str]:
    """The rules that have one of the `statuses`, without the name of the policy."""
    return {rule.identifier.partition(".")[2] for rule in decision.rules if rule.status in statuses}


def states(decision: Decision) -> dict[str, str]:
    """Each rule's status."""
    return {rule.identifier.partition(".")[2]: rule.status for rule in decision.rules}


def evidence(decision: Decision, kind: str) -> list[str]:
    """What became of the documents of `kind`."""
    return sorted(document.status for document in decision.evidence if document.kind == kind)


def messages(decision: Decision) -> Iterable[str]:
    """Everything that the decision says about what is wrong."""
    return [v.message for v in decision.violations] + [reason.message for reason in decision.reasons]
