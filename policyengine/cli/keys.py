"""`policyengine keys generate-test`: a key to rehearse with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policyengine.cli.commands import Command, option, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine keys generate-test acme.io
  policyengine keys generate-test ci --type P-256 --days 30

Whoever can read the file of a test key can sign with it.

Exit codes: 0 written · 2 wrong use
"""
KINDS = click.Choice(["RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "P-521"], case_sensitive=False)


@click.command("keys", cls=Command, epilog=EXAMPLES)
@click.argument("action", type=click.Choice(["generate-test"]))
@click.argument("name")
@option("--type", "kind", type=KINDS, default="RSA-2048", help="The kind of key; RSA-2048, as Notation makes them.")
@option("--days", type=click.IntRange(1, 3650), default=1, metavar="N", help="How long its certificate is valid; 1.")
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@shared
def command(terminal: Terminal, action: str, name: str, kind: str, days: int, outputs: tuple[str, ...]) -> int:  # noqa: ARG001 # there is one
    """Make test keys: a key, its self-signed certificate and a trust store that holds it, where Notation keeps them."""
    from policyengine.cli.signing import generate

    return generate(terminal, name, kind, days, outputs)
