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
  policyengine check policies/ --at 2026-12-31
  policyengine check --codes

Exit codes: 0 compiles · 2 does not
"""
INVALID = 2


@click.command("check", cls=Command, epilog=EXAMPLES)
@click.argument("policies", nargs=-1, metavar="POLICIES…")
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]",
        help="table, json, github or azure.")  # fmt: skip
@option("--at", metavar="TIME", help="The instant at which waivers must not be over (RFC 3339); now.")
@option("--codes", topic="Output", is_flag=True, help="List every code that a problem can have, as table or json.")
@shared
def command(
    terminal: Terminal, policies: tuple[str, ...], outputs: tuple[str, ...], at: str | None, codes: bool
) -> int:
    """Compile policies, nothing else, and show every problem of every file at once."""
    if codes:
        return _codes(terminal, policies, outputs)
    from policyengine.cli.diagnostics import Checked, shown
    from policyengine.cli.instants import moment
    from policyengine.cli.output import outputs as parsed
    from policyengine.cli.output import put
    from policyengine.errors import PolicyError
    from policyengine.language.diagnostics import order
    from policyengine.language.policyset import PolicySet, read_all

    wanted = parsed(outputs, ("table", "json", "github", "azure"))
    instant = moment(at)
    sources = read_all(policies)
    try:
        compiled = PolicySet.compile(sources)
        found = sorted((*compiled.warnings, *compiled.expiring(instant)), key=order)
        checked = Checked(sources, found, len(compiled.policies))
    except PolicyError as error:
        checked = Checked(sources, error.diagnostics)
    for output in wanted:
        put(terminal, output, shown(terminal, output.format, checked))
    return INVALID if checked.errors else 0


def _codes(terminal: Terminal, policies: tuple[str, ...], outputs: tuple[str, ...]) -> int:
    """List the codes; policies beside that would look as if they had been checked."""
    from policyengine.cli.diagnostics import catalogue
    from policyengine.cli.output import outputs as parsed
    from policyengine.cli.output import put
    from policyengine.errors import UsageError

    if policies:
        raise UsageError("`--codes` lists the codes and checks nothing", "leave out the policies, or `--codes`")
    for output in parsed(outputs, ("table", "json")):
        put(terminal, output, catalogue(terminal, output.format))
    return 0
