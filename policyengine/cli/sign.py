"""`policyengine sign`: sign an image or another artifact, for rehearsals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared
from policyengine.cli.places import Reach, reaching

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine sign registry.example.com/prod/app@sha256:… --key acme.key --cert acme.crt
  policyengine sign --oci-layout image@sha256:… --key acme.key --cert acme.crt --expiry 24h

Exit codes: 0 signed · 2 wrong use · 3 could not be fetched or pushed
"""


@click.command("sign", cls=Command, epilog=EXAMPLES)
@click.argument("reference", metavar="REFERENCE")
@option("--key", required=True, metavar="FILE", help="The private key, in PEM and not encrypted.")
@option("--cert", required=True, metavar="FILE", help="Its certificate and whoever issued each, the root last, in PEM.")
@option(
    "--format", "form", type=click.Choice(["cose", "jws"]), default="jws", help="Of the envelope; jws, as Notation."
)
@option("--expiry", metavar="DURATION", help="How long the signature is good for: 24h, 30d.")
@option("--metadata", "-m", multiple=True, metavar="KEY=VALUE", help="Signed with the artifact; may be repeated.")
@option("--timestamp-url", metavar="URL", help="A time stamping authority (RFC 3161).")
@option("--at", "at", metavar="TIME", help="The signing time to state (RFC 3339); now.")
@option("--oci-layout", is_flag=True, help="REFERENCE is `path@digest` or `path:tag` of an OCI image layout.")
@partial(reaching, referrers="tag")  # as `notation sign`, which `notation verify` expects
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Sign an image or another artifact with a key in a file, as `notation sign` does, for rehearsals."""
    from policyengine.cli.signing import Options, sign

    reach = Reach.of(options)
    return sign(terminal, Options(**options), reach)
