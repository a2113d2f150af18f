"""`policyengine read`: what the engine sees in evidence documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine read trivy.sarif sbom.spdx
  trivy image -f json app:1.4 | policyengine read - --list

Exit codes: 0 read · 1 unreadable, or another kind than --as says · 2 wrong use
"""
KINDS = click.Choice(["scan", "sbom", "vex", "provenance"])


@click.command("read", cls=Command, epilog=EXAMPLES)
@click.argument("files", nargs=-1, metavar="FILE…")
@option("--as", "kind", type=KINDS, help="Demand that the document is of this kind.")
@option("--list", "listed", is_flag=True, help="List every finding and package too.")
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Show what the engine sees in evidence documents, by their content; `-` is standard input."""
    from policyengine.cli.reading import Options, run

    return run(terminal, Options(**options))
