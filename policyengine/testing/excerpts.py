"""What stands in the sources: conditions and faults are shown in their author's words."""

from __future__ import annotations

from collections.abc import Iterable

from policyengine.language.source import Source
from policyengine.language.syntax import Span

LONGEST = 80
"""Characters of one excerpt."""


class Excerpts:
    """Texts of stretches of some sources."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._lines = {source.path: source.text.split("\n") for source in sources}

    def text(self, span: Span) -> str:
        """What stands at `span`, in one line and cut short; `…` for a source that is not known."""
        lines = self._lines.get(span.path, [])[span.line - 1 : span.end_line]
        if not lines:
            return "…"
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return cut(" ".join(" ".join(lines).split()))


def cut(text: str) -> str:
    """`text`, no longer than anybody reads in the middle of a sentence."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
