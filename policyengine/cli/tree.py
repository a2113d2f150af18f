"""`policyengine tree`: the graph of artifacts around an image, verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared, trusting
from policyengine.cli.places import Reach, keeping, reaching

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine tree registry.example.com/prod/app@sha256:…
  policyengine tree --oci-layout image:1.4 --repository registry.example.com/prod/app -o json

Exit codes: 0 somebody trusted signed the image · 1 nobody did · 2 wrong use · 3 something could not be had or listed
"""


@click.command("tree", cls=Command, epilog=EXAMPLES)
@click.argument("reference", metavar="REFERENCE")
@option("--artifact-type", metavar="TYPE", help="Only artifacts of this type, and what leads to them.")
@option("--oci-layout", is_flag=True, help="REFERENCE is `path@digest` or `path:tag` of an OCI image layout.")
@option("--repository", metavar="NAME", help="The repository that a layout's image stands for.")
@option("--at", "--effective-time", "at", metavar="TIME", help="The instant to verify at (RFC 3339); now.")
@option("--offline", is_flag=True, help="Open no connection: layouts only, and nobody is asked about revocation.")
@trusting
@keeping
@reaching
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]",
        help="tree, table or json.")  # fmt: skip
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Show what is attached to an image, who signed each artifact, and what documents are.

    No policy is asked: what these artifacts are worth for it, `eval` decides.
    """
    from policyengine.cli.verdicts import Options, run

    reach = Reach.of(options)
    return run(terminal, Options(**options), reach)
