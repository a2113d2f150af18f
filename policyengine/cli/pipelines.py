"""What a pipeline gets beside the report: files that GitHub's runner names in the environment of a step."""

from __future__ import annotations

import os
from pathlib import Path

from policyengine.decision.combine import worst
from policyengine.errors import UsageError
from policyengine.reports.formats import Report, render

OUTPUT, SUMMARY = "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"


def tell_github(report: Report) -> None:
    """Set the step's output `decision`, and add the report to the job's summary; raises `UsageError`."""
    word = worst(decision.decision for decision in report.decisions)
    _append(OUTPUT, f"decision={word}\n")
    _append(SUMMARY, render("markdown", report))


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        reason = (error.strerror or "output error").lower()
        raise UsageError(f"cannot write the file that {variable} names: {reason}") from None
