"""TAP 14: a test point for each rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policyengine.decision.model import Decision, RuleResult
from policyengine.reports.formats import Report
from policyengine.reports.safe import orderless, printable
from policyengine.reports.wording import covered_by, pinned, sentence


def render(report: Report) -> str:
    """A point for each rule of each image, and one for each reason beyond the rules."""
    return document([point for decision in report.decisions for point in _points(decision)])


def document(points: Sequence[Point]) -> str:
    """Test points as one document, which no reader of logs obeys."""
    lines = ["TAP version 14", f"1..{len(points)}"]
    for number, (passed, title, directive, details) in enumerate(points, 1):
        lines.append(f"{'ok' if passed else 'not ok'} {number} - {title}{directive}")
        lines += ["  ---", *(f"  {line}" for line in details), "  ..."] if details else []
    return orderless("\n".join([*lines, ""]))


Point = tuple[bool, str, str, list[str]]
"""Whether it passed, its name, its directive, and the lines of its YAML block."""


def _points(decision: Decision) -> Iterator[Point]:
    image = pinned(decision)
    for rule in decision.rules:
        yield _point(decision, rule, f"{name(rule.identifier)} {name(image)}")
    for reason in decision.reasons:
        yield decision.allowed, f"policyengine.decision {name(image)}", "", [f"message: {quoted(reason.message)}"]
    if not decision.rules and not decision.reasons:
        yield decision.allowed, f"policyengine.decision {name(image)}", "", []


def _point(decision: Decision, rule: RuleResult, title: str) -> Point:
    if rule.status == "not-applicable":
        return True, title, " # SKIP the policy does not apply", []
    if rule.status == "waived":
        return True, title, f" # SKIP {name(covered_by(decision.waivers, rule.violations[0]) or 'waived')}", []
    if not rule.uncovered:
        return True, title, "", []
    severity = "fail" if rule.effective_effect == "deny" else "warn"
    details = [f"message: {quoted(rule.title)}", f"severity: {severity}", f"at: {quoted(f'{rule.path}:{rule.line}')}"]
    details += ["violations:", *(f"  - {quoted(sentence(rule, violation))}" for violation in rule.uncovered)]
    return rule.effective_effect != "deny", title, "", details


def name(text: str) -> str:
    """Text of a test point: `#` would begin a directive."""
    return printable(text, 500).replace("\\", "\\\\").replace("#", "\\#")


def quoted(text: str) -> str:
    """A double-quoted YAML scalar."""
    escaped = printable(text, 1_000).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
