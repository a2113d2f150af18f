"""Workflow commands of GitHub's runner: one annotation for each rule that does not hold.

The runner shows ten errors and ten warnings of a step, so rules are counted, not violations. This file and `azure.py`
are the only ones that write commands.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyengine.decision.model import Decision, RuleResult
from policyengine.reports.formats import Report
from policyengine.reports.safe import github_data, github_property, orderless, printable
from policyengine.reports.wording import WORDS, counts, digested, grouped, pinned

LEVELS = {"deny": "error", "warn": "warning"}
TEXT = 1_000
SHOWN = 10
"""Annotations of one level that the runner takes from a step; it drops the rest without a word."""


def render(report: Report) -> str:
    """The lines of each image, and the commands that make the annotations."""
    lines = [line for decision in report.decisions for line in _lines(decision, everything=report.look.everything)]
    found = [each for decision in report.decisions for each in _annotations(decision)]
    for level in ("error", "warning"):
        texts = [text for kind, text in found if kind == level]
        lines += texts if len(texts) <= SHOWN else [*texts[: SHOWN - 1], _more(level, len(texts) - SHOWN + 1)]
    return "".join(f"{line}\n" for line in lines)


def _lines(decision: Decision, *, everything: bool) -> Iterator[str]:
    """The verdict, and for rules with many violations lines that the log's viewer folds."""
    yield orderless(printable(f"{WORDS[decision.decision]} {pinned(decision)}  {counts(decision.rules)}".rstrip()))
    for rule in decision.rules:
        texts = [orderless(printable(line, TEXT)) for line in grouped(rule, everything=everything)]
        if texts:
            yield from (f"::group::{github_data(texts[0])}", *texts[1:], "::endgroup::")


def _annotations(decision: Decision) -> Iterator[tuple[str, str]]:
    """The level and the command of each rule that does not hold, and of what decides beyond the rules."""
    if not decision.allowed:
        for reason in decision.reasons:
            yield "error", f"::error title=policyengine::{github_data(printable(reason.message, TEXT))}"
    for rule in decision.rules:
        if rule.uncovered:
            level = LEVELS.get(rule.effective_effect, "error")
            yield level, _annotation(level, rule, digested(rule))


def _annotation(level: str, rule: RuleResult, text: str) -> str:
    place = f"file={github_property(rule.path)},line={rule.line}"
    title = github_property(printable(f"{rule.identifier}: {rule.title}", 200))
    return f"::{level} {place},title={title}::{github_data(printable(text, TEXT))}"


def _more(level: str, number: int) -> str:
    return f"::{level} title=policyengine::{number} more are in the summary of this job"
