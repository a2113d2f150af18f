"""Diagnostics as people, scripts and pipelines read them.

```
error[E009]: `==` is written `is`
 --> production.policy:3:41
  |
3 |   forbid finding where finding.severity == HIGH
  |                                         ^^
```

What is shown of a policy may have been written by anybody who can send a change to it, and what is
printed is read by terminals and by the agents of pipelines, which both obey some texts. So nothing here
prints a character that cannot be seen, nor a line that an agent takes for an order.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from policyengine.language.diagnostics import Diagnostic
from policyengine.language.source import Source
from policyengine.language.syntax import Span

TAB = "    "
WIDEST = 120
"""Columns of a source line that are shown; of a longer one, the part around the underlined text."""

BEFORE = 60
"""Columns that are shown before the underlined text of such a line."""

UNSEEN = ("C", "M", "Zl", "Zp")
"""Unicode categories that are shown as escapes: controls, formats, marks (they paint over others), separators."""

FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters by their category, blanks to the eye."""


class Style(Struct, frozen=True):
    """The escape sequences around the parts of a report; all empty where no colour is asked for."""

    error: str = ""
    warning: str = ""
    frame: str = ""
    hint: str = ""
    end: str = ""


PLAIN = Style()
COLOURED = Style(error="\x1b[1;31m", warning="\x1b[1;33m", frame="\x1b[34m", hint="\x1b[36m", end="\x1b[0m")


# ---------------------------------------------------------------------------- for people


def text(diagnostics: Sequence[Diagnostic], sources: Iterable[Source], color: bool = False) -> str:
    """Every diagnostic with its line, as lines of text; empty if there are none. `sources` has the files."""
    lines = {source.path: source.text.split("\n") for source in sources}
    style = COLOURED if color else PLAIN
    return "\n".join(_report(diagnostic, lines.get(diagnostic.span.path, []), style) for diagnostic in diagnostics)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many there are: `2 errors and 1 warning`; empty if there are none."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    counts = [(severities.count(severity), severity) for severity in ("error", "warning")]
    return " and ".join(f"{count} {severity}{'s' * (count > 1)}" for count, severity in counts if count)


def _report(diagnostic: Diagnostic, lines: Sequence[str], style: Style) -> str:
    span = diagnostic.span
    line = lines[span.line - 1].removesuffix("\r") if 0 < span.line <= len(lines) else None
    margin = " " * len(str(span.line))
    paint = style.error if diagnostic.severity == "error" else style.warning
    bar = f"{style.frame}{margin} |{style.end}"
    parts = [
        f"{paint}{diagnostic.severity}[{diagnostic.code}]{style.end}: {visible(diagnostic.message)}",
        f"{style.frame}{margin}-->{style.end} {visible(span.path)}:{span.line}:{span.column}",
    ]
    if line is not None:
        shown, marks = _excerpt(line, span)
        number = f"{style.frame}{span.line} |{style.end}"
        parts += [bar, f"{number} {shown}".rstrip(), f"{bar} {paint}{marks}{style.end}"]
    parts += [
        f"{style.frame}{margin} ={style.end} {style.hint}{word}:{style.end} {visible(said)}"
        for word, said in _remarks(diagnostic)
    ]
    return "\n".join(parts) + "\n"


def _remarks(diagnostic: Diagnostic) -> list[tuple[str, str]]:
    """What is said under the line: notes, the help, and the suggestion unless it was mentioned already."""
    remarks = [("note", note) for note in diagnostic.notes]
    if diagnostic.help:
        remarks.append(("help", diagnostic.help))
    suggested = f"`{diagnostic.suggestion}`"
    if diagnostic.suggestion is not None and suggested not in diagnostic.message + (diagnostic.help or ""):
        remarks.append(("help", f"write {suggested}"))
    return remarks


def _excerpt(line: str, span: Span) -> tuple[str, str]:
    """The line as it is shown, and the marks under the text of the span (of its first line, if it has several)."""
    first, last = span.column - 1, span.end_column - 1 if span.end_line == span.line else len(line)
    start, line = max(0, first - WIDEST), line[max(0, first - WIDEST) : first + WIDEST]
    cells = _cells(line)
    before, under = cells[: first - start], cells[first - start : max(last, first + 1) - start]
    space, marks = _width(before) + first - start - len(before), _width(under) or 1
    shown, cut = "".join(cells), 0
    if space > WIDEST - BEFORE and (start or space + marks > WIDEST):
        kept = _last(before, BEFORE)
        shown, cut = "…" + "".join(kept + cells[len(before) :]), space - _width(kept) - 1
    return _cropped(shown), " " * (space - cut) + "^" * min(marks, WIDEST)


