"""`policyengine copy`: copy an image with everything attached to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared
from policyengine.cli.places import Reach, reaching

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine copy registry.example.com/prod/app:1.4 --to-oci-layout mirror
  policyengine copy registry.example.com/prod/app@sha256:… other.example.com/prod/app:1.4
  policyengine copy --from-oci-layout mirror:1.4 other.example.com/prod/app

Exit codes: 0 copied · 1 the source's bytes are wrong · 2 wrong use, or the copy cannot be written · 3 not all was had
"""


@click.command("copy", cls=Command, epilog=EXAMPLES)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@option("--from-oci-layout", is_flag=True, help="FROM is `path@digest` or `path:tag` of an OCI image layout.")
@option("--to-oci-layout", is_flag=True, help="TO is the folder of an OCI image layout, or `folder:tag`.")
@reaching
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Copy an image with everything attached to it, byte for byte; an index with all its platforms.

    What is there already is not copied again. The copy gets the source's tag where TO names none.
    """
    from policyengine.cli.copying import Options, run

    reach = Reach.of(options)
    return run(terminal, Options(**options), reach)
