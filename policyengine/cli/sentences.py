"""Sentences of conditions for people, as indented lines, and for programs."""

from __future__ import annotations

from typing import Any

from policyengine.language.sentences import Sentence
from policyengine.reports.json import given
from policyengine.reports.look import Page

STEP = 2
STYLES = {"true": "green", "false": "red", "unknown": "yellow"}
WIDTH = len("unknown  ")
"""Columns of a value, which stands before its sentence so that values read as a column."""


def show(page: Page, sentence: Sentence, indent: int, depth: int = 0) -> None:
    """The sentence and its parts, each below the whole; values come first where there are any."""
    space = " " * (STEP * depth)
    named = sentence.label and not sentence.text.startswith(f"{sentence.label} ")
    label = (f"{sentence.label} ", "dim") if named else ""
    told = "; ".join(f"{each.text}: {each.value}" for each in sentence.told)
    value = [(f"{sentence.value:{WIDTH}}", STYLES.get(sentence.value, ""))] if _valued(sentence) else []
    hang = WIDTH * bool(value) + len(space) + 2 * STEP
    beside = (f"  ({told})", "dim") if told else ""
    page.line(*value, space, label, sentence.text, beside, indent=indent, hang=hang)
    for reason in sentence.why:
        page.line(("not known: ", "yellow"), reason, indent=indent + hang)
    for part in sentence.parts:
        show(page, part, indent, depth + 1)


def _valued(sentence: Sentence) -> bool:
    return bool(sentence.value) or any(map(_valued, sentence.parts))


def as_json(sentence: Sentence | None) -> dict[str, Any] | None:
    """A sentence as programs get it; nothing for none."""
    if sentence is None:
        return None
    return given(
        label=sentence.label or None,
        text=sentence.text,
        value=sentence.value or None,
        missing=list(sentence.why) or None,
        values=[{"text": each.text, "value": each.value} for each in sentence.told] or None,
        parts=[as_json(part) for part in sentence.parts] or None,
    )