def _last(cells: list[str], width: int) -> list[str]:
    """The last cells, as many as fit."""
    kept = len(cells)
    while kept and width >= _width(cells[kept - 1 : kept]):
        kept -= 1
        width -= _width(cells[kept : kept + 1])
    return cells[kept:]


def _cropped(shown: str) -> str:
    return shown if len(shown) <= 2 * WIDEST else shown[: 2 * WIDEST] + "…"


def visible(text: str) -> str:
    """`text` on one line, with an escape for each character that cannot be seen or is an order's beginning."""
    return text if text.isascii() and text.isprintable() and "##" not in text else "".join(_cells(text))


def _cells(text: str) -> list[str]:
    """Each character as it is shown."""
    return [_cell(character, before) for character, before in zip(text, " " + text, strict=False)]


def _cell(character: str, before: str) -> str:
    if character == "\t":
        return TAB
    if character == "#" and before == "#":  # `##vso[` and `##[` are orders to the agents of pipelines
        return "\\#"
    if character.isascii() and character.isprintable():
        return character
    if character in FILLERS or unicodedata.category(character).startswith(UNSEEN):
        return f"\\u{{{ord(character):x}}}"
    return " " if character.isspace() else character


def _width(cells: Iterable[str]) -> int:
    """Columns of a terminal that the cells take."""
    return sum(len(c) if c.isascii() else 1 + (unicodedata.east_asian_width(c) in "WF") for c in cells)


# ---------------------------------------------------------------------------- for scripts


def as_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """The document of `check -o json`, schema version 1."""
    return {"schemaVersion": "1", "diagnostics": [_record(diagnostic) for diagnostic in diagnostics]}


def _record(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    record: dict[str, Any] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "file": span.path,
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "message": diagnostic.message,
        "notes": list(diagnostic.notes),
    }
    if diagnostic.help is not None:
        record["help"] = diagnostic.help
    if diagnostic.suggestion is not None:
        record["suggestion"] = diagnostic.suggestion
    return record


# ---------------------------------------------------------------------------- for pipelines


def github(diagnostics: Iterable[Diagnostic]) -> str:
    """Annotations of GitHub's runner, one line each."""
    return "".join(_github(diagnostic) for diagnostic in diagnostics)


def _github(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    place = {"file": span.path, "line": span.line, "col": span.column}
    if span.end_line == span.line:  # the runner wants no columns of a stretch of several lines
        place["endColumn"] = span.end_column
    given = {**place, "endLine": span.end_line, "title": diagnostic.code}
    escapes = {"%": "%25", ":": "%3A", ",": "%2C"}
    properties = ",".join(f"{name}={_escaped(visible(str(value)), escapes)}" for name, value in given.items())
    return f"::{diagnostic.severity} {properties}::{_said(diagnostic, {'%': '%25'})}\n"


def azure(diagnostics: Iterable[Diagnostic]) -> str:
    """Issues of Azure Pipelines' agent, one line each."""
    return "".join(_azure(diagnostic) for diagnostic in diagnostics)


def _azure(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    given = {
        "type": diagnostic.severity,
        "sourcepath": span.path,
        "linenumber": span.line,
        "columnnumber": span.column,
        "code": diagnostic.code,
    }
    escapes = {"%": "%AZP25", "]": "%5D", ";": "%3B"}
    properties = "".join(f"{name}={_escaped(visible(str(value)), escapes)};" for name, value in given.items())
    return f"##vso[task.logissue {properties}]{_said(diagnostic, {'%': '%AZP25'})}\n"


def _said(diagnostic: Diagnostic, escapes: dict[str, str]) -> str:
    """The message and what is said under it, as the data of a command: lines are divided by an escape."""
    lines = [diagnostic.message, *(f"{word}: {said}" for word, said in _remarks(diagnostic))]
    return "%0A".join(_escaped(visible(line), escapes) for line in lines)


def _escaped(text: str, escapes: dict[str, str]) -> str:
    for character, escape in escapes.items():
        text = text.replace(character, escape)
    return text
