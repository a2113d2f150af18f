"""`policyengine check`: compile policies and show every problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policyengine.cli.commands import Command, option, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine check policies/
  policyengine check policies/ -o github

Exit codes: 0 compiles · 2 does not
"""
INVALID = 2


@click.command("check", cls=Command, epilog=EXAMPLES)
@click.argument("policies", nargs=-1, metavar="POLICIES…")
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]",
        help="table, json, github or azure.")  # fmt: skip
@shared
def command(terminal: Terminal, policies: tuple[str, ...], outputs: tuple[str, ...]) -> int:
    """Compile policies, nothing else, and show every problem of every file at once."""
    from policyengine.cli.diagnostics import Checked, shown
    from policyengine.cli.output import outputs as parsed
    from policyengine.cli.output import put
    from policyengine.errors import PolicyError
    from policyengine.language.policyset import PolicySet, read_all

    wanted = parsed(outputs, ("table", "json", "github", "azure"))
    sources = read_all(policies)
    try:
        compiled = PolicySet.compile(sources)
        checked = Checked(sources, compiled.warnings, len(compiled.policies))
    except PolicyError as error:
        checked = Checked(sources, error.diagnostics)
    for output in wanted:
        put(terminal, output, shown(terminal, output.format, checked))
    return INVALID if checked.errors else 0
