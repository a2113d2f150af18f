"""`policyengine explain`: what rules mean, why an image was decided about as it was, what a code says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, judging, option, shared
from policyengine.cli.identifying import Identity, identifying

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine explain policies/
  policyengine explain policies/ production.fixable --environment staging
  policyengine explain registry.example.com/prod/app:1.4 policies/ fixable
  policyengine explain --decision decision.json policies/
  policyengine explain E103

Exit codes: 0 explained, of an image also: allow · 1 deny, or not as in the file · 2 wrong use or invalid policy ·
3 could not decide
"""


@click.command("explain", cls=Command, epilog=EXAMPLES)
@click.argument("arguments", nargs=-1, metavar="CODE… | [REFERENCE…] POLICIES… [RULE…]")
@option("--rule", "rules", multiple=True, metavar="GLOB", help="A rule, or POLICY.RULE, said outright.")
@option("--decision", metavar="FILE", help="Decide again as in a file of eval -o json, and say what differs.")
@identifying
@judging
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]", help="table or json.")
@option("--fail-on", topic="Verdict", type=click.Choice(["deny", "warn"]), default="deny",
        help="As eval was told: with `warn`, what warns denies too.")  # fmt: skip
@option("--all", "everything", topic="Output", is_flag=True, help="Show every violation, however many there are.")
@shared
def command(terminal: Terminal, rules: tuple[str, ...], decision: str | None, **options: Any) -> int:
    """Say in plain words what rules mean; with an image, why it is decided about as it is; or what a code means.

    What names a file or folder that exists is a policy path; what holds a `:` or `@` is an image; the rest are
    rules, as RULE or POLICY.RULE, with `*` for any letters. Codes stand by themselves.
    """
    from policyengine.cli.asking import Options
    from policyengine.cli.explaining import run

    identity = Identity.of(options)
    return run(terminal, Options(identity=identity, **options), rules, decision)
