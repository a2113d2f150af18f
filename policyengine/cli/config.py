"""`policyengine config`: every setting with its value, and where that comes from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared

if TYPE_CHECKING:
    from policyengine.cli.configuration import File
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine config
  policyengine config --config policyengine.toml -o json

Exit codes: 0 valid · 2 not valid, with the place
"""


WIDEST = 40
"""Columns that a value takes before what says where it comes from."""


class Config(Command):
    """A command that shows what the others are given, and so takes no setting for its own."""

    settled = False


@click.command("config", cls=Config, epilog=EXAMPLES)
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, outputs: tuple[str, ...], config: str | None, no_config: bool) -> int:
    """Show each setting: its value, and whether the environment, a file or nobody says so.

    Options of a command beat all of them.
    """
    from policyengine.cli.configuration import configuration
    from policyengine.cli.output import outputs as parsed
    from policyengine.cli.output import put
    from policyengine.reports.json import dump

    wanted = parsed(outputs, ("table", "json"))
    file = configuration(config, no_config, os.environ)
    rows = settings(file)
    for output in wanted:
        put(terminal, output, dump(document(file, rows)) if output.format == "json" else text(terminal, file, rows))
    return 0


def settings(file: File | None) -> list[dict[str, Any]]:
    """Every setting as JSON shows it; raises `UsageError` for one with a wrong value."""
    from policyengine.cli.settings import SETTINGS

    return [_setting(name, file) for name in SETTINGS]


def _setting(name: str, file: File | None) -> dict[str, Any]:
    from policyengine.cli.settings import SETTINGS, from_environment, may_be_found, variable

    said = from_environment(name, os.environ)
    if said is not None:
        return {"name": name, "value": said, "from": "environment", "place": variable(name)}
    value = file.value(name) if file is not None else None
    if file is None or value is None:
        return {"name": name, "value": None, "from": "default", "default": SETTINGS[name].default}
    row = {"name": name, "value": value, "from": "file", "place": file.place(name)}
    if not file.named:
        row["needs"] = [] if may_be_found(name, value, "eval") else ["--config"]
    return row


def unread() -> list[str]:
    """Variables that look like settings, and are none."""
    from policyengine.cli.configuration import NAMING
    from policyengine.cli.settings import PREFIX, SETTINGS, variable
    from policyengine.evidence.problems import closest

    known = {NAMING, *map(variable, SETTINGS)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known and closest(name, known))


def document(file: File | None, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The settings as JSON."""
    found = {"file": {"path": file.path, "named": file.named}} if file is not None else {}
    return {"schemaVersion": "1", **found, "settings": rows, "unread": unread()}


def text(terminal: Terminal, file: File | None, rows: list[dict[str, Any]]) -> str:
    """The settings for people."""
    from policyengine.reports.look import Page

    page = Page(terminal.look())
    page.line(("configuration", "bold"), f"  {_origin(file)}")
    page.blank()
    width, wide = max(len(row["name"]) for row in rows), min(max(len(_shown(row)) for row in rows), WIDEST)
    for row in rows:
        page.line((f"{row['name']:{width}}", "bold"), f"  {_shown(row):{wide}}", ("  " + _from(row), "dim"), indent=2)
        if row.get("needs"):
            page.line(("counts for no decision unless --config names the file", "yellow"), indent=width + 4)
    for name in unread():
        page.blank()
        page.line(page.mark("warn"), f" nothing reads the variable {name}")
    return page.text()


def _origin(file: File | None) -> str:
    if file is None:
        return "none: no policyengine.toml, and no [tool.policyengine] in a pyproject.toml, here or above"
    return f"{file.path}, {'as named' if file.named else 'found, not named'}"


def _shown(row: dict[str, Any]) -> str:
    value = row["value"] if row["value"] is not None else row["default"]
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _from(row: dict[str, Any]) -> str:
    return str(row.get("place", row["from"]))
