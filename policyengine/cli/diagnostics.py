"""Problems of policies, for whoever asks: people, programs and pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError
from policyengine.language import render
from policyengine.language.codes import TITLES, severity
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.source import Source, read
from policyengine.reports.json import dump
from policyengine.reports.look import Page
from policyengine.reports.safe import orderless
from policyengine.reports.wording import plural

SHOWN = 10
"""Problems that other commands than `check` show."""


class Checked(Struct, frozen=True):
    """What checking some sources found, and how many policies they are if they compile."""

    sources: Sequence[Source]
    found: Sequence[Diagnostic]
    policies: int = 0

    @property
    def errors(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.found)


def shown(terminal: Terminal, form: str, checked: Checked) -> str:
    """What was found, in one of `check`'s formats."""
    if form == "json":
        return dump(render.as_json(checked.found))
    if form in ("github", "azure"):
        return {"github": render.github, "azure": render.azure}[form](checked.found)
    page = Page(terminal.look())
    page.line(page.mark("deny" if checked.errors else "allow"), f" {_verdict(checked)}")
    problems = () if terminal.quiet else checked.found
    text = render.text(problems, checked.sources, page.look.colour)
    return (f"{orderless(text)}\n" if text else "") + page.text()


def _verdict(checked: Checked) -> str:
    counted = render.summary(checked.found)
    if checked.errors:
        return counted
    files = f"{plural(len(checked.sources), 'file')} {'compiles' if len(checked.sources) == 1 else 'compile'}"
    return f"{files}, {counted}" if counted else files


def catalogue(terminal: Terminal, form: str) -> str:
    """Every code that a diagnostic can have, with its title: a table, or JSON."""
    if form == "json":
        codes = [{"code": code, "severity": severity(code), "title": title} for code, title in TITLES.items()]
        return dump({"schemaVersion": "1", "codes": codes})
    page = Page(terminal.look())
    for code, title in TITLES.items():
        page.line((code, "yellow" if severity(code) == "warning" else "red"), f"  {title}", hang=6)
    return page.text()


def explain(terminal: Terminal, found: Sequence[Diagnostic]) -> None:
    """Show the errors among `found` on standard error, with the lines that they are about."""
    import sys

    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    text = render.text(errors[:SHOWN], _sources(errors[:SHOWN]), terminal.look(sys.stderr).colour)
    terminal.complain(orderless(f"{text}\n" if text else ""))


def _sources(found: Iterable[Diagnostic]) -> list[Source]:
    """The files that problems are in, as far as they can be read again."""
    sources = []
    for path in dict.fromkeys(diagnostic.span.path for diagnostic in found):
        try:
            sources.append(read(Path(path)))
        except UsageError:
            continue
    return sources
