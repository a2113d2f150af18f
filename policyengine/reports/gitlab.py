"""GitLab's code quality report: one entry for each violation, at its rule in the policy."""

from __future__ import annotations

from typing import Any

import msgspec

from policyengine.decision.model import Decision, RuleResult, Violation
from policyengine.reports.formats import Report
from policyengine.reports.safe import json_text, printable
from policyengine.reports.sarif import BEYOND, fingerprint, stated
from policyengine.reports.wording import pinned, sentence

TEXT = 500
SEVERITIES = {("deny", "violated"): "critical", ("deny", "undetermined"): "major"}
"""By effective effect and state; everything else is minor."""


def render(report: Report) -> str:
    """All violations of all images; what is waived is not there, since GitLab has no word for it."""
    entries: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for decision in report.decisions:
        for rule in stated(decision):
            for violation in rule.uncovered:
                mark = fingerprint(decision, rule, violation)
                seen[mark] = seen.get(mark, 0) + 1
                entries.append(_entry(decision, rule, violation, f"{mark}{seen[mark]:08x}"))
    return json_text(msgspec.json.format(msgspec.json.encode(entries), indent=2).decode()) + "\n"


def _entry(decision: Decision, rule: RuleResult, violation: Violation, mark: str) -> dict[str, Any]:
    kind = (rule.effective_effect, violation.state)
    return {
        "description": printable(f"{rule.title}: {sentence(rule, violation)} ({pinned(decision)})", TEXT),
        "check_name": printable(rule.identifier),
        "fingerprint": mark,
        "severity": "blocker" if rule.identifier == BEYOND else SEVERITIES.get(kind, "minor"),
        "location": {"path": printable(rule.path.removeprefix("./")), "lines": {"begin": max(rule.line, 1)}},
    }
