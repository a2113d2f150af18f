"""SARIF 2.1.0, for code scanning: a run for each image, a result for each violation.

Images have no file, and viewers hide results without a place: a result stands at its rule in the policy, and the
image is a logical location and a property of the run. Fingerprints are stable from build to build: they are made of the
repository, the rule and the element, not of the image's digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from policyengine import __version__
from policyengine.decision.model import Decision, RuleResult, Violation
from policyengine.reports.formats import Report
from policyengine.reports.json import dump, given
from policyengine.reports.safe import printable
from policyengine.reports.wording import covered_by, helps, pinned, sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RESULTS = 5_000
"""Results per run; code scanning shows no more, and refuses a file with more than 25,000."""
TEXT = 1_000
LEVELS = {"deny": "error", "warn": "warning"}


def render(report: Report) -> str:
    """One log with a run for each image."""
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, each) for each in report.decisions]})


def _run(report: Report, decision: Decision) -> dict[str, Any]:
    results = list(_results(decision))
    left_out = [f"{len(results) - RESULTS} more violations are not listed"] if len(results) > RESULTS else []
    return {
        "tool": {"driver": _driver(decision)},
        "automationDetails": {"id": f"policyengine/{printable(decision.subject.repository, 200) or 'image'}/"},
        "invocations": [_invocation(report, decision, left_out)],
        "results": results[:RESULTS],
        "columnKind": "unicodeCodePoints",
        "properties": {
            "decision": decision.decision,
            "imageName": decision.subject.reference,
            "repoDigests": [f"{decision.subject.repository}@{decision.subject.digest}"],
            "policySetDigest": decision.policy_set.digest,
        },
    }


def _driver(decision: Decision) -> dict[str, Any]:
    rules = [_rule(rule) for rule in decision.rules]
    return {"name": "policyengine", "version": __version__, "semanticVersion": __version__, "rules": rules}


def _rule(rule: RuleResult) -> dict[str, Any]:
    advice = " ".join(helps(rule, 1))
    return given(
        id=rule.identifier,
        shortDescription={"text": _plain(rule.title)},
        help={"text": _plain(advice)} if advice else None,
        defaultConfiguration={"level": LEVELS.get(rule.effective_effect, "error")},
    )


def _invocation(report: Report, decision: Decision, left_out: list[str]) -> dict[str, Any]:
    """How the run went; why the decision is what it is beyond the rules is a notification."""
    notes = [{"level": "error", "message": {"text": _plain(reason.message)}} for reason in decision.reasons]
    notes += [{"level": "warning", "message": {"text": text}} for text in left_out]
    return given(
        executionSuccessful=decision.decision != "error",
        exitCode=report.exit_code,
        toolExecutionNotifications=notes or None,
    )


def _results(decision: Decision) -> Iterator[dict[str, Any]]:
    seen: dict[str, int] = {}
    for index, rule in enumerate(decision.rules):
        for violation in rule.violations:
            mark = fingerprint(decision, rule, violation)
            seen[mark] = seen.get(mark, 0) + 1
            yield _result(decision, index, rule, violation, f"{mark}:{seen[mark]}")


def _result(decision: Decision, index: int, rule: RuleResult, violation: Violation, mark: str) -> dict[str, Any]:
    waiver = covered_by(decision.waivers, violation)
    logical = {"fullyQualifiedName": printable(pinned(decision)), "kind": "resource"}
    return given(
        ruleId=rule.identifier,
        ruleIndex=index,
        level=LEVELS.get(rule.effective_effect, "error"),
        message={"text": _plain(sentence(rule, violation))},
        locations=[{"physicalLocation": _place(rule), "logicalLocations": [logical]}],
        partialFingerprints={"violation/v1": mark},
        suppressions=[{"kind": "external", "status": "accepted", "justification": _plain(waiver)}] if waiver else None,
        properties=given(state=violation.state, evidence=list(violation.evidence) or None, platform=violation.platform),
    )


def _place(rule: RuleResult) -> dict[str, Any]:
    return {"artifactLocation": {"uri": uri(rule.path)}, "region": {"startLine": max(rule.line, 1)}}


def uri(path: str) -> str:
    """A path as a URI reference: relative where it is relative."""
    from urllib.parse import quote

    text = quote(path.replace("\\", "/").removeprefix("./"), errors="surrogateescape")
    return f"file://{text}" if text.startswith("/") else text


def fingerprint(decision: Decision, rule: RuleResult, violation: Violation) -> str:
    """What makes a violation the same one in the next build."""
    parts = (
        decision.subject.repository,
        rule.identifier,
        violation.platform or "",
        violation.element or violation.message,
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(text: str) -> str:
    """Text without SARIF's embedded links (section 3.11.6): what was quoted must not become one."""
    return printable(text, TEXT).replace("](", "]\\(")
