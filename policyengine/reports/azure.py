"""Logging commands of Azure's agent: one issue for each rule, the output variable `decision`, and the task's result.

This file and `github.py` are the only ones that write commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policyengine.decision.combine import worst
from policyengine.decision.model import Decision, RuleResult
from policyengine.reports.formats import Report
from policyengine.reports.safe import azure_data, azure_property, orderless, printable
from policyengine.reports.wording import WORDS, counts, digested, grouped, pinned

LEVELS = {"deny": "error", "warn": "warning"}
TEXT = 1_000


def render(report: Report) -> str:
    """A line and the issues of each image, then what the pipeline is told about all of them."""
    lines = [line for decision in report.decisions for line in _lines(decision, everything=report.look.everything)]
    word = worst(decision.decision for decision in report.decisions)
    lines.append(f"##vso[task.setvariable variable=decision;isOutput=true]{word}")
    if report.summary:
        lines.append(f"##vso[task.uploadsummary]{azure_data(report.summary)}")
    lines.append(f"##vso[task.complete result={_result(report, word)};]{WORDS[word]}")
    return "".join(f"{line}\n" for line in lines)


def _result(report: Report, word: str) -> str:
    """The task's result; a denial that is not to fail (`--no-fail`) and warnings are issues."""
    if report.exit_code:
        return "Failed"
    warned = any(rule.uncovered for decision in report.decisions for rule in decision.rules)
    return "SucceededWithIssues" if word != "allow" or warned else "Succeeded"


def _lines(decision: Decision, *, everything: bool) -> Iterator[str]:
    yield orderless(printable(f"{WORDS[decision.decision]} {pinned(decision)}  {counts(decision.rules)}".rstrip()))
    for rule in decision.rules:
        if rule.uncovered:
            yield _issue(LEVELS.get(rule.effective_effect, "error"), rule)
            yield from _group(grouped(rule, everything=everything))
    if not decision.allowed:
        for reason in decision.reasons:
            yield f"##vso[task.logissue type=error;]{azure_data(printable(reason.message, TEXT))}"


def _group(lines: Sequence[str]) -> Iterator[str]:
    """Lines that the log's viewer folds behind the first."""
    texts = [orderless(printable(line, TEXT)) for line in lines]
    if texts:
        yield from (f"##[group]{texts[0]}", *texts[1:], "##[endgroup]")


def _issue(level: str, rule: RuleResult) -> str:
    place = f"sourcepath={azure_property(rule.path)};linenumber={rule.line};code={azure_property(rule.identifier)};"
    text = azure_data(printable(f"{rule.title}: {digested(rule)}", TEXT))
    return f"##vso[task.logissue type={level};{place}]{text}"
