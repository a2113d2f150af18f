"""`policyengine cache`: what is kept between runs, and how to be rid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policyengine.cli.commands import Command, option, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine cache info
  policyengine cache prune --older-than 30d
  policyengine cache prune --max-size 100M

Exit codes: 0 done · 2 wrong use
"""


@click.command("cache", cls=Command, epilog=EXAMPLES)
@click.argument("action", type=click.Choice(["info", "prune"]))
@option("--all", "everything", is_flag=True, help="Remove everything.")
@option("--older-than", metavar="DURATION", help="Remove what was not used for so long: 12h, 30d.")
@option("--max-size", metavar="SIZE", help="Remove what was used least recently, until so much is left: 100M.")
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(
    terminal: Terminal,
    action: str,
    everything: bool,
    older_than: str | None,
    max_size: str | None,
    outputs: tuple[str, ...],
) -> int:
    """Show what is kept between runs (`info`), or remove some of it (`prune`).

    Kept are contents of registries by their digests, compiled policies and revocation lists. All of it can be had
    again: nothing is decided by it that would not be decided without.
    """
    from policyengine.cli import keeping

    if action == "info":
        return keeping.info(terminal, outputs, bool(everything or older_than or max_size))
    return keeping.prune(terminal, outputs, everything, older_than, max_size)
