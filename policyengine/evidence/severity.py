"""Severities as tools write them: words, scores, SARIF levels. What is not known is `None`."""

from __future__ import annotations

from decimal import Decimal

from policyengine.evidence.model import Severity

WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "negligible": Severity.LOW,
    "unimportant": Severity.LOW,
    "minimal": Severity.LOW,
    "info": Severity.LOW,
    "informational": Severity.LOW,
    "none": Severity.NONE,
}
"""Below LOW the tools have words of their own. They count as LOW: only "none" says that there is nothing."""

LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW}
"""SARIF levels, for tools that say no more. `none` says nothing about a result that is a failure."""


def from_word(word: str | None) -> Severity | None:
    """The severity that `word` names; `None` for "unknown" and for every word that nobody knows."""
    return WORDS.get(word.strip().lower()) if word else None


def from_score(score: Decimal | None) -> Severity | None:
    """The band of a CVSS score (FIRST, CVSS v3.1, section 5). Zero is how tools write that they have no score."""
    if score is None or not 0 < score <= 10:
        return None
    if score >= 9:
        return Severity.CRITICAL
    if score >= 7:
        return Severity.HIGH
    return Severity.MEDIUM if score >= 4 else Severity.LOW


def from_level(level: str | None) -> Severity | None:
    """The severity that a SARIF level suggests, where there is nothing better."""
    return LEVELS.get(level) if level else None
