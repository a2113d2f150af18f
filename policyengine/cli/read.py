"""`policyengine read`: what the engine sees in evidence documents, and in signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared, trusting

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine read trivy.sarif sbom.spdx
  trivy image -f json app:1.4 | policyengine read - --list
  policyengine read app.sig
  policyengine read app.sig --digest sha256:… --size 1234 --media-type application/cose
      --subject-media-type application/vnd.oci.image.manifest.v1+json

Exit codes: 0 read, or verified · 1 unreadable, another kind than --as says, or refused · 2 wrong use
"""
SIGNATURE = "Signatures"
KINDS = click.Choice(["scan", "sbom", "vex", "provenance"])


@click.command("read", cls=Command, epilog=EXAMPLES)
@click.argument("files", nargs=-1, metavar="FILE…")
@option("--as", "kind", type=KINDS, help="Demand that the document is of this kind.")
@option("--list", "listed", is_flag=True, help="List every finding and package too.")
@option("--digest", topic=SIGNATURE, metavar="DIGEST", help="Verify FILE as a signature of the artifact that has it.")
@option("--size", topic=SIGNATURE, type=int, metavar="BYTES", help="The size of that artifact.")
@option("--subject-media-type", topic=SIGNATURE, metavar="TYPE", help="The media type of that artifact.")
@option(
    "--media-type", topic=SIGNATURE, metavar="TYPE", help="The media type of FILE: application/cose or …/jose+json."
)
@option("--repository", topic=SIGNATURE, metavar="NAME", help="The repository that the trust policy is asked about.")
@option("--at", "--effective-time", "at", topic=SIGNATURE, metavar="TIME", help="The instant to verify it at; now.")
@option("--offline", topic=SIGNATURE, is_flag=True, help="Ask nobody about revocation.")
@trusting
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Show what the engine sees in evidence documents, by their content; `-` is standard input.

    A signature is shown, and verified where the artifact is named that it is for.
    """
    from policyengine.cli.envelope import Asked
    from policyengine.cli.reading import Options, run

    asked = Asked(**{name: options.pop(name) for name in Asked.__struct_fields__})
    return run(terminal, Options(**options, asked=asked))
