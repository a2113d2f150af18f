"""`policyengine pull`: fetch evidence into a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared
from policyengine.cli.places import Reach, reaching

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine pull registry.example.com/prod/app@sha256:… --to evidence
  policyengine pull registry.example.com/prod/app:1.4 --artifact-type application/sarif+json
  policyengine pull --oci-layout image@sha256:… --force

Exit codes: 0 pulled · 1 bytes of another digest · 2 wrong use, or a file is in the way · 3 something could not be had
"""


@click.command("pull", cls=Command, epilog=EXAMPLES)
@click.argument("reference", metavar="REFERENCE")
@option("--to", default=".", metavar="DIR", help="The folder; made where there is none. The current one.")
@option("--all", "everything", is_flag=True, help="Of an artifact that is no image: what is attached to it too.")
@option("--artifact-type", metavar="TYPE", help="Only what is attached under this type.")
@option("--depth", type=click.IntRange(1, 8), metavar="N", help="Levels of what refers to what; all of them.")
@option("--force", is_flag=True, help="Write over files that are there.")
@option("--oci-layout", is_flag=True, help="REFERENCE is `path@digest` or `path:tag` of an OCI image layout.")
@reaching
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Fetch into a folder: of an image everything that is attached to it, of another artifact its own files.

    Files are called after their titles as far as those are harmless; what is attached to an image after the digest
    of its artifact too. Digests are checked, signatures are not: see `eval` and `tree`.
    """
    from policyengine.cli.pulling import Options, run

    reach = Reach.of(options)
    return run(terminal, Options(**options), reach)
