"""`policyengine compare`: which decisions change with other policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, judging, option, shared
from policyengine.cli.identifying import Identity, identifying
from policyengine.cli.options import sourcing, without

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine compare registry.example.com/prod/app:1.4 --policies policies/ --with proposal/
  policyengine compare --from-file production.txt --policies policies/ --with policies/ --with-environment production
  policyengine compare --recorded friday.tar --with proposal/ -o json

Exit codes: 0 every decision and every rule that fires is the same · 1 something changes · 2 wrong use or invalid
policy · 3 could not decide about an image, by either
"""


@click.command("compare", cls=Command, epilog=EXAMPLES)
@click.argument("arguments", nargs=-1, metavar="REFERENCE…")
@option("--policies", "before", multiple=True, metavar="PATH", help="The policies that decide today.")
@option("--with", "after", multiple=True, metavar="PATH", help="The policies to compare them with.")
@option("--with-environment", metavar="NAME", help="The environment of the latter; that of --environment.")
@option("--with-param", "with_parameters", multiple=True, metavar="NAME=VALUE",
        help="A `param` of the latter; where there is none, those of --param.")  # fmt: skip
@option("--recorded", topic="Images", multiple=True, metavar="FILE",
        help="The images of a record of eval, as they were; its policies where --policies names none.")  # fmt: skip
@sourcing
@identifying
@without("policies")
@judging
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@option("--all", "everything", topic="Output", is_flag=True, help="Show every violation that comes or goes.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Show which decisions change, and by which rules, when other policies decide about the same evidence.

    Everything about an image is fetched once, and both policy sets decide about it at the same instant.
    """
    from policyengine.cli.asking import Options
    from policyengine.cli.comparing import Sides, run

    own = {name: options.pop(name) for name in ("before", "after", "with_environment", "with_parameters", "recorded")}
    identity = Identity.of(options)
    return run(terminal, Options(identity=identity, **options), Sides(**own))
