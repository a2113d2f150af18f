"""`policyengine init`: something to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policyengine.cli.commands import Command, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine init
  policyengine init service/ && policyengine test service/policies/

Exit codes: 0 done · 2 wrong use
"""


@click.command("init", cls=Command, epilog=EXAMPLES)
@click.argument("folder", default=".", metavar="[DIR]")
@shared
def command(terminal: Terminal, folder: str) -> int:
    """Write a policy with tests, a sketch of a trust policy, and the pipeline file for the CI that is found.

    Asks nothing and overwrites nothing: what is there already is kept.
    """
    from policyengine.cli.starting import start

    return start(terminal, folder)
