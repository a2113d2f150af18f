"""`policyengine discover`: what is attached to an image or another artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared
from policyengine.cli.places import Reach, keeping, reaching

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine discover registry.example.com/prod/app@sha256:…
  policyengine discover registry.example.com/prod/app:1.4 --artifact-type application/sarif+json
  policyengine discover --oci-layout image:1.4 -o json

Exit codes: 0 shown · 1 what is attached is broken · 2 wrong use · 3 something could not be had or listed
"""


@click.command("discover", cls=Command, epilog=EXAMPLES)
@click.argument("reference", metavar="REFERENCE")
@option("--artifact-type", metavar="TYPE", help="Only artifacts of this type, and what leads to them.")
@option("--depth", type=click.IntRange(1, 8), metavar="N", help="Levels of what refers to what; all of them.")
@option("--oci-layout", is_flag=True, help="REFERENCE is `path@digest` or `path:tag` of an OCI image layout.")
@keeping
@reaching
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]",
        help="tree, table or json.")  # fmt: skip
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Show what is attached to an image or another artifact, and what is attached to that; nothing is verified."""
    from policyengine.cli.discovering import Options, run

    reach = Reach.of(options)
    return run(terminal, Options(**options), reach)
