"""JUnit XML, as Azure, GitLab and Jenkins read it: a suite for each image, a case for each rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from policyengine.decision.model import Decision, RuleResult
from policyengine.reports.formats import Report
from policyengine.reports.markup import attributes, lines
from policyengine.reports.safe import orderless
from policyengine.reports.wording import covered_by, helps, pinned, sentence


class Case(Struct, frozen=True):
    """One case; at most one of `failure`, `error` and `skipped` says why it did not pass."""

    name: str
    classname: str
    file: str = ""
    line: int = 0
    failure: str | None = None
    error: str | None = None
    skipped: str | None = None
    output: str = ""


class Suite(Struct, frozen=True):
    """One suite; `properties` are facts about all of it."""

    name: str
    cases: Sequence[Case]
    timestamp: str = ""
    properties: Mapping[str, str] = {}


def render(report: Report) -> str:
    """A suite for each image; what passed, what was violated, what nobody could decide, what was waived."""
    return document("policyengine eval", [_suite(decision) for decision in report.decisions])


def _suite(decision: Decision) -> Suite:
    cases = [_case(decision, rule) for rule in decision.rules if rule.status != "not-applicable"]
    beyond = "; ".join(reason.message for reason in decision.reasons)
    if beyond or not cases:
        outage = decision.decision == "error"
        reason = None if decision.allowed else beyond or "no rule applies"
        cases.append(
            Case("decision", "policyengine", failure=None if outage else reason, error=reason if outage else None)
        )
    properties = {"decision": decision.decision, "policySet": decision.policy_set.digest}
    return Suite(pinned(decision), cases, decision.at.strftime("%Y-%m-%dT%H:%M:%S"), properties)


def _case(decision: Decision, rule: RuleResult) -> Case:
    policy, _, name = rule.identifier.rpartition(".")
    case = Case(name, policy, rule.path, rule.line)
    text = "\n".join([rule.title, *(sentence(rule, violation) for violation in rule.uncovered), *helps(rule)])
    if not rule.uncovered:
        waivers = dict.fromkeys(covered_by(decision.waivers, violation) for violation in rule.violations)
        return replace(case, skipped="\n".join(waivers) or "waived") if rule.status == "waived" else case
    if rule.effective_effect == "warn":
        return replace(case, output=f"warning: {text}")
    outage = decision.decision == "error" and all(violation.outside for violation in rule.uncovered)
    return replace(case, error=text) if outage else replace(case, failure=text)


# ---------------------------------------------------------------------------- XML


def document(name: str, suites: Sequence[Suite]) -> str:
    """`suites` as one document, which no reader of logs obeys."""
    cases = [case for suite in suites for case in suite.cases]
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{attributes(name=name, **_counts(cases))}>"]
    for suite in suites:
        parts += _suite_lines(suite)
    return orderless("\n".join([*parts, "</testsuites>", ""]))


def _suite_lines(suite: Suite) -> Iterable[str]:
    stated = {"timestamp": suite.timestamp} if suite.timestamp else {}
    yield f"  <testsuite{attributes(name=suite.name, **_counts(suite.cases), time='0', **stated)}>"
    if suite.properties:
        yield "    <properties>"
        yield from (f"      <property{attributes(name=k, value=v)}/>" for k, v in suite.properties.items())
        yield "    </properties>"
    for case in suite.cases:
        yield from _case_lines(case)
    yield "  </testsuite>"


def _case_lines(case: Case) -> Iterable[str]:
    place = {"file": case.file, "line": str(case.line)} if case.file else {}
    head = f"    <testcase{attributes(name=case.name, classname=case.classname, time='0', **place)}"
    inside = [
        _outcome(tag, text) for tag in ("failure", "error", "skipped") if (text := getattr(case, tag)) is not None
    ]
    if case.output:
        inside.append(f"      <system-out>{lines(case.output)}</system-out>")
    yield from [f"{head}>", *inside, "    </testcase>"] if inside else [f"{head}/>"]


def _outcome(tag: str, text: str) -> str:
    first = text.partition("\n")[0]
    kind = {} if tag == "skipped" else {"type": "policy"}
    return f"      <{tag}{attributes(message=first, **kind)}>{lines(text)}</{tag}>"


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    counted = {
        "failures": sum(case.failure is not None for case in cases),
        "errors": sum(case.error is not None for case in cases),
        "skipped": sum(case.skipped is not None for case in cases),
    }
    return {"tests": str(len(cases)), **{name: str(number) for name, number in counted.items()}}
