"""Workflow commands of GitHub's runner: one annotation for each rule that does not hold.

The runner shows ten errors and ten warnings of a step, so rules are counted, not violations. This file and `azure.py`
are the only ones that write commands.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyengine.decision.model import Decision, RuleResult
from policyengine.reports.formats import Report
from policyengine.reports.safe import github_data, github_property, orderless, printable
from policyengine.reports.wording import WORDS, counts, digested, pinned

LEVELS = {"deny": "error", "warn": "warning"}
TEXT = 1_000


def render(report: Report) -> str:
    """A line for each image, and the commands that make its annotations."""
    return "".join(f"{line}\n" for decision in report.decisions for line in _lines(decision))


def _lines(decision: Decision) -> Iterator[str]:
    yield orderless(printable(f"{WORDS[decision.decision]} {pinned(decision)}  {counts(decision.rules)}".rstrip()))
    for rule in decision.rules:
        if rule.uncovered:
            yield _annotation(LEVELS.get(rule.effective_effect, "error"), rule, digested(rule))
    if not decision.allowed:
        for reason in decision.reasons:
            yield f"::error title=policyengine::{github_data(printable(reason.message, TEXT))}"


def _annotation(level: str, rule: RuleResult, text: str) -> str:
    place = f"file={github_property(rule.path)},line={rule.line}"
    title = github_property(printable(f"{rule.identifier}: {rule.title}", 200))
    return f"::{level} {place},title={title}::{github_data(printable(text, TEXT))}"
