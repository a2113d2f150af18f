"""Coverage for people and for programs: what tests show of each rule, and what none shows."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.language.syntax import Span
from policyengine.reports.look import Page
from policyengine.testing.coverage import ConditionCoverage, Coverage, PartCoverage

WHOLE = 100


def percentage(text: str | None) -> Fraction:
    """The percentage that `--min` asks for, exactly; 0 where it is not given. Raises `UsageError` for no percentage."""
    if text is None:
        return Fraction()
    found = Fraction(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,9})?", text) else None
    if found is None or found > WHOLE:
        raise UsageError(f"{quoted(text)} is no percentage", "write a number from 0 to 100: --min 90")
    return found


def show(page: Page, coverage: Coverage, minimum: Fraction) -> None:
    """The verdict, then each rule with what was seen of it and what no test shows."""
    enough = coverage.reaches(minimum)
    wanted = "" if enough else f", and {float(minimum):g} % are wanted"
    count = f"{coverage.shown} of {coverage.wanted} outcomes of conditions are shown: {coverage.percent:g} %{wanted}"
    page.line(page.mark("allow" if enough else "deny"), f" {count}")
    for part in coverage.parts if not page.look.quiet else ():
        _part(page, part)


def _part(page: Page, part: PartCoverage) -> None:
    seen = ", ".join(part.states) if part.states else "nothing was seen of it" if part.kind == "rule" else ""
    place = (f"  {part.span.path}:{part.span.line}", "dim")
    page.line(page.mark("allow" if part.complete else "undetermined"), f" {part.name}", place, f"  {seen}", indent=2)
    for condition in part.conditions:
        if condition.missing:
            page.line((f"{_place(condition.span)}: ", "dim"), missing(condition), indent=6)


def missing(condition: ConditionCoverage) -> str:
    """What no test shows of a condition, in words."""
    return f"no test shows `{condition.text}` {' or '.join(condition.missing)}"


def _place(span: Span) -> str:
    return f"{span.path}:{span.line}:{span.column}"


def as_json(coverage: Coverage) -> dict[str, Any]:
    """The key `coverage` of `test -o json`."""
    parts = [
        {
            "kind": part.kind, "name": part.name, "file": part.span.path, "line": part.span.line,
            **({"states": part.states} if part.kind == "rule" else {}),
            "conditions": [_condition(condition) for condition in part.conditions],
        }
        for part in coverage.parts
    ]  # fmt: skip
    return {"percent": coverage.percent, "shown": coverage.shown, "wanted": coverage.wanted, "parts": parts}


def _condition(condition: ConditionCoverage) -> dict[str, Any]:
    return {"text": condition.text, **placed(condition.span), "wanted": condition.wanted, "seen": condition.seen}


def placed(span: Span) -> dict[str, Any]:
    """A stretch of a source as diagnostics give it."""
    return {
        "file": span.path, "line": span.line, "column": span.column, "endLine": span.end_line,
        "endColumn": span.end_column,
    }  # fmt: skip
