"""SARIF 2.1.0 for code scanning: results stand at the rule in the policy, and stay the same from build to build.

One run holds all images: code scanning takes no more than twenty runs of a file, and of one category only one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from policyengine import __version__
from policyengine.decision.combine import worst
from policyengine.decision.model import Decision, RuleResult, Violation
from policyengine.reports.formats import Report
from policyengine.reports.json import dump, given
from policyengine.reports.safe import printable
from policyengine.reports.wording import covered_by, helps, pinned, sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RESULTS = 5_000
"""Results; code scanning shows no more, and refuses a file with more than 25,000."""
TEXT = 1_000
LEVELS = {"deny": "error", "warn": "warning"}
SEVERITIES = {"deny": "8.0", "warn": "5.0"}
"""What code scanning orders alerts by, and what merges are blocked by: high for what denies, medium for what warns."""
BEYOND = "policyengine.decision"
"""The rule that stands for what decides beyond the rules; a denial without any result would look like a pass."""


def render(report: Report) -> str:
    """One log with one run."""
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]})


def _run(report: Report) -> dict[str, Any]:
    rules = {rule.identifier: rule for decision in report.decisions for rule in stated(decision)}
    results = sorted(_results(report, list(rules)), key=lambda result: result["level"] != "error")
    left_out = [f"{len(results) - RESULTS} more violations are not listed"] if len(results) > RESULTS else []
    return {
        "tool": {"driver": _driver([_rule(rule) for rule in rules.values()])},
        "automationDetails": {"id": f"policyengine/{_category(report)}"},
        "invocations": [_invocation(report, left_out)],
        "results": results[:RESULTS],
        "columnKind": "unicodeCodePoints",
        "properties": _properties(report),
    }


def _category(report: Report) -> str:
    """What keeps the results of one image apart from those of another that has its own run."""
    repositories = {decision.subject.repository for decision in report.decisions}
    return f"{printable(repositories.pop(), 200) or 'image'}/" if len(repositories) == 1 else ""


def _properties(report: Report) -> dict[str, Any]:
    first = report.decisions[0]
    subjects = [decision.subject for decision in report.decisions]
    return {
        "decision": worst(decision.decision for decision in report.decisions),
        "imageName": ", ".join(subject.reference for subject in subjects),
        "repoDigests": [f"{subject.repository}@{subject.digest}" for subject in subjects if subject.digest],
        "policySetDigest": first.policy_set.digest,
    }


def _driver(rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "policyengine",
        "fullName": f"policyengine {__version__}",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": rules,
    }


def _rule(rule: RuleResult) -> dict[str, Any]:
    """A rule as alerts show it; without a help of its own the title has to do."""
    title = _plain(rule.title) or rule.identifier
    return {
        "id": rule.identifier,
        "name": _pascal(rule.identifier),
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": _plain(" ".join(helps(rule, 1))) or title},
        "defaultConfiguration": {"level": LEVELS.get(rule.effective_effect, "error")},
        "properties": {"security-severity": SEVERITIES.get(rule.effective_effect, "8.0"), "tags": ["security"]},
    }


def _invocation(report: Report, left_out: list[str]) -> dict[str, Any]:
    """How the run went; why a decision is what it is beyond the rules is a notification."""
    reasons = [reason.message for decision in report.decisions for reason in decision.reasons]
    notes = [{"level": "error", "message": {"text": _plain(reason)}} for reason in reasons]
    notes += [{"level": "warning", "message": {"text": text}} for text in left_out]
    return given(
        executionSuccessful=all(decision.decision != "error" for decision in report.decisions),
        exitCode=report.exit_code,
        toolExecutionNotifications=notes or None,
    )


def stated(decision: Decision) -> tuple[RuleResult, ...]:
    """The rules, and where none of them is why the image may not pass one that says so."""
    if decision.allowed or any(rule.uncovered and rule.effective_effect == "deny" for rule in decision.rules):
        return decision.rules
    place = decision.rules[0].path if decision.rules else "policies"
    messages = [reason.message for reason in decision.reasons] or ["no rule applies"]
    violations = tuple(Violation(message, None, "undetermined") for message in messages)
    return (*decision.rules, RuleResult(BEYOND, "deny", "deny", "the decision", "violated", violations, place, 1))


def _results(report: Report, identifiers: list[str]) -> Iterator[dict[str, Any]]:
    seen: dict[str, int] = {}
    for decision in report.decisions:
        for rule in stated(decision):
            for violation in rule.violations:
                mark = fingerprint(decision, rule, violation)
                seen[mark] = seen.get(mark, 0) + 1
                index = identifiers.index(rule.identifier)
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


def _pascal(identifier: str) -> str:
    """The readable name that viewers want beside the identifier: `production.no-critical`, `ProductionNoCritical`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^a-zA-Z0-9]+", identifier))


def _plain(text: str) -> str:
    """Text without SARIF's embedded links (section 3.11.6): what was quoted must not become one."""
    return printable(text, TEXT).replace("](", "]\\(")
