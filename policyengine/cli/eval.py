"""`policyengine eval`: decide whether images may pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared, trusting
from policyengine.reports import FORMATS

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine eval registry.example.com/prod/app@sha256:… policies/
  policyengine eval registry.example.com/prod/app:1.4 policies/ -o table -o json=decision.json
  policyengine eval --oci-layout image/@sha256:… --repository registry.example.com/prod/app policies/

Exit codes: 0 allow · 1 deny · 2 wrong use or invalid policy · 3 could not decide; of several images 3 beats 1 beats 0.
"""


@click.command("eval", cls=Command, epilog=EXAMPLES)
@click.argument("arguments", nargs=-1, metavar="REFERENCE… POLICIES…")
@option("-p", "--policy", "policies", multiple=True, metavar="PATH", help="A policy file or folder, said outright.")
@option("--oci-layout", is_flag=True, help="REFERENCE is `path@digest` or `path:tag` of an OCI image layout.")
@option("--repository", metavar="NAME", help="The repository that a layout's image stands for.")
@option("--platform", metavar="OS/ARCH[/VARIANT]", help="Decide about one platform of an index.")
@option("--at", "--effective-time", "at", metavar="TIME", help="The instant of the evaluation (RFC 3339); now.")
@option("--environment", metavar="NAME", help="An `environment` of the policies.")
@option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A `param` of the policies.")
@trusting
@option("--registry-config", topic="Registry", metavar="FILE", help="Logins, as `docker login` keeps them.")
@option("--plain-http", topic="Registry", is_flag=True, help="Without TLS; loopback names need no flag.")
@option("--ca-file", topic="Registry", metavar="FILE", help="Certificates of the registry's authority, as PEM.")
@option("--timeout", topic="Registry", type=float, default=60.0, metavar="SECONDS", help="For one image; 60.")
@option("--workers", topic="Registry", type=int, default=8, metavar="N", help="Requests at once; 8.")
@option("--referrers", topic="Registry", type=click.Choice(["auto", "api", "tag"]), default="auto",
        help="How to find what is attached: by the API, by tags, or both.")  # fmt: skip
@option("--offline", topic="Registry", is_flag=True, help="Open no connection: layouts only.")
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]",
        help=f"A report, to standard output or a file; may be repeated: {', '.join(FORMATS)}.")  # fmt: skip
@option("--all", "everything", topic="Output", is_flag=True, help="Show every violation, however many there are.")
@option("--no-fail", topic="Verdict", is_flag=True, help="Exit 0 for a denial; never for 2 or 3.")
@option("--fail-on", topic="Verdict", type=click.Choice(["deny", "warn"]), default="deny",
        help="With `warn`, what warns denies too.")  # fmt: skip
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Decide whether images may pass, by their signatures, scans and SBOMs.

    What names a file or folder that exists is a policy path, the rest are references:
    registry/repository@digest, or :tag, which is resolved once.
    """
    from policyengine.cli.evaluation import Options, run

    return run(terminal, Options(**options))
