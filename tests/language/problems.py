"""What the checker says of a text: the shortest way to write a case."""

from __future__ import annotations

from policyengine.language.checked import Program
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.policyset import check
from policyengine.language.source import Source

RULE = 'rule a deny "t"\n'


def found(*texts: str) -> tuple[Diagnostic, ...]:
    """Every diagnostic of a set whose files have the contents `texts`."""
    return check([Source(f"{number}.policy", text) for number, text in enumerate(texts)])[1]


def errors(*texts: str) -> list[tuple[int, str]]:
    """Line and whole text of each error, in order."""
    return [(d.span.line, whole(d)) for d in found(*texts) if d.severity == "error"]


def warnings(text: str) -> list[tuple[int, str]]:
    """Line and code of each warning, in order."""
    return [(d.span.line, d.code) for d in found(text) if d.severity == "warning"]


def whole(diagnostic: Diagnostic) -> str:
    """Everything that a diagnostic says."""
    parts = (diagnostic.code, diagnostic.message, *diagnostic.notes, diagnostic.help or "", diagnostic.suggestion or "")
    return " ".join(parts)


def program(text: str) -> Program:
    """The checked program of a text without errors."""
    checked, diagnostics = check([Source("0.policy", text)])
    assert [d for d in diagnostics if d.severity == "error"] == []
    return checked
