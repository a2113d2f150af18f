"""`policyengine attach`: attach files to an image or another artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared
from policyengine.cli.places import Reach, reaching

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine attach registry.example.com/prod/app@sha256:… trivy.sarif
  policyengine attach registry.example.com/prod/app:1.4 report.json --artifact-type application/vnd.example.report
  policyengine attach --oci-layout image:1.4 sbom.spdx.json -a team=payments

Exit codes: 0 attached · 1 the registry stored something else · 2 wrong use · 3 could not be fetched or pushed
"""


@click.command("attach", cls=Command, epilog=EXAMPLES)
@click.argument("reference", metavar="REFERENCE")
@click.argument("files", nargs=-1, metavar="FILE[:TYPE]…")
@option("--artifact-type", metavar="TYPE", help="What it is; where the content shows that, it may be left out.")
@option("-a", "--annotation", "annotations", multiple=True, metavar="KEY=VALUE", help="May be repeated.")
@option("--at", metavar="TIME", help="The time of creation to state (RFC 3339); SOURCE_DATE_EPOCH, or now.")
@option("--platform", metavar="OS/ARCH[/VARIANT]", help="Attach to one platform of an index.")
@option("--oci-layout", is_flag=True, help="REFERENCE is `path@digest` or `path:tag` of an OCI image layout.")
@reaching
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Attach files to an image or another artifact, as `oras attach` does.

    TYPE is a file's media type. What is attached counts as evidence when somebody trusted signs it: see `sign`.
    """
    from policyengine.cli.attaching import Options, run

    reach = Reach.of(options)
    return run(terminal, Options(**options), reach)
